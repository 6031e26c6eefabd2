package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// Use is the kind of a token. It is signed with the rest, so that no token passes
// in the place of another kind.
type Use string

// Access lets its bearer in for minutes. Refresh is traded for the next two tokens
// of a session. Long is SNUTT's: good until the account's credentials change.
const (
	Access  Use = "access"
	Refresh Use = "refresh"
	Long    Use = "long"
)

// issuer is who signs, the `iss` of every token.
const issuer = "luxbff"

// maxLength is far above any token of ours, in bytes. Longer ones are refused
// unread, so that nobody makes us verify megabytes.
const maxLength = 2048

// Why a token is refused.
var (
	ErrExpired = errors.New("token: past its time")
	ErrForged  = errors.New("token: not one of ours")
)

// Claims are what a token says. SessionID is 0 and ExpiresAt zero in a Long
// token, CredentialVersion is 0 in the others. Nonce tells a Refresh token from the
// others of its session, and an Access token from others of the same second.
// Rotation is the number of the refresh that an Access token came with, 0 for one
// of a sign-in.
type Claims struct {
	Use               Use
	RootUserID        int
	SessionID         int
	CredentialVersion int
	Nonce             string
	Rotation          int
	IssuedAt          time.Time
	ExpiresAt         time.Time
}

// payload is what is signed. Its fields are in a fixed order, so that a Long token
// of the same account and credentials is the same text whenever it is made.
type payload struct {
	Issuer            string `json:"iss"`
	Subject           string `json:"sub"`
	Use               Use    `json:"use"`
	SessionID         int    `json:"sid,omitempty"`
	CredentialVersion int    `json:"ver,omitempty"`
	Nonce             string `json:"jti,omitempty"`
	Rotation          int    `json:"rot,omitempty"`
	IssuedAt          int64  `json:"iat,omitempty"`
	ExpiresAt         int64  `json:"exp,omitempty"`
}

// Sign makes the token. Times are cut to seconds.
func (k *Keys) Sign(c Claims) (string, error) {
	body, err := json.Marshal(toPayload(c))
	if err != nil {
		return "", fmt.Errorf("write claims: %w", err)
	}
	signed, err := jws.Sign(body, jws.WithKey(jwa.EdDSA(), k.signer))
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return string(signed), nil
}

// Verify reads a token that one of the keys signed. A token past its time gives
// ErrExpired together with its claims; anything else that is not good gives
// ErrForged.
func (k *Keys) Verify(text string, now time.Time) (Claims, error) {
	claims, err := k.verifySignature(text)
	if err != nil {
		return Claims{}, err
	}
	if claims.Expired(now) {
		return claims, ErrExpired
	}
	return claims, nil
}

// Expired reports whether the token is past its time, which a long-lived one
// never is.
func (c Claims) Expired(now time.Time) bool {
	return c.Use != Long && !now.Before(c.ExpiresAt)
}

func (k *Keys) verifySignature(text string) (Claims, error) {
	if claims, known := k.verified.Get(text); known {
		return claims, nil
	}
	if len(text) > maxLength {
		return Claims{}, ErrForged
	}
	body, err := jws.Verify([]byte(text), jws.WithKeySet(k.public))
	if err != nil {
		return Claims{}, ErrForged
	}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return Claims{}, ErrForged
	}
	claims, err := fromPayload(p)
	if err != nil {
		return Claims{}, err
	}
	k.verified.Add(text, claims)
	return claims, nil
}

func toPayload(c Claims) payload {
	p := payload{
		Issuer: issuer, Subject: strconv.Itoa(c.RootUserID), Use: c.Use, SessionID: c.SessionID,
		CredentialVersion: c.CredentialVersion, Nonce: c.Nonce, Rotation: c.Rotation,
	}
	if !c.IssuedAt.IsZero() {
		p.IssuedAt = c.IssuedAt.Unix()
	}
	if !c.ExpiresAt.IsZero() {
		p.ExpiresAt = c.ExpiresAt.Unix()
	}
	return p
}

func fromPayload(p payload) (Claims, error) {
	id, err := strconv.Atoi(p.Subject)
	if err != nil || p.Issuer != issuer || !p.isComplete() {
		return Claims{}, ErrForged
	}
	c := Claims{
		Use: p.Use, RootUserID: id, SessionID: p.SessionID,
		CredentialVersion: p.CredentialVersion, Nonce: p.Nonce, Rotation: p.Rotation,
	}
	if p.IssuedAt != 0 {
		c.IssuedAt = time.Unix(p.IssuedAt, 0).UTC()
	}
	if p.ExpiresAt != 0 {
		c.ExpiresAt = time.Unix(p.ExpiresAt, 0).UTC()
	}
	return c, nil
}

// isComplete reports whether a token says what its use asks for. Without it a
// token that another program signed with a shared key might be taken for one that
// never expires.
func (p payload) isComplete() bool {
	switch p.Use {
	case Access:
		return p.SessionID > 0 && p.ExpiresAt > 0
	case Refresh:
		return p.SessionID > 0 && p.ExpiresAt > 0 && p.Nonce != ""
	case Long:
		return p.CredentialVersion > 0
	default:
		return false
	}
}
