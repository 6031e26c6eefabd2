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
// the two they wait in an identity without an account, whose id is the email_user_id
// of the routes. Nobody has proved yet that the e-mail is theirs, so others may begin
// with it as well: each password is a sign-up of its own, which only Complete decides.
type AddnoxSignUps struct {
	signUps *SignUps
	auth    *auth.Service
	store   *store.Store
	limits  *ratelimit.Limiter
	now     func() time.Time
}

// MaxBegunSignUps is how many sign-ups of one e-mail are kept that are not complete. Of more
// the oldest goes: were the newest refused, whoever fills the place with an address of
// another would keep its owner out for months. Beginning again gets a new place.
const MaxBegunSignUps = 32

// Check says whether an e-mail has an account. Errors: UserNotFound,
// TooManyRequests.
func (s *AddnoxSignUps) Check(ctx context.Context, email string) error {
	if err := s.limits.Guess(ctx); err != nil {
		return err
	}
	holder, err := s.auth.Identities.Find(ctx, s.store.Read(), identity.ProviderEmail, email)
	if err == nil && holder == nil {
		return apperr.UserNotFound.New()
	}
	return err
}

// BeginSignUpParams are the first step of a sign-up.
type BeginSignUpParams struct{ Email, Password string }

// Begin keeps e-mail and password for Complete and gives their email_user_id, which
// is the same for the same password. Errors: EmailNotValid, BadRequest (a weak
// password), SameEmailRegistered, TooManyRequests.
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
	// What is cheap to refuse is refused before the password is hashed.
	if err := s.checkFree(ctx, s.store.Read(), p.Email); err != nil {
		return 0, err
	}
	newest, err := s.auth.Identities.FindBegun(ctx, s.store.Read(), p.Email)
	if err != nil {
		return 0, err
	}
	for {
		hashes, err := s.hash(ctx, p, newest)
		if err != nil {
			return 0, err
		}
		err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			emailUserID, newest, err = s.begin(ctx, tx, p.Email, hashes)
			return err
		})
		if err != nil || newest == nil {
			return emailUserID, err
		}
	}
}

// hash gives the hashes that tell the password from those of other sign-ups that began
// with the e-mail: all of them are made with one salt, which the first one draws.
func (s *AddnoxSignUps) hash(ctx context.Context, p BeginSignUpParams, newest *ent.Identity) ([]string, error) {
	key := auth.EmailKey(p.Email)
	if newest != nil && newest.SecretHash != nil {
		return s.auth.Passwords.HashLike(ctx, key, p.Password, *newest.SecretHash)
	}
	hash, err := s.auth.Passwords.Hash(ctx, key, p.Password)
	return []string{hash}, err
}

// begin stores the sign-up if it is not stored yet. Where another one has been begun with
// another salt since the hashes were made, it stores nothing and gives that one.
func (s *AddnoxSignUps) begin(
	ctx context.Context, tx *store.Tx, email string, hashes []string,
) (emailUserID int, meanwhile *ent.Identity, err error) {
	if err := tx.LockText(ctx, text.NormalizeEmail(email)); err != nil {
		return 0, nil, fmt.Errorf("lock an e-mail: %w", err)
	}
	if err := s.checkFree(ctx, tx.Client, email); err != nil {
		return 0, nil, err
	}
	newest, err := s.auth.Identities.FindBegun(ctx, tx.Client, email)
	if err != nil {
		return 0, nil, err
	}
	if newest != nil && newest.SecretHash != nil && !auth.HaveOneSalt(*newest.SecretHash, hashes[0]) {
		return 0, newest, nil
	}
	same, err := s.auth.Identities.FindBegun(ctx, tx.Client, email, identity.SecretHashIn(hashes...))
	if err != nil {
		return 0, nil, err
	}
	if same != nil {
		return same.ID, nil, nil
	}
	begun, err := tx.Identity.Create().
		SetProvider(identity.ProviderEmail).
		SetSubject(text.NormalizeEmail(email)).
		SetSecretHash(hashes[0]).
		SetCreatedAt(s.now()).
		Save(ctx)
	if err != nil {
		return 0, nil, fmt.Errorf("begin a sign-up: %w", err)
	}
	return begun.ID, nil, s.auth.Identities.TrimBegun(ctx, tx, email, MaxBegunSignUps)
}

// checkFree refuses an e-mail that an account has.
func (s *AddnoxSignUps) checkFree(ctx context.Context, client *ent.Client, email string) error {
	holder, err := s.auth.Identities.Find(ctx, client, identity.ProviderEmail, email)
	if err == nil && holder != nil {
		return apperr.SameEmailRegistered.WithField("input.email")
	}
	return err
}

// EmailUserID finds the email_user_id of an e-mail: of several sign-ups that are not
// complete, the newest. Errors: UserIDNotResolved,
// TooManyRequests.
func (s *AddnoxSignUps) EmailUserID(ctx context.Context, email string) (int, error) {
	if err := s.limits.Guess(ctx); err != nil {
		return 0, err
	}
	found, err := s.auth.Identities.Find(ctx, s.store.Read(), identity.ProviderEmail, email)
	if err == nil && found == nil {
		found, err = s.auth.Identities.FindBegun(ctx, s.store.Read(), email)
	}
	if err != nil {
		return 0, err
	}
	if found == nil {
		return 0, apperr.UserIDNotResolved.New()
	}
	return found.ID, nil
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
		email: text.TrimEmail(p.Email), registerType: vocab.RegisteredByEmail, person: s.signUps.normalized(p.Person),
	}
	if err := s.signUps.check(ctx, r); err != nil {
		return auth.SignedIn{}, err
	}
	begun, err := s.findBegun(ctx, p)
	if err != nil {
		return auth.SignedIn{}, err
	}
	r.passwordHash, r.begun = begun.SecretHash, begun
	signedIn, err := s.signUps.register(ctx, r, nil)
	if apperr.Is(err, apperr.SameEmailIsRegistered) { // another call completed it meanwhile
		return auth.SignedIn{}, apperr.UserNotFound.New()
	}
	return signedIn, err
}

// findBegun asks for the e-mail beside the id: ids are numbers in a row, and a
// guessed one must not open somebody else's sign-up.
func (s *AddnoxSignUps) findBegun(ctx context.Context, p CompleteSignUpParams) (*ent.Identity, error) {
	found, err := s.auth.Identities.FindBegun(ctx, s.store.Read(), p.Email, identity.ID(p.EmailUserID))
	if err == nil && found == nil {
		return nil, apperr.UserNotFound.New()
	}
	return found, err
}
