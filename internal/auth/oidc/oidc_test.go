package oidc_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/auth"
	"luxbff/internal/auth/oidc"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/oidctest"
)

const ourApp = "app.lux.example"

// bench is a client of an issuer, and the clock that both go by.
type bench struct {
	issuer *oidctest.Issuer
	client *oidc.Client
	clock  *testutil.Clock
}

func start(t *testing.T) bench {
	t.Helper()
	b := bench{issuer: oidctest.Start(t), clock: testutil.NewClock(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))}
	b.client = oidc.New(oidc.Config{
		Issuer: b.issuer.URL, IssuerAliases: []string{"alias.example"}, ClientIDs: []string{"other-app", ourApp}, Clock: b.clock.Now,
	})
	return b
}

// token signs a sound token with what is changed about its claims.
func (b bench) token(t *testing.T, changes map[string]any) string {
	t.Helper()
	return b.issuer.Token(t, "RS256", b.issuer.Claims(b.clock.Now(), ourApp, "42", changes))
}

// verify checks a token; want is "" for a sound one, else what is in the error.
func (b bench) verify(t *testing.T, token, want string) {
	t.Helper()
	_, err := b.client.Verify(t.Context(), auth.Credential{Token: token})
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestSoundTokens(t *testing.T) {
	t.Parallel()
	b := start(t)
	for name, c := range map[string]struct {
		algorithm string
		changes   map[string]any
		nonce     string
		want      auth.Profile
	}{
		"Google": {
			"RS256",
			map[string]any{"name": "Kim", "email": "kim@lux.example", "email_verified": true},
			"",
			auth.Profile{Subject: "42", Name: "Kim", Email: "kim@lux.example"},
		},
		"Apple, whose truth is a text":  {"RS256", map[string]any{"email": "a@lux.example", "email_verified": "true"}, "", auth.Profile{Subject: "42", Email: "a@lux.example"}},
		"Kakao, which has nicknames":    {"RS256", map[string]any{"nickname": "Kim", "email": "k@lux.example"}, "", auth.Profile{Subject: "42", Name: "Kim"}},
		"an e-mail nobody has verified": {"RS256", map[string]any{"email": "k@lux.example", "email_verified": false}, "", auth.Profile{Subject: "42"}},
		"a text that isn't true":        {"RS256", map[string]any{"email": "k@lux.example", "email_verified": "false"}, "", auth.Profile{Subject: "42"}},
		"elliptic curve":                {"ES256", nil, "", auth.Profile{Subject: "42"}},
		"an issuer's other name":        {"RS256", map[string]any{"iss": "alias.example"}, "", auth.Profile{Subject: "42"}},
		"several audiences":             {"RS256", map[string]any{"aud": []string{"stranger", ourApp}}, "", auth.Profile{Subject: "42"}},
		"a nonce that was sent":         {"RS256", map[string]any{"nonce": "n-1"}, "n-1", auth.Profile{Subject: "42"}},
		"a nonce that wasn't":           {"RS256", map[string]any{"nonce": "n-1"}, "", auth.Profile{Subject: "42"}},
		"a clock that is ahead":         {"RS256", map[string]any{"iat": b.clock.Now().Add(4 * time.Minute).Unix(), "nbf": b.clock.Now().Add(4 * time.Minute).Unix()}, "", auth.Profile{Subject: "42"}},
	} {
		token := b.issuer.Token(t, c.algorithm, b.issuer.Claims(b.clock.Now(), ourApp, "42", c.changes))
		got, err := b.client.Verify(t.Context(), auth.Credential{Token: token, Nonce: c.nonce})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got := b.issuer.Fetches(); got != 1 {
		t.Errorf("keys were fetched %d times, want once", got)
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	b := start(t)
	now := b.clock.Now()
	other := oidctest.Start(t)
	sound := b.issuer.Claims(now, ourApp, "42", nil)
	signed := b.token(t, nil)
	for name, credential := range map[string]auth.Credential{
		"another app's":               {Token: b.token(t, map[string]any{"aud": "stranger"})},
		"nobody's":                    {Token: b.token(t, map[string]any{"aud": nil})},
		"another issuer's":            {Token: b.token(t, map[string]any{"iss": "https://evil.example"})},
		"no issuer's":                 {Token: b.token(t, map[string]any{"iss": nil})},
		"expired":                     {Token: b.token(t, map[string]any{"exp": now.Add(-time.Second).Unix()})},
		"good for ever":               {Token: b.token(t, map[string]any{"exp": nil})},
		"not yet valid":               {Token: b.token(t, map[string]any{"nbf": now.Add(time.Hour).Unix()})},
		"of the future":               {Token: b.token(t, map[string]any{"iat": now.Add(time.Hour).Unix()})},
		"another nonce":               {Token: b.token(t, map[string]any{"nonce": "n-1"}), Nonce: "n-2"},
		"no nonce":                    {Token: signed, Nonce: "n-2"},
		"about nobody":                {Token: b.token(t, map[string]any{"sub": nil})},
		"claims of other kind":        {Token: b.token(t, map[string]any{"name": 7})},
		"unsigned":                    {Token: b.issuer.Token(t, "none", sound)},
		"signed with what all know":   {Token: b.issuer.Token(t, "HS256", sound)},
		"another's key by our key id": {Token: other.TokenOf(t, "RS256-1", sound)},
		"a key for encryption":        {Token: b.issuer.TokenOf(t, "encryption", sound)},
		"a key that nobody has":       {Token: b.issuer.TokenOf(t, "forged", sound)},
		"no key":                      {Token: b.issuer.TokenOf(t, "", sound)},
		"cut off":                     {Token: signed[:len(signed)-9]},
		"no signature":                {Token: signed[:strings.LastIndex(signed, ".")+1]},
		"changed":                     {Token: strings.Replace(signed, ".ey", ".eyJ9", 1)},
		"empty":                       {},
		"no token":                    {Token: "garbage"},
		"dots":                        {Token: ".."},
		"header of another kind":      {Token: "W10.e30.x"},
	} {
		got, err := b.client.Verify(t.Context(), credential)
		if !errors.Is(err, auth.ErrTokenRefused) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
		if err != nil && credential.Token != "" && len(credential.Token) > 3 && strings.Contains(err.Error(), credential.Token) {
			t.Errorf("%s: the error holds the token", name)
		}
	}
}

// TestKeysRoll takes a new key when a token names it, and the old one no more.
func TestKeysRoll(t *testing.T) {
	t.Parallel()
	b := start(t)
	old := b.token(t, nil)
	b.verify(t, old, "")
	b.issuer.Roll(t)
	b.verify(t, old, "") // nobody has asked for keys since
	b.clock.Add(11 * time.Second)
	b.verify(t, b.token(t, nil), "")
	b.verify(t, old, "unknown key")
	if got := b.issuer.Fetches(); got != 2 {
		t.Errorf("keys were fetched %d times, want twice", got)
	}
}

// TestWithdrawnKeysEnd refuses a key within an hour of its end, though no new one is used.
func TestWithdrawnKeysEnd(t *testing.T) {
	t.Parallel()
	b := start(t)
	old := b.token(t, map[string]any{"exp": b.clock.Now().Add(48 * time.Hour).Unix()})
	b.verify(t, old, "")
	b.issuer.Roll(t)
	b.clock.Add(time.Hour)
	b.verify(t, old, "unknown key")
}

// TestForgedKeysDoNotFloodTheProvider asks once in ten seconds whatever comes, and takes
// what it knows meanwhile.
func TestForgedKeysDoNotFloodTheProvider(t *testing.T) {
	t.Parallel()
	b := start(t)
	sound := b.token(t, nil)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			b.verify(t, b.issuer.TokenOf(t, "forged", b.issuer.Claims(b.clock.Now(), ourApp, "42", nil)), "refuses the token")
			b.verify(t, sound, "")
		})
	}
	all.Wait()
	if got := b.issuer.Fetches(); got != 1 {
		t.Errorf("keys were fetched %d times, want once", got)
	}
	b.clock.Add(10 * time.Second)
	b.verify(t, b.issuer.TokenOf(t, "forged", b.issuer.Claims(b.clock.Now(), ourApp, "42", nil)), "refuses the token")
	if got := b.issuer.Fetches(); got != 2 {
		t.Errorf("keys were fetched %d times, want twice", got)
	}
}

