package auth

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/ent/verificationcode"
	"luxbff/internal/apperr"
	"luxbff/internal/message"
	"luxbff/internal/message/template"
	"luxbff/internal/store"
	"luxbff/internal/text"
)

// SendResetLink mails the address by which an account is found a link with a one-time
// token; it replaces the one before. The token is stored where valid_tokens are,
// because it is found in the same way: by its digest. isAsked says that somebody asks for the
// link, which may be a stranger and is limited. Errors: EmailSendFailed, TooManyRequests.
func (c *Codes) SendResetLink(ctx context.Context, tx *store.Tx, u *ent.User, address string, isAsked bool) error {
	secret, err := randomText(c.random)
	if err != nil {
		return err
	}
	if err := c.CloseResets(ctx, tx, u.ID); err != nil {
		return err
	}
	now := c.now()
	err = tx.VerificationCode.Create().
		SetRootUserID(u.ID).
		SetPurpose(verificationcode.PurposePasswordReset).
		SetAddress(address).
		SetCodeHash(digest(secret)).
		SetCreatedAt(now).
		SetExpiresAt(now.Add(resetLifetime)).
		SetGrantHash(digest(secret)).
		SetGrantExpiresAt(now.Add(resetLifetime)).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("store a reset: %w", err)
	}
	link := c.publicURL + "/reset-password?token=" + url.QueryEscape(secret)
	m, err := c.texts.Message(entmessage.ChannelEmail, entmessage.PurposePasswordReset, address,
		template.LanguageOf(u.NationalCode, u.Phone),
		template.Values{template.Link: link, template.Minutes: minutes(resetLifetime)})
	if err != nil {
		return err
	}
	m.RootUserID, m.ExpiresAt, m.Beyond = &u.ID, now.Add(resetLifetime), message.SendBeyond
	if isAsked {
		m.Quotas, m.Beyond = c.quotas(ctx, text.NormalizeEmail(address), "input.email"), message.RefuseBeyond
	}
	return c.enqueue(ctx, tx, apperr.EmailSendFailed, m)
}

// CloseResets ends the reset links of an account, which were sent to an address that may
// be somebody else's by now: a change of the account's e-mail ends them. The codes that
// verify an address go on, as each verifies the address that it was sent to.
func (c *Codes) CloseResets(ctx context.Context, tx *store.Tx, rootUserID int) error {
	return closeOpen(ctx, tx, rootUserID, c.now(), verificationcode.PurposePasswordReset)
}

// closeMailed ends all that was mailed to open an account or to verify its address: each
// change of its password or of a way to sign in ends what was sent before. Codes by SMS go
// on, as they belong to the phone and open no account.
func closeMailed(ctx context.Context, tx *store.Tx, rootUserID int, now time.Time) error {
	return closeOpen(ctx, tx, rootUserID, now, verificationcode.PurposePasswordReset, verificationcode.PurposeEmail)
}

func closeOpen(
	ctx context.Context, tx *store.Tx, rootUserID int, now time.Time, purposes ...verificationcode.Purpose,
) error {
	err := tx.VerificationCode.Update().
		Where(
			verificationcode.RootUserID(rootUserID),
			verificationcode.PurposeIn(purposes...),
			verificationcode.ClosedAtIsNil(),
		).
		SetClosedAt(now).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("close what was mailed: %w", err)
	}
	return nil
}

// FindReset finds the open reset that the token of a link stands for. Errors:
// CodeInvalid, CodeExpired.
func (c *Codes) FindReset(ctx context.Context, client *ent.Client, token string) (*ent.VerificationCode, error) {
	return c.findLink(ctx, client, token, verificationcode.PurposePasswordReset)
}
