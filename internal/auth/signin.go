package auth

import (
	"cmp"
	"context"
	"errors"
	"time"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
)

// SignInParams are an e-mail, in any case, and its account's password.
type SignInParams struct{ Email, Password string }

// SignIn opens a session by e-mail and password. Errors: PasswordInvalid,
// UserNotFound, SignedUpUserIsDeleted, SignUpNotCompleted,
// SmsVerificationRequired (an account without a phone), AccountBlocked,
// TooManyRequests.
func (s *Service) SignIn(ctx context.Context, p SignInParams) (SignedIn, error) {
	if err := s.cfg.Limits.Guess(ctx); err != nil {
		return SignedIn{}, err
	}
	holder, err := s.Identities.Find(ctx, s.store.Read(), identity.ProviderEmail, p.Email)
	switch {
	case err != nil:
		return SignedIn{}, err
	case holder == nil:
		err := s.refuseWithoutAccount(ctx, p)
		s.reportUnknown(err)
		return SignedIn{}, err
	}
	return s.signInByPassword(ctx, SessionTokens, true, PasswordTry{
		User: holder.Edges.RootUser, Password: p.Password, Field: "input.password", Wrong: apperr.PasswordInvalid,
	})
}

// refuseWithoutAccount answers for an e-mail by which no account is found. The e-mail of
// a sign-up of Addnox that is not complete looks like that of an account to all who do not
// know a password that it was begun with.
func (s *Service) refuseWithoutAccount(ctx context.Context, p SignInParams) error {
	newest, err := s.Identities.FindBegun(ctx, s.store.Read(), p.Email)
	if err != nil {
		return err
	}
	if newest == nil || newest.SecretHash == nil {
		return s.refuseUnknown(ctx, p)
	}
	hashes, err := s.Passwords.HashLike(ctx, EmailKey(p.Email), p.Password, *newest.SecretHash)
	if err != nil {
		return err
	}
	begun, err := s.Identities.FindBegun(ctx, s.store.Read(), p.Email, identity.SecretHashIn(hashes...))
	switch {
	case err != nil:
		return err
	case begun != nil:
		return apperr.SignUpNotCompleted.New()
	}
	return apperr.PasswordInvalid.WithField("input.password")
}

// refuseUnknown compares with no hash first, so that an unknown e-mail takes as
// long as a wrong password and nobody can tell the two apart by a clock.
func (s *Service) refuseUnknown(ctx context.Context, p SignInParams) error {
	if _, err := s.Passwords.Compare(ctx, EmailKey(p.Email), p.Password, nil); err != nil {
		return err
	}
	deleted, err := s.Identities.wasDeleted(ctx, s.store.Read(), identity.ProviderEmail, p.Email, time.Time{})
	switch {
	case err != nil:
		return err
	case deleted:
		return apperr.SignedUpUserIsDeleted.WithField("input.email")
	}
	return apperr.UserNotFound.WithField("input.email")
}

// SignInLocalParams are a local id, in any case, and its account's password.
type SignInLocalParams struct {
	LocalID, Password string
	Style             TokenStyle
}

// SignInLocal signs in by local id and password. Errors: NoSuchLocalID,
// WrongPassword, AccountBlocked, TooManyRequests.
func (s *Service) SignInLocal(ctx context.Context, p SignInLocalParams) (SignedIn, error) {
	if err := s.cfg.Limits.Guess(ctx); err != nil {
		return SignedIn{}, err
	}
	holder, err := s.Identities.Find(ctx, s.store.Read(), identity.ProviderLocal, p.LocalID)
	if err != nil {
		return SignedIn{}, err
	}
	if holder == nil {
		_, err := s.Passwords.Compare(ctx, LocalIDKey(p.LocalID), p.Password, nil) // as long as a wrong password
		err = cmp.Or(err, error(apperr.NoSuchLocalID.WithField("input.localId")))
		s.reportUnknown(err)
		return SignedIn{}, err
	}
	return s.signInByPassword(ctx, p.Style, false, PasswordTry{
		User: holder.Edges.RootUser, Password: p.Password, Field: "input.password", Wrong: apperr.WrongPassword,
	})
}

// signInByPassword issues tokens if the password is right. needsPhone refuses an
// account without a phone, as LUX and Addnox do. That refusal is returned only
// after the commit, because the right password also resets the count of wrong
// ones.
func (s *Service) signInByPassword(
	ctx context.Context, style TokenStyle, needsPhone bool, try PasswordTry,
) (signedIn SignedIn, err error) {
	var refused error
	err = s.Passwords.Try(ctx, try, func(ctx context.Context, tx *store.Tx, u *ent.User) error {
		signedIn, refused = SignedIn{}, nil
		if needsPhone && u.Phone == nil {
			refused = apperr.SmsVerificationRequired.New()
			return nil
		}
		signedIn, err = s.Sessions.Issue(ctx, tx, u, style)
		return err
	})
	if err := cmp.Or(err, refused); err != nil {
		return SignedIn{}, err
	}
	return signedIn, nil
}

// reportUnknown passes on the errors of guessing where there is no account; where there is
// one, [Passwords.Try] does.
func (s *Service) reportUnknown(err error) {
	var known *apperr.Error
	if !errors.As(err, &known) {
		return
	}
	switch known.Kind {
	case apperr.PasswordInvalid, apperr.UserNotFound, apperr.NoSuchLocalID, apperr.SignedUpUserIsDeleted:
		s.cfg.OnWrongSignIn(known.Kind)
	}
}

// SignInSocial opens a session by the token of a provider. Errors:
// ResourceNotFound (an unknown provider), BadRequest (no token),
// ProviderTokenInvalid, ProviderUnavailable, SignUpFirst, SignedUpWithEmail, SignedUpWithSocial,
// TooManyRequests.
func (s *Service) SignInSocial(ctx context.Context, p SocialParams) (signedIn SignedIn, err error) {
	if err := s.cfg.Limits.Guess(ctx); err != nil {
		return SignedIn{}, err
	}
	provider, profile, err := s.Identities.VerifySocial(ctx, p)
	if err != nil {
		return SignedIn{}, err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		holder, err := s.Identities.Find(ctx, tx.Client, provider, profile.Subject)
		if err != nil {
			return err
		}
		if holder == nil {
			return s.refuseUnlinked(ctx, tx, profile)
		}
		if err := s.Identities.RefreshName(ctx, tx, holder, profile); err != nil {
			return err
		}
		signedIn, err = s.Sessions.Issue(ctx, tx, holder.Edges.RootUser, SessionTokens)
		return err
	})
	return signedIn, err
}

// refuseUnlinked says how the person did sign up, as far as the e-mail that the
// provider verified shows it.
func (s *Service) refuseUnlinked(ctx context.Context, tx *store.Tx, profile Profile) error {
	if profile.Email == "" {
		return apperr.SignUpFirst.New()
	}
	holder, err := s.Identities.Find(ctx, tx.Client, identity.ProviderEmail, profile.Email)
	switch {
	case err != nil:
		return err
	case holder == nil:
		return apperr.SignUpFirst.New()
	}
	method, err := s.Identities.SignInMethod(ctx, tx.Client, holder.Edges.RootUser)
	if err != nil {
		return err
	}
	if _, isSocial := ParseSocialProvider(method); !isSocial {
		return apperr.SignedUpWithEmail.New() // or with a local id, which these pages do not know
	}
	return apperr.SignedUpWithSocial.WithProvider(method)
}
