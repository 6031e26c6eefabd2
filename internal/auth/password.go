package auth

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"luxbff/ent"
	"luxbff/internal/apperr"
	"luxbff/internal/ratelimit"
	"luxbff/internal/store"
	"luxbff/internal/text"
)

// Ten wrong passwords in a row block sign-in by password (auth.md).
const (
	maxWrongPasswords = 10
	blockLifetime     = 15 * time.Minute
)

// maxTypedPassword is the length in bytes beyond which a text can be no password, in
// whatever form of Unicode its 128 characters are typed.
const maxTypedPassword = 4096

// Passwords hashes, compares and changes passwords, and blocks an account at
// which somebody guesses.
//
// One hash takes 19 MiB and a core for some 30 ms. As many run at once as there
// are cores, so that a burst of sign-ins takes neither all memory nor all time; the others
// wait in a [hashQueue], which is bounded and fair.
type Passwords struct {
	cost  *argon2id.Params
	queue *hashQueue
	// decoy is compared with where there is no account, so that an unknown e-mail
	// takes as long as a wrong password.
	decoy string

	store     *store.Store
	sessions  *Sessions
	limits    *ratelimit.Limiter
	onRefused func(bound HashBound)
	onWrong   func(apperr.Kind)
	now       func() time.Time
}

func newPasswords(cfg Config, sessions *Sessions) (*Passwords, error) {
	cost := cfg.PasswordCost
	if cost == nil {
		cost = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	}
	decoy, err := newDecoy(cost, cfg.Random)
	if err != nil {
		return nil, err
	}
	return &Passwords{
		cost: cost, queue: newHashQueue(runtime.GOMAXPROCS(0)), decoy: decoy,
		store: cfg.Store, sessions: sessions, limits: cfg.Limits,
		onRefused: cfg.OnHashRefused, onWrong: cfg.OnWrongSignIn, now: cfg.Clock,
	}, nil
}

// newDecoy gives a hash of no password: its key is random. To compare with it costs what
// any other does, but to make it costs nothing, where hashing a text took every start
// 30 ms and 19 MiB, a third of what the program then held while it was idle.
func newDecoy(cost *argon2id.Params, random io.Reader) (string, error) {
	drawn := make([]byte, cost.SaltLength+cost.KeyLength)
	if _, err := io.ReadFull(random, drawn); err != nil {
		return "", fmt.Errorf("draw a hash of no password: %w", err)
	}
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, cost.Memory, cost.Iterations, cost.Parallelism,
		encode(drawn[:cost.SaltLength]), encode(drawn[cost.SaltLength:])), nil
}

// Hash gives the argon2id hash that is stored, of the password in the form in which
// passwords are compared: see [normalizePassword]. It must not be called inside a
// write: it would hold up all others for as long as it takes. What can be refused without
// a hash is refused before. Errors: TooManyRequests, Unavailable.
func (p *Passwords) Hash(ctx context.Context, key HashKey, password string) (string, error) {
	leave, err := p.takeSlot(ctx, key)
	if err != nil {
		return "", err
	}
	defer leave()
	hash, err := argon2id.CreateHash(normalizePassword(password), p.cost)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

// Compare reports whether the hash is that of the password. With a nil hash it
// takes as long and reports false. As Hash, it must not be called inside a write. Errors:
// as of Hash.
func (p *Passwords) Compare(ctx context.Context, key HashKey, password string, hash *string) (bool, error) {
	form, err := p.findForm(ctx, key, password, hash)
	return form != nil, err
}

// findForm gives the form of the password that the hash was made of, nil if it is of
// another password.
func (p *Passwords) findForm(ctx context.Context, key HashKey, password string, hash *string) (*string, error) {
	if !canBePassword(password) {
		return nil, nil
	}
	against := p.decoy
	if hash != nil {
		against = *hash
	}
	leave, err := p.takeSlot(ctx, key)
	if err != nil {
		return nil, err
	}
	defer leave()
	for _, form := range passwordForms(password) {
		same, err := argon2id.ComparePasswordAndHash(form, against)
		if err != nil {
			return nil, fmt.Errorf("compare a password: %w", err)
		}
		if same && hash != nil {
			return &form, nil
		}
	}
	return nil, nil
}

// HashLike hashes each form that the password may have been hashed in, today's first,
// with the parameters and the salt of another hash. So passwords of which many may wait
// under one e-mail are distinguished by one hash, and not by a comparison with each. As
// Hash, it must not be called inside a write. Errors: as of Hash.
func (p *Passwords) HashLike(ctx context.Context, key HashKey, password, like string) ([]string, error) {
	if !canBePassword(password) {
		return nil, nil
	}
	cost, salt, _, err := argon2id.DecodeHash(like)
	if err != nil {
		return nil, fmt.Errorf("read a password's hash: %w", err)
	}
	leave, err := p.takeSlot(ctx, key)
	if err != nil {
		return nil, err
	}
	defer leave()
	prefix := like[:lengthBeforeKey(like)]
	var hashes []string
	for _, form := range passwordForms(password) {
		key := argon2.IDKey([]byte(form), salt, cost.Iterations, cost.Memory, cost.Parallelism, cost.KeyLength)
		hashes = append(hashes, prefix+base64.RawStdEncoding.EncodeToString(key))
	}
	return hashes, nil
}

// HaveOneSalt reports whether two hashes have the same salt and parameters, so that they
// are equal if their passwords are.
func HaveOneSalt(a, b string) bool { return a[:lengthBeforeKey(a)] == b[:lengthBeforeKey(b)] }

// lengthBeforeKey is the length of that part of a hash which names its parameters and its
// salt.
func lengthBeforeKey(hash string) int { return strings.LastIndexByte(hash, '$') + 1 }

// takeSlot gives what frees the slot again. What was not hashed is not counted for the
// account.
func (p *Passwords) takeSlot(ctx context.Context, key HashKey) (leave func(), err error) {
	refund, err := p.limits.Hash(string(key))
	if err != nil {
		return nil, err
	}
	leave, refused, err := p.queue.enter(ctx, key)
	if err != nil {
		refund()
	}
	if refused != "" {
		p.onRefused(refused)
	}
	return leave, err
}

// Waiting counts the calls that wait for a password to be hashed.
func (p *Passwords) Waiting() int { return p.queue.waitingCalls() }

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
	// BeforeWrite, if set, is called once the password is found right, for what is too slow
	// to be done in a write: to hash another one. It may be called several times.
	BeforeWrite func(context.Context) error
}

// Try runs onRight in a transaction if the password is right and the account
// isn't blocked. A wrong one is counted although the call fails. Tries at the
// same time are judged one after another under the lock of the account's row, so
// that never more than ten are. Errors: AccountBlocked, that of t.Wrong, and as of Hash.
func (p *Passwords) Try(
	ctx context.Context, t PasswordTry, onRight func(context.Context, *store.Tx, *ent.User) error,
) (err error) {
	defer func() { p.reportWrong(err, t.Wrong) }()
	for {
		changed, err := p.try(ctx, t, onRight)
		if err != nil || changed == nil {
			return err
		}
		t.User = changed
	}
}

// reportWrong passes on the errors of guessing: every other one follows a right password or
// asks no password at all.
func (p *Passwords) reportWrong(err error, wrong apperr.Kind) {
	for _, kind := range []apperr.Kind{wrong, apperr.AccountBlocked} {
		if apperr.Is(err, kind) {
			p.onWrong(kind)
		}
	}
}

