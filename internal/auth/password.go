package auth

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"luxbff/ent"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/text"
)

// Ten wrong passwords in a row block sign-in by password (auth.md).
const (
	maxWrongPasswords = 10
	blockLifetime     = 15 * time.Minute
)

// Passwords hashes, compares and changes passwords, and blocks an account at
// which somebody guesses.
//
// One hash takes 19 MiB and a core for some 30 ms. As many run at once as there
// are cores, so that a burst of sign-ins takes neither all memory nor all time.
type Passwords struct {
	cost  *argon2id.Params
	slots chan struct{}
	// decoy is compared with where there is no account, so that an unknown e-mail
	// takes as long as a wrong password.
	decoy string

	store    *store.Store
	sessions *Sessions
	now      func() time.Time
}

func newPasswords(cfg Config, sessions *Sessions) (*Passwords, error) {
	cost := cfg.PasswordCost
	if cost == nil {
		cost = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	}
	decoy, err := argon2id.CreateHash("", cost)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	return &Passwords{
		cost: cost, slots: make(chan struct{}, runtime.GOMAXPROCS(0)), decoy: decoy,
		store: cfg.Store, sessions: sessions, now: cfg.Clock,
	}, nil
}

// Hash gives the argon2id hash that is stored. It must not be called inside a
// write: it would hold up all others for as long as it takes.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if err := p.takeSlot(ctx); err != nil {
		return "", err
	}
	defer p.freeSlot()
	hash, err := argon2id.CreateHash(password, p.cost)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

// Compare reports whether the hash is that of the password. With a nil hash it
// takes as long and reports false. As Hash, it must not be called inside a write.
func (p *Passwords) Compare(ctx context.Context, password string, hash *string) (bool, error) {
	against := p.decoy
	if hash != nil {
		against = *hash
	}
	if err := p.takeSlot(ctx); err != nil {
		return false, err
	}
	defer p.freeSlot()
	same, err := argon2id.ComparePasswordAndHash(password, against)
	if err != nil {
		return false, fmt.Errorf("compare a password: %w", err)
	}
	return same && hash != nil, nil
}

func (p *Passwords) takeSlot(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Passwords) freeSlot() { <-p.slots }

// PasswordTry is one try to open an account by its password.
type PasswordTry struct {
	// User is the account as it was read before the write; its password hash is
	// compared with.
	User     *ent.User
	Password string
	// Field is the path of the input that holds the password, for the error.
	Field string
	// Wrong is the error of a wrong password, which differs from surface to surface.
	Wrong apperr.Kind
}

// Try runs onRight in a transaction if the password is right and the account
// isn't blocked. A wrong one is counted although the call fails. Tries at the
// same time are judged one after another under the lock of the account's row, so
// that never more than ten are. Errors: AccountBlocked, and that of t.Wrong.
func (p *Passwords) Try(
	ctx context.Context, t PasswordTry, onRight func(context.Context, *store.Tx, *ent.User) error,
) error {
	if p.isBlocked(t.User) {
		return apperr.AccountBlocked.New()
	}
	// The slow comparison comes before the write, against the hash as it was read.
	same, err := p.Compare(ctx, t.Password, t.User.PasswordHash)
	if err != nil {
		return err
	}
	var refused error
	err = p.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		refused = nil
		u, err := LockUser(ctx, tx, t.User.ID)
		if err != nil {
			return err
		}
		switch {
		case p.isBlocked(u):
			refused = apperr.AccountBlocked.New()
			return nil
		// A password that was changed meanwhile makes the comparison worthless.
		case !same || !equalText(u.PasswordHash, t.User.PasswordHash):
			refused = t.Wrong.WithField(t.Field)
			return p.countWrong(ctx, tx, u)
		}
		if err := p.resetCount(ctx, tx, u); err != nil {
			return err
		}
		return onRight(ctx, tx, u)
	})
	return cmp.Or(err, refused)
}

func (p *Passwords) isBlocked(u *ent.User) bool {
	return u.BlockedUntil != nil && p.now().Before(*u.BlockedUntil)
}

// countWrong blocks the account at the tenth wrong password; the count starts at
// 0 again after the block. An account without a password has nothing to guess.
func (p *Passwords) countWrong(ctx context.Context, tx *store.Tx, u *ent.User) error {
	if u.PasswordHash == nil {
		return nil
	}
	update := tx.User.UpdateOne(u).SetWrongPasswords(u.WrongPasswords + 1)
	if u.WrongPasswords+1 >= maxWrongPasswords {
		update.SetWrongPasswords(0).SetBlockedUntil(p.now().Add(blockLifetime))
	}
	if err := update.Exec(ctx); err != nil {
		return fmt.Errorf("count a wrong password: %w", err)
	}
	return nil
}

func (p *Passwords) resetCount(ctx context.Context, tx *store.Tx, u *ent.User) error {
	if u.WrongPasswords == 0 && u.BlockedUntil == nil {
		return nil
	}
	if err := tx.User.UpdateOne(u).SetWrongPasswords(0).ClearBlockedUntil().Exec(ctx); err != nil {
		return fmt.Errorf("reset the count of wrong passwords: %w", err)
	}
	return nil
}

// Change sets another password, lifts a block that guesses at the old one
// earned, and ends every session and the long-lived token.
func (p *Passwords) Change(ctx context.Context, tx *store.Tx, u *ent.User, hash string) (*ent.User, error) {
	changed, err := tx.User.UpdateOne(u).
		SetPasswordHash(hash).
		SetPasswordChangedAt(p.now()).
		SetWrongPasswords(0).
		ClearBlockedUntil().
		AddCredentialVersion(1).
		Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("change a password: %w", err)
	}
	return changed, p.sessions.EndAll(ctx, tx, u.ID)
}

// IsStrongPassword is the rule of LUX and Addnox (auth.md): 8 to 128
// characters with a letter and a digit. What nobody can type again is refused:
// control characters, and U+FFFD for what a decoder could not read.
func IsStrongPassword(password string) bool {
	return text.Clean(password, 128) && utf8.RuneCountInString(password) >= 8 && hasLetterAndDigit(password)
}

// IsLocalPassword is the rule of SNUTT (snutt.md): 6 to 20 non-blank
// characters with a letter and a digit.
func IsLocalPassword(password string) bool {
	return text.Clean(password, 20) && utf8.RuneCountInString(password) >= 6 &&
		!strings.ContainsFunc(password, unicode.IsSpace) && hasLetterAndDigit(password)
}

func hasLetterAndDigit(password string) bool {
	return strings.ContainsFunc(password, unicode.IsLetter) && strings.ContainsFunc(password, unicode.IsDigit)
}

func equalText(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }
