package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
)

// Lock-out (auth.md): ten wrong passwords in a row block sign-in by password.
const (
	maxWrongPasswords = 10
	blockedFor        = 15 * time.Minute
)

// SignInParams are an e-mail, in any case, and its account's password.
type SignInParams struct{ Email, Password string }

// SignIn opens a session by e-mail and password. Errors: PasswordInvalid,
// UserNotFound, SignedUpUserIsDeleted, SignUpNotCompleted,
// SmsVerificationRequired (an account without a phone), AccountBlocked.
func (s *Service) SignIn(ctx context.Context, p SignInParams) (_ SignedIn, err error) {
	defer func() { s.tellWrong(err) }()
	if err := s.cfg.Limits.Guess(ctx); err != nil {
		return SignedIn{}, err
	}
	subject := sameEmail(p.Email)
	holder, err := live(ctx, s.store.Read(), identity.ProviderEmail, subject)
	switch {
	case err != nil:
		return SignedIn{}, err
	case holder == nil:
		return SignedIn{}, s.refuseUnknown(ctx, subject, p.Password)
	case holder.Edges.RootUser == nil:
		return SignedIn{}, s.refusePending(ctx, holder, p.Password)
	}
	return s.signInWith(ctx, passwordTry{
		user: holder.Edges.RootUser, password: p.Password, field: "input.password", wrong: apperr.PasswordInvalid, needsPhone: true,
	})
}

// refuseUnknown takes as long as a wrong password does.
func (s *Service) refuseUnknown(ctx context.Context, subject, password string) error {
	if _, err := s.passwords.matches(ctx, password, nil); err != nil {
		return err
	}
	deleted, err := s.once(ctx, s.store.Read(), identity.ProviderEmail, subject, time.Time{})
	switch {
	case err != nil:
		return err
	case deleted:
		return apperr.SignedUpUserIsDeleted.New()
	}
	return apperr.UserNotFound.New()
}

func (s *Service) refusePending(ctx context.Context, pending *ent.Identity, password string) error {
	right, err := s.passwords.matches(ctx, password, pending.SecretHash)
	switch {
	case err != nil:
		return err
	case right:
		return apperr.SignUpNotCompleted.New()
	}
	return apperr.PasswordInvalid.WithField("input.password")
}

// SignInLocalParams are a local id, in any case, and its account's password.
type SignInLocalParams struct {
	LocalID, Password string
	Style             TokenStyle
}

// SignInLocal signs in by local id and password. Errors: NoSuchLocalID,
// WrongPassword, AccountBlocked.
func (s *Service) SignInLocal(ctx context.Context, p SignInLocalParams) (_ SignedIn, err error) {
	defer func() { s.tellWrong(err) }()
	if err := s.cfg.Limits.Guess(ctx); err != nil {
		return SignedIn{}, err
	}
	holder, err := live(ctx, s.store.Read(), identity.ProviderLocal, sameLocalID(p.LocalID))
	if err != nil {
		return SignedIn{}, err
	}
	if holder == nil {
		_, err := s.passwords.matches(ctx, p.Password, nil)
		return SignedIn{}, cmp.Or(err, error(apperr.NoSuchLocalID.WithField("input.localId")))
	}
	return s.signInWith(ctx, passwordTry{
		user: holder.Edges.RootUser, password: p.Password, field: "input.password", wrong: apperr.WrongPassword, style: p.Style,
	})
}

// tellWrong tells of errors that a guess would meet.
func (s *Service) tellWrong(err error) {
	var known *apperr.Error
	if !errors.As(err, &known) {
		return
	}
	switch known.Kind {
	case apperr.PasswordInvalid, apperr.WrongPassword, apperr.UserNotFound, apperr.NoSuchLocalID,
		apperr.SignedUpUserIsDeleted, apperr.AccountBlocked:
		s.cfg.OnWrongSignIn(known.Kind)
	}
}

// passwordTry is one try to open an account by its password.
type passwordTry struct {
	user     *ent.User
	password string
	// field is the input that holds the password.
	field string
	// wrong is how the surface of the sign-in calls a wrong password.
	wrong      apperr.Kind
	needsPhone bool
	style      TokenStyle
}

func (s *Service) signInWith(ctx context.Context, try passwordTry) (signedIn SignedIn, err error) {
	var refused error
	err = s.tryPassword(ctx, try, func(ctx context.Context, tx *store.Tx, u *ent.User) error {
		signedIn, refused = SignedIn{}, nil
		if try.needsPhone && u.Phone == nil {
			refused = apperr.SmsVerificationRequired.New()
			return nil
		}
		signedIn, err = s.issue(ctx, tx, u, try.style)
		return err
	})
	if err := cmp.Or(err, refused); err != nil {
		return SignedIn{}, err
	}
	return signedIn, nil
}

// tryPassword runs right in a transaction if the password is right and the
// account isn't blocked. A wrong one is counted although the call fails. Tries in
// parallel are judged one after another, so that no more than ten are.
func (s *Service) tryPassword(
	ctx context.Context, try passwordTry, right func(context.Context, *store.Tx, *ent.User) error,
) error {
	if s.blocked(try.user) {
		return apperr.AccountBlocked.New()
	}
	same, err := s.passwords.matches(ctx, try.password, try.user.PasswordHash)
	if err != nil {
		return err
	}
	var refused error
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		refused = nil
		u, err := s.lockUser(ctx, tx, try.user.ID)
		if err != nil {
			return err
		}
		switch {
		case s.blocked(u):
			refused = apperr.AccountBlocked.New()
			return nil
		case !same || !equal(u.PasswordHash, try.user.PasswordHash):
			refused = try.wrong.WithField(try.field)
			return s.countWrong(ctx, tx, u)
		}
		if err := s.forgetWrong(ctx, tx, u); err != nil {
			return err
		}
		return right(ctx, tx, u)
	})
	return cmp.Or(err, refused)
}

func (s *Service) blocked(u *ent.User) bool {
	return u.BlockedUntil != nil && s.now().Before(*u.BlockedUntil)
}

// countWrong blocks the account at the tenth; the count begins anew after the
// block. An account without a password has nothing to guess.
func (s *Service) countWrong(ctx context.Context, tx *store.Tx, u *ent.User) error {
	if u.PasswordHash == nil {
		return nil
	}
	update := tx.User.UpdateOne(u).SetWrongPasswords(u.WrongPasswords + 1)
	if u.WrongPasswords+1 >= maxWrongPasswords {
		update.SetWrongPasswords(0).SetBlockedUntil(s.now().Add(blockedFor))
	}
	if err := update.Exec(ctx); err != nil {
		return fmt.Errorf("count a wrong password: %w", err)
	}
	return nil
}

func (s *Service) forgetWrong(ctx context.Context, tx *store.Tx, u *ent.User) error {
	if u.WrongPasswords == 0 && u.BlockedUntil == nil {
		return nil
	}
	if err := tx.User.UpdateOne(u).SetWrongPasswords(0).ClearBlockedUntil().Exec(ctx); err != nil {
		return fmt.Errorf("forget wrong passwords: %w", err)
	}
	return nil
}

func equal[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }
