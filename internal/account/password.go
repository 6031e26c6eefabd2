package account

import (
	"context"
	"fmt"
	"runtime"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"luxbff/internal/text"
)

// passwords hashes with a bound on how many run at once: each takes 19 MiB and
// a core for some 30 ms, and a burst of sign-ins must not take all of both.
type passwords struct {
	cost  *argon2id.Params
	slots chan struct{}
	// nobody is compared with where there is no account, so that an unknown
	// e-mail takes as long as a wrong password.
	nobody string
}

func newPasswords(cost *argon2id.Params) (*passwords, error) {
	if cost == nil {
		cost = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	}
	nobody, err := argon2id.CreateHash("", cost)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	return &passwords{cost: cost, slots: make(chan struct{}, runtime.GOMAXPROCS(0)), nobody: nobody}, nil
}

func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	hash, err := argon2id.CreateHash(password, p.cost)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

// matches compares with the hash; with none it takes as long and says no.
func (p *passwords) matches(ctx context.Context, password string, hash *string) (bool, error) {
	against := p.nobody
	if hash != nil {
		against = *hash
	}
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer p.leave()
	same, err := argon2id.ComparePasswordAndHash(password, against)
	if err != nil {
		return false, fmt.Errorf("compare a password: %w", err)
	}
	return same && hash != nil, nil
}

func (p *passwords) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *passwords) leave() { <-p.slots }

// strongPassword is the rule of LUX and Addnox (auth.md): 8 to 128 characters
// with a letter and a digit. What nobody can type again is refused: control
// characters, and U+FFFD for what a decoder could not read.
func strongPassword(password string) bool {
	return text.Clean(password, 128) && utf8.RuneCountInString(password) >= 8 && hasLetterAndDigit(password)
}

// localPassword is the rule of SNUTT (snutt.md): 6 to 20 non-blank characters
// with a letter and a digit.
func localPassword(password string) bool {
	return text.Clean(password, 20) && utf8.RuneCountInString(password) >= 6 &&
		!containsFunc(password, unicode.IsSpace) && hasLetterAndDigit(password)
}

func hasLetterAndDigit(password string) bool {
	return containsFunc(password, unicode.IsLetter) && containsFunc(password, unicode.IsDigit)
}
