package account

import (
	"context"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/message/template"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// ConnectFacebook links a Facebook account to the viewer's. Errors:
// FacebookParametersMissing, FacebookExists, FacebookTokenRefused, FacebookTaken,
// ProviderTokenInvalid, ProviderUnavailable, TooManyRequests.
func (c *Credentials) ConnectFacebook(ctx context.Context, v viewer.Viewer, p FacebookParams) (done Renewed, err error) {
	// Facebook is asked before the write, which must not wait for another server.
	profile, err := verifyFacebook(ctx, c.auth.Identities, p)
	if err != nil {
		return Renewed{}, err
	}
	err = c.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := auth.LockViewer(ctx, tx, v)
		if err != nil {
			return err
		}
		if err := c.checkFacebookFree(ctx, tx, u.ID, profile.Subject); err != nil {
			return err
		}
		if err := c.reports.add(ctx, tx, u, template.ProviderLinked); err != nil {
			return err
		}
		if err := c.auth.Identities.AddSocial(ctx, tx, u.ID, identity.ProviderFacebook, profile); err != nil {
			return err
		}
		done, err = c.replaceLongLived(ctx, tx, u, v, p.Style)
		return err
	})
	return done, err
}

// checkFacebookFree refuses a second link of the account, and a Facebook account
// that is linked to any other.
func (c *Credentials) checkFacebookFree(ctx context.Context, tx *store.Tx, rootUserID int, subject string) error {
	has, err := c.auth.Identities.Has(ctx, tx.Client, rootUserID, identity.ProviderFacebook)
	if err != nil {
		return err
	}
	if has {
		return apperr.FacebookExists.New()
	}
	holder, err := c.auth.Identities.Find(ctx, tx.Client, identity.ProviderFacebook, subject)
	if err == nil && holder != nil {
		return apperr.FacebookTaken.WithField("input.facebookId")
	}
	return err
}

// DisconnectFacebook removes the link. An account that could not sign in any
// more without it keeps it. Errors: NoLocalID, NoFacebook,
// TooManyRequests.
func (c *Credentials) DisconnectFacebook(ctx context.Context, v viewer.Viewer, style auth.TokenStyle) (done Renewed, err error) {
	err = c.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := auth.LockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		if err := c.checkDisconnect(ctx, tx, u); err != nil {
			return err
		}
		if err := c.reports.add(ctx, tx, u, template.ProviderUnlinked); err != nil {
			return err
		}
		if err := c.auth.Identities.Remove(ctx, tx, u.ID, identity.ProviderFacebook); err != nil {
			return err
		}
		done, err = c.replaceLongLived(ctx, tx, u, v, style)
		return err
	})
	return done, err
}

// checkDisconnect asks for a password and a name to type with it: a local id or
// an e-mail. SNUTT knows one error for an account that lacks either.
func (c *Credentials) checkDisconnect(ctx context.Context, tx *store.Tx, u *ent.User) error {
	all, err := c.auth.Identities.OfUser(ctx, tx.Client, u.ID)
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
