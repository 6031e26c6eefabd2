// Package facebook asks Facebook's Graph API who stands behind an access token:
// it is the [auth.SocialProvider] of that name. It is one of the few packages
// below internal/ that may import net/http.
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
	// maxResponse is far above what an id and a name take.
	maxResponse = 64 << 10
)

// Client asks the Graph API at one address.
type Client struct {
	address string
	http    *http.Client
}

// New makes a client for the API at base, such as https://graph.facebook.com.
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

// Verify gives the id and the name behind the token (snutt.md). An error that
// wraps [auth.ErrTokenRefused] is Facebook's no; no error holds the token.
func (c *Client) Verify(ctx context.Context, token string) (auth.Profile, error) {
	query := url.Values{"fields": {"id,name"}, "access_token": {token}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address+"?"+query.Encode(), nil)
	if err != nil {
		return auth.Profile{}, errors.New("facebook: the base address is malformed")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return auth.Profile{}, fmt.Errorf("facebook: %w", withoutAddress(err))
	}
	defer func() { _ = response.Body.Close() }()
	return readProfile(response)
}

func readProfile(response *http.Response) (auth.Profile, error) {
	status := response.StatusCode
	switch {
	// A status of 4xx is Facebook's no; of these 429 alone says nothing about the
	// token.
	case status >= 400 && status < 500 && status != http.StatusTooManyRequests:
		return auth.Profile{}, fmt.Errorf("facebook: status %d: %w", status, auth.ErrTokenRefused)
	case status != http.StatusOK:
		return auth.Profile{}, fmt.Errorf("facebook: status %d", status)
	}
	var me struct{ ID, Name string }
	if err := json.NewDecoder(io.LimitReader(response.Body, maxResponse)).Decode(&me); err != nil {
		return auth.Profile{}, fmt.Errorf("facebook: the response is no account: %w", err)
	}
	return auth.Profile{Subject: me.ID, Name: me.Name}, nil
}

// withoutAddress takes the address of the request out of the error: the token
// stands in its query.
func withoutAddress(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
