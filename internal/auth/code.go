package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"time"

	"luxbff/ent"
	"luxbff/ent/identity"
	entmessage "luxbff/ent/message"
	"luxbff/ent/predicate"
	"luxbff/ent/verificationcode"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/message"
	"luxbff/internal/message/template"
	"luxbff/internal/ratelimit"
	"luxbff/internal/store"
	"luxbff/internal/text"
	"luxbff/internal/viewer"
)

// Verification codes are good for 3 minutes and 5 tries (rule 11 of the contract),
// a valid_token for 10 minutes and a reset link for 30 (auth.md).
const (
	codeLifetime  = 3 * time.Minute
	maxCodeTries  = 5
	grantLifetime = 10 * time.Minute
	resetLifetime = 30 * time.Minute
)

// After five codes by e-mail the next has to wait until three minutes have
// passed since the last one (SNUTT user page).
const (
	maxEmailCodes  = 5
	emailCodePause = 3 * time.Minute
)

// What can be sent a day of codes and reset links: to one phone or mailbox, which nobody
// needs more often, and at the request of one block of addresses. Many phones of a carrier
// share one.
const (
	codesPerRecipient = 30
	codesPerBlock     = 1000
)

// codeField is the path of the input of verifySmsCode and verifyEmail that holds the code.
const codeField = "input.code"

var codePattern = regexp.MustCompile(`^[0-9]{6}$`)

// Codes sends secrets to people and recognises them when they come back: codes
// of six digits by SMS and e-mail, the valid_token that a right code from an SMS
// earns, and the token of a link that resets a password. All are stored as
// digests in one table.
type Codes struct {
	store      *store.Store
	outbox     *message.Outbox
	texts      *template.Texts
	identities *Identities
	limits     *ratelimit.Limiter
	digest     keyedDigest
	counted    keyedDigest
	now        func() time.Time
	random     io.Reader
	publicURL  string
	countries  []string
}

func newCodes(cfg Config, identities *Identities) (*Codes, error) {
	secrets, err := cfg.Keys.Secrets("verification codes")
	if err != nil {
		return nil, err
	}
	counted, err := cfg.Keys.Secrets("quotas of messages")
	if err != nil {
		return nil, err
	}
	return &Codes{
		store: cfg.Store, outbox: cfg.Outbox, texts: cfg.Texts, identities: identities, limits: cfg.Limits, digest: secrets, counted: counted,
		now: cfg.Clock, random: cfg.Random, publicURL: cfg.PublicURL, countries: cfg.SMSCountries,
	}, nil
}

// Phone gives a number in E.164. One that is written as in the country of its owner, nil where
// that is not known, is corrected. It reports false for one that is no phone, or of a country
// that no SMS are sent to.
func (c *Codes) Phone(phone string, country *string) (e164 string, ok bool) {
	known := ""
	if country != nil {
		known = *country
	}
	e164, ok = text.NormalizePhone(phone, known)
	if !ok || len(c.countries) > 0 && !slices.Contains(c.countries, text.PhoneCountry(e164)) {
		return "", false
	}
	return e164, true
}

// PhoneOf is [Codes.Phone] for the phone of whoever asks, whose country is known if they are
// signed in.
func (c *Codes) PhoneOf(ctx context.Context, phone string) (e164 string, ok bool) {
	v, err := viewer.From(ctx)
	if err != nil || v.User == nil {
		return c.Phone(phone, nil)
	}
	return c.Phone(phone, v.User.NationalCode)
}

// SendSMSParams are a phone, in E.164 or for a viewer as in the viewer's country, and the one thing that the code serves for; nil is
// for any.
type SendSMSParams struct {
	Phone   string
	Purpose *vocab.SmsCodePurpose
}

// SendSMS sends a code to a phone; it replaces the one before. The answer is the same whether or not the phone has an account. Errors:
// PhoneInvalid, SendSmsFailed, TooManyRequests.
func (c *Codes) SendSMS(ctx context.Context, p SendSMSParams) error {
	phone, ok := c.PhoneOf(ctx, p.Phone)
	if !ok {
		return apperr.PhoneInvalid.WithField("input.phone")
	}
	p.Phone = phone
	// Bounded for each client and each recipient: a message costs money, and may
	// be unwanted.
	if err := c.limits.Message(ctx, p.Phone, "input.phone"); err != nil {
		return err
	}
	code, err := randomDigits(c.random)
	if err != nil {
		return err
	}
	return c.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		err := c.replace(ctx, tx, newCode{
			purpose: verificationcode.PurposePhone, smsPurpose: p.Purpose, address: p.Phone, code: code,
		})
		if err != nil {
			return err
		}
		language, err := c.languageOfPhone(ctx, tx, p.Phone)
		if err != nil {
			return err
		}
		m, err := c.texts.Message(entmessage.ChannelSms, smsPurpose(p.Purpose), p.Phone, language, codeValues(code))
		if err != nil {
			return err
		}
		m.ExpiresAt, m.Quotas = c.now().Add(codeLifetime), c.quotas(ctx, p.Phone, "input.phone")
		return c.enqueue(ctx, tx, apperr.SendSmsFailed, m)
	})
}

