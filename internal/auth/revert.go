package auth

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"luxbff/ent"
	"luxbff/ent/verificationcode"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/text"
)

// revertLifetime is how long an address that an account gave up can be taken back: longer
// than a weekend without looking at one's mail.
const revertLifetime = 72 * time.Hour

// ReportLifetime is how long after a report of a change whoever takes the account back
// undoes it.
const ReportLifetime = revertLifetime

// GivenUpEmail is an address that an account gives up for another one.
type GivenUpEmail struct {
	Address string
	// IsVerified says whether the account had verified it.
	IsVerified bool
}

// RevertLink makes a link with a one-time token, by which the account gets the address
// back. It ends none of the links that the account has out: each of them is for whoever
// owned the account at its time.
func (c *Codes) RevertLink(ctx context.Context, tx *store.Tx, rootUserID int, given GivenUpEmail) (string, error) {
	secret, err := randomText(c.random)
	if err != nil {
		return "", err
	}
	now := c.now()
	err = tx.VerificationCode.Create().
		SetRootUserID(rootUserID).
		SetPurpose(verificationcode.PurposeEmailRevert).
		SetAddress(given.Address).
		SetIsEmailVerified(given.IsVerified).
		SetCodeHash(digest(secret)).
		SetCreatedAt(now).
		SetExpiresAt(now.Add(revertLifetime)).
		SetGrantHash(digest(secret)).
		SetGrantExpiresAt(now.Add(revertLifetime)).
		Exec(ctx)
	if err != nil {
		return "", fmt.Errorf("store a link to take an address back: %w", err)
	}
	return c.publicURL + "/revert-email?token=" + url.QueryEscape(secret), nil
}

// FindRevert finds the open link that a token stands for. Errors: CodeInvalid,
// CodeExpired.
func (c *Codes) FindRevert(ctx context.Context, client *ent.Client, token string) (*ent.VerificationCode, error) {
	return c.findLink(ctx, client, token, verificationcode.PurposeEmailRevert)
}

// CanRevertTo reports whether a link is out that gives the account the address back.
func (c *Codes) CanRevertTo(ctx context.Context, tx *store.Tx, rootUserID int, address string) (bool, error) {
	open, err := c.openReverts(ctx, tx, rootUserID)
	return indexOf(open, address) >= 0, err
}

// CloseReverts ends the links that would give the account back the address by which it is
// found again, and all links that were made after the first of them: what has happened
// since is undone.
func (c *Codes) CloseReverts(ctx context.Context, tx *store.Tx, rootUserID int, address string) error {
	open, err := c.openReverts(ctx, tx, rootUserID)
	if err != nil {
		return err
	}
	first := indexOf(open, address)
	if first < 0 {
		return nil
	}
	for _, link := range open[first:] {
		if err := c.Close(ctx, tx, link); err != nil {
			return err
		}
	}
	return nil
}

// openReverts are the links that are out, the oldest first. A change makes one, and changes
// are few: see ratelimit.Limiter.Change.
func (c *Codes) openReverts(ctx context.Context, tx *store.Tx, rootUserID int) ([]*ent.VerificationCode, error) {
	open, err := tx.VerificationCode.Query().
		Where(
			verificationcode.RootUserID(rootUserID),
			verificationcode.PurposeEQ(verificationcode.PurposeEmailRevert),
			verificationcode.ClosedAtIsNil(),
			verificationcode.ExpiresAtGT(c.now()),
		).
		Order(ent.Asc(verificationcode.FieldID)).
		All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read links to take an address back: %w", err)
	}
	return open, nil
}

// indexOf is where the first link to the address stands, -1 without one.
func indexOf(links []*ent.VerificationCode, address string) int {
	return slices.IndexFunc(links, func(link *ent.VerificationCode) bool {
		return text.NormalizeEmail(link.Address) == text.NormalizeEmail(address)
	})
}

// findLink finds the open row that the token of a link stands for.
func (c *Codes) findLink(
	ctx context.Context, client *ent.Client, token string, purpose verificationcode.Purpose,
) (*ent.VerificationCode, error) {
	found, err := client.VerificationCode.Query().
		Where(
			verificationcode.GrantHash(digest(token)),
			verificationcode.PurposeEQ(purpose),
			verificationcode.ClosedAtIsNil(),
		).
		First(ctx)
	switch {
	case ent.IsNotFound(err):
		return nil, apperr.CodeInvalid.WithField("input.token")
	case err != nil:
		return nil, fmt.Errorf("read a link: %w", err)
	case !c.now().Before(found.ExpiresAt):
		return nil, apperr.CodeExpired.WithField("input.token")
	}
	return found, nil
}
