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

// RegisterLocalParams are a local id, its password and, if given, an e-mail.
type RegisterLocalParams struct {
	LocalID, Password string
	Email             *string
	Style             TokenStyle
}

// RegisterLocal makes an account that signs in by local id. Its e-mail is
// unverified. Errors: LocalIDMalformed, PasswordMalformed, EmailMalformed,
// LocalIDTaken.
func (s *Service) RegisterLocal(ctx context.Context, p RegisterLocalParams) (signedIn SignedIn, err error) {
	if err := s.cfg.Limits.SignUp(ctx); err != nil {
		return SignedIn{}, err
	}
	if err := checkLocal(p.LocalID, p.Password); err != nil {
		return SignedIn{}, err
	}
	if p.Email != nil && !validEmail(*p.Email) {
		return SignedIn{}, apperr.EmailMalformed.WithField("input.email")
	}
	hash, err := s.passwords.hash(ctx, p.Password)
	if err != nil {
		return SignedIn{}, err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		now := s.now()
		u, err := s.newUser(tx).
			SetRegisterType(vocab.RegisteredLocally).
			SetNillableEmail(p.Email).
			SetPasswordHash(hash).
			SetPasswordChangedAt(now).
			Save(ctx)
		if err != nil {
			return fmt.Errorf("store an account: %w", err)
		}
		if err := s.takeLocalID(ctx, tx, u.ID, p.LocalID); err != nil {
			return err
		}
		signedIn, err = s.issue(ctx, tx, u, p.Style)
		return err
	})
	return signedIn, err
}

func checkLocal(localID, password string) error {
	switch {
	case !localIDPattern.MatchString(localID):
		return apperr.LocalIDMalformed.WithField("input.localId")
	case !localPassword(password):
		return apperr.PasswordMalformed.WithField("input.password")
	}
	return nil
}

func (s *Service) takeLocalID(ctx context.Context, tx *store.Tx, rootUserID int, localID string) error {
	holder, err := live(ctx, tx.Client, identity.ProviderLocal, sameLocalID(localID))
	if err != nil {
		return err
	}
	if holder != nil {
		return apperr.LocalIDTaken.WithField("input.localId")
	}
	return s.addIdentity(ctx, tx, rootUserID, identity.ProviderLocal, sameLocalID(localID), &localID)
}

// RequestTemp makes an account without any way to sign in again but its token,
// until it gets a local id or a Facebook link.
func (s *Service) RequestTemp(ctx context.Context, style TokenStyle) (signedIn SignedIn, err error) {
	if err := s.cfg.Limits.SignUp(ctx); err != nil {
		return SignedIn{}, err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.newUser(tx).SetRegisterType(vocab.RegisteredLocally).Save(ctx)
		if err != nil {
			return fmt.Errorf("store an account: %w", err)
		}
		signedIn, err = s.issue(ctx, tx, u, style)
		return err
	})
	return signedIn, err
}

// Renewed is an account whose credentials have changed. Tokens are new ones in
// place of those that stopped; nil if the viewer's own go on.
type Renewed struct {
	User   *ent.User
	Tokens *Tokens
}

// ChangePasswordParams are the password the account has and the one it gets.
type ChangePasswordParams struct {
	OldPassword, NewPassword string
	Style                    TokenStyle
}

// ChangePassword gives the account another password and ends every session and
// every token. A local id keeps its password to SNUTT's rule, any other account
// to that of LUX. Errors: NoLocalID for an account without a password,
// PasswordMalformed, WrongPassword, AccountBlocked.
func (s *Service) ChangePassword(ctx context.Context, v viewer.Viewer, p ChangePasswordParams) (done Renewed, err error) {
	u, err := s.store.Read().User.Get(ctx, v.RootUserID())
	if err != nil {
		return Renewed{}, fmt.Errorf("read an account: %w", err)
	}
	if u.PasswordHash == nil {
		return Renewed{}, apperr.NoLocalID.New()
	}
	if err := s.checkNewPassword(ctx, u, p.NewPassword); err != nil {
		return Renewed{}, err
	}
	hash, err := s.passwords.hash(ctx, p.NewPassword)
	if err != nil {
		return Renewed{}, err
	}
	try := passwordTry{user: u, password: p.OldPassword, field: "input.oldPassword", wrong: apperr.WrongPassword}
	err = s.tryPassword(ctx, try, func(ctx context.Context, tx *store.Tx, u *ent.User) error {
		u, err := s.setPassword(ctx, tx, u, hash)
		if err != nil {
			return err
		}
		done, err = s.renew(ctx, tx, u, p.Style)
		return err
	})
	return done, err
}

func (s *Service) checkNewPassword(ctx context.Context, u *ent.User, password string) error {
	local, err := oneOf(ctx, s.store.Read(), u.ID, identity.ProviderLocal)
	if err != nil {
		return err
	}
	if local != nil && !localPassword(password) || local == nil && !strongPassword(password) {
		return apperr.PasswordMalformed.WithField("input.newPassword")
	}
	return nil
}

// setPassword changes the password, lifts a block that guesses at the old one
// earned, and ends every session and the long-lived token.
func (s *Service) setPassword(ctx context.Context, tx *store.Tx, u *ent.User, hash string) (*ent.User, error) {
	changed, err := tx.User.UpdateOne(u).
		SetPasswordHash(hash).
		SetPasswordChangedAt(s.now()).
		SetWrongPasswords(0).
		ClearBlockedUntil().
		AddCredentialVersion(1).
		Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("change a password: %w", err)
	}
	return changed, s.endAllSessions(ctx, tx, u.ID)
}

func (s *Service) renew(ctx context.Context, tx *store.Tx, u *ent.User, style TokenStyle) (Renewed, error) {
	signedIn, err := s.issue(ctx, tx, u, style)
	return Renewed{User: u, Tokens: &signedIn.Tokens}, err
}

// renewLong is renew for a change that leaves sessions alone and stops the
// long-lived token only.
func (s *Service) renewLong(
	ctx context.Context, tx *store.Tx, u *ent.User, v viewer.Viewer, style TokenStyle,
) (Renewed, error) {
	changed, err := tx.User.UpdateOne(u).AddCredentialVersion(1).Save(ctx)
	if err != nil {
		return Renewed{}, fmt.Errorf("raise the credential version: %w", err)
	}
	tx.AfterCommit(func() { s.cfg.OnSessionsEnded(u.ID, []int{0}) })
	if style == SessionTokens && v.SessionID != 0 {
		return Renewed{User: changed}, nil
	}
	return s.renew(ctx, tx, changed, style)
}

// CreateLocalCredentialParams are the local id and password to add.
type CreateLocalCredentialParams struct {
	LocalID, Password string
	Style             TokenStyle
}

// CreateLocalCredential gives an account that has none a local id. As an account
// has one password, one it had before is changed, which ends every session.
// Errors: LocalIDMalformed, PasswordMalformed, LocalIDExists, LocalIDTaken.
func (s *Service) CreateLocalCredential(
	ctx context.Context, v viewer.Viewer, p CreateLocalCredentialParams,
) (done Renewed, err error) {
	if err := checkLocal(p.LocalID, p.Password); err != nil {
		return Renewed{}, err
	}
	hash, err := s.passwords.hash(ctx, p.Password)
	if err != nil {
		return Renewed{}, err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.lockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		if err := s.addLocalID(ctx, tx, u, p.LocalID); err != nil {
			return err
		}
		done, err = s.firstPassword(ctx, tx, u, hash, v, p.Style)
		return err
	})
	return done, err
}

func (s *Service) addLocalID(ctx context.Context, tx *store.Tx, u *ent.User, localID string) error {
	has, err := oneOf(ctx, tx.Client, u.ID, identity.ProviderLocal)
	if err != nil {
		return err
	}
	if has != nil {
		return apperr.LocalIDExists.New()
	}
	return s.takeLocalID(ctx, tx, u.ID, localID)
}

// firstPassword sets the password of an account; one that had another before
// loses its sessions, as with any change.
func (s *Service) firstPassword(
	ctx context.Context, tx *store.Tx, u *ent.User, hash string, v viewer.Viewer, style TokenStyle,
) (Renewed, error) {
	if u.PasswordHash != nil {
		u, err := s.setPassword(ctx, tx, u, hash)
		if err != nil {
			return Renewed{}, err
		}
		return s.renew(ctx, tx, u, style)
	}
	u, err := tx.User.UpdateOne(u).SetPasswordHash(hash).SetPasswordChangedAt(s.now()).Save(ctx)
	if err != nil {
		return Renewed{}, fmt.Errorf("set a password: %w", err)
	}
	return s.renewLong(ctx, tx, u, v, style)
}
