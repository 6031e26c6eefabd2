// Package facebook asks Facebook's Graph API who stands behind an access token:
// it is the [auth.SocialProvider] of that name. It is one of the few packages
// below internal/ that may import net/http.
package facebook

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/httpclient"
)

const (
	// timeout is how long a sign-in waits for Facebook.
	timeout = 10 * time.Second
	// maxResponse is far above what an id and a name take.
	maxResponse = 64 << 10
)

var errNoID = apperr.Text("it has no id")

// Client asks the Graph API at one address.
type Client struct {
	address string
	http    *http.Client
}

// New makes a client for the API at base, such as https://graph.facebook.com.
func New(base string) *Client {
	return &Client{
		address: strings.TrimSuffix(base, "/") + "/me",
		http:    httpclient.New(timeout),
	}
}

// Verify gives the id and the name behind the token (snutt.md). An error that
// wraps [auth.ErrTokenRefused] is Facebook's no; no error holds the token.
func (c *Client) Verify(ctx context.Context, token string) (auth.Profile, error) {
	query := url.Values{"fields": {"id,name"}, "access_token": {token}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address+"?"+query.Encode(), nil)
	if err != nil {
		return auth.Profile{}, apperr.Text("facebook: the base address is malformed")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return auth.Profile{}, fmt.Errorf("facebook: %w", httpclient.WithoutAddress(err))
	}
	defer func() { _ = response.Body.Close() }()
	return readProfile(response)
}

// answer is what the Graph API sends: an account, or an error.
type answer struct {
	ID, Name string
	Error    struct {
		Code        int
		IsTransient bool `json:"is_transient"`
	}
}

// readProfile takes as Facebook's no what it answers with a status that speaks of the
// token. All else that names no account, as a proxy's page or a server that is busy, says
// nothing about the token.
func readProfile(response *http.Response) (auth.Profile, error) {
	var got answer
	unreadable := json.NewDecoder(io.LimitReader(response.Body, maxResponse)).Decode(&got)
	switch response.StatusCode {
	case http.StatusOK:
		if unreadable != nil || got.ID == "" {
			return auth.Profile{}, fmt.Errorf("facebook: the answer is no account: %w", cmp.Or[error](unreadable, errNoID))
		}
		return auth.Profile{Subject: got.ID, Name: got.Name}, nil
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		if !got.isBusy() {
			return auth.Profile{}, fmt.Errorf("facebook: status %d: %w", response.StatusCode, auth.ErrTokenRefused)
		}
	}
	return auth.Profile{}, apperr.Text(fmt.Sprintf("facebook: status %d, error %d", response.StatusCode, got.Error.Code))
}

// isBusy reports whether the error asks for another try, by the codes of the Graph API: 1
// and 2 are errors of Facebook itself, the others limits on how often an app or a person
// may ask.
func (a answer) isBusy() bool {
	return a.Error.IsTransient || slices.Contains([]int{1, 2, 4, 17, 32, 341, 613}, a.Error.Code)
}
