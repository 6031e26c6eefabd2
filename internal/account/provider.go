package account

import "context"

// SocialProvider says who stands behind a token of a social provider.
type SocialProvider interface {
	// Who asks the provider. An error means that nobody may sign in by the
	// token; it must not hold the token.
	Who(ctx context.Context, token string) (Profile, error)
}

// Profile is what a provider tells of a person. Subject is the provider's own
// id of it; Name and Email may be empty.
type Profile struct {
	Subject string
	Name    string
	Email   string
}
