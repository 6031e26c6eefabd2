// Package oidc checks the id tokens of an OpenID Connect provider: it is the
// [auth.SocialProvider] of Google, Apple and Kakao, and of the tokens of Facebook's Limited
// Login. It is one of the few packages below internal/ that may import net/http, and must
// import no rule but internal/auth.
package oidc

import (
	"cmp"
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	goidc "github.com/coreos/go-oidc/v3/oidc"

	"luxbff/internal/auth"
)

// skew is how far a provider's clock may be ahead of ours. The library grants as much to
// the time before which a token must not be used.
const skew = 5 * time.Minute

// Config is a provider and the apps whose tokens are taken.
type Config struct {
	// Issuer is the provider's address, and the iss of its tokens.
	Issuer string
	// IssuerAliases are other values of iss that the provider is known to use.
	IssuerAliases []string
	// ClientIDs are the ids that our apps have at the provider. A token has to be for one.
	ClientIDs []string
	// KeysURL is where the provider publishes its keys; empty: its discovery document at
	// Issuer says where.
	KeysURL string
	// Clock gives the time by which tokens expire.
	Clock func() time.Time
}

// Client checks the id tokens of one provider.
type Client struct {
	cfg  Config
	keys *keySet
}

// New makes a client. It asks the provider nothing before the first token comes, so a
// provider that is down keeps nothing from starting.
func New(cfg Config) *Client { return &Client{cfg: cfg, keys: newKeySet(cfg)} }

// claims are what a token says of its person beyond what the library reads.
type claims struct {
	Name          string   `json:"name"`
	Nickname      string   `json:"nickname"` // Kakao's name for a person
	Email         string   `json:"email"`
	EmailVerified verified `json:"email_verified"`
}

// verified is true as a boolean, or as the text that Apple sends.
type verified bool

// UnmarshalJSON takes all but true and "true" for false.
func (v *verified) UnmarshalJSON(raw []byte) error {
	*v = string(raw) == `true` || string(raw) == `"true"`
	return nil
}

// Verify gives the person that an id token is about (OpenID Connect Core 1.0, 3.1.3.7). A
// nonce, where one was sent, has to be that of the token. An error that wraps
// [auth.ErrTokenRefused] is about the token, any other says that the provider's keys can't
// be had; neither holds anything of the token.
func (c *Client) Verify(ctx context.Context, credential auth.Credential) (auth.Profile, error) {
	kid, known := keyID(credential.Token)
	if !known {
		return auth.Profile{}, refuse("its header names no key")
	}
	key, err := c.keys.find(ctx, kid)
	if err != nil {
		return auth.Profile{}, err
	}
	token, err := c.verifier(key).Verify(ctx, credential.Token)
	if err != nil {
		// The library's text quotes the token.
		return auth.Profile{}, refuse("form, signature or time")
	}
	switch {
	case token.Issuer != c.cfg.Issuer && !slices.Contains(c.cfg.IssuerAliases, token.Issuer):
		return auth.Profile{}, refuse("issuer")
	case !slices.ContainsFunc(c.cfg.ClientIDs, func(id string) bool { return slices.Contains(token.Audience, id) }):
		return auth.Profile{}, refuse("audience")
	case token.IssuedAt.After(c.cfg.Clock().Add(skew)):
		return auth.Profile{}, refuse("issued in the future")
	case credential.Nonce != "" && token.Nonce != credential.Nonce:
		return auth.Profile{}, refuse("nonce")
	case token.Subject == "":
		return auth.Profile{}, refuse("subject")
	}
	var said claims
	if err := token.Claims(&said); err != nil {
		return auth.Profile{}, refuse("claims")
	}
	profile := auth.Profile{Subject: token.Subject, Name: cmp.Or(said.Name, said.Nickname)}
	if said.EmailVerified {
		profile.Email = said.Email
	}
	return profile, nil
}

// verifier checks all that the library knows to check, with the one key that the token
// names. Algorithms are limited to those that the providers use: neither none nor a key
// that both sides know is among them.
func (c *Client) verifier(key crypto.PublicKey) *goidc.IDTokenVerifier {
	return goidc.NewVerifier(c.cfg.Issuer, &goidc.StaticKeySet{PublicKeys: []crypto.PublicKey{key}}, &goidc.Config{
		SupportedSigningAlgs: []string{goidc.RS256, goidc.ES256},
		// It compares with one id and one issuer; Verify does so with several.
		SkipClientIDCheck: true, SkipIssuerCheck: true,
		Now: c.cfg.Clock,
	})
}

// keyID reads from the header of a token which key has signed it.
func keyID(token string) (kid string, known bool) {
	encoded, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return "", false
	}
	var header struct {
		KeyID string `json:"kid"`
	}
	err = json.Unmarshal(raw, &header)
	return header.KeyID, err == nil && header.KeyID != ""
}

func refuse(what string) error { return fmt.Errorf("oidc: %s: %w", what, auth.ErrTokenRefused) }
