package account

import (
	"context"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
)

// CheckSignUp says whether an e-mail has an account. Errors: UserNotFound.
func (s *Service) CheckSignUp(ctx context.Context, email string) error {
	if err := s.cfg.Limits.Guess(ctx); err != nil {
		return err
	}
	holder, err := live(ctx, s.store.Read(), identity.ProviderEmail, sameEmail(email))
	if err == nil && (holder == nil || holder.RootUserID == nil) {
		return apperr.UserNotFound.New()
	}
	return err
}

// PreSignUpParams begin a sign-up of Addnox.
type PreSignUpParams struct{ Email, Password string }

// PreSignUp keeps e-mail and password for CompleteSignUp and gives their
// email_user_id. Beginning again keeps the id and takes the new password.
// Errors: EmailNotValid, BadRequest (a weak password), SameEmailRegistered.
func (s *Service) PreSignUp(ctx context.Context, p PreSignUpParams) (emailUserID int, err error) {
	if err := s.cfg.Limits.SignUp(ctx); err != nil {
		return 0, err
	}
	if !validEmail(p.Email) {
		return 0, apperr.EmailNotValid.WithField("input.email")
	}
	if !strongPassword(p.Password) {
		return 0, apperr.BadRequest.WithField("input.password")
	}
	hash, err := s.passwords.hash(ctx, p.Password)
	if err != nil {
		return 0, err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		emailUserID, err = s.begin(ctx, tx, p.Email, hash)
		return err
	})
	return emailUserID, err
}

func (s *Service) begin(ctx context.Context, tx *store.Tx, email, hash string) (int, error) {
	holder, err := live(ctx, tx.Client, identity.ProviderEmail, sameEmail(email))
	if err != nil {
		return 0, err
	}
	if holder != nil {
		return beginAgain(ctx, tx, holder, hash)
	}
	begun, err := tx.Identity.Create().
		SetProvider(identity.ProviderEmail).
		SetSubject(sameEmail(email)).
		SetSecretHash(hash).
		SetCreatedAt(s.now()).
		Save(ctx)
	if err != nil {
		return 0, fmt.Errorf("begin a sign-up: %w", err)
	}
	return begun.ID, nil
}

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

// EmailUserID finds the email_user_id of an e-mail. Errors: UserIDNotResolved.
func (s *Service) EmailUserID(ctx context.Context, email string) (int, error) {
	if err := s.cfg.Limits.Guess(ctx); err != nil {
		return 0, err
	}
	holder, err := live(ctx, s.store.Read(), identity.ProviderEmail, sameEmail(email))
	if err != nil {
		return 0, err
	}
	if holder == nil {
		return 0, apperr.UserIDNotResolved.New()
	}
	return holder.ID, nil
}

// CompleteSignUpParams complete what PreSignUp began.
type CompleteSignUpParams struct {
	// ValidToken is what VerifySmsCode gave for the phone.
	ValidToken  string
	EmailUserID int
	// Email is the one that PreSignUp took.
	Email string
	Person
}

// CompleteSignUp makes the account that PreSignUp began, and opens a session.
// Errors: NotAuthenticated, UserNotFound (nothing begun, or complete already),
// EmailNotValid, BadRequest, PhoneInvalid, PhoneTaken, SignUpFailed.
func (s *Service) CompleteSignUp(ctx context.Context, p CompleteSignUpParams) (SignedIn, error) {
	if err := s.cfg.Limits.SignUp(ctx); err != nil {
		return SignedIn{}, err
	}
	to := registration{
		validToken: p.ValidToken, tokenRefused: apperr.NotAuthenticated,
		email: p.Email, registerType: vocab.RegisteredByEmail, person: p.Person,
	}
	if err := s.checkRegistration(ctx, to); err != nil {
		return SignedIn{}, err
	}
	begun, err := s.begun(ctx, p)
	if err != nil {
		return SignedIn{}, err
	}
	to.passwordHash = begun.SecretHash
	signedIn, err := s.register(ctx, to, nil)
	if apperr.Is(err, apperr.SameEmailIsRegistered) { // completed a moment ago
		return SignedIn{}, apperr.UserNotFound.New()
	}
	return signedIn, err
}

func (s *Service) begun(ctx context.Context, p CompleteSignUpParams) (*ent.Identity, error) {
	found, err := s.store.Read().Identity.Query().
		Where(
			identity.ID(p.EmailUserID),
			identity.ProviderEQ(identity.ProviderEmail),
			identity.Subject(sameEmail(p.Email)),
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
