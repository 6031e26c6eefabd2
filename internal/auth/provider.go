package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/text"
)

// ErrTokenRefused is wrapped by a SocialProvider's error when the provider
// itself said no; any other error means that it gave no answer that can be used.
var ErrTokenRefused = apperr.Text("auth: the provider refuses the token")

// SocialProvider says who stands behind a token of a social provider.
type SocialProvider interface {
	// Verify asks the provider. With an error nobody signs in; its text is logged
	// and so must not hold the token.
	Verify(ctx context.Context, credential Credential) (Profile, error)
}

// Credential is what an app brings from a social provider.
type Credential struct {
	// Token is an id token, or an access token where the provider gives no other.
	Token string
	// Nonce is what the app gave to the provider to put into the token; empty: it isn't
	// compared. A provider whose tokens hold none refuses one that is sent.
	Nonce string
}

// Profile is what a provider says about a person. Subject is the provider's own
// id of the person. Name may be empty; Email is empty unless the provider
// verified it.
type Profile struct {
	Subject string
	Name    string
	Email   string
}

// MaxLinks is how many people at providers an account is linked to at most: one of each.
const MaxLinks = 5

// SocialProviders are those that auth.md lists.
func SocialProviders() []identity.Provider {
	return []identity.Provider{
		identity.ProviderApple, identity.ProviderFacebook, identity.ProviderGoogle, identity.ProviderKakao, identity.ProviderNaver,
	}
}

// ParseSocialProvider knows the names of [SocialProviders].
func ParseSocialProvider(name string) (identity.Provider, bool) {
	provider := identity.Provider(name)
	if !slices.Contains(SocialProviders(), provider) {
		return "", false
	}
	return provider, true
}

var errNoSubject = apperr.Text("auth: the provider's answer names nobody")

// VerifyToken asks the provider whose token it is. refused is the error of a
// token that the provider doesn't accept. Errors: refused, ProviderUnavailable where
// the provider gives no answer that can be used, ProviderTokenInvalid where it isn't
// configured.
func (i *Identities) VerifyToken(
	ctx context.Context, provider identity.Provider, credential Credential, refused *apperr.Error,
) (Profile, error) {
	asked, configured := i.providers[provider.String()]
	if !configured {
		return Profile{}, apperr.ProviderTokenInvalid.WithProvider(provider.String())
	}
	profile, err := asked.Verify(ctx, credential)
	if err == nil && (profile.Subject == "" || !text.Clean(profile.Subject, maxSubject)) {
		err = errNoSubject
	}
	switch {
	case errors.Is(err, ErrTokenRefused):
		return Profile{}, refused
	case err != nil:
		return Profile{}, apperr.ProviderUnavailable.Wrap(fmt.Errorf("ask %s: %w", provider, err))
	}
	return profile, nil
}

// SocialParams are a provider, by its name in the route, and what it gave.
type SocialParams struct {
	Provider string
	Credential
}

// VerifySocial is VerifyToken for a provider by its name in the route. Errors:
// ResourceNotFound (an unknown provider), BadRequest (no token),
// ProviderTokenInvalid, ProviderUnavailable.
func (i *Identities) VerifySocial(ctx context.Context, p SocialParams) (identity.Provider, Profile, error) {
	provider, known := ParseSocialProvider(p.Provider)
	if !known {
		return "", Profile{}, apperr.ResourceNotFound.New()
	}
	if p.Token == "" {
		return "", Profile{}, apperr.BadRequest.WithField("input.token")
	}
	refused := apperr.ProviderTokenInvalid.WithProvider(p.Provider)
	refused.Field = "input.token"
	profile, err := i.VerifyToken(ctx, provider, p.Credential, refused)
	return provider, profile, err
}

// RefreshName stores the name that the person has at the provider by now. A provider that
// gives none leaves the one that is stored.
func (i *Identities) RefreshName(ctx context.Context, tx *store.Tx, linked *ent.Identity, profile Profile) error {
	name := displayName(profile.Name)
	if name == nil || equalText(name, linked.DisplayName) {
		return nil
	}
	if err := tx.Identity.UpdateOne(linked).SetDisplayName(*name).Exec(ctx); err != nil {
		return fmt.Errorf("refresh a name: %w", err)
	}
	return nil
}

// AddSocial links the account to a person at a provider, under the name that the
// person has there.
func (i *Identities) AddSocial(
	ctx context.Context, tx *store.Tx, rootUserID int, provider identity.Provider, profile Profile,
) error {
	return i.Add(ctx, tx, rootUserID, provider, profile.Subject, displayName(profile.Name))
}

// displayName cuts a provider's name for a person to what is stored, and gives
// nil for one that can't be shown.
func displayName(name string) *string {
	const limit = 254
	name = strings.TrimSpace(name)
	if runes := []rune(name); len(runes) > limit {
		name = string(runes[:limit])
	}
	if !text.Clean(name, limit) || !text.IsVisible(name) {
		return nil
	}
	return &name
}

// SignInMethod says how the account signs in: email, local or a social
// provider's name. An account with a password signs in by that even if it is
// linked to a provider.
func (i *Identities) SignInMethod(ctx context.Context, client *ent.Client, u *ent.User) (string, error) {
	all, err := i.OfUser(ctx, client, u.ID)
	if err != nil {
		return "", err
	}
	held := map[identity.Provider]bool{}
	social := ""
	for _, one := range all {
		held[one.Provider] = true
		if _, is := ParseSocialProvider(one.Provider.String()); is && social == "" {
			social = one.Provider.String()
		}
	}
	switch {
	case social != "" && u.PasswordHash == nil:
		return social, nil
	case held[identity.ProviderLocal]:
		return identity.ProviderLocal.String(), nil
	}
	return identity.ProviderEmail.String(), nil
}
