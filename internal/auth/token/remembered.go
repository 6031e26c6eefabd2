package token

import (
	"crypto/sha256"
	"time"
	"unsafe"
)

// digest stands for the text of a token that is remembered, as no other text has the
// same. The text itself would keep 0.4 KB for each socket whose token is remembered.
type digest [sha256.Size]byte

// digestOf reads the bytes of the text where they are: a copy of them would be an
// allocation of each request.
func digestOf(text string) digest {
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(text), len(text))) //nolint:gosec // nobody writes to them
}

// remembered is what is kept of [Claims]: their three times take 72 bytes, these 24.
type remembered struct {
	use                                      Use
	rootUserID, sessionID, credentialVersion int
	nonce                                    string
	rotation                                 int
	issuedAt, expiresAt, notBefore           int64 // seconds, 0 for the zero time, as in a payload
}

func remember(p payload, c Claims) remembered {
	return remembered{
		use: c.Use, rootUserID: c.RootUserID, sessionID: c.SessionID, credentialVersion: c.CredentialVersion,
		nonce: c.Nonce, rotation: c.Rotation,
		issuedAt: p.IssuedAt, expiresAt: p.ExpiresAt, notBefore: p.NotBefore,
	}
}

func (r remembered) claims() Claims {
	return Claims{
		Use: r.use, RootUserID: r.rootUserID, SessionID: r.sessionID, CredentialVersion: r.credentialVersion,
		Nonce: r.nonce, Rotation: r.rotation,
		IssuedAt: timeOf(r.issuedAt), ExpiresAt: timeOf(r.expiresAt), NotBefore: timeOf(r.notBefore),
	}
}

// timeOf gives the time of a claim, the zero time for one that a token doesn't have.
func timeOf(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
