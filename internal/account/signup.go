package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
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

// SignUps makes accounts. LUX and Addnox ask for a verified phone and personal
// data; SNUTT for a local id, a Facebook account, or nothing at all.
type SignUps struct {
	auth   *auth.Service
	store  *store.Store
	limits *ratelimit.Limiter
	now    func() time.Time
}

// Person is what a sign-up of LUX or Addnox says about its person.
type Person struct {
	FirstName string
	// LastName may be empty.
	LastName  string
	Birthdate vocab.Date
	Gender    vocab.Gender
	// Phone is the one that earned the valid_token, in E.164 or as in the country of
	// NationalCode.
	Phone            string
	IsPushAgree      bool
	IsMarketingAgree bool
	// NationalCode is ISO 3166-1 alpha-2.
	NationalCode string
}

// SignUpParams are a sign-up by e-mail and password.
type SignUpParams struct {
	// ValidToken is what [auth.Codes.VerifySMS] gave for the phone.
	ValidToken string
	Email      string
	Password   string
	Person
}

// ByEmail makes an account of LUX and opens a session. A refused sign-up leaves
// the valid_token usable. Errors: SignUpTokenInvalid, EmailNotValid, BadRequest,
// PhoneInvalid, SameEmailIsRegistered, PhoneTaken, UserPreviouslyDeleted,
// SignUpFailed, TooManyRequests.
func (s *SignUps) ByEmail(ctx context.Context, p SignUpParams) (auth.SignedIn, error) {
	if err := s.limits.SignUp(ctx); err != nil {
		return auth.SignedIn{}, err
	}
	// What is cheap to refuse is refused before the password is hashed.
	r := registration{
		validToken: p.ValidToken, tokenRefused: apperr.SignUpTokenInvalid,
		email: text.TrimEmail(p.Email), registerType: vocab.RegisteredByEmail, person: s.normalized(p.Person),
	}
	if err := s.check(ctx, r); err != nil {
		return auth.SignedIn{}, err
	}
	if !auth.IsStrongPassword(p.Password) {
		return auth.SignedIn{}, apperr.BadRequest.WithField("input.password")
	}
	if err := s.checkFree(ctx, r); err != nil {
		return auth.SignedIn{}, err
	}
	hash, err := s.auth.Passwords.Hash(ctx, auth.PhoneKey(r.person.Phone), p.Password)
	if err != nil {
		return auth.SignedIn{}, err
	}
	r.passwordHash = &hash
	return s.register(ctx, r, nil)
}

// registration is what becomes an account of LUX or Addnox.
type registration struct {
	validToken string
	// tokenRefused is the error of a valid_token that isn't good, which differs
	// between LUX and Addnox.
	tokenRefused apperr.Kind
	email        string
	passwordHash *string
	registerType vocab.RegisterType
	person       Person
	// begun is the sign-up of Addnox that this one completes, nil for any other.
	begun *ent.Identity
}

// check refuses what can be refused before a password is hashed or a provider
// asked, because both are slow. A missing valid_token comes first; one that is
// not good for the phone comes last, as it costs a statement.
func (s *SignUps) check(ctx context.Context, r registration) error {
	if r.validToken == "" {
		return r.tokenRefused.WithField("input.validToken")
	}
	if !text.ValidEmail(r.email) {
		return apperr.EmailNotValid.WithField("input.email")
	}
	if err := checkPerson(r.person, s.now()); err != nil {
		return err
	}
	grant, err := s.auth.Codes.FindGrant(ctx, s.store.Read(), r.validToken, r.person.Phone)
	if err == nil && grant == nil {
		return r.tokenRefused.WithField("input.validToken")
	}
	return err
}

// checkFree refuses what another account has before a password is hashed for it. The write
// asks again.
func (s *SignUps) checkFree(ctx context.Context, r registration) error {
	if err := s.auth.Identities.CheckPhoneFree(ctx, s.store.Read(), r.person.Phone, 0); err != nil {
		return err
	}
	holder, err := s.auth.Identities.Find(ctx, s.store.Read(), identity.ProviderEmail, r.email)
	if err == nil && holder != nil {
		return apperr.SameEmailIsRegistered.WithField("input.email")
	}
	return err
}

