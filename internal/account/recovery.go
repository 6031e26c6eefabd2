package account

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"time"

	"luxbff/ent"
	"luxbff/ent/identity"
	entmessage "luxbff/ent/message"
	"luxbff/ent/verificationcode"
	"luxbff/internal/apperr"
	"luxbff/internal/message"
	"luxbff/internal/store"
)

// resetFor is how long the link of a reset mail is good (auth.md).
const resetFor = 30 * time.Minute

// FindAccountParams are a phone, E.164, and the code that was sent to it.
type FindAccountParams struct{ Phone, Code string }

// FoundAccount is how its owner signs in to an account.
type FoundAccount struct {
	// Email is nil for an account without one.
	Email *string
	// Provider is email, local or a social provider's name.
	Provider string
}

// FindAccount tells the holder of a phone which account it has. Errors:
// BadRequest, CodeInvalid, CodeExpired, UserPreviouslyDeleted, UserIDNotFound.
func (s *Service) FindAccount(ctx context.Context, p FindAccountParams) (found FoundAccount, err error) {
	if err := s.cfg.Limits.Guess(ctx); err != nil {
		return FoundAccount{}, err
	}
	if !validPhone(p.Phone) {
		return FoundAccount{}, apperr.BadRequest.WithField("input.phone")
	}
	var refused error
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var open *ent.VerificationCode
		open, refused, err = s.tryPhoneCode(ctx, tx, p.Phone, p.Code)
		if err != nil || refused != nil {
			return err
		}
		if found, err = s.holderOf(ctx, tx, p.Phone); err != nil {
			return err
		}
		return s.closeCode(ctx, tx, open)
	})
	if err := cmp.Or(err, refused); err != nil {
		return FoundAccount{}, err
	}
	return found, nil
}

func (s *Service) holderOf(ctx context.Context, tx *store.Tx, phone string) (FoundAccount, error) {
	holder, err := live(ctx, tx.Client, identity.ProviderPhone, phone)
	if err != nil {
		return FoundAccount{}, err
	}
	if holder == nil {
		return FoundAccount{}, cmp.Or(s.notHeldBack(ctx, tx.Client, phone), error(apperr.UserIDNotFound.New()))
	}
	u := holder.Edges.RootUser
	provider, err := s.providerOf(ctx, tx.Client, u)
	return FoundAccount{Email: u.Email, Provider: provider}, err
}

// RequestPasswordResetParams name the account by its e-mail, in any case.
type RequestPasswordResetParams struct{ Email string }

// RequestPasswordReset mails a link with a one-time token, good for 30 minutes;
// it replaces the one before. Errors: UserIDNotFound, SocialAccountHasNoPassword,
// EmailSendFailed.
func (s *Service) RequestPasswordReset(ctx context.Context, p RequestPasswordResetParams) error {
	if err := s.cfg.Limits.Message(ctx, sameEmail(p.Email)); err != nil {
		return err
	}
	secret, err := s.secret()
	if err != nil {
		return err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		holder, err := live(ctx, tx.Client, identity.ProviderEmail, sameEmail(p.Email))
		switch {
		case err != nil:
			return err
		case holder == nil || holder.Edges.RootUser == nil:
			return apperr.UserIDNotFound.WithField("input.email")
		case holder.Edges.RootUser.PasswordHash == nil:
			return apperr.SocialAccountHasNoPassword.New()
		}
		return s.mailReset(ctx, tx, holder, secret)
	})
	return unsent(err, apperr.EmailSendFailed)
}

// mailReset keeps the token where valid_tokens are kept: it is found by its hash.
func (s *Service) mailReset(ctx context.Context, tx *store.Tx, holder *ent.Identity, secret string) error {
	if err := closeResets(ctx, tx, *holder.RootUserID, s.now()); err != nil {
		return err
	}
	now := s.now()
	err := tx.VerificationCode.Create().
		SetRootUserID(*holder.RootUserID).
		SetPurpose(verificationcode.PurposePasswordReset).
		SetAddress(holder.Subject).
		SetCodeHash(plainDigest(secret)).
		SetCreatedAt(now).
		SetExpiresAt(now.Add(resetFor)).
		SetGrantHash(plainDigest(secret)).
		SetGrantExpiresAt(now.Add(resetFor)).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("store a reset: %w", err)
	}
	link := s.cfg.PublicURL + "/reset-password?token=" + url.QueryEscape(secret)
	return s.outbox.Enqueue(ctx, tx, message.Message{
		Channel:    entmessage.ChannelEmail,
		To:         holder.Subject,
		Text:       "To choose a new password, open this link within 30 minutes: " + link,
		RootUserID: holder.RootUserID,
	})
}

func closeResets(ctx context.Context, tx *store.Tx, rootUserID int, now time.Time) error {
	err := tx.VerificationCode.Update().
		Where(
			verificationcode.RootUserID(rootUserID),
			verificationcode.PurposeEQ(verificationcode.PurposePasswordReset),
			verificationcode.ClosedAtIsNil(),
		).
		SetClosedAt(now).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("close resets: %w", err)
	}
	return nil
}

// ResetPasswordParams are the token of the link and the password to set.
type ResetPasswordParams struct{ Token, NewPassword string }

// ResetPassword sets a password by the token of a reset mail and ends every
// session and every token. Errors: BadRequest (a weak password), CodeInvalid,
// CodeExpired.
func (s *Service) ResetPassword(ctx context.Context, p ResetPasswordParams) error {
	if err := s.cfg.Limits.Guess(ctx); err != nil {
		return err
	}
	if !strongPassword(p.NewPassword) {
		return apperr.BadRequest.WithField("input.newPassword")
	}
	if _, err := s.openReset(ctx, s.store.Read(), p.Token); err != nil {
		return err
	}
	hash, err := s.passwords.hash(ctx, p.NewPassword)
	if err != nil {
		return err
	}
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		reset, err := s.openReset(ctx, tx.Client, p.Token)
		if err != nil {
			return err
		}
		u, err := s.lockUser(ctx, tx, *reset.RootUserID)
		if err != nil {
			return err
		}
		if reset, err = s.openReset(ctx, tx.Client, p.Token); err != nil { // used while waiting for the lock
			return err
		}
		if err := s.closeCode(ctx, tx, reset); err != nil {
			return err
		}
		_, err = s.setPassword(ctx, tx, u, hash)
		return err
	})
}

func (s *Service) openReset(ctx context.Context, client *ent.Client, token string) (*ent.VerificationCode, error) {
	found, err := client.VerificationCode.Query().
		Where(
			verificationcode.GrantHash(plainDigest(token)),
			verificationcode.PurposeEQ(verificationcode.PurposePasswordReset),
			verificationcode.ClosedAtIsNil(),
		).
		First(ctx)
	switch {
	case ent.IsNotFound(err):
		return nil, apperr.CodeInvalid.WithField("input.token")
	case err != nil:
		return nil, fmt.Errorf("read a reset: %w", err)
	case !s.now().Before(found.ExpiresAt):
		return nil, apperr.CodeExpired.WithField("input.token")
	}
	return found, nil
}
