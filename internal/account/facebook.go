package account

import (
	"context"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// FacebookParams are an account at Facebook and its access token.
type FacebookParams struct {
	FacebookID, FacebookToken string
	Style                     TokenStyle
}

// whoAtFacebook checks that the token is of that Facebook id. Errors:
// FacebookParametersMissing, FacebookTokenRefused, ProviderTokenInvalid.
func (s *Service) whoAtFacebook(ctx context.Context, p FacebookParams) (Profile, error) {
	if p.FacebookID == "" || p.FacebookToken == "" {
		return Profile{}, apperr.FacebookParametersMissing.New()
	}
	refused := apperr.FacebookTokenRefused.WithField("input.facebookToken")
	profile, err := s.who(ctx, identity.ProviderFacebook, p.FacebookToken, refused)
	if err == nil && profile.Subject != p.FacebookID {
		return Profile{}, refused
	}
	return profile, err
}

// SignInWithFacebook signs in by a Facebook account and makes an account where
// it is new. Errors: FacebookParametersMissing, FacebookTokenRefused,
// ProviderTokenInvalid.
func (s *Service) SignInWithFacebook(ctx context.Context, p FacebookParams) (signedIn SignedIn, err error) {
	if err := s.cfg.Limits.Guess(ctx); err != nil {
		return SignedIn{}, err
	}
	profile, err := s.whoAtFacebook(ctx, p)
	if err != nil {
		return SignedIn{}, err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.ofFacebook(ctx, tx, profile)
		if err != nil {
			return err
		}
		signedIn, err = s.issue(ctx, tx, u, p.Style)
		return err
	})
	return signedIn, err
}

func (s *Service) ofFacebook(ctx context.Context, tx *store.Tx, profile Profile) (*ent.User, error) {
	holder, err := live(ctx, tx.Client, identity.ProviderFacebook, profile.Subject)
	if err != nil {
		return nil, err
	}
	if holder != nil {
		return holder.Edges.RootUser, nil
	}
	u, err := s.newUser(tx).SetRegisterType(vocab.RegisteredLocally).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("store an account: %w", err)
	}
	return u, s.addSocial(ctx, tx, u.ID, identity.ProviderFacebook, profile)
}

func (s *Service) addSocial(
	ctx context.Context, tx *store.Tx, rootUserID int, provider identity.Provider, profile Profile,
) error {
	return s.addIdentity(ctx, tx, rootUserID, provider, profile.Subject, displayName(profile.Name))
}

// ConnectFacebook links a Facebook account to the viewer's. Errors:
// FacebookParametersMissing, FacebookExists, FacebookTokenRefused, FacebookTaken,
// ProviderTokenInvalid.
func (s *Service) ConnectFacebook(ctx context.Context, v viewer.Viewer, p FacebookParams) (done Renewed, err error) {
	profile, err := s.whoAtFacebook(ctx, p)
	if err != nil {
		return Renewed{}, err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.lockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		if err := facebookFree(ctx, tx, u.ID, profile.Subject); err != nil {
			return err
		}
		if err := s.addSocial(ctx, tx, u.ID, identity.ProviderFacebook, profile); err != nil {
			return err
		}
		done, err = s.renewLong(ctx, tx, u, v, p.Style)
		return err
	})
	return done, err
}

func facebookFree(ctx context.Context, tx *store.Tx, rootUserID int, subject string) error {
	mine, err := oneOf(ctx, tx.Client, rootUserID, identity.ProviderFacebook)
	if err != nil {
		return err
	}
	if mine != nil {
		return apperr.FacebookExists.New()
	}
	holder, err := live(ctx, tx.Client, identity.ProviderFacebook, subject)
	if err == nil && holder != nil {
		return apperr.FacebookTaken.New()
	}
	return err
}

// DisconnectFacebook removes the link. An account that could not sign in any
// more without it keeps it. Errors: NoLocalID, NoFacebook.
func (s *Service) DisconnectFacebook(ctx context.Context, v viewer.Viewer, style TokenStyle) (done Renewed, err error) {
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.lockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		if err := mayDisconnect(ctx, tx, u); err != nil {
			return err
		}
		if err := s.drop(ctx, tx, identity.RootUserID(u.ID), identity.ProviderEQ(identity.ProviderFacebook)); err != nil {
			return err
		}
		done, err = s.renewLong(ctx, tx, u, v, style)
		return err
	})
	return done, err
}

func mayDisconnect(ctx context.Context, tx *store.Tx, u *ent.User) error {
	all, err := ofUser(ctx, tx.Client, u.ID)
	if err != nil {
		return err
	}
	var linked, named bool
	for _, one := range all {
		linked = linked || one.Provider == identity.ProviderFacebook
		named = named || one.Provider == identity.ProviderLocal || one.Provider == identity.ProviderEmail
	}
	switch {
	case !named || u.PasswordHash == nil:
		return apperr.NoLocalID.New()
	case !linked:
		return apperr.NoFacebook.New()
	}
	return nil
}
