// Package facebook asks Facebook's Graph API who stands behind an access token.
// It is one of the few packages below internal/ that may import net/http, and
// knows nothing of accounts but the port it fills.
package facebook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"luxbff/internal/auth"
)

const (
	// timeout is how long a sign-in waits for Facebook.
	timeout = 10 * time.Second
	// maxAnswer is far above what an id and a name take.
	maxAnswer = 64 << 10
)

// Client asks one Graph API.
type Client struct {
	address string
	http    *http.Client
}

// New makes a client for the API at base, as https://graph.facebook.com.
func New(base string) *Client {
	return &Client{
		address: strings.TrimSuffix(base, "/") + "/me",
		http: &http.Client{
			Timeout: timeout,
			// A redirect would carry the token to another host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Verify gives the id and the name behind the token.
func (c *Client) Verify(ctx context.Context, token string) (auth.Profile, error) {
	query := url.Values{"fields": {"id,name"}, "access_token": {token}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address+"?"+query.Encode(), nil)
	if err != nil {
		return auth.Profile{}, errors.New("facebook: the base address is malformed")
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return auth.Profile{}, fmt.Errorf("facebook: %w", withoutAddress(err))
	}
	defer func() { _ = answer.Body.Close() }()
	return read(answer)
}

func read(answer *http.Response) (auth.Profile, error) {
	switch {
	case answer.StatusCode >= 400 && answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests:
		return auth.Profile{}, fmt.Errorf("facebook: status %d: %w", answer.StatusCode, auth.ErrTokenRefused)
	case answer.StatusCode != http.StatusOK:
		return auth.Profile{}, fmt.Errorf("facebook: status %d", answer.StatusCode)
	}
	var me struct{ ID, Name string }
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&me); err != nil {
		return auth.Profile{}, fmt.Errorf("facebook: an answer that is no account: %w", err)
	}
	return auth.Profile{Subject: me.ID, Name: me.Name}, nil
}

// withoutAddress takes the address, which holds the token, out of the error.
func withoutAddress(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