// TestProviderThatIsDown is no reason to refuse a token: known keys serve for a day, and
// without any the error is another.
func TestProviderThatIsDown(t *testing.T) {
	t.Parallel()
	b := start(t)
	longLived := b.token(t, map[string]any{"exp": b.clock.Now().Add(72 * time.Hour).Unix()})
	b.issuer.Answer(oidctest.Down)
	for range 5 {
		b.verify(t, longLived, "status 503")
	}
	b.issuer.Answer(nil)
	b.verify(t, longLived, "status 503") // it was asked a moment ago
	b.clock.Add(10 * time.Second)
	b.verify(t, longLived, "")
	b.issuer.Answer(oidctest.Down)
	b.clock.Add(23 * time.Hour)
	b.verify(t, longLived, "")
	b.verify(t, b.issuer.TokenOf(t, "new", nil), "status 503")
	b.clock.Add(time.Hour)
	b.verify(t, longLived, "status 503")
	b.issuer.Answer(nil)
	b.clock.Add(time.Minute)
	b.verify(t, longLived, "")
}

func TestAnswersThatAreNoKeys(t *testing.T) {
	t.Parallel()
	says := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
	}
	for name, answer := range map[string]http.HandlerFunc{
		"a page": says("<html>"), "nothing": says(""), "another issuer": says(`{"issuer": "https://evil.example", "jwks_uri": "https://evil.example/keys"}`),
		"elsewhere": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
		"hung up":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t)
			b.issuer.Answer(answer)
			_, err := b.client.Verify(t.Context(), auth.Credential{Token: b.token(t, nil)})
			if err == nil || errors.Is(err, auth.ErrTokenRefused) {
				t.Errorf("got %v", err)
			}
		})
	}
	for name, keys := range map[string]string{
		"no set": `[]`, "empty": `{"keys": []}`, "of other kinds": `{"keys": [{"kty": "oct", "kid": "RS256-1", "k": "c2VjcmV0"}, {"kty": "unheard-of"}]}`,
		"a number": `{"keys": 7}`, "cut off": `{"keys": [{"kty"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t)
			b.issuer.Answer(func(w http.ResponseWriter, r *http.Request) {
				body := keys
				if strings.HasSuffix(r.URL.Path, "openid-configuration") {
					body = `{"issuer": "` + b.issuer.URL + `", "jwks_uri": "` + b.issuer.URL + `/keys"}`
				}
				_, _ = w.Write([]byte(body))
			})
			_, err := b.client.Verify(t.Context(), auth.Credential{Token: b.token(t, nil)})
			if err == nil || errors.Is(err, auth.ErrTokenRefused) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestWaitingEndsWithTheRequest gives up with the caller who waits, and has the keys fetched
// for all though the one who asked for them has hung up.
func TestWaitingEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	b := start(t)
	asked, answer := make(chan struct{}, 10), make(chan struct{})
	b.issuer.Answer(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-answer
		b.issuer.Own(w, r)
	})
	credential := auth.Credential{Token: b.token(t, nil)}
	ctx, hangUp := context.WithCancel(t.Context())
	var first sync.WaitGroup
	first.Go(func() {
		if _, err := b.client.Verify(ctx, credential); err != nil {
			t.Errorf("who has asked: %v", err)
		}
	})
	<-asked
	hangUp()
	if _, err := b.client.Verify(ctx, credential); !errors.Is(err, context.Canceled) {
		t.Errorf("who waits: %v", err)
	}
	close(answer)
	first.Wait()
	b.verify(t, credential.Token, "")
	if got := b.issuer.Fetches(); got != 1 {
		t.Errorf("keys were fetched %d times, want once", got)
	}
}

// TestOldKeysServeWithoutAsking asks a provider that lets us wait once a minute, and not at
// each sign-in.
func TestOldKeysServeWithoutAsking(t *testing.T) {
	t.Parallel()
	b := start(t)
	token := b.token(t, map[string]any{"exp": b.clock.Now().Add(4 * time.Hour).Unix()})
	b.verify(t, token, "")
	b.clock.Add(time.Hour)
	var asked atomic.Int64
	b.issuer.Answer(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		oidctest.Down(w, r)
	})
	for range 12 {
		b.verify(t, token, "")
		b.clock.Add(10 * time.Second)
	}
	if got := asked.Load(); got != 2 {
		t.Errorf("the provider was asked %d times in two minutes, want twice", got)
	}
}

// TestKeysThatMove are found by the discovery document, which is read again.
func TestKeysThatMove(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.verify(t, b.token(t, nil), "")
	b.issuer.Move("/elsewhere")
	b.issuer.Roll(t)
	b.clock.Add(10 * time.Second)
	b.verify(t, b.token(t, nil), "status 404")
	b.clock.Add(10 * time.Second)
	b.verify(t, b.token(t, nil), "")
}

func TestDocumentOfAnotherIssuer(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.issuer.Announce("https://evil.example")
	b.verify(t, b.token(t, nil), "another issuer's")
}

// TestClockThatIsSetBack asks again instead of trusting a time that has not come.
func TestClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.verify(t, b.token(t, nil), "")
	b.clock.Add(-time.Hour)
	b.issuer.Roll(t)
	b.verify(t, b.token(t, nil), "")
}