// normalized writes the phone as it is stored and compared. One that is refused is left empty,
// which [checkPerson] refuses.
func (s *SignUps) normalized(p Person) Person {
	p.Phone, _ = s.auth.Codes.Phone(p.Phone, &p.NationalCode)
	return p
}

func checkPerson(p Person, now time.Time) error {
	switch {
	case !text.Name(p.FirstName):
		return apperr.BadRequest.WithField("input.firstName")
	case !text.NameOrEmpty(p.LastName):
		return apperr.BadRequest.WithField("input.lastName")
	case !p.Birthdate.HasBegun(now):
		return apperr.BadRequest.WithField("input.birthdate")
	case !p.Gender.Valid():
		return apperr.BadRequest.WithField("input.gender")
	case !text.ValidPhone(p.Phone):
		return apperr.PhoneInvalid.WithField("input.phone")
	case !text.ValidCountry(p.NationalCode):
		return apperr.BadRequest.WithField("input.nationalCode")
	}
	return nil
}

// register makes the account in one transaction and opens a session. extra, if
// any, runs in the same transaction, for what one kind of sign-up does in addition.
func (s *SignUps) register(
	ctx context.Context, r registration, extra func(context.Context, *store.Tx, *ent.User) error,
) (signedIn auth.SignedIn, err error) {
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.create(ctx, tx, r)
		if err != nil {
			return err
		}
		if extra != nil {
			if err := extra(ctx, tx, u); err != nil {
				return err
			}
		}
		signedIn, err = s.auth.Sessions.Issue(ctx, tx, u, auth.SessionTokens)
		return err
	})
	if err != nil {
		return auth.SignedIn{}, nameSignUpError(err)
	}
	return signedIn, nil
}

// nameSignUpError gives an unexpected error the name that the sign-up routes have
// for it (auth.md, "Failed to sign up user"). The cause is in the log alone.
func nameSignUpError(err error) error {
	var known *apperr.Error
	if errors.As(err, &known) {
		return err
	}
	return apperr.SignUpFailed.Wrap(err)
}

