package account

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"

	"luxbff/internal/auth/token"
)

// digests keeps what is short enough to be guessed as HMACs, so that the
// database alone does not give it away: codes, and the subjects of deleted
// identities.
type digests struct {
	codes    [][]byte
	subjects [][]byte
}

func newDigests(keys *token.Keys) (digests, error) {
	codes, err := keys.Secrets("verification codes")
	if err != nil {
		return digests{}, err
	}
	subjects, err := keys.Secrets("deleted identities")
	return digests{codes: codes, subjects: subjects}, err
}

func keyed(secret []byte, parts ...string) string {
	mac := hmac.New(sha256.New, secret)
	for _, part := range parts {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(part), part) // a hash takes all
	}
	return hex.EncodeToString(mac.Sum(nil))
}

func (d digests) code(address, code string) string { return keyed(d.codes[0], address, code) }

func (d digests) isCode(stored, address, code string) bool {
	for _, secret := range d.codes {
		if hmac.Equal([]byte(stored), []byte(keyed(secret, address, code))) {
			return true
		}
	}
	return false
}

func (d digests) deleted(provider, subject string) string {
	return keyed(d.subjects[0], provider, subject)
}

// allDeleted are the digests that a deleted identity may be stored under, one a
// key.
func (d digests) allDeleted(provider, subject string) []string {
	all := make([]string, len(d.subjects))
	for i, secret := range d.subjects {
		all[i] = keyed(secret, provider, subject)
	}
	return all
}

// plainDigest is for secrets that are too long to be guessed.
func plainDigest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// secret is 256 random bits as text that a URL and a header take.
func (s *Service) secret() (string, error) {
	var random [32]byte
	if _, err := io.ReadFull(s.cfg.Random, random[:]); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(random[:]), nil
}

// sixDigits is a code; each of the million is as likely as any other.
func (s *Service) sixDigits() (string, error) {
	const codes, span = 1_000_000, 1 << 32
	var random [4]byte
	for {
		if _, err := io.ReadFull(s.cfg.Random, random[:]); err != nil {
			return "", fmt.Errorf("read randomness: %w", err)
		}
		n := uint64(binary.BigEndian.Uint32(random[:]))
		if n < span-span%codes {
			return fmt.Sprintf("%06d", n%codes), nil
		}
	}
}
