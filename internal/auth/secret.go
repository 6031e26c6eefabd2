package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
)

// keyedDigest makes digests of what is short enough to be guessed, as a code of
// six digits or a phone number, so that the database alone does not give it
// away. It has a secret of each signing key, the newest first: digests are made
// with the first and recognised with all, so that nothing is lost while keys roll.
type keyedDigest [][]byte

// of gives the digest that is stored.
func (d keyedDigest) of(parts ...string) string { return hmacOf(d[0], parts) }

// all gives each digest that may have been stored, one for each key.
func (d keyedDigest) all(parts ...string) []string {
	digests := make([]string, len(d))
	for i, secret := range d {
		digests[i] = hmacOf(secret, parts)
	}
	return digests
}

// matches compares with a stored digest in constant time.
func (d keyedDigest) matches(stored string, parts ...string) bool {
	for _, candidate := range d.all(parts...) {
		if hmac.Equal([]byte(stored), []byte(candidate)) {
			return true
		}
	}
	return false
}

// hmacOf writes the length before each part, so that no two lists of parts give
// the same bytes.
func hmacOf(secret []byte, parts []string) string {
	mac := hmac.New(sha256.New, secret)
	for _, part := range parts {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(part), part) // a hash never fails to write
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// digest is for secrets of 256 random bits, which nobody can guess: they need
// no key.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// randomText is 256 random bits, in characters that a URL and a header take.
func randomText(random io.Reader) (string, error) {
	var bits [32]byte
	if _, err := io.ReadFull(random, bits[:]); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(bits[:]), nil
}

// successor is the nonce that replaces another one, by the salt of the replacement.
// Whoever knows the nonce can be given its successor again; the salt, which is
// stored, is of no use without the nonce, which is not.
func successor(nonce, salt string) string {
	mac := hmac.New(sha256.New, []byte(nonce))
	_, _ = io.WriteString(mac, salt) // a hash never fails to write
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// randomDigits is a code of six digits. A plain remainder would make the lowest
// codes more likely, because 2^32 is no multiple of a million: numbers past the
// last whole million are drawn again.
func randomDigits(random io.Reader) (string, error) {
	const codes, span = 1_000_000, 1 << 32
	var bits [4]byte
	for {
		if _, err := io.ReadFull(random, bits[:]); err != nil {
			return "", fmt.Errorf("read randomness: %w", err)
		}
		n := uint64(binary.BigEndian.Uint32(bits[:]))
		if n < span-span%codes {
			return fmt.Sprintf("%06d", n%codes), nil
		}
	}
}