// try gives the account as it is by now, and judges nothing, if its hash was replaced
// while the password was compared with it: the comparison is worthless then. A sign-in at
// the same time may have done that to the same password.
func (p *Passwords) try(
	ctx context.Context, t PasswordTry, onRight func(context.Context, *store.Tx, *ent.User) error,
) (changed *ent.User, err error) {
	if p.isBlocked(t.User) {
		return nil, apperr.AccountBlocked.New()
	}
	// The slow comparison comes before the write, against the hash as it was read.
	key := AccountKey(t.User.ID)
	form, err := p.findForm(ctx, key, t.Password, t.User.PasswordHash)
	if err != nil {
		return nil, err
	}
	replacement, err := p.replacement(ctx, key, form)
	if err != nil {
		return nil, err
	}
	if form != nil && t.BeforeWrite != nil {
		if err := t.BeforeWrite(ctx); err != nil {
			return nil, err
		}
	}
	var refused error
	err = p.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		changed, refused = nil, nil
		u, err := LockUser(ctx, tx, t.User.ID)
		if err != nil {
			return err
		}
		switch {
		case p.isBlocked(u):
			refused = apperr.AccountBlocked.New()
			return nil
		case !equalText(u.PasswordHash, t.User.PasswordHash):
			changed = u
			return nil
		case form == nil:
			refused = t.Wrong.WithField(t.Field)
			return p.countWrong(ctx, tx, u)
		}
		if err := p.resetCount(ctx, tx, u); err != nil {
			return err
		}
		if replacement != nil {
			if u, err = tx.User.UpdateOne(u).SetPasswordHash(*replacement).Save(ctx); err != nil {
				return fmt.Errorf("replace a password hash: %w", err)
			}
		}
		return onRight(ctx, tx, u)
	})
	return changed, cmp.Or(err, refused)
}

// replacement gives a new hash for one that was made of another form of the password than
// is hashed today; nil if there is nothing to replace.
func (p *Passwords) replacement(ctx context.Context, key HashKey, form *string) (*string, error) {
	if form == nil || normalizePassword(*form) == *form {
		return nil, nil
	}
	hash, err := p.Hash(ctx, key, *form)
	return &hash, err
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
// earned, and ends every session, the long-lived token, and the reset links and codes by
// e-mail that are out.
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
	if err := closeMailed(ctx, tx, u.ID, p.now()); err != nil {
		return nil, err
	}
	return changed, p.sessions.EndAll(ctx, tx, u.ID)
}

// Discard is [Passwords.Change] to none: nobody can sign in by password until another is
// set by a reset link. The hash is of no password.
func (p *Passwords) Discard(ctx context.Context, tx *store.Tx, u *ent.User) (*ent.User, error) {
	return p.Change(ctx, tx, u, p.decoy)
}

// normalizePassword gives the form in which passwords are hashed, that of the
// OpaqueString profile of RFC 8265: Unicode's form NFC, with each kind of space written
// as U+0020. One keyboard sends é as one character and another as e with an accent; both
// type the same password.
func normalizePassword(password string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Zs, r) {
			return ' '
		}
		return r
	}, password))
}

// passwordForms are the texts of which the hash of a password may have been made: the
// one that is hashed today, and those that were hashed when passwords were taken as they
// came, as this keyboard or another one sends it. Most passwords have one form.
func passwordForms(password string) []string {
	forms := []string{normalizePassword(password)}
	for _, form := range []string{password, norm.NFC.String(password), norm.NFD.String(password)} {
		if !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	return forms
}

// canBePassword tells texts that need not be compared with any hash: no rule lets them be
// a password. The text alone decides, so that the answer says nothing of an account.
func canBePassword(password string) bool { return password != "" && len(password) <= maxTypedPassword }

// IsStrongPassword is the rule of LUX and Addnox (auth.md) for the password as it is
// hashed: 8 to 128 characters with a letter and a digit. What nobody can type again is refused:
// control characters, and U+FFFD for what a decoder could not read.
func IsStrongPassword(password string) bool {
	password = normalizePassword(password)
	return text.Clean(password, 128) && utf8.RuneCountInString(password) >= 8 && hasLetterAndDigit(password)
}

// IsLocalPassword is the rule of SNUTT (snutt.md) for the password as it is hashed: 6 to
// 20 non-blank characters with a letter and a digit.
func IsLocalPassword(password string) bool {
	password = normalizePassword(password)
	return text.Clean(password, 20) && utf8.RuneCountInString(password) >= 6 &&
		!strings.ContainsFunc(password, unicode.IsSpace) && hasLetterAndDigit(password)
}

func hasLetterAndDigit(password string) bool {
	return strings.ContainsFunc(password, unicode.IsLetter) && strings.ContainsFunc(password, unicode.IsDigit)
}

func equalText(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }
