package account

import (
	"cmp"
	"context"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/message/template"
	"luxbff/internal/ratelimit"
	"luxbff/internal/store"
	"luxbff/internal/text"
	"luxbff/internal/viewer"
)

// Emails verifies the e-mail address of an account, and gives it back one that was
// replaced.
type Emails struct {
	auth    *auth.Service
	store   *store.Store
	reports *reports
	limits  *ratelimit.Limiter
}

// SendEmailVerificationParams name the address; nil is the account's own.
type SendEmailVerificationParams struct{ Email *string }

// SendVerification sends a code to an address and makes it the account's,
// unverified. Errors: EmailMalformed, EmailVerifiedAlready,
// EmailVerifiedElsewhere, TooManyEmailCodes, EmailSendFailed, TooManyRequests.
func (e *Emails) SendVerification(ctx context.Context, v viewer.Viewer, p SendEmailVerificationParams) error {
	p.Email = trimmed(p.Email)
	// The limit is for each recipient, so that nobody floods a stranger's mailbox.
	if to := cmp.Or(p.Email, v.User.Email); to != nil {
		field := "input.email"
		if p.Email == nil {
			field = "" // the account's own
		}
		if err := e.limits.Message(ctx, text.NormalizeEmail(*to), field); err != nil {
			return err
		}
	}
	return e.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := auth.LockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		address, err := e.verifiable(ctx, tx, u, p.Email)
		if err != nil {
			return err
		}
		if isOther(u, address) {
			if err := e.reports.addEmail(ctx, tx, u, address); err != nil {
				return err
			}
			if err := e.auth.Codes.CloseResets(ctx, tx, u.ID); err != nil {
				return err
			}
		}
		if err := e.auth.Codes.SendEmail(ctx, tx, u, address); err != nil {
			return err
		}
		if err := tx.User.UpdateOne(u).SetEmail(address).Exec(ctx); err != nil {
			return fmt.Errorf("store an e-mail address: %w", err)
		}
		return nil
	})
}

// verifiable gives the address that the account may verify now: the given one,
// or its own.
func (e *Emails) verifiable(ctx context.Context, tx *store.Tx, u *ent.User, given *string) (string, error) {
	if u.IsEmailVerified {
		return "", apperr.EmailVerifiedAlready.New()
	}
	address := cmp.Or(given, u.Email)
	if address == nil || !text.ValidEmail(*address) {
		return "", apperr.EmailMalformed.WithField("input.email")
	}
	holder, err := e.auth.Identities.Find(ctx, tx.Client, identity.ProviderEmail, *address)
	if err != nil {
		return "", err
	}
	if holder != nil && *holder.RootUserID != u.ID {
		return "", apperr.EmailVerifiedElsewhere.WithField("input.email")
	}
	return *address, nil
}

// VerifyEmailParams are the code that came by e-mail.
type VerifyEmailParams struct{ Code string }

// Verify verifies the address that the code was sent to, sets it as the
// account's, and lets the account sign in by it. Errors: EmailCodeWrong,
// EmailVerifiedElsewhere, TooManyRequests.
func (e *Emails) Verify(ctx context.Context, v viewer.Viewer, p VerifyEmailParams) (changed *ent.User, err error) {
	var refused error // returned after the commit, which counts the wrong try
	err = e.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := auth.LockViewer(ctx, tx, v)
		if err != nil {
			return err
		}
		var open *ent.VerificationCode
		open, refused, err = e.auth.Codes.TryEmail(ctx, tx, u.ID, p.Code)
		if err != nil || refused != nil {
			return err
		}
		if err := e.auth.Codes.Close(ctx, tx, open); err != nil {
			return err
		}
		changed, err = e.setVerified(ctx, tx, u, open.Address)
		return err
	})
	if refused != nil {
		refused = apperr.EmailCodeWrong.WithField("input.code") // SNUTT has one error for both
	}
	if err := cmp.Or(err, refused); err != nil {
		return nil, err
	}
	return changed, nil
}

// isOther reports whether the address is another one than the account has.
func isOther(u *ent.User, address string) bool {
	return u.Email == nil || text.NormalizeEmail(*u.Email) != text.NormalizeEmail(address)
}

// hasVerified reports whether the account has proved that the address is its own.
func hasVerified(u *ent.User, address string) bool {
	return u.IsEmailVerified && !isOther(u, address) ||
		u.PreviousVerifiedEmail != nil && *u.PreviousVerifiedEmail == text.NormalizeEmail(address)
}

// setVerified takes the address that the code was sent to, which need not be the
// one that the account has by now.
func (e *Emails) setVerified(ctx context.Context, tx *store.Tx, u *ent.User, address string) (*ent.User, error) {
	held, err := e.auth.Identities.OfUser(ctx, tx.Client, u.ID, identity.ProviderEmail)
	if err != nil {
		return nil, err
	}
	// An account that is found by another address gives that up only now.
	if isOther(u, address) || len(held) > 0 && held[0].Subject != text.NormalizeEmail(address) {
		if err := e.reports.addEmail(ctx, tx, u, address); err != nil {
			return nil, err
		}
	}
	taken, err := e.auth.Identities.TakeEmail(ctx, tx, u.ID, address)
	if err != nil {
		return nil, err
	}
	if !taken {
		return nil, apperr.EmailVerifiedElsewhere.New()
	}
	if err := e.auth.Codes.CloseResets(ctx, tx, u.ID); err != nil {
		return nil, err
	}
	// Whoever had the address before has proved that it is theirs: what came between is
	// undone. An address that is not verified ends no link, as anybody can type it.
	if err := e.auth.Codes.CloseReverts(ctx, tx, u.ID, address); err != nil {
		return nil, err
	}
	changed, err := tx.User.UpdateOne(u).SetEmail(address).SetIsEmailVerified(true).ClearPreviousVerifiedEmail().Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("verify an e-mail address: %w", err)
	}
	return changed, nil
}

// RevertEmailParams are the token of the link in the mail about a changed address.
type RevertEmailParams struct{ Token string }

// Revert gives an account the address back that it had before, verified if it was, and
// undoes what has happened to the address since. As a thief may have changed it, every
// session and every token ends, and so do the reset links that went elsewhere and the links to
// providers that were added since three days before. The thief may know the password too, so
// it opens nothing any more, and a link to choose another is mailed to the address. An account
// that has signed up with the address meanwhile, and not verified it, gives it up. Errors:
// CodeInvalid, CodeExpired, EmailVerifiedElsewhere, TooManyRequests.
func (e *Emails) Revert(ctx context.Context, p RevertEmailParams) error {
	if err := e.limits.Guess(ctx); err != nil {
		return err
	}
	return e.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		link, err := e.auth.Codes.FindRevert(ctx, tx.Client, p.Token)
		if err != nil {
			return err
		}
		u, err := auth.LockUser(ctx, tx, *link.RootUserID)
		if err != nil {
			return err
		}
		// Another call may have used the token while this one waited for the lock.
		if link, err = e.auth.Codes.FindRevert(ctx, tx.Client, p.Token); err != nil {
			return err
		}
		return e.revert(ctx, tx, u, link)
	})
}

func (e *Emails) revert(ctx context.Context, tx *store.Tx, u *ent.User, link *ent.VerificationCode) error {
	if err := e.reports.addUnlimited(ctx, tx, u, template.EmailReverted, template.AdviseSupport); err != nil {
		return err
	}
	if err := e.auth.Codes.CloseReverts(ctx, tx, u.ID, link.Address); err != nil {
		return err
	}
	if err := e.release(ctx, tx, u, link.Address); err != nil {
		return err
	}
	taken, err := e.auth.Identities.TakeEmail(ctx, tx, u.ID, link.Address)
	if err != nil {
		return err
	}
	if !taken {
		return apperr.EmailVerifiedElsewhere.New()
	}
	u, err = tx.User.UpdateOne(u).
		SetEmail(link.Address).
		SetIsEmailVerified(link.IsEmailVerified).
		ClearPreviousVerifiedEmail().
		AddCredentialVersion(1).
		Save(ctx)
	if err != nil {
		return fmt.Errorf("give an e-mail address back: %w", err)
	}
	// A thief links a Facebook account before the address is changed as easily as after it.
	if err := e.auth.Identities.RemoveLinksSince(ctx, tx, u, link.CreatedAt.Add(-auth.ReportLifetime)); err != nil {
		return err
	}
	if u.PasswordHash == nil {
		return e.auth.Sessions.EndAll(ctx, tx, u.ID)
	}
	if _, err := e.auth.Passwords.Discard(ctx, tx, u); err != nil { // which ends sessions and reset links
		return err
	}
	return e.sendReset(ctx, tx, u)
}

// release takes the address from another account that has signed up with it and never
// verified it: that may be a thief's, who keeps the address from its owner so, and whoever has
// the link reads the mail to it.
func (e *Emails) release(ctx context.Context, tx *store.Tx, u *ent.User, address string) error {
	holder, err := e.auth.Identities.Find(ctx, tx.Client, identity.ProviderEmail, address)
	if err != nil || holder == nil || *holder.RootUserID == u.ID {
		return err
	}
	other, err := auth.LockUser(ctx, tx, *holder.RootUserID)
	if err != nil || hasVerified(other, address) {
		return err
	}
	if err := e.auth.Identities.Remove(ctx, tx, other.ID, identity.ProviderEmail); err != nil {
		return err
	}
	if isOther(other, address) {
		return nil
	}
	if err := tx.User.UpdateOne(other).ClearEmail().Exec(ctx); err != nil {
		return fmt.Errorf("take an address from an account: %w", err)
	}
	return nil
}

// sendReset mails a reset link to the address that the account is found by now.
func (e *Emails) sendReset(ctx context.Context, tx *store.Tx, u *ent.User) error {
	held, err := e.auth.Identities.OfUser(ctx, tx.Client, u.ID, identity.ProviderEmail)
	if err != nil || len(held) == 0 {
		return err
	}
	err = e.auth.Codes.SendResetLink(ctx, tx, u, held[0].Subject, false)
	if apperr.Is(err, apperr.EmailSendFailed) { // the address counts more than the mail
		return nil
	}
	return err
}
