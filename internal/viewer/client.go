package viewer

import "context"

// Client is what a client says about itself so that its feed resumes where it
// broke off. Neither part gives any right, and nil is what was not said.
type Client struct {
	// InstallationID names one installation of the app on one phone.
	InstallationID *string
	// LastEventID is the cursor of the last event that the client received.
	LastEventID *string
}

type clientKey struct{}

// WithClient puts what the client said into the context.
func WithClient(ctx context.Context, c Client) context.Context {
	if c == (Client{}) {
		return ctx // most requests: it saves them an allocation
	}
	return context.WithValue(ctx, clientKey{}, c)
}

// ClientFrom gives what the client said, or the zero Client.
func ClientFrom(ctx context.Context) Client {
	c, _ := ctx.Value(clientKey{}).(Client)
	return c
}
