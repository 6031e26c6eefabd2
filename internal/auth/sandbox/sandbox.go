// Package sandbox stands in for the providers that vouch for people, in development: it
// makes tokens in which a developer writes who a person is, or how the provider fails, and
// believes them. It is never part of production. It must import no rule but internal/auth.
package sandbox

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"luxbff/internal/apperr"
	"luxbff/internal/auth"
)

// prefix tells a token of the sandbox from that of any provider.
const prefix = "sandbox."

// Unavailable is the failure of a provider that gives no answer. All others are those of a
// token that it refuses.
const Unavailable = "unavailable"

// Failures are what a developer may ask for.
func Failures() []string {
	return []string{"audience", "expired", "issuer", "key", "nonce", "revoked", Unavailable}
}

var errUnavailable = apperr.Text("sandbox: the developer has asked for a provider that gives no answer")

// Person is whom a token is about. Subject is the id at the provider; name and e-mail, which
// counts as verified, may be empty. Nonce is compared as the provider's own would be.
// Failure is empty or one of [Failures].
type Person struct {
	Provider string `json:"provider"`
	Subject  string `json:"sub"`
	Name     string `json:"name,omitempty"`
	Email    string `json:"email,omitempty"`
	Nonce    string `json:"nonce,omitempty"`
	Failure  string `json:"fail,omitempty"`
}

// Token makes a token that [Provider.Verify] takes. It is a bearer token, so it can stand in
// a header as well. The error says that the failure is unknown, or what JSON can't hold.
func Token(p Person) (string, error) {
	if p.Failure != "" && !slices.Contains(Failures(), p.Failure) {
		return "", errors.New("sandbox: fail must be one of " + strings.Join(Failures(), ", "))
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("sandbox: %w", err)
	}
	return prefix + base64.RawURLEncoding.EncodeToString(raw), nil
}

// Provider is an [auth.SocialProvider] that takes tokens of the sandbox, and leaves all
// others to the provider itself.
type Provider struct {
	name   string
	itself auth.SocialProvider // nil where it isn't configured
}

// New makes a Provider. name is that of the routes; itself is nil where the provider isn't
// configured.
func New(name string, itself auth.SocialProvider) *Provider { return &Provider{name, itself} }

// Verify gives the person of a token of the sandbox, or fails in the way that the token asks
// for.
func (p *Provider) Verify(ctx context.Context, credential auth.Credential) (auth.Profile, error) {
	encoded, isOurs := strings.CutPrefix(credential.Token, prefix)
	switch {
	case !isOurs && p.itself == nil:
		return auth.Profile{}, fmt.Errorf("sandbox: %s is not configured: %w", p.name, auth.ErrTokenRefused)
	case !isOurs:
		return p.itself.Verify(ctx, credential)
	}
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return auth.Profile{}, fmt.Errorf("sandbox: malformed: %w", auth.ErrTokenRefused)
	}
	var person Person
	if err := json.Unmarshal(raw, &person); err != nil {
		return auth.Profile{}, fmt.Errorf("sandbox: malformed: %w", auth.ErrTokenRefused)
	}
	switch {
	case person.Failure == Unavailable:
		return auth.Profile{}, errUnavailable
	case person.Failure != "" || person.Provider != p.name || credential.Nonce != "" && credential.Nonce != person.Nonce:
		return auth.Profile{}, fmt.Errorf("sandbox: %w", auth.ErrTokenRefused)
	}
	return auth.Profile{Subject: person.Subject, Name: person.Name, Email: person.Email}, nil
}
