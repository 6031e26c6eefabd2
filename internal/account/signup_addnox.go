package account

import (
	"context"
	"fmt"
	"time"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/ratelimit"
	"luxbff/internal/store"
	"luxbff/internal/text"
)

// AddnoxSignUps is the sign-up of Addnox, in two steps (auth.md): Begin
// takes e-mail and password, Complete the verified phone and the person. Between
// the two the e-mail is held by an identity without an account, whose id is the
// email_user_id of the routes.
type AddnoxSignUps struct {
	signUps *SignUps
	auth    *auth.Service
	store   *store.Store
	limits  *ratelimit.Limiter
	now     func() time.Time
}

// Check says whether an e-mail has an account. Errors: UserNotFound,
// TooManyRequests.
func (s *AddnoxSignUps) Check(ctx context.Context, email string) error {
	if err := s.limits.Guess(ctx); err != nil {
		return err
	}
	holder, err := s.auth.Identities.Find(ctx, s.store.Read(), identity.ProviderEmail, email)
	if err == nil && (holder == nil || holder.RootUserID == nil) {
		return apperr.UserNotFound.New()
	}
	return err
}

// BeginSignUpParams are the first step of a sign-up.
type BeginSignUpParams struct{ Email, Password string }

// Begin keeps e-mail and password for Complete and gives their email_user_id.
// Beginning again keeps the id and takes the new password. Errors:
// EmailNotValid, BadRequest (a weak password), SameEmailRegistered,
// TooManyRequests.
func (s *AddnoxSignUps) Begin(ctx context.Context, p BeginSignUpParams) (emailUserID int, err error) {
	if err := s.limits.SignUp(ctx); err != nil {
		return 0, err
	}
	if !text.ValidEmail(text.TrimEmail(p.Email)) {
		return 0, apperr.EmailNotValid.WithField("input.email")
	}
	if !auth.IsStrongPassword(p.Password) {
		return 0, apperr.BadRequest.WithField("input.password")
	}
	hash, err := s.auth.Passwords.Hash(ctx, p.Password)
	if err != nil {
		return 0, err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		emailUserID, err = s.begin(ctx, tx, p.Email, hash)
		return err
	})
	return emailUserID, err
}

func (s *AddnoxSignUps) begin(ctx context.Context, tx *store.Tx, email, hash string) (int, error) {
	holder, err := s.auth.Identities.Find(ctx, tx.Client, identity.ProviderEmail, email)
	if err != nil {
		return 0, err
	}
	if holder != nil {
		return beginAgain(ctx, tx, holder, hash)
	}
	// The password waits in the identity: there is no account to hold it yet.
	begun, err := tx.Identity.Create().
		SetProvider(identity.ProviderEmail).
		SetSubject(text.NormalizeEmail(email)).
		SetSecretHash(hash).
		SetCreatedAt(s.now()).
		Save(ctx)
	if err != nil {
		return 0, fmt.Errorf("begin a sign-up: %w", err)
	}
	return begun.ID, nil
}

// beginAgain lets the last password win: nobody has proved yet that the e-mail is
// theirs, so who came first has no better right to it.
func beginAgain(ctx context.Context, tx *store.Tx, holder *ent.Identity, hash string) (int, error) {
	changed, err := tx.Identity.Update().
		Where(identity.ID(holder.ID), identity.RootUserIDIsNil()).
		SetSecretHash(hash).
		Save(ctx)
	if err != nil {
		return 0, fmt.Errorf("begin a sign-up again: %w", err)
	}
	if changed == 0 {
		return 0, apperr.SameEmailRegistered.WithField("input.email")
	}
	return holder.ID, nil
}

// EmailUserID finds the email_user_id of an e-mail. Errors: UserIDNotResolved,
// TooManyRequests.
func (s *AddnoxSignUps) EmailUserID(ctx context.Context, email string) (int, error) {
	if err := s.limits.Guess(ctx); err != nil {
		return 0, err
	}
	holder, err := s.auth.Identities.Find(ctx, s.store.Read(), identity.ProviderEmail, email)
	if err != nil {
		return 0, err
	}
	if holder == nil {
		return 0, apperr.UserIDNotResolved.New()
	}
	return holder.ID, nil
}

// CompleteSignUpParams are the second step of a sign-up.
type CompleteSignUpParams struct {
	// ValidToken is what [auth.Codes.VerifySMS] gave for the phone.
	ValidToken  string
	EmailUserID int
	// Email is the one that Begin took.
	Email string
	Person
}

// Complete makes the account that Begin began, and opens a session. Errors:
// NotAuthenticated, UserNotFound (nothing begun, or complete already),
// EmailNotValid, BadRequest, PhoneInvalid, PhoneTaken, SignUpFailed,
// TooManyRequests.
func (s *AddnoxSignUps) Complete(ctx context.Context, p CompleteSignUpParams) (auth.SignedIn, error) {
	if err := s.limits.SignUp(ctx); err != nil {
		return auth.SignedIn{}, err
	}
	r := registration{
		validToken: p.ValidToken, tokenRefused: apperr.NotAuthenticated,
		email: text.TrimEmail(p.Email), registerType: vocab.RegisteredByEmail, person: p.Person,
	}
	if err := s.signUps.check(ctx, r); err != nil {
		return auth.SignedIn{}, err
	}
	begun, err := s.findBegun(ctx, p)
	if err != nil {
		return auth.SignedIn{}, err
	}
	r.passwordHash = begun.SecretHash
	signedIn, err := s.signUps.register(ctx, r, nil)
	if apperr.Is(err, apperr.SameEmailIsRegistered) { // another call completed it meanwhile
		return auth.SignedIn{}, apperr.UserNotFound.New()
	}
	return signedIn, err
}

// findBegun asks for the e-mail beside the id: ids are numbers in a row, and a
// guessed one must not open somebody else's sign-up.
func (s *AddnoxSignUps) findBegun(ctx context.Context, p CompleteSignUpParams) (*ent.Identity, error) {
	found, err := s.store.Read().Identity.Query().
		Where(
			identity.ID(p.EmailUserID),
			identity.ProviderEQ(identity.ProviderEmail),
			identity.Subject(text.NormalizeEmail(p.Email)),
			identity.RootUserIDIsNil(),
			identity.DeletedAtIsNil(),
		).
		First(ctx)
	if ent.IsNotFound(err) {
		return nil, apperr.UserNotFound.New()
	}
	if err != nil {
		return nil, fmt.Errorf("read a begun sign-up: %w", err)
	}
	return found, nil
}
