package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/ent/predicate"
	"luxbff/ent/verificationcode"
	"luxbff/internal/apperr"
	"luxbff/internal/message"
	"luxbff/internal/store"
)

// Verification codes (contract, rule 11) and what they earn (auth.md).
const (
	codeFor  = 3 * time.Minute
	maxTries = 5
	grantFor = 10 * time.Minute
)

// SendSmsCodeParams names the phone, E.164.
type SendSmsCodeParams struct{ Phone string }

// SendSmsCode sends a code to a phone; it replaces the one before. The answer is
// the same whether or not the phone has an account. Errors: PhoneInvalid,
// SendSmsFailed.
func (s *Service) SendSmsCode(ctx context.Context, p SendSmsCodeParams) error {
	if !validPhone(p.Phone) {
		return apperr.PhoneInvalid.WithField("input.phone")
	}
	if err := s.cfg.Limits.Message(ctx, p.Phone); err != nil {
		return err
	}
	code, err := s.sixDigits()
	if err != nil {
		return err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := s.replaceCode(ctx, tx, verificationcode.PurposePhone, p.Phone, code, nil); err != nil {
			return err
		}
		return s.outbox.Enqueue(ctx, tx, message.Message{
			Channel: entmessage.ChannelSms,
			To:      p.Phone,
			Text:    fmt.Sprintf("Your verification code is %s. It is good for 3 minutes.", code),
		})
	})
	return unsent(err, apperr.SendSmsFailed)
}

// unsent turns a channel without a sender into the documented error.
func unsent(err error, kind apperr.Kind) error {
	if errors.Is(err, message.ErrNoSender) {
		return kind.Wrap(err)
	}
	return err
}

// replaceCode closes the codes that went out before and stores the new one.
func (s *Service) replaceCode(
	ctx context.Context, tx *store.Tx, purpose verificationcode.Purpose, address, code string, rootUserID *int,
) error {
	same := verificationcode.Address(address)
	if rootUserID != nil {
		same = verificationcode.RootUserID(*rootUserID)
	}
	now := s.now()
	err := tx.VerificationCode.Update().
		Where(verificationcode.PurposeEQ(purpose), same, verificationcode.ClosedAtIsNil()).
		SetClosedAt(now).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("close older codes: %w", err)
	}
	err = tx.VerificationCode.Create().
		SetNillableRootUserID(rootUserID).
		SetPurpose(purpose).
		SetAddress(address).
		SetCodeHash(s.digests.code(address, code)).
		SetCreatedAt(now).
		SetExpiresAt(now.Add(codeFor)).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("store a code: %w", err)
	}
	return nil
}

// tryCode compares code with the newest that went out. refused is CodeInvalid or
// CodeExpired and must be told only after tx has committed, because a wrong try
// was counted in it. With neither error the code was right and is still open.
func (s *Service) tryCode(
	ctx context.Context, tx *store.Tx, code string, which ...predicate.VerificationCode,
) (open *ent.VerificationCode, refused, err error) {
	newest, err := newestCode(ctx, tx, which)
	if err != nil {
		return nil, nil, err
	}
	if newest == nil || newest.ClosedAt != nil || newest.Tries >= maxTries || !codePattern.MatchString(code) {
		return nil, apperr.CodeInvalid.New(), nil
	}
	if !s.digests.isCode(newest.CodeHash, newest.Address, code) {
		if err := tx.VerificationCode.UpdateOne(newest).AddTries(1).Exec(ctx); err != nil {
			return nil, nil, fmt.Errorf("count a wrong code: %w", err)
		}
		return nil, apperr.CodeInvalid.New(), nil
	}
	if !s.now().Before(newest.ExpiresAt) {
		return nil, apperr.CodeExpired.New(), nil
	}
	return newest, nil, nil
}

// newestCode gives nil where none went out. It reads the row under its lock, so
// that tries in parallel are counted one after another.
func newestCode(
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

func (s *Service) tryPhoneCode(
	ctx context.Context, tx *store.Tx, phone, code string,
) (open *ent.VerificationCode, refused, err error) {
	return s.tryCode(ctx, tx, code,
		verificationcode.PurposeEQ(verificationcode.PurposePhone), verificationcode.Address(phone))
}

func (s *Service) closeCode(ctx context.Context, tx *store.Tx, open *ent.VerificationCode) error {
	if err := tx.VerificationCode.UpdateOne(open).SetClosedAt(s.now()).Exec(ctx); err != nil {
		return fmt.Errorf("close a code: %w", err)
	}
	return nil
}

// VerifySmsCodeParams is a code given back. Phone is E.164.
type VerifySmsCodeParams struct{ Phone, Code string }

// VerifySmsCode gives a valid_token: one sign-up of that phone within 10
// minutes. A right code for a phone that has an account earns none and stays
// good, for recovery. Errors: PhoneInvalid, CodeInvalid, CodeExpired,
// UserPreviouslyDeleted, PhoneTaken.
func (s *Service) VerifySmsCode(ctx context.Context, p VerifySmsCodeParams) (validToken string, err error) {
	if err := s.cfg.Limits.Guess(ctx); err != nil {
		return "", err
	}
	if !validPhone(p.Phone) {
		return "", apperr.PhoneInvalid.WithField("input.phone")
	}
	validToken, err = s.secret()
	if err != nil {
		return "", err
	}
	var refused error
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var open *ent.VerificationCode
		open, refused, err = s.tryPhoneCode(ctx, tx, p.Phone, p.Code)
		if err != nil || refused != nil {
			return err
		}
		if err := s.phoneFree(ctx, tx.Client, p.Phone, 0); err != nil {
			return err
		}
		return s.grant(ctx, tx, open, validToken)
	})
	if err := cmp.Or(err, refused); err != nil {
		return "", err
	}
	return validToken, nil
}

func (s *Service) grant(ctx context.Context, tx *store.Tx, open *ent.VerificationCode, validToken string) error {
	now := s.now()
	err := tx.VerificationCode.UpdateOne(open).
		SetClosedAt(now).
		SetGrantHash(plainDigest(validToken)).
		SetGrantExpiresAt(now.Add(grantFor)).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("store a grant: %w", err)
	}
	return nil
}

// granted finds what a valid_token stands for: nil if it is not good for the
// phone, or not good any more.
func (s *Service) granted(
	ctx context.Context, client *ent.Client, validToken, phone string,
) (*ent.VerificationCode, error) {
	grant, err := client.VerificationCode.Query().
		Where(
			verificationcode.GrantHash(plainDigest(validToken)),
			verificationcode.PurposeEQ(verificationcode.PurposePhone),
			verificationcode.Address(phone),
			verificationcode.GrantUsedAtIsNil(),
			verificationcode.GrantExpiresAtGT(s.now()),
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

// useGrant takes the grant for good; false if somebody else was faster.
func (s *Service) useGrant(ctx context.Context, tx *store.Tx, grant *ent.VerificationCode) (bool, error) {
	used, err := tx.VerificationCode.Update().
		Where(verificationcode.ID(grant.ID), verificationcode.GrantUsedAtIsNil()).
		SetGrantUsedAt(s.now()).
		Save(ctx)
	if err != nil {
		return false, fmt.Errorf("use a grant: %w", err)
	}
	return used == 1, nil
}