// languageOfPhone is that of the account that has the phone, or else of the phone's country.
func (c *Codes) languageOfPhone(ctx context.Context, tx *store.Tx, phone string) (template.Language, error) {
	holder, err := c.identities.Find(ctx, tx.Client, identity.ProviderPhone, phone)
	if err != nil {
		return "", err
	}
	if holder == nil {
		return template.LanguageOf(nil, &phone), nil
	}
	return template.LanguageOf(holder.Edges.RootUser.NationalCode, &phone), nil
}

// quotas are those of a code or a link that somebody asks for. Neither the recipient nor the
// addresses can be read from the database alone. field is the path of the input that names the
// recipient, and empty without one.
func (c *Codes) quotas(ctx context.Context, recipient, field string) []message.Quota {
	return []message.Quota{
		{Name: "code-recipient-day", Subject: c.counted.of("recipient", recipient), PerDay: codesPerRecipient, Field: field},
		{Name: "code-block-day", Subject: c.counted.of("block", ratelimit.BlockOf(ctx)), PerDay: codesPerBlock},
	}
}

func codeValues(code string) template.Values {
	return template.Values{template.Code: code, template.Minutes: minutes(codeLifetime)}
}

func minutes(d time.Duration) string { return strconv.Itoa(int(d.Minutes())) }

// SendEmail sends a code to an address that the account wants to verify; it
// replaces the one before. Errors: TooManyEmailCodes, EmailSendFailed.
func (c *Codes) SendEmail(ctx context.Context, tx *store.Tx, u *ent.User, address string) error {
	if err := c.checkEmailPause(ctx, tx, u.ID); err != nil {
		return err
	}
	code, err := randomDigits(c.random)
	if err != nil {
		return err
	}
	err = c.replace(ctx, tx, newCode{
		purpose: verificationcode.PurposeEmail, address: address, code: code, rootUserID: &u.ID,
	})
	if err != nil {
		return err
	}
	m, err := c.texts.Message(entmessage.ChannelEmail, entmessage.PurposeEmailCode, address,
		template.LanguageOf(u.NationalCode, u.Phone), codeValues(code))
	if err != nil {
		return err
	}
	m.RootUserID, m.ExpiresAt = &u.ID, c.now().Add(codeLifetime)
	m.Quotas = c.quotas(ctx, text.NormalizeEmail(address), "")
	return c.enqueue(ctx, tx, apperr.EmailSendFailed, m)
}

// smsPurpose is the purpose of the message with a code. A client of an older app says none:
// its code serves for any.
func smsPurpose(purpose *vocab.SmsCodePurpose) entmessage.Purpose {
	if purpose == nil {
		return entmessage.PurposePhoneCode
	}
	switch *purpose {
	case vocab.ForSignUp:
		return entmessage.PurposeSignUpCode
	case vocab.ForRecovery:
		return entmessage.PurposeRecoveryCode
	case vocab.ForChangePhone:
		return entmessage.PurposeChangePhoneCode
	}
	return entmessage.PurposePhoneCode
}

// checkEmailPause refuses a sixth code in a row. Codes are in a row when each
// was sent within three minutes of the one before.
func (c *Codes) checkEmailPause(ctx context.Context, tx *store.Tx, rootUserID int) error {
	latest, err := tx.VerificationCode.Query().
		Where(verificationcode.RootUserID(rootUserID), verificationcode.PurposeEQ(verificationcode.PurposeEmail)).
		Order(ent.Desc(verificationcode.FieldID)).
		Limit(maxEmailCodes).
		All(ctx)
	if err != nil {
		return fmt.Errorf("read codes: %w", err)
	}
	next := c.now()
	for _, sent := range latest {
		if next.Sub(sent.CreatedAt) >= emailCodePause {
			return nil
		}
		next = sent.CreatedAt
	}
	if len(latest) < maxEmailCodes {
		return nil
	}
	return apperr.TooManyEmailCodes.New()
}

