package account

import (
	"context"
	"strings"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/text"
)

// SocialSignInParams are a provider, by the name in the route, and its token: an
// id token, or Facebook's access token.
type SocialSignInParams struct{ Provider, Token string }

// SocialSignIn opens a session by the token of a provider. Errors:
// ResourceNotFound (an unknown provider), BadRequest (no token),
// ProviderTokenInvalid, SignUpFirst, SignedUpWithEmail, SignedUpWithSocial.
func (s *Service) SocialSignIn(ctx context.Context, p SocialSignInParams) (signedIn SignedIn, err error) {
	if err := s.cfg.Limits.Guess(ctx); err != nil {
		return SignedIn{}, err
	}
	provider, profile, err := s.whoSocial(ctx, p)
	if err != nil {
		return SignedIn{}, err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		holder, err := live(ctx, tx.Client, provider, profile.Subject)
		if err != nil {
			return err
		}
		if holder == nil {
			return s.otherWayIn(ctx, tx, profile)
		}
		signedIn, err = s.issue(ctx, tx, holder.Edges.RootUser, SessionTokens)
		return err
	})
	return signedIn, err
}

func (s *Service) whoSocial(ctx context.Context, p SocialSignInParams) (identity.Provider, Profile, error) {
	provider, known := socialProvider(p.Provider)
	if !known {
		return "", Profile{}, apperr.ResourceNotFound.New()
	}
	if p.Token == "" {
		return "", Profile{}, apperr.BadRequest.WithField("input.token")
	}
	profile, err := s.who(ctx, provider, p.Token, apperr.ProviderTokenInvalid.WithProvider(p.Provider))
	return provider, profile, err
}

// otherWayIn says how the person signed up, as far as the e-mail that the
// provider verified tells it.
func (s *Service) otherWayIn(ctx context.Context, tx *store.Tx, profile Profile) error {
	if profile.Email == "" {
		return apperr.SignUpFirst.New()
	}
	holder, err := live(ctx, tx.Client, identity.ProviderEmail, sameEmail(profile.Email))
	switch {
	case err != nil:
		return err
	case holder == nil || holder.Edges.RootUser == nil:
		return apperr.SignUpFirst.New()
	case holder.Edges.RootUser.RegisterType != vocab.RegisteredBySocial:
		return apperr.SignedUpWithEmail.New()
	}
	name, err := s.providerOf(ctx, tx.Client, holder.Edges.RootUser)
	if err != nil {
		return err
	}
	return apperr.SignedUpWithSocial.WithProvider(name)
}

// providerOf is how the account signs in: email, local or a social provider's
// name.
func (s *Service) providerOf(ctx context.Context, client *ent.Client, u *ent.User) (string, error) {
	all, err := ofUser(ctx, client, u.ID)
	if err != nil {
		return "", err
	}
	held := map[identity.Provider]bool{}
	social := ""
	for _, one := range all {
		held[one.Provider] = true
		if _, is := socialProvider(one.Provider.String()); is && social == "" {
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

// SocialSignUpParams are a sign-up of Addnox by the token of a provider.
type SocialSignUpParams struct {
	// ValidToken is what VerifySmsCode gave for the phone.
	ValidToken string
	Email      string
	SocialSignInParams
	Person
}

// SocialSignUp makes an account that signs in through a provider, and opens a
// session. Errors: ResourceNotFound (an unknown provider), NotAuthenticated,
// EmailNotValid, BadRequest, PhoneInvalid, ProviderTokenInvalid,
// SameEmailIsRegistered (the e-mail or the person), PhoneTaken, SignUpFailed.
func (s *Service) SocialSignUp(ctx context.Context, p SocialSignUpParams) (SignedIn, error) {
	if err := s.cfg.Limits.SignUp(ctx); err != nil {
		return SignedIn{}, err
	}
	if _, known := socialProvider(p.Provider); !known {
		return SignedIn{}, apperr.ResourceNotFound.New()
	}
	to := registration{
		validToken: p.ValidToken, tokenRefused: apperr.NotAuthenticated,
		email: p.Email, registerType: vocab.RegisteredBySocial, person: p.Person,
	}
	if err := s.checkRegistration(ctx, to); err != nil {
		return SignedIn{}, err
	}
	provider, profile, err := s.whoSocial(ctx, p.SocialSignInParams)
	if err != nil {
		return SignedIn{}, err
	}
	return s.register(ctx, to, func(ctx context.Context, tx *store.Tx, u *ent.User) error {
		holder, err := live(ctx, tx.Client, provider, profile.Subject)
		if err != nil {
			return err
		}
		if holder != nil {
			return apperr.SameEmailIsRegistered.New()
		}
		return s.addSocial(ctx, tx, u.ID, provider, profile)
	})
}

// displayName is a provider's name for a person, cut to what is stored; nil for
// one that can't be shown.
func displayName(name string) *string {
	const most = 254
	name = strings.TrimSpace(name)
	if runes := []rune(name); len(runes) > most {
		name = string(runes[:most])
	}
	if name == "" || !text.Clean(name, most) {
		return nil
	}
	return &name
}
