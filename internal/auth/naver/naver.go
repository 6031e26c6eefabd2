// Package naver asks Naver who stands behind an access token: it is the
// [auth.SocialProvider] of that name. It is one of the few packages below internal/ that
// may import net/http, and must import no rule but internal/auth.
package naver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/httpclient"
	"luxbff/internal/text"
)

const (
	// timeout is how long a sign-in waits for Naver.
	timeout = 10 * time.Second
	// maxResponse is far above what a profile takes.
	maxResponse = 64 << 10
	// maxToken is far above what Naver issues, and below what an HTTP server takes as a
	// header.
	maxToken = 4096
	// success is the result code of an answer that holds a profile.
	success = "00"
)

// Client asks Naver's API at one address.
type Client struct {
	address string
	http    *http.Client
}

// New makes a client for the API at base, such as https://openapi.naver.com.
func New(base string) *Client {
	return &Client{address: strings.TrimSuffix(base, "/") + "/v1/nid/me", http: httpclient.New(timeout)}
}

// Verify gives the person behind an access token, by the id that Naver gives her for the
// app that the token was issued to. An error that wraps [auth.ErrTokenRefused] is Naver's
// no, or about a nonce, which these tokens can't hold; no error holds the token.
func (c *Client) Verify(ctx context.Context, credential auth.Credential) (auth.Profile, error) {
	if credential.Nonce != "" || !isHeaderValue(credential.Token) {
		return auth.Profile{}, fmt.Errorf("naver: not an access token alone: %w", auth.ErrTokenRefused)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address, nil)
	if err != nil {
		return auth.Profile{}, apperr.Text("naver: the base address is malformed")
	}
	request.Header.Set("Authorization", "Bearer "+credential.Token)
	response, err := c.http.Do(request)
	if err != nil {
		return auth.Profile{}, fmt.Errorf("naver: %w", httpclient.WithoutAddress(err))
	}
	defer func() { _ = response.Body.Close() }()
	return readProfile(response)
}

// isHeaderValue reports whether a token can stand in a header: a bearer token is made of
// printable ASCII without spaces (RFC 6750).
func isHeaderValue(token string) bool {
	return len(token) <= maxToken && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

// answer is what Naver sends.
type answer struct {
	ResultCode string `json:"resultcode"`
	Response   struct{ ID, Name, Nickname, Email string }
}

// readProfile takes as Naver's no what it answers with a status that speaks of the token.
// All else that names nobody says nothing about the token.
func readProfile(response *http.Response) (auth.Profile, error) {
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return auth.Profile{}, fmt.Errorf("naver: status %d: %w", response.StatusCode, auth.ErrTokenRefused)
	default:
		return auth.Profile{}, apperr.Text(fmt.Sprintf("naver: status %d", response.StatusCode))
	}
	var got answer
	if err := json.NewDecoder(io.LimitReader(response.Body, maxResponse)).Decode(&got); err != nil {
		return auth.Profile{}, fmt.Errorf("naver: the answer can't be read: %w", err)
	}
	if got.ResultCode != success || got.Response.ID == "" {
		return auth.Profile{}, apperr.Text("naver: the answer names nobody")
	}
	profile := auth.Profile{Subject: got.Response.ID, Name: got.Response.Name}
	if profile.Name == "" {
		profile.Name = got.Response.Nickname
	}
	// A person may have any address shown, and Naver doesn't say that it is verified. That
	// of its own mail is.
	if strings.HasSuffix(text.NormalizeEmail(got.Response.Email), "@naver.com") {
		profile.Email = got.Response.Email
	}
	return profile, nil
}
