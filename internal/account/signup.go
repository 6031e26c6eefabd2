package account

import (
	"context"
	"errors"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/text"
)

// Person is what a sign-up of LUX or Addnox tells of the new account.
type Person struct {
	FirstName string
	// LastName may be empty.
	LastName  string
	Birthdate vocab.Date
	Gender    vocab.Gender
	// Phone is E.164, the one that earned the valid_token.
	Phone            string
	IsPushAgree      bool
	IsMarketingAgree bool
	// NationalCode is ISO 3166-1 alpha-2.
	NationalCode string
}

// SignUpParams are a sign-up by e-mail and password.
type SignUpParams struct {
	// ValidToken is what VerifySmsCode gave for the phone.
	ValidToken string
	Email      string
	Password   string
	Person
}

// SignUp makes an account and opens a session. What it refuses leaves the
// valid_token usable. Errors: SignUpTokenInvalid, EmailNotValid, BadRequest,
// PhoneInvalid, SameEmailIsRegistered, PhoneTaken, UserPreviouslyDeleted,
// SignUpFailed.
func (s *Service) SignUp(ctx context.Context, p SignUpParams) (SignedIn, error) {
	if err := s.cfg.Limits.SignUp(ctx); err != nil {
		return SignedIn{}, err
	}
	to := registration{
		validToken: p.ValidToken, tokenRefused: apperr.SignUpTokenInvalid,
		email: p.Email, registerType: vocab.RegisteredByEmail, person: p.Person,
	}
	if err := s.checkRegistration(ctx, to); err != nil {
		return SignedIn{}, err
	}
	if !strongPassword(p.Password) {
		return SignedIn{}, apperr.BadRequest.WithField("input.password")
	}
	hash, err := s.passwords.hash(ctx, p.Password)
	if err != nil {
		return SignedIn{}, err
	}
	to.passwordHash = &hash
	return s.register(ctx, to, nil)
}

func (s *Service) checkPerson(p Person) error {
	switch {
	case !text.Name(p.FirstName):
		return apperr.BadRequest.WithField("input.firstName")
	case !text.NameOrEmpty(p.LastName):
		return apperr.BadRequest.WithField("input.lastName")
	case !s.bornBy(p.Birthdate):
		return apperr.BadRequest.WithField("input.birthdate")
	case !p.Gender.Valid():
		return apperr.BadRequest.WithField("input.gender")
	case !validPhone(p.Phone):
		return apperr.PhoneInvalid.WithField("input.phone")
	case !validCountry(p.NationalCode):
		return apperr.BadRequest.WithField("input.nationalCode")
	}
	return nil
}

// registration is what becomes an account of LUX or Addnox.
type registration struct {
	validToken string
	// tokenRefused is what the route calls a valid_token that isn't good.
	tokenRefused apperr.Kind
	email        string
	passwordHash *string
	registerType vocab.RegisterType
	person       Person
}

// checkRegistration refuses what can be refused before a password is hashed or a
// provider asked: a missing valid_token first, one that is not good for the
// phone last.
func (s *Service) checkRegistration(ctx context.Context, r registration) error {
	if r.validToken == "" {
		return r.tokenRefused.New()
	}
	if !validEmail(r.email) {
		return apperr.EmailNotValid.WithField("input.email")
	}
	if err := s.checkPerson(r.person); err != nil {
		return err
	}
	grant, err := s.granted(ctx, s.store.Read(), r.validToken, r.person.Phone)
	if err == nil && grant == nil {
		return r.tokenRefused.New()
	}
	return err
}

// register makes the account in one transaction and opens a session. extra, if
// any, runs in it for what one kind of sign-up does besides.
func (s *Service) register(
	ctx context.Context, r registration, extra func(context.Context, *store.Tx, *ent.User) error,
) (signedIn SignedIn, err error) {
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.registerIn(ctx, tx, r)
		if err != nil {
			return err
		}
		if extra != nil {
			if err := extra(ctx, tx, u); err != nil {
				return err
			}
		}
		signedIn, err = s.issue(ctx, tx, u, SessionTokens)
		return err
	})
	if err != nil {
		return SignedIn{}, signUpFailed(err)
	}
	return signedIn, nil
}

// signUpFailed gives what is unexpected the name that the sign-up routes have
// for it.
func signUpFailed(err error) error {
	var known *apperr.Error
	if errors.As(err, &known) {
		return err
	}
	return apperr.SignUpFailed.Wrap(err)
}

func (s *Service) registerIn(ctx context.Context, tx *store.Tx, r registration) (*ent.User, error) {
	grant, err := s.granted(ctx, tx.Client, r.validToken, r.person.Phone)
	if err != nil {
		return nil, err
	}
	if grant == nil {
		return nil, r.tokenRefused.New()
	}
	if err := s.phoneFree(ctx, tx.Client, r.person.Phone, 0); err != nil {
		return nil, err
	}
	u, err := s.createUser(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	owner, err := s.takeEmail(ctx, tx, u.ID, r.email)
	if err != nil {
		return nil, err
	}
	if !owner {
		return nil, apperr.SameEmailIsRegistered.WithField("input.email")
	}
	if err := s.addIdentity(ctx, tx, u.ID, identity.ProviderPhone, r.person.Phone, nil); err != nil {
		return nil, err
	}
	used, err := s.useGrant(ctx, tx, grant)
	if err == nil && !used {
		return nil, r.tokenRefused.New()
	}
	return u, err
}

// newUser begins a row. A new account has no notification it hasn't seen: the
// SNUTT page shows both times the same.
func (s *Service) newUser(tx *store.Tx) *ent.UserCreate {
	now := s.now()
	return tx.User.Create().SetCreatedAt(now).SetNotificationCheckedAt(now)
}

func (s *Service) createUser(ctx context.Context, tx *store.Tx, r registration) (*ent.User, error) {
	now := s.now()
	create := s.newUser(tx).
		SetFirstName(r.person.FirstName).
		SetLastName(r.person.LastName).
		SetBirthdate(r.person.Birthdate).
		SetGender(r.person.Gender).
		SetEmail(r.email).
		SetPhone(r.person.Phone).
		SetRegisterType(r.registerType).
		SetNationalCode(r.person.NationalCode)
	if r.passwordHash != nil {
		create.SetPasswordHash(*r.passwordHash).SetPasswordChangedAt(now)
	}
	u, err := create.Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("store an account: %w", err)
	}
	consent := tx.Consent.Create().
		SetRootUserID(u.ID).
		SetIsPushAgree(r.person.IsPushAgree).
		SetIsMarketingAgree(r.person.IsMarketingAgree).
		SetCreatedAt(now)
	if r.person.IsPushAgree {
		consent.SetPushAgreeDate(now)
	}
	if r.person.IsMarketingAgree {
		consent.SetMarketingAgreeDate(now)
	}
	if err := consent.Exec(ctx); err != nil {
		return nil, fmt.Errorf("store a consent: %w", err)
	}
	return u, nil
}
