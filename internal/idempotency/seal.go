package idempotency

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"

	"luxbff/internal/apperr"
)

// keyed is a request with what its key stands for in the database.
type keyed struct {
	Request

	// hash finds the row. It is of the account as well, so that the keys of two never meet,
	// and does not show the key.
	hash string
	// digest is that of the request as it is stored.
	digest string
}

func newKeyed(r Request) keyed {
	hash := Digest("idempotency key", strconv.Itoa(r.RootUserID), r.Key)
	return keyed{Request: r, hash: hex.EncodeToString(hash[:]), digest: hex.EncodeToString(r.Digest[:])}
}

// sealing is what the key of the encryption is derived for. The number names the form of
// what is encrypted.
const sealing = "luxbff idempotency answer 1"

// cipher makes of the client's key, which is stored nowhere, that of the encryption. An answer
// may hold tokens: whoever reads the table, or a backup of it, can do nothing with them.
func (k keyed) cipher() (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, []byte(k.Key), nil, sealing, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// bound is what an encrypted answer belongs to: it opens for no other account, request or
// status.
func (k keyed) bound(status int) []byte {
	return []byte(k.hash + " " + k.digest + " " + strconv.Itoa(status))
}

func (k keyed) seal(random io.Reader, answer Answer) ([]byte, error) {
	aead, err := k.cipher()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(answer.Body)+aead.Overhead())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, err
	}
	return aead.Seal(nonce, nonce, answer.Body, k.bound(answer.Status)), nil
}

const errSealed = apperr.Text("a kept answer does not open")

func (k keyed) open(status int, sealed []byte) (*Answer, error) {
	aead, err := k.cipher()
	if err != nil {
		return nil, err
	}
	if len(sealed) < aead.NonceSize() {
		return nil, errSealed
	}
	nonce, text := sealed[:aead.NonceSize()], sealed[aead.NonceSize():]
	body, err := aead.Open(nil, nonce, text, k.bound(status))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSealed, err)
	}
	return &Answer{Status: status, Body: body, Outcome: Done}, nil
}