// create stores the account with its identities and uses up the valid_token.
func (s *SignUps) create(ctx context.Context, tx *store.Tx, r registration) (*ent.User, error) {
	// What check found may have changed before this transaction began.
	grant, err := s.auth.Codes.FindGrant(ctx, tx.Client, r.validToken, r.person.Phone)
	if err != nil {
		return nil, err
	}
	if grant == nil {
		return nil, r.tokenRefused.WithField("input.validToken")
	}
	if err := s.auth.Identities.CheckPhoneFree(ctx, tx.Client, r.person.Phone, 0); err != nil {
		return nil, err
	}
	u, err := s.storeUser(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	// The identities come after the account, whose id they refer to. An error rolls
	// everything back, and the valid_token is still good.
	if r.begun != nil {
		completed, err := s.auth.Identities.CompleteBegun(ctx, tx, u.ID, r.begun)
		if err != nil {
			return nil, err
		}
		if !completed {
			return nil, apperr.UserNotFound.New()
		}
	}
	taken, err := s.auth.Identities.TakeEmail(ctx, tx, u.ID, r.email)
	if err != nil {
		return nil, err
	}
	if !taken {
		return nil, apperr.SameEmailIsRegistered.WithField("input.email")
	}
	if err := s.auth.Identities.Add(ctx, tx, u.ID, identity.ProviderPhone, r.person.Phone, nil); err != nil {
		return nil, err
	}
	used, err := s.auth.Codes.UseGrant(ctx, tx, grant)
	if err == nil && !used {
		return nil, r.tokenRefused.WithField("input.validToken")
	}
	return u, err
}

// storeUser stores the rows of the person and of its consent.
func (s *SignUps) storeUser(ctx context.Context, tx *store.Tx, r registration) (*ent.User, error) {
	now := s.now()
	create := newUser(tx, now).
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

// newUser begins the row of a new account. It has no notification that it hasn't
// seen: the SNUTT user page shows both times as the same.
func newUser(tx *store.Tx, now time.Time) *ent.UserCreate {
	return tx.User.Create().SetCreatedAt(now).SetNotificationCheckedAt(now)
}

// RegisterLocalParams are a local id, its password and, if given, an e-mail.
type RegisterLocalParams struct {
	LocalID, Password string
	Email             *string
	Style             auth.TokenStyle
}

// ByLocalID makes an account that signs in by local id. Its e-mail is
// unverified. Errors: LocalIDMalformed, PasswordMalformed, EmailMalformed,
// LocalIDTaken, TooManyRequests.
func (s *SignUps) ByLocalID(ctx context.Context, p RegisterLocalParams) (signedIn auth.SignedIn, err error) {
	if err := s.limits.SignUp(ctx); err != nil {
		return auth.SignedIn{}, err
	}
	if err := checkLocal(p.LocalID, p.Password, false); err != nil {
		return auth.SignedIn{}, err
	}
	p.Email = trimmed(p.Email)
	if p.Email != nil && !text.ValidEmail(*p.Email) {
		return auth.SignedIn{}, apperr.EmailMalformed.WithField("input.email")
	}
	if err := checkLocalIDFree(ctx, s.store.Read(), s.auth.Identities, p.LocalID); err != nil {
		return auth.SignedIn{}, err
	}
	hash, err := s.auth.Passwords.Hash(ctx, auth.LocalIDKey(p.LocalID), p.Password)
	if err != nil {
		return auth.SignedIn{}, err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		now := s.now()
		u, err := newUser(tx, now).
			SetRegisterType(vocab.RegisteredLocally).
			SetNillableEmail(p.Email).
			SetPasswordHash(hash).
			SetPasswordChangedAt(now).
			Save(ctx)
		if err != nil {
			return fmt.Errorf("store an account: %w", err)
		}
		if err := checkLocalIDFree(ctx, tx.Client, s.auth.Identities, p.LocalID); err != nil {
			return err
		}
		// It is shown as it was typed.
		if err := s.auth.Identities.Add(ctx, tx, u.ID, identity.ProviderLocal, p.LocalID, &p.LocalID); err != nil {
			return err
		}
		signedIn, err = s.auth.Sessions.Issue(ctx, tx, u, p.Style)
		return err
	})
	return signedIn, err
}

// trimmed trims an optional e-mail address.
func trimmed(address *string) *string {
	if address == nil {
		return nil
	}
	without := text.TrimEmail(*address)
	return &without
}

var localIDPattern = regexp.MustCompile(`^[A-Za-z0-9]{4,32}$`)

// checkLocal holds a local id and its password to the rules of snutt.md. The password that
// an account has already may be one of LUX.
func checkLocal(localID, password string, hasPassword bool) error {
	switch {
	case !localIDPattern.MatchString(localID):
		return apperr.LocalIDMalformed.WithField("input.localId")
	case !auth.IsLocalPassword(password) && (!hasPassword || !auth.IsStrongPassword(password)):
		return apperr.PasswordMalformed.WithField("input.password")
	}
	return nil
}

// checkLocalIDFree refuses a local id that an account has, in any case.
func checkLocalIDFree(ctx context.Context, client *ent.Client, identities *auth.Identities, localID string) error {
	holder, err := identities.Find(ctx, client, identity.ProviderLocal, localID)
	if err == nil && holder != nil {
		return apperr.LocalIDTaken.WithField("input.localId")
	}
	return err
}

// Temporary makes an account without any way to sign in again but its token,
// until it gets a local id or a Facebook link. Errors: TooManyRequests.
func (s *SignUps) Temporary(ctx context.Context, style auth.TokenStyle) (signedIn auth.SignedIn, err error) {
	if err := s.limits.SignUp(ctx); err != nil {
		return auth.SignedIn{}, err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := newUser(tx, s.now()).SetRegisterType(vocab.RegisteredLocally).Save(ctx)
		if err != nil {
			return fmt.Errorf("store an account: %w", err)
		}
		signedIn, err = s.auth.Sessions.Issue(ctx, tx, u, style)
		return err
	})
	return signedIn, err
}
