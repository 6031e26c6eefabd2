package account

import (
	"context"
	"slices"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/message/template"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// Connect links a person at a provider to the viewer's account. It never merges accounts: a
// person whom another account has stays with that. Errors: ResourceNotFound (an unknown
// provider), BadRequest (no token), ProviderTokenInvalid, ProviderUnavailable,
// IdentityExists, IdentityTaken, TooManyRequests.
func (c *Credentials) Connect(ctx context.Context, v viewer.Viewer, p auth.SocialParams) (Renewed, error) {
	provider, profile, err := c.auth.Identities.VerifySocial(ctx, p)
	if err != nil {
		return Renewed{}, err
	}
	return c.link(ctx, v, provider, profile, linkRules{
		style:  auth.SessionTokens,
		exists: apperr.IdentityExists.WithField("input.provider"), taken: apperr.IdentityTaken.WithField("input.token"),
	})
}

// linkRules are what differs between surfaces when a link is made.
type linkRules struct {
	style auth.TokenStyle
	// exists is the error of a second link of the account to a provider, taken that of a
	// person whom another account has.
	exists, taken *apperr.Error
}

// link stores the link to a person whom the provider has vouched for: it is asked before
// the write, which must not wait for another server.
func (c *Credentials) link(
	ctx context.Context, v viewer.Viewer, provider identity.Provider, profile auth.Profile, rules linkRules,
) (done Renewed, err error) {
	err = c.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := auth.LockViewer(ctx, tx, v)
		if err != nil {
			return err
		}
		has, err := c.auth.Identities.Has(ctx, tx.Client, u.ID, provider)
		if err != nil {
			return err
		}
		if has {
			return rules.exists
		}
		holder, err := c.auth.Identities.Find(ctx, tx.Client, provider, profile.Subject)
		if err != nil {
			return err
		}
		if holder != nil {
			return rules.taken
		}
		if err := c.reports.addLink(ctx, tx, u, template.ProviderLinked, provider); err != nil {
			return err
		}
		if err := c.auth.Identities.AddSocial(ctx, tx, u.ID, provider, profile); err != nil {
			return err
		}
		done, err = c.replaceLongLived(ctx, tx, u, v, rules.style)
		return err
	})
	return done, err
}

// Disconnect removes the account's link to a provider. The last way by which the account
// signs in stays. Errors: ResourceNotFound (an unknown provider), NoIdentity, LastWayIn,
// TooManyRequests.
func (c *Credentials) Disconnect(ctx context.Context, v viewer.Viewer, name string) (Renewed, error) {
	provider, known := auth.ParseSocialProvider(name)
	if !known {
		return Renewed{}, apperr.ResourceNotFound.New()
	}
	return c.unlink(ctx, v, provider, auth.SessionTokens, func(ctx context.Context, tx *store.Tx, u *ent.User) error {
		all, err := c.auth.Identities.OfUser(ctx, tx.Client, u.ID)
		switch {
		case err != nil:
			return err
		case !holds(all, provider):
			return apperr.NoIdentity.WithField("input.provider")
		case !opensByPassword(u, all) && !opensByAnother(all, provider):
			return apperr.LastWayIn.WithField("input.provider")
		}
		return nil
	})
}

// unlink removes a link that check lets go. The account is locked, so two removals at once
// see each other, and one of the last two ways in stays.
func (c *Credentials) unlink(
	ctx context.Context, v viewer.Viewer, provider identity.Provider, style auth.TokenStyle,
	check func(context.Context, *store.Tx, *ent.User) error,
) (done Renewed, err error) {
	err = c.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := auth.LockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		if err := check(ctx, tx, u); err != nil {
			return err
		}
		if err := c.reports.addLink(ctx, tx, u, template.ProviderUnlinked, provider); err != nil {
			return err
		}
		if err := c.auth.Identities.Remove(ctx, tx, u.ID, provider); err != nil {
			return err
		}
		done, err = c.replaceLongLived(ctx, tx, u, v, style)
		return err
	})
	return done, err
}

func holds(all []*ent.Identity, provider identity.Provider) bool {
	return slices.ContainsFunc(all, func(one *ent.Identity) bool { return one.Provider == provider })
}

// opensByPassword reports whether an account signs in by a password: with a local id, or
// with an e-mail where it has a phone, without which that sign-in is refused.
func opensByPassword(u *ent.User, all []*ent.Identity) bool {
	isNamed := holds(all, identity.ProviderLocal) || u.Phone != nil && holds(all, identity.ProviderEmail)
	return isNamed && u.PasswordHash != nil
}

// opensByAnother reports whether an account signs in through a provider besides this one.
func opensByAnother(all []*ent.Identity, provider identity.Provider) bool {
	return slices.ContainsFunc(all, func(one *ent.Identity) bool {
		_, isSocial := auth.ParseSocialProvider(one.Provider.String())
		return isSocial && one.Provider != provider
	})
}
