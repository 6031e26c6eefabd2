package viewer

import "context"

// Client is what a client says of itself so that its feed goes on where it broke
// off. Neither part is a right, and nil is what was not said.
type Client struct {
	// InstallationID names one installation of the app on one phone.
	InstallationID *string
	// LastEventID is the cursor of the last event that has arrived.
	LastEventID *string
}

type clientKey struct{}

// WithClient puts what the client said into the context.
func WithClient(ctx context.Context, c Client) context.Context {
	if c == (Client{}) {
		return ctx
	}
	return context.WithValue(ctx, clientKey{}, c)
}

// ClientFrom gives what the client said.
func ClientFrom(ctx context.Context) Client {
	c, _ := ctx.Value(clientKey{}).(Client)
	return c
}
