package account

import (
	"context"
	"fmt"
	"time"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/message/template"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// Credentials changes how an account signs in: its password, its local id, its
// links to providers.
type Credentials struct {
	auth    *auth.Service
	store   *store.Store
	reports *reports
	now     func() time.Time
}

// FacebookLink is how an account is linked to Facebook.
type FacebookLink struct {
	Attached bool
	// Name is the account's name at Facebook, nil without one.
	Name *string
}

// LinkedIdentity is a person at a provider to whom an account is linked.
type LinkedIdentity struct {
	// Provider is the provider's name in the routes.
	Provider string
	// Name is the person's name there, nil where the provider gave none.
	Name        *string
	ConnectedAt time.Time
}

// SignInNames are the names by which an account signs in besides its e-mail.
type SignInNames struct {
	// LocalID is as typed, nil without one.
	LocalID  *string
	Facebook FacebookLink
	// Linked are all links to providers, oldest first.
	Linked []LinkedIdentity
}

// SignInNames reads the local id and the links to providers, in one statement.
func (c *Credentials) SignInNames(ctx context.Context, u *ent.User) (SignInNames, error) {
	found, err := c.auth.Identities.OfUser(ctx, c.store.Read(), u.ID)
	if err != nil {
		return SignInNames{}, err
	}
	var names SignInNames
	for _, one := range found {
		switch one.Provider {
		case identity.ProviderLocal:
			names.LocalID = one.DisplayName
		case identity.ProviderFacebook:
			names.Facebook = FacebookLink{Attached: true, Name: one.DisplayName}
		}
		if _, is := auth.ParseSocialProvider(one.Provider.String()); is {
			names.Linked = append(names.Linked, LinkedIdentity{one.Provider.String(), one.DisplayName, one.CreatedAt})
		}
	}
	return names, nil
}

// Renewed is an account whose credentials have changed. Tokens are new ones in
// place of those that stopped; nil if the viewer's own go on.
type Renewed struct {
	User   *ent.User
	Tokens *auth.Tokens
}

// ChangePasswordParams are the password the account has and the one it gets.
type ChangePasswordParams struct {
	OldPassword, NewPassword string
	Style                    auth.TokenStyle
}

// ChangePassword gives the account another password and ends every session and
// every token. An account with a local id keeps its password to SNUTT's rule,
// any other to that of LUX. Errors: NoLocalID for an account without a password,
// PasswordMalformed, WrongPassword, AccountBlocked, TooManyRequests.
func (c *Credentials) ChangePassword(ctx context.Context, v viewer.Viewer, p ChangePasswordParams) (done Renewed, err error) {
	u, err := c.store.Read().User.Get(ctx, v.RootUserID())
	if err != nil {
		return Renewed{}, fmt.Errorf("read an account: %w", err)
	}
	if u.PasswordHash == nil {
		return Renewed{}, apperr.NoLocalID.New()
	}
	if err := c.checkNewPassword(ctx, u, p.NewPassword); err != nil {
		return Renewed{}, err
	}
	var hash string
	// Guesses at the old password count like those at sign-in: else a stolen token
	// would be a way around the block.
	try := auth.PasswordTry{
		User: u, Password: p.OldPassword, Field: "input.oldPassword", Wrong: apperr.WrongPassword,
		// Hashing takes some 30 ms, so it is done before the write that it would hold up.
		BeforeWrite: func(ctx context.Context) error {
			hash, err = c.auth.Passwords.Hash(ctx, auth.AccountKey(u.ID), p.NewPassword)
			return err
		},
	}
	err = c.auth.Passwords.Try(ctx, try, func(ctx context.Context, tx *store.Tx, u *ent.User) error {
		if err := c.reports.add(ctx, tx, u, template.PasswordChanged); err != nil {
			return err
		}
		u, err := c.auth.Passwords.Change(ctx, tx, u, hash)
		if err != nil {
			return err
		}
		done, err = c.issueNew(ctx, tx, u, p.Style)
		return err
	})
	return done, err
}

// checkNewPassword holds a new password to the rule of the surface whose sign-in
// form has to take it.
func (c *Credentials) checkNewPassword(ctx context.Context, u *ent.User, password string) error {
	hasLocalID, err := c.auth.Identities.Has(ctx, c.store.Read(), u.ID, identity.ProviderLocal)
	if err != nil {
		return err
	}
	if hasLocalID && !auth.IsLocalPassword(password) || !hasLocalID && !auth.IsStrongPassword(password) {
		return apperr.PasswordMalformed.WithField("input.newPassword")
	}
	return nil
}

// issueNew gives tokens in place of those that a change of credentials has ended:
// the app that made the change stays signed in.
func (c *Credentials) issueNew(ctx context.Context, tx *store.Tx, u *ent.User, style auth.TokenStyle) (Renewed, error) {
	signedIn, err := c.auth.Sessions.Replace(ctx, tx, u, style)
	return Renewed{User: u, Tokens: &signedIn.Tokens}, err
}

// replaceLongLived is for a change that leaves sessions alone: it ends the
// long-lived token, and issues new tokens unless the viewer's session goes on
// anyway.
func (c *Credentials) replaceLongLived(
	ctx context.Context, tx *store.Tx, u *ent.User, v viewer.Viewer, style auth.TokenStyle,
) (Renewed, error) {
	changed, err := c.auth.Sessions.EndLongLived(ctx, tx, u)
	if err != nil {
		return Renewed{}, err
	}
	if style == auth.SessionTokens && v.SessionID != 0 {
		return Renewed{User: changed}, nil
	}
	return c.issueNew(ctx, tx, changed, style)
}

// CreateLocalCredentialParams are the local id and password to add.
type CreateLocalCredentialParams struct {
	LocalID, Password string
	Style             auth.TokenStyle
}

// CreateLocal gives an account that has none a local id. An account has one password:
// one that has it already has to send it, and gets nothing but the local id; else a
// borrowed access token would be enough to take the account over for good. Errors:
// LocalIDMalformed, PasswordMalformed, LocalIDExists, LocalIDTaken, WrongPassword,
// AccountBlocked, TooManyRequests.
func (c *Credentials) CreateLocal(
	ctx context.Context, v viewer.Viewer, p CreateLocalCredentialParams,
) (Renewed, error) {
	for {
		u, err := c.store.Read().User.Get(ctx, v.RootUserID())
		if err != nil {
			return Renewed{}, fmt.Errorf("read an account: %w", err)
		}
		// What is cheap to refuse is refused before a password is hashed.
		if err := checkLocal(p.LocalID, p.Password, u.PasswordHash != nil); err != nil {
			return Renewed{}, err
		}
		if err := c.checkLocalIDFree(ctx, c.store.Read(), u.ID, p.LocalID); err != nil {
			return Renewed{}, err
		}
		if u.PasswordHash != nil {
			return c.addLocalID(ctx, v, u, p)
		}
		done, changed, err := c.setFirstPassword(ctx, v, u, p)
		if err != nil || !changed {
			return done, err
		}
	}
}

// checkLocalIDFree refuses a second local id of the account, and one that another has.
func (c *Credentials) checkLocalIDFree(ctx context.Context, client *ent.Client, rootUserID int, localID string) error {
	has, err := c.auth.Identities.Has(ctx, client, rootUserID, identity.ProviderLocal)
	if err != nil {
		return err
	}
	if has {
		return apperr.LocalIDExists.New()
	}
	return checkLocalIDFree(ctx, client, c.auth.Identities, localID)
}

// addLocalID adds the local id to an account that has a password, if it is the one sent.
func (c *Credentials) addLocalID(
	ctx context.Context, v viewer.Viewer, u *ent.User, p CreateLocalCredentialParams,
) (done Renewed, err error) {
	try := auth.PasswordTry{User: u, Password: p.Password, Field: "input.password", Wrong: apperr.WrongPassword}
	err = c.auth.Passwords.Try(ctx, try, func(ctx context.Context, tx *store.Tx, u *ent.User) error {
		if err := auth.CheckViewer(ctx, tx, u, v); err != nil {
			return err
		}
		if err := c.checkLocalIDFree(ctx, tx.Client, u.ID, p.LocalID); err != nil {
			return err
		}
		if err := c.reports.add(ctx, tx, u, template.LocalIDAdded); err != nil {
			return err
		}
		if err := c.auth.Identities.Add(ctx, tx, u.ID, identity.ProviderLocal, p.LocalID, &p.LocalID); err != nil {
			return err
		}
		done, err = c.replaceLongLived(ctx, tx, u, v, p.Style)
		return err
	})
	return done, err
}

// setFirstPassword adds the local id and the password to an account that has none. It does
// nothing and reports true if the account has got a password since it was read.
func (c *Credentials) setFirstPassword(
	ctx context.Context, v viewer.Viewer, u *ent.User, p CreateLocalCredentialParams,
) (done Renewed, changed bool, err error) {
	hash, err := c.auth.Passwords.Hash(ctx, auth.AccountKey(u.ID), p.Password)
	if err != nil {
		return Renewed{}, false, err
	}
	err = c.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := auth.LockViewer(ctx, tx, v)
		if err != nil {
			return err
		}
		if changed = u.PasswordHash != nil; changed {
			return nil
		}
		if err := c.checkLocalIDFree(ctx, tx.Client, u.ID, p.LocalID); err != nil {
			return err
		}
		if err := c.reports.add(ctx, tx, u, template.LocalIDAdded); err != nil {
			return err
		}
		if err := c.auth.Identities.Add(ctx, tx, u.ID, identity.ProviderLocal, p.LocalID, &p.LocalID); err != nil {
			return err
		}
		u, err = tx.User.UpdateOne(u).SetPasswordHash(hash).SetPasswordChangedAt(c.now()).Save(ctx)
		if err != nil {
			return fmt.Errorf("set a password: %w", err)
		}
		done, err = c.replaceLongLived(ctx, tx, u, v, p.Style)
		return err
	})
	return done, changed, err
}
