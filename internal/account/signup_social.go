package account

import (
	"context"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/store"
	"luxbff/internal/text"
)

// SocialSignUpParams are a sign-up by the token of a provider.
type SocialSignUpParams struct {
	// ValidToken is what [auth.Codes.VerifySMS] gave for the phone.
	ValidToken string
	// TokenRefused is the error of a ValidToken that isn't good: NotAuthenticated on Addnox,
	// SignUpTokenInvalid in GraphQL.
	TokenRefused apperr.Kind
	Email        string
	auth.SocialParams
	Person
}

// BySocial makes an account that signs in through a provider, and opens a
// session. Errors: ResourceNotFound (an unknown provider), TokenRefused,
// EmailNotValid, BadRequest, PhoneInvalid, ProviderTokenInvalid, ProviderUnavailable,
// SameEmailIsRegistered (the e-mail or the person at the provider), PhoneTaken,
// SignUpFailed, TooManyRequests.
func (s *SignUps) BySocial(ctx context.Context, p SocialSignUpParams) (auth.SignedIn, error) {
	if err := s.limits.SignUp(ctx); err != nil {
		return auth.SignedIn{}, err
	}
	// Refused first, as at sign-in, where an unknown provider is an unknown path.
	if _, known := auth.ParseSocialProvider(p.Provider); !known {
		return auth.SignedIn{}, apperr.ResourceNotFound.New()
	}
	r := registration{
		validToken: p.ValidToken, tokenRefused: p.TokenRefused,
		email: text.TrimEmail(p.Email), registerType: vocab.RegisteredBySocial, person: s.normalized(p.Person),
	}
	if err := s.check(ctx, r); err != nil {
		return auth.SignedIn{}, err
	}
	provider, profile, err := s.auth.Identities.VerifySocial(ctx, p.SocialParams)
	if err != nil {
		return auth.SignedIn{}, err
	}
	return s.register(ctx, r, func(ctx context.Context, tx *store.Tx, u *ent.User) error {
		holder, err := s.auth.Identities.Find(ctx, tx.Client, provider, profile.Subject)
		if err != nil {
			return err
		}
		if holder != nil {
			return apperr.SameEmailIsRegistered.WithField("input.token")
		}
		return s.auth.Identities.AddSocial(ctx, tx, u.ID, provider, profile)
	})
}

// FacebookParams are an account at Facebook and its access token.
type FacebookParams struct {
	FacebookID, FacebookToken string
	Style                     auth.TokenStyle
}

// verifyFacebook checks that the token belongs to that Facebook id. Errors:
// FacebookParametersMissing, FacebookTokenRefused, ProviderTokenInvalid,
// ProviderUnavailable.
func verifyFacebook(ctx context.Context, identities *auth.Identities, p FacebookParams) (auth.Profile, error) {
	switch {
	case p.FacebookID == "":
		return auth.Profile{}, apperr.FacebookParametersMissing.WithField("input.facebookId")
	case p.FacebookToken == "":
		return auth.Profile{}, apperr.FacebookParametersMissing.WithField("input.facebookToken")
	}
	refused := apperr.FacebookTokenRefused.WithField("input.facebookToken")
	profile, err := identities.VerifyToken(ctx, identity.ProviderFacebook, auth.Credential{Token: p.FacebookToken}, refused)
	if err == nil && profile.Subject != p.FacebookID {
		return auth.Profile{}, refused
	}
	return profile, err
}

// SignInWithFacebook signs in by a Facebook account, and makes an account where
// that is new (snutt.md). Errors: FacebookParametersMissing,
// FacebookTokenRefused, ProviderTokenInvalid, ProviderUnavailable, TooManyRequests.
func (s *SignUps) SignInWithFacebook(ctx context.Context, p FacebookParams) (signedIn auth.SignedIn, err error) {
	if err := s.limits.Guess(ctx); err != nil {
		return auth.SignedIn{}, err
	}
	profile, err := verifyFacebook(ctx, s.auth.Identities, p)
	if err != nil {
		return auth.SignedIn{}, err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.findOrCreateFacebook(ctx, tx, profile)
		if err != nil {
			return err
		}
		signedIn, err = s.auth.Sessions.Issue(ctx, tx, u, p.Style)
		return err
	})
	return signedIn, err
}

// findOrCreateFacebook runs inside the write, where two first sign-ins at the same
// time find one account: the unique index refuses the second identity on
// PostgreSQL, and the write is run again.
func (s *SignUps) findOrCreateFacebook(ctx context.Context, tx *store.Tx, profile auth.Profile) (*ent.User, error) {
	holder, err := s.auth.Identities.Find(ctx, tx.Client, identity.ProviderFacebook, profile.Subject)
	if err != nil {
		return nil, err
	}
	if holder != nil {
		return holder.Edges.RootUser, s.auth.Identities.RefreshName(ctx, tx, holder, profile)
	}
	u, err := newUser(tx, s.now()).SetRegisterType(vocab.RegisteredBySocial).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("store an account: %w", err)
	}
	return u, s.auth.Identities.AddSocial(ctx, tx, u.ID, identity.ProviderFacebook, profile)
}