// enqueue gives failed where nothing serves the channel of the message.
func (c *Codes) enqueue(ctx context.Context, tx *store.Tx, failed apperr.Kind, m message.Message) error {
	err := c.outbox.Enqueue(ctx, tx, m)
	if errors.Is(err, message.ErrNoSender) {
		return failed.Wrap(err)
	}
	return err
}

// newCode is a code to be stored.
type newCode struct {
	purpose       verificationcode.Purpose
	smsPurpose    *vocab.SmsCodePurpose
	address, code string
	rootUserID    *int
}

// replace closes the codes that were sent before and stores the new one, so that
// one code is open at a time: for a phone, which may have no account yet, or for
// an account, which verifies one e-mail address at a time.
func (c *Codes) replace(ctx context.Context, tx *store.Tx, next newCode) error {
	before := verificationcode.Address(next.address)
	if next.rootUserID != nil {
		before = verificationcode.RootUserID(*next.rootUserID)
	}
	now := c.now()
	err := tx.VerificationCode.Update().
		Where(verificationcode.PurposeEQ(next.purpose), before, verificationcode.ClosedAtIsNil()).
		SetClosedAt(now).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("close older codes: %w", err)
	}
	err = tx.VerificationCode.Create().
		SetNillableRootUserID(next.rootUserID).
		SetPurpose(next.purpose).
		SetNillableSmsPurpose(next.smsPurpose).
		SetAddress(next.address).
		SetCodeHash(c.digest.of(next.address, next.code)).
		SetCreatedAt(now).
		SetExpiresAt(now.Add(codeLifetime)).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("store a code: %w", err)
	}
	return nil
}

// PhoneTry is a code that is said to have been sent to a phone.
type PhoneTry struct {
	Phone, Code string
	// Purpose is what the code is tried for: one that serves for something else is wrong.
	Purpose vocab.SmsCodePurpose
	// Field is the path of the input that holds the code.
	Field string
}

// TryPhone compares a code with the newest that was sent to the phone; see try
// for what it gives.
func (c *Codes) TryPhone(
	ctx context.Context, tx *store.Tx, t PhoneTry,
) (open *ent.VerificationCode, refused, err error) {
	serves := func(sent *ent.VerificationCode) bool { return sent.SmsPurpose == nil || *sent.SmsPurpose == t.Purpose }
	return c.try(ctx, tx, codeTry{t.Code, t.Field, serves},
		verificationcode.PurposeEQ(verificationcode.PurposePhone), verificationcode.Address(t.Phone))
}

// TryEmail compares code with the newest that the account was sent by e-mail;
// see try for what it gives. The input that holds the code is input.code.
func (c *Codes) TryEmail(
	ctx context.Context, tx *store.Tx, rootUserID int, code string,
) (open *ent.VerificationCode, refused, err error) {
	serves := func(*ent.VerificationCode) bool { return true }
	return c.try(ctx, tx, codeTry{code, codeField, serves},
		verificationcode.PurposeEQ(verificationcode.PurposeEmail), verificationcode.RootUserID(rootUserID))
}

// codeTry is a code, the path of the input that holds it, and whether the one that was
// sent serves for what it is tried for.
type codeTry struct {
	code, field string
	serves      func(sent *ent.VerificationCode) bool
}

// try gives the row of a right code, which is still open: the caller closes it
// once it has used it. A code that isn't right gives refused, which is
// CodeInvalid or CodeExpired. It is returned apart from err because tx must
// commit nevertheless: the wrong try is counted in it.
func (c *Codes) try(
	ctx context.Context, tx *store.Tx, t codeTry, which ...predicate.VerificationCode,
) (open *ent.VerificationCode, refused, err error) {
	newest, err := lockNewest(ctx, tx, which)
	if err != nil {
		return nil, nil, err
	}
	// A text that is no code is refused without being counted as a try.
	if newest == nil || newest.ClosedAt != nil || newest.Tries >= maxCodeTries || !codePattern.MatchString(t.code) {
		return nil, apperr.CodeInvalid.WithField(t.field), nil
	}
	if !c.digest.matches(newest.CodeHash, newest.Address, t.code) || !t.serves(newest) {
		if err := tx.VerificationCode.UpdateOne(newest).AddTries(1).Exec(ctx); err != nil {
			return nil, nil, fmt.Errorf("count a wrong code: %w", err)
		}
		return nil, apperr.CodeInvalid.WithField(t.field), nil
	}
	// Only somebody who has the code learns that it has expired.
	if !c.now().Before(newest.ExpiresAt) {
		return nil, apperr.CodeExpired.WithField(t.field), nil
	}
	return newest, nil, nil
}

