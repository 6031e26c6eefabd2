package account

import (
	"context"
	"errors"

	"luxbff/ent/identity"
	"luxbff/internal/apperr"
	"luxbff/internal/text"
)

// ErrTokenRefused is wrapped by a SocialProvider's error when the provider
// itself said no; any other error means that it could not be asked.
var ErrTokenRefused = errors.New("account: the provider refuses the token")

// SocialProvider says who stands behind a token of a social provider.
type SocialProvider interface {
	// Who asks the provider. With an error nobody signs in; it must not hold the
	// token.
	Who(ctx context.Context, token string) (Profile, error)
}

// Profile is what a provider tells of a person. Subject is the provider's own
// id of it. Name may be empty; Email is empty unless the provider verified it.
type Profile struct {
	Subject string
	Name    string
	Email   string
}

// socialProvider knows the names that auth.md lists.
func socialProvider(name string) (identity.Provider, bool) {
	switch p := identity.Provider(name); p {
	case identity.ProviderApple, identity.ProviderGoogle, identity.ProviderFacebook,
		identity.ProviderNaver, identity.ProviderKakao:
		return p, true
	default:
		return "", false
	}
}

// who asks the provider. A token that isn't good gives refused; a provider that
// isn't configured gives ProviderTokenInvalid.
func (s *Service) who(
	ctx context.Context, provider identity.Provider, token string, refused *apperr.Error,
) (Profile, error) {
	asked, configured := s.cfg.Providers[provider.String()]
	if !configured {
		return Profile{}, apperr.ProviderTokenInvalid.WithProvider(provider.String())
	}
	profile, err := asked.Who(ctx, token)
	if err == nil && (profile.Subject == "" || !text.Clean(profile.Subject, maxSubject)) {
		err = ErrTokenRefused
	}
	if err != nil && !errors.Is(err, ErrTokenRefused) {
		s.cfg.Log.WarnContext(ctx, "a social provider could not be asked", "provider", provider, "error", err)
	}
	if err != nil {
		return Profile{}, refused
	}
	return profile, nil
}
