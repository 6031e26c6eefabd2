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

// Use tells one kind of token from another, so that none passes in the place
// of another.
type Use string

// Access opens everything for minutes, Refresh earns the next pair of a session,
// Long is SNUTT's: good until the account's credentials change.
const (
	Access  Use = "access"
	Refresh Use = "refresh"
	Long    Use = "long"
)

// issuer is who signs, the `iss` of every token.
const issuer = "luxbff"

// maxLength is far above any token of ours; longer ones are not looked at.
const maxLength = 2048

// Why a token is refused.
var (
	ErrExpired = errors.New("token: past its time")
	ErrForged  = errors.New("token: not one of ours")
)

// Claims are what a token says. SessionID is 0 and ExpiresAt zero in a Long
// token, CredentialVersion 0 in the others. Nonce makes a Refresh token unlike
// any other of its session.
type Claims struct {
	Use               Use
	RootUserID        int
	SessionID         int
	CredentialVersion int
	Nonce             string
	IssuedAt          time.Time
	ExpiresAt         time.Time
}

// wire is the payload. Its fields are in a fixed order: a Long token of the same
// account and credentials is the same text whenever it is made.
type wire struct {
	Issuer            string `json:"iss"`
	Subject           string `json:"sub"`
	Use               Use    `json:"use"`
	SessionID         int    `json:"sid,omitempty"`
	CredentialVersion int    `json:"ver,omitempty"`
	Nonce             string `json:"jti,omitempty"`
	IssuedAt          int64  `json:"iat,omitempty"`
	ExpiresAt         int64  `json:"exp,omitempty"`
}

// Sign makes the token. Times are cut to seconds.
func (k *Keys) Sign(c Claims) (string, error) {
	payload, err := json.Marshal(toWire(c))
	if err != nil {
		return "", fmt.Errorf("write claims: %w", err)
	}
	signed, err := jws.Sign(payload, jws.WithKey(jwa.EdDSA(), k.signer))
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return string(signed), nil
}

// Verify reads a token that one of the keys signed. A well-signed token past its
// time gives ErrExpired together with its claims; anything else that is not
// good gives ErrForged.
func (k *Keys) Verify(text string, now time.Time) (Claims, error) {
	claims, err := k.signed(text)
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

func (k *Keys) signed(text string) (Claims, error) {
	if claims, known := k.verified.Get(text); known {
		return claims, nil
	}
	if len(text) > maxLength {
		return Claims{}, ErrForged
	}
	payload, err := jws.Verify([]byte(text), jws.WithKeySet(k.public))
	if err != nil {
		return Claims{}, ErrForged
	}
	var w wire
	if err := json.Unmarshal(payload, &w); err != nil {
		return Claims{}, ErrForged
	}
	claims, err := fromWire(w)
	if err != nil {
		return Claims{}, err
	}
	k.verified.Add(text, claims)
	return claims, nil
}

func toWire(c Claims) wire {
	w := wire{
		Issuer: issuer, Subject: strconv.Itoa(c.RootUserID), Use: c.Use, SessionID: c.SessionID,
		CredentialVersion: c.CredentialVersion, Nonce: c.Nonce,
	}
	if !c.IssuedAt.IsZero() {
		w.IssuedAt = c.IssuedAt.Unix()
	}
	if !c.ExpiresAt.IsZero() {
		w.ExpiresAt = c.ExpiresAt.Unix()
	}
	return w
}

func fromWire(w wire) (Claims, error) {
	id, err := strconv.Atoi(w.Subject)
	if err != nil || w.Issuer != issuer || !w.complete() {
		return Claims{}, ErrForged
	}
	c := Claims{
		Use: w.Use, RootUserID: id, SessionID: w.SessionID,
		CredentialVersion: w.CredentialVersion, Nonce: w.Nonce,
	}
	if w.IssuedAt != 0 {
		c.IssuedAt = time.Unix(w.IssuedAt, 0).UTC()
	}
	if w.ExpiresAt != 0 {
		c.ExpiresAt = time.Unix(w.ExpiresAt, 0).UTC()
	}
	return c, nil
}

// complete holds what each use must say, so that a key shared with another
// program would still open nothing here.
func (w wire) complete() bool {
	switch w.Use {
	case Access:
		return w.SessionID > 0 && w.ExpiresAt > 0
	case Refresh:
		return w.SessionID > 0 && w.ExpiresAt > 0 && w.Nonce != ""
	case Long:
		return w.CredentialVersion > 0
	default:
		return false
	}
}