// lockNewest gives nil where no code was sent. It reads the row under its lock,
// so that tries at the same time are counted one after another.
func lockNewest(
	ctx context.Context, tx *store.Tx, which []predicate.VerificationCode,
) (*ent.VerificationCode, error) {
	id, err := tx.VerificationCode.Query().
		Where(which...).
		Order(ent.Desc(verificationcode.FieldID)).
		FirstID(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find a code: %w", err)
	}
	if err := tx.Lock(ctx, verificationcode.Table, id); err != nil {
		return nil, fmt.Errorf("lock a code: %w", err)
	}
	return tx.VerificationCode.Get(ctx, id)
}

// Close marks a code or a reset link as used.
func (c *Codes) Close(ctx context.Context, tx *store.Tx, open *ent.VerificationCode) error {
	if err := tx.VerificationCode.UpdateOne(open).SetClosedAt(c.now()).Exec(ctx); err != nil {
		return fmt.Errorf("close a code: %w", err)
	}
	return nil
}

// VerifySMSParams are a phone, as [Codes.SendSMS] takes it, and the code that was sent to it.
type VerifySMSParams struct{ Phone, Code string }

// VerifySMS gives a valid_token for a right code: it is good for one sign-up of
// that phone within 10 minutes. A right code for a phone that has an account
// earns none and stays open, for recovery. Errors: PhoneInvalid, CodeInvalid,
// CodeExpired, UserPreviouslyDeleted, PhoneTaken, TooManyRequests.
func (c *Codes) VerifySMS(ctx context.Context, p VerifySMSParams) (validToken string, err error) {
	if err := c.limits.Guess(ctx); err != nil {
		return "", err
	}
	phone, ok := c.PhoneOf(ctx, p.Phone)
	if !ok {
		return "", apperr.PhoneInvalid.WithField("input.phone")
	}
	p.Phone = phone
	validToken, err = randomText(c.random)
	if err != nil {
		return "", err
	}
	var refused error // returned after the commit, which counts the wrong try
	err = c.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var open *ent.VerificationCode
		open, refused, err = c.TryPhone(ctx, tx, PhoneTry{p.Phone, p.Code, vocab.ForSignUp, codeField})
		if err != nil || refused != nil {
			return err
		}
		if err := c.identities.CheckPhoneFree(ctx, tx.Client, p.Phone, 0); err != nil {
			return err
		}
		return c.grant(ctx, tx, open, validToken)
	})
	if err := cmp.Or(err, refused); err != nil {
		return "", err
	}
	return validToken, nil
}

// grant closes the code and keeps the valid_token beside it.
func (c *Codes) grant(ctx context.Context, tx *store.Tx, open *ent.VerificationCode, validToken string) error {
	now := c.now()
	err := tx.VerificationCode.UpdateOne(open).
		SetClosedAt(now).
		SetGrantHash(digest(validToken)).
		SetGrantExpiresAt(now.Add(grantLifetime)).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("store a grant: %w", err)
	}
	return nil
}

// FindGrant finds what a valid_token stands for. It gives nil for one that was
// not earned with this phone, is used, or is past its time.
func (c *Codes) FindGrant(
	ctx context.Context, client *ent.Client, validToken, phone string,
) (*ent.VerificationCode, error) {
	grant, err := client.VerificationCode.Query().
		Where(
			verificationcode.GrantHash(digest(validToken)),
			verificationcode.PurposeEQ(verificationcode.PurposePhone),
			verificationcode.Address(phone),
			verificationcode.GrantUsedAtIsNil(),
			verificationcode.GrantExpiresAtGT(c.now()),
		).
		First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a grant: %w", err)
	}
	return grant, nil
}

// UseGrant marks the grant as used, and reports false if another sign-up was
// faster.
func (c *Codes) UseGrant(ctx context.Context, tx *store.Tx, grant *ent.VerificationCode) (bool, error) {
	used, err := tx.VerificationCode.Update().
		Where(verificationcode.ID(grant.ID), verificationcode.GrantUsedAtIsNil()).
		SetGrantUsedAt(c.now()).
		Save(ctx)
	if err != nil {
		return false, fmt.Errorf("use a grant: %w", err)
	}
	return used == 1, nil
}
