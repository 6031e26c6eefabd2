package viewer

import "context"

// Client is what a client says about itself, so that its feed resumes where it broke off
// and its owner knows its session. No part gives any right, and none is checked yet.
type Client struct {
	// InstallationID names one installation of the app on one phone.
	InstallationID *string // nil where it was not said
	// LastEventID is the cursor of the last event that the client received.
	LastEventID *string
	// AppName and AppVersion are what the app names itself by, UserAgent is what the
	// library that sends its requests says.
	AppName, AppVersion, UserAgent string
}

type clientKey struct{}

// WithClient puts what the client said into the context.
func WithClient(ctx context.Context, c Client) context.Context {
	if c == (Client{}) {
		return ctx
	}
	return context.WithValue(ctx, clientKey{}, c)
}

// ClientFrom gives what the client said, or the zero Client.
func ClientFrom(ctx context.Context) Client {
	c, _ := ctx.Value(clientKey{}).(Client)
	return c
}
