package fcm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"

	"luxbff/internal/apperr"
	"luxbff/internal/httpclient"
)

const (
	// scope is the one right that an access token is asked for.
	scope = "https://www.googleapis.com/auth/firebase.messaging"
	// assertionLifetime is the longest that Google takes.
	assertionLifetime = time.Hour
	// grantType names the exchange of a signature for a token (RFC 7523, section 2.1).
	grantType = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	// renewBefore keeps a token from ending while a message is on its way.
	renewBefore = time.Minute
)

// access holds the token that the next messages are sent with.
type access struct {
	credentials Credentials
	http        *http.Client
	now         func() time.Time

	// mu is held while a token is fetched: who needs one meanwhile needs the same.
	mu    sync.Mutex
	token string
	until time.Time
}

// get gives the token, and fetches a new one where there is none that lasts.
func (a *access) get(ctx context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token != "" && a.now().Before(a.until) {
		return a.token, nil
	}
	token, lifetime, err := a.fetch(ctx)
	if err != nil {
		return "", err
	}
	a.token, a.until = token, a.now().Add(lifetime-renewBefore)
	return token, nil
}

// drop forgets a token that was refused, so that the next message gets another.
func (a *access) drop(token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token == token {
		a.token = ""
	}
}

// fetch exchanges a signature for a token. No message is under way yet, so an error of it
// leaves nothing uncertain.
func (a *access) fetch(ctx context.Context) (token string, lifetime time.Duration, err error) {
	assertion, err := a.sign()
	if err != nil {
		return "", 0, err
	}
	form := url.Values{"grant_type": {grantType}, "assertion": {assertion}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.credentials.TokenURI, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, apperr.Text("fcm: the address of the access token is malformed")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, _, err := httpclient.Do(a.http, request)
	if err != nil {
		return "", 0, fmt.Errorf("fcm: ask for an access token: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		Error       string `json:"error"`
	}
	// What cannot be read, as a proxy's page, holds no token.
	_ = json.NewDecoder(io.LimitReader(response.Body, maxResponse)).Decode(&answer)
	if response.StatusCode != http.StatusOK {
		return "", 0, later(response, a.now(), fmt.Sprintf("fcm: no access token: status %d, error %s", response.StatusCode, codeOf(answer.Error)))
	}
	if answer.AccessToken == "" {
		return "", 0, apperr.Text("fcm: no access token: the answer cannot be read")
	}
	return answer.AccessToken, time.Duration(answer.ExpiresIn) * time.Second, nil
}

// sign makes the assertion (RFC 7523, section 3) that is exchanged for a token.
func (a *access) sign() (string, error) {
	now := a.now()
	claims, err := json.Marshal(map[string]any{
		"iss": a.credentials.Email, "scope": scope, "aud": a.credentials.TokenURI,
		"iat": now.Unix(), "exp": now.Add(assertionLifetime).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("fcm: write claims: %w", err)
	}
	header := jws.NewHeaders()
	for name, value := range map[string]string{jws.TypeKey: "JWT", jws.KeyIDKey: a.credentials.KeyID} {
		if err := header.Set(name, value); err != nil {
			return "", fmt.Errorf("fcm: write the header: %w", err)
		}
	}
	signed, err := jws.Sign(claims, jws.WithKey(jwa.RS256(), a.credentials.key, jws.WithProtectedHeaders(header)))
	if err != nil {
		return "", fmt.Errorf("fcm: sign: %w", err)
	}
	return string(signed), nil
}
