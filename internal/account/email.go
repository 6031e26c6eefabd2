package account

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"luxbff/ent"
	"luxbff/ent/identity"
	entmessage "luxbff/ent/message"
	"luxbff/ent/verificationcode"
	"luxbff/internal/apperr"
	"luxbff/internal/message"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// After five codes the next has to wait until three minutes have passed since
// the last one (SNUTT user page).
const (
	maxEmailCodes  = 5
	emailCodePause = 3 * time.Minute
)

// SendEmailVerificationParams name the address; nil is the account's own.
type SendEmailVerificationParams struct{ Email *string }

// SendEmailVerification sends a code to an address and makes it the account's,
// unverified. Errors: EmailMalformed, EmailVerifiedAlready,
// EmailVerifiedElsewhere, TooManyEmailCodes, EmailSendFailed.
func (s *Service) SendEmailVerification(ctx context.Context, v viewer.Viewer, p SendEmailVerificationParams) error {
	if to := cmp.Or(p.Email, v.User.Email); to != nil {
		if err := s.cfg.Limits.Message(ctx, sameEmail(*to)); err != nil {
			return err
		}
	}
	code, err := s.sixDigits()
	if err != nil {
		return err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.lockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		address, err := s.verifiable(ctx, tx, u, p.Email)
		if err != nil {
			return err
		}
		if err := s.pause(ctx, tx, u.ID); err != nil {
			return err
		}
		if err := tx.User.UpdateOne(u).SetEmail(address).Exec(ctx); err != nil {
			return fmt.Errorf("store an e-mail address: %w", err)
		}
		if err := s.replaceCode(ctx, tx, verificationcode.PurposeEmail, address, code, &u.ID); err != nil {
			return err
		}
		return s.outbox.Enqueue(ctx, tx, message.Message{
			Channel:    entmessage.ChannelEmail,
			To:         address,
			Text:       fmt.Sprintf("Your verification code is %s. It is good for 3 minutes.", code),
			RootUserID: &u.ID,
		})
	})
	return unsent(err, apperr.EmailSendFailed)
}

// verifiable is the address that the account may verify now.
func (s *Service) verifiable(ctx context.Context, tx *store.Tx, u *ent.User, given *string) (string, error) {
	if u.IsEmailVerified {
		return "", apperr.EmailVerifiedAlready.New()
	}
	address := cmp.Or(given, u.Email)
	if address == nil || !validEmail(*address) {
		return "", apperr.EmailMalformed.WithField("input.email")
	}
	holder, err := live(ctx, tx.Client, identity.ProviderEmail, sameEmail(*address))
	if err != nil {
		return "", err
	}
	if holder != nil && holder.RootUserID != nil && !owns(holder, u.ID) {
		return "", apperr.EmailVerifiedElsewhere.WithField("input.email")
	}
	return *address, nil
}

// pause refuses a sixth code in a row. Codes are in a row when each came within
// three minutes of the one before.
func (s *Service) pause(ctx context.Context, tx *store.Tx, rootUserID int) error {
	latest, err := tx.VerificationCode.Query().
		Where(verificationcode.RootUserID(rootUserID), verificationcode.PurposeEQ(verificationcode.PurposeEmail)).
		Order(ent.Desc(verificationcode.FieldID)).
		Limit(maxEmailCodes).
		All(ctx)
	if err != nil {
		return fmt.Errorf("read codes: %w", err)
	}
	next := s.now()
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

// VerifyEmailParams is the code that came by e-mail.
type VerifyEmailParams struct{ Code string }

// VerifyEmail verifies the address that the code was sent to, sets it as the
// account's, and lets the account sign in by it. Errors: EmailCodeWrong,
// EmailVerifiedElsewhere.
func (s *Service) VerifyEmail(ctx context.Context, v viewer.Viewer, p VerifyEmailParams) (changed *ent.User, err error) {
	var refused error
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.lockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		var open *ent.VerificationCode
		open, refused, err = s.tryCode(ctx, tx, p.Code,
			verificationcode.PurposeEQ(verificationcode.PurposeEmail), verificationcode.RootUserID(u.ID))
		if err != nil || refused != nil {
			return err
		}
		if err := s.closeCode(ctx, tx, open); err != nil {
			return err
		}
		changed, err = s.verified(ctx, tx, u, open.Address)
		return err
	})
	if refused != nil {
		refused = apperr.EmailCodeWrong.WithField("input.code")
	}
	if err := cmp.Or(err, refused); err != nil {
		return nil, err
	}
	return changed, nil
}

func (s *Service) verified(ctx context.Context, tx *store.Tx, u *ent.User, address string) (*ent.User, error) {
	owner, err := s.takeEmail(ctx, tx, u.ID, address)
	if err != nil {
		return nil, err
	}
	if !owner {
		return nil, apperr.EmailVerifiedElsewhere.New()
	}
	changed, err := tx.User.UpdateOne(u).SetEmail(address).SetIsEmailVerified(true).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("verify an e-mail address: %w", err)
	}
	return changed, nil
}
