package account

import (
	"context"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// ConnectFacebook links a Facebook account to the viewer's. Errors:
// FacebookParametersMissing, FacebookExists, FacebookTokenRefused, FacebookTaken,
// ProviderTokenInvalid, ProviderUnavailable, TooManyRequests.
func (c *Credentials) ConnectFacebook(ctx context.Context, v viewer.Viewer, p FacebookParams) (Renewed, error) {
	profile, err := verifyFacebook(ctx, c.auth.Identities, p)
	if err != nil {
		return Renewed{}, err
	}
	return c.link(ctx, v, identity.ProviderFacebook, profile, linkRules{
		style: p.Style, exists: apperr.FacebookExists.New(), taken: apperr.FacebookTaken.WithField("input.facebookId"),
	})
}

// DisconnectFacebook removes the link. An account that could not sign in any
// more without it keeps it. Errors: NoLocalID, NoFacebook,
// TooManyRequests.
func (c *Credentials) DisconnectFacebook(ctx context.Context, v viewer.Viewer, style auth.TokenStyle) (Renewed, error) {
	return c.unlink(ctx, v, identity.ProviderFacebook, style, c.checkDisconnect)
}

// checkDisconnect asks for a password and a name to type with it: a local id or
// an e-mail. SNUTT knows one error for an account that lacks either, and no other provider.
func (c *Credentials) checkDisconnect(ctx context.Context, tx *store.Tx, u *ent.User) error {
	all, err := c.auth.Identities.OfUser(ctx, tx.Client, u.ID)
	switch {
	case err != nil:
		return err
	case !opensByPassword(u, all):
		return apperr.NoLocalID.New()
	case !holds(all, identity.ProviderFacebook):
		return apperr.NoFacebook.New()
	}
	return nil
}
