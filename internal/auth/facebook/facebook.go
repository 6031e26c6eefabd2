// Package facebook asks Facebook's Graph API who stands behind an access token, and whether
// it was issued to our app: it is the [auth.SocialProvider] of that name. It is one of the
// few packages below internal/ that may import net/http.
package facebook

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
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
	"luxbff/internal/auth/oidc"
	"luxbff/internal/httpclient"
)

const (
	// timeout is how long a sign-in waits for Facebook.
	timeout = 10 * time.Second
	// maxResponse is far above what an id and a name take.
	maxResponse = 64 << 10
)

var (
	errNoID   = apperr.Text("it has no id")
	errNoData = apperr.Text("facebook: the answer is about no token")
)

// Config is the Graph API and our app there.
type Config struct {
	// URL is the API's address, such as https://graph.facebook.com.
	URL string
	// AppID and AppSecret are of our app at Facebook. With them, tokens of other apps are
	// refused and those of Limited Login taken; without, a token of any app is taken, which
	// is for development alone.
	AppID, AppSecret string
	// Issuer is the iss of Limited Login's tokens, below which their keys are published.
	Issuer string
	// Clock gives the time by which those tokens expire.
	Clock func() time.Time
}

// Client asks the Graph API for one app.
type Client struct {
	cfg     Config
	limited *oidc.Client // nil without an app
	http    *http.Client
}

// New makes a client. It asks Facebook nothing before the first token comes.
func New(cfg Config) *Client {
	cfg.URL = strings.TrimSuffix(cfg.URL, "/")
	c := &Client{cfg: cfg, http: httpclient.New(timeout)}
	if cfg.AppID != "" {
		c.limited = oidc.New(oidc.Config{
			Issuer: cfg.Issuer, ClientIDs: []string{cfg.AppID}, KeysURL: cfg.Issuer + "/.well-known/oauth/openid/jwks/", Clock: cfg.Clock,
		})
	}
	return c
}

// Verify gives the id and the name behind a token: an access token (snutt.md, auth.md), or
// the id token of Limited Login. Both know a person by the id that she has for our app. An
// error that wraps [auth.ErrTokenRefused] is Facebook's no, or about a token of another
// app, or about a nonce, which an access token can't hold; no error holds the token.
func (c *Client) Verify(ctx context.Context, credential auth.Credential) (auth.Profile, error) {
	switch {
	case c.limited != nil && isIDToken(credential.Token):
		return c.limited.Verify(ctx, credential)
	case credential.Nonce != "":
		return auth.Profile{}, fmt.Errorf("facebook: an access token holds no nonce: %w", auth.ErrTokenRefused)
	case c.cfg.AppID == "":
		return c.me(ctx, credential.Token)
	}
	owner, err := c.owner(ctx, credential.Token)
	if err != nil {
		return auth.Profile{}, err
	}
	profile, err := c.me(ctx, credential.Token)
	if err == nil && profile.Subject != owner {
		return auth.Profile{}, fmt.Errorf("facebook: the token is of another person: %w", auth.ErrTokenRefused)
	}
	return profile, err
}

// isIDToken tells a signed token (RFC 7519), whose header begins with a brace, from an
// access token, which has no dots.
func isIDToken(token string) bool {
	return strings.HasPrefix(token, "ey") && strings.Count(token, ".") == 2
}

// me asks who the person is.
func (c *Client) me(ctx context.Context, token string) (auth.Profile, error) {
	query := url.Values{"fields": {"id,name"}, "access_token": {token}}
	if c.cfg.AppSecret != "" {
		query.Set("appsecret_proof", c.proof(token))
	}
	status, got, unreadable := c.get(ctx, "/me", query)
	switch {
	case status == 0:
		return auth.Profile{}, unreadable
	case status == http.StatusOK && (unreadable != nil || got.ID == ""):
		return auth.Profile{}, fmt.Errorf("facebook: the answer is no account: %w", cmp.Or[error](unreadable, errNoID))
	case status == http.StatusOK:
		return auth.Profile{Subject: got.ID, Name: got.Name}, nil
	}
	return auth.Profile{}, got.refusal(status, isAboutTheToken(status) && !got.isBusy())
}

// owner asks whether the token is good and of our app, and gives the id of its person.
func (c *Client) owner(ctx context.Context, token string) (id string, err error) {
	// It stands for our app itself.
	ours := c.cfg.AppID + "|" + c.cfg.AppSecret
	status, got, unreadable := c.get(ctx, "/debug_token", url.Values{
		"input_token": {token}, "access_token": {ours}, "appsecret_proof": {c.proof(ours)},
	})
	switch {
	case status == 0:
		return "", unreadable
	case status == http.StatusOK && unreadable != nil:
		return "", fmt.Errorf("facebook: the answer is about no token: %w", unreadable)
	case status != http.StatusOK:
		// An error here is about our own app, but for one: the token is of another app.
		const badParameter = 100
		return "", got.refusal(status, isAboutTheToken(status) && got.Error.Code == badParameter)
	case got.Data == nil:
		return "", errNoData
	case !got.Data.IsValid || got.Data.AppID != c.cfg.AppID || got.Data.UserID == "":
		return "", fmt.Errorf("facebook: not a good token of our app: %w", auth.ErrTokenRefused)
	}
	return got.Data.UserID, nil
}

// proof shows Facebook that a call comes from our server and not from somebody who has
// found the token.
func (c *Client) proof(token string) string {
	mac := hmac.New(sha256.New, []byte(c.cfg.AppSecret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

// get asks the Graph API. Without an answer the status is 0 and err says why; with one, err
// is about its body.
func (c *Client) get(ctx context.Context, path string, query url.Values) (status int, got answer, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.cfg.URL+path+"?"+query.Encode(), nil)
	if err != nil {
		return 0, answer{}, apperr.Text("facebook: the base address is malformed")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, answer{}, fmt.Errorf("facebook: %w", httpclient.WithoutAddress(err))
	}
	defer func() { _ = response.Body.Close() }()
	err = json.NewDecoder(io.LimitReader(response.Body, maxResponse)).Decode(&got)
	return response.StatusCode, got, err
}

// answer is what the Graph API sends: an account, what it knows of a token, or an error.
type answer struct {
	ID, Name string
	Data     *struct {
		AppID   string `json:"app_id"`
		IsValid bool   `json:"is_valid"`
		UserID  string `json:"user_id"`
	}
	Error struct {
		Code        int
		IsTransient bool `json:"is_transient"`
	}
}

// isAboutTheToken is true for the statuses with which Facebook says no. All else that names
// no account, as a proxy's page or a server that is busy, says nothing about the token.
func isAboutTheToken(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden
}

// refusal is the error for an answer other than 200.
func (a answer) refusal(status int, isRefused bool) error {
	if isRefused {
		return fmt.Errorf("facebook: status %d: %w", status, auth.ErrTokenRefused)
	}
	return apperr.Text(fmt.Sprintf("facebook: status %d, error %d", status, a.Error.Code))
}

// isBusy reports whether the error asks for another try, by the codes of the Graph API: 1
// and 2 are errors of Facebook itself, the others limits on how often an app or a person
// may ask.
func (a answer) isBusy() bool {
	return a.Error.IsTransient || slices.Contains([]int{1, 2, 4, 17, 32, 341, 613}, a.Error.Code)
}
