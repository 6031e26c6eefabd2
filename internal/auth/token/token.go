package token

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
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

// issuer is who signs, the `iss` of every token; audience is who reads, the `aud` of those
// that belong to a session.
const (
	issuer   = "luxbff"
	audience = "luxbff"
)

// Skew is how far the clocks of two machines may be apart: a token is taken that much
// before its `nbf` and after its `exp`. One replica signs and another verifies. That `iat` lies
// ahead refuses no token: a clock that is set back must sign nobody out.
const Skew = 30 * time.Second

// typeOf gives the `typ` of the header: that of RFC 9068 for access tokens, as others
// verify those by the published keys, and one of our own for refresh tokens. A Long token
// has neither `typ` nor `aud`: apps keep it for years, and one that is made today must be
// the same text as one of the years before.
func typeOf(use Use) string {
	switch use {
	case Access:
		return "at+jwt"
	case Refresh:
		return "rt+jwt"
	default:
		return ""
	}
}

// maxLength is far above any token of ours, in bytes. Longer ones are refused
// unread, so that nobody makes us verify megabytes.
const maxLength = 2048

// Why a token is refused.
const (
	ErrExpired = refusal("token: past its time")
	ErrForged  = refusal("token: not one of ours")
)

// refusal is an error that holds nothing of the token.
type refusal string

// Error gives the text.
func (r refusal) Error() string { return string(r) }

// LogText lets the log repeat the text.
func (r refusal) LogText() string { return string(r) }

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
	// NotBefore is zero in the tokens that Sign makes: they are good at once.
	NotBefore time.Time
}

// header is what is looked at of the signed header, beside the id of the key.
type header struct {
	Algorithm string          `json:"alg"` // jws goes by the key's own, whatever stands here
	Type      *string         `json:"typ"`
	Critical  json.RawMessage `json:"crit"`
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
	NotBefore         int64  `json:"nbf,omitempty"`
	Audience          any    `json:"aud,omitempty"` // a text, or an array of them (RFC 7519, section 4.1.3)
}

// Sign makes the token. Times are cut to seconds.
func (k *Keys) Sign(c Claims) (string, error) {
	body, err := json.Marshal(toPayload(c))
	if err != nil {
		return "", fmt.Errorf("write claims: %w", err)
	}
	var typed []jws.WithKeySuboption
	if name := typeOf(c.Use); name != "" {
		protected := jws.NewHeaders()
		if err := protected.Set(jws.TypeKey, name); err != nil {
			return "", fmt.Errorf("write the header: %w", err)
		}
		typed = append(typed, jws.WithProtectedHeaders(protected))
	}
	signed, err := jws.Sign(body, jws.WithKey(jwa.EdDSA(), k.signer, typed...))
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
	switch {
	case claims.NotBefore.After(now.Add(Skew)):
		return Claims{}, ErrForged
	case claims.Expired(now):
		return claims, ErrExpired
	}
	return claims, nil
}

// Expired reports whether the token is past its time by more than [Skew], which a
// long-lived one never is.
func (c Claims) Expired(now time.Time) bool {
	return c.Use != Long && !now.Before(c.ExpiresAt.Add(Skew))
}

func (k *Keys) verifySignature(text string) (Claims, error) {
	if len(text) > maxLength {
		return Claims{}, ErrForged
	}
	of := digestOf(text)
	if known, ok := k.verified.Get(of); ok {
		return known.claims(), nil
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
	if !isHeaderOf(text, p.Use) {
		return Claims{}, ErrForged
	}
	k.verified.Add(of, remember(p, claims))
	return claims, nil
}

// isHeaderOf reports whether a token with a good signature says in its header what its use
// asks for. A header with `crit` names rules that the reader must know, and we know none
// (RFC 7515, section 4.1.11). Tokens that were signed before they had a `typ` have none.
func isHeaderOf(text string, use Use) bool {
	encoded, _, _ := strings.Cut(text, ".")
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return false // the JSON form of a signature, which we never make
	}
	var h header
	if err := json.Unmarshal(raw, &h); err != nil || h.Algorithm != jwa.EdDSA().String() || h.Critical != nil {
		return false
	}
	return h.Type == nil || *h.Type == typeOf(use)
}

// isAudience reports whether aud names us, or is missing, as in a Long token and in those
// that were signed before there was one.
func isAudience(aud any) bool {
	switch aud := aud.(type) {
	case nil:
		return true
	case string:
		return aud == audience
	case []any:
		return slices.Contains(aud, any(audience))
	default:
		return false
	}
}

func toPayload(c Claims) payload {
	p := payload{
		Issuer: issuer, Subject: strconv.Itoa(c.RootUserID), Use: c.Use, SessionID: c.SessionID,
		CredentialVersion: c.CredentialVersion, Nonce: c.Nonce, Rotation: c.Rotation,
	}
	if c.Use != Long {
		p.Audience = audience
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
	if err != nil || p.Issuer != issuer || !isAudience(p.Audience) || !p.isComplete() {
		return Claims{}, ErrForged
	}
	c := Claims{
		Use: p.Use, RootUserID: id, SessionID: p.SessionID,
		CredentialVersion: p.CredentialVersion, Nonce: p.Nonce, Rotation: p.Rotation,
		IssuedAt: timeOf(p.IssuedAt), ExpiresAt: timeOf(p.ExpiresAt), NotBefore: timeOf(p.NotBefore),
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
