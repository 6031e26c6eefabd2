package facebook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/auth"
	"luxbff/internal/auth/facebook"
	"luxbff/internal/testutil/oidctest"
)

// graph stands in for Facebook: it answers each of the tokens in its own way, and refuses
// any other.
func graph(t *testing.T, answers map[string]http.HandlerFunc) *facebook.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/me" || r.URL.Query().Get("fields") != "id,name" {
			t.Errorf("asked for %s", r.URL)
		}
		if answer, known := answers[r.URL.Query().Get("access_token")]; known {
			answer(w, r)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
	}))
	t.Cleanup(server.Close)
	return facebook.New(facebook.Config{URL: server.URL + "/"})
}

// answer gives a status and a body.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	client := graph(t, map[string]http.HandlerFunc{"john's": answer(200, `{"id": "1017", "name": "John Smith"}`)})
	got, err := client.Verify(t.Context(), auth.Credential{Token: "john's"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(auth.Profile{Subject: "1017", Name: "John Smith"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestRefusedTokens are Facebook's no; the rest is no answer at all.
func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	refused := map[string]http.HandlerFunc{
		"unknown": answer(400, ``), "expired": answer(400, `{"error": {"type": "OAuthException", "code": 190, "error_subcode": 463}}`),
		"invalid": answer(401, `{"error": {"code": 190, "is_transient": false}}`), "not allowed": answer(403, `{"error": {"code": 10}}`),
	}
	silent := map[string]http.HandlerFunc{
		"moved":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"a page": answer(200, `<html>`), "nothing": answer(200, ``), "nobody": answer(200, `{}`), "null": answer(200, `null`), "a list": answer(200, `[]`),
		"a number": answer(200, `{"id": 1017}`), "cut off": answer(200, `{"id": "1017", "na`),
		"another path": answer(404, `{"error": {"code": 2500}}`), "slow": answer(408, ``), "too often": answer(429, ``),
		"broken": answer(500, `{"error": {"code": 190}}`), "down": answer(502, ``), "busy": answer(503, ``), "late": answer(504, ``),
		"transient": answer(400, `{"error": {"code": 190, "is_transient": true}}`), "unknown fault": answer(400, `{"error": {"code": 1}}`),
		"service fault": answer(400, `{"error": {"code": 2}}`), "limit of the app": answer(403, `{"error": {"code": 4}}`),
		"limit of the person": answer(400, `{"error": {"code": 17}}`),
		"hung up":             func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for want, answers := range map[bool]map[string]http.HandlerFunc{true: refused, false: silent} {
		client := graph(t, answers)
		for token := range answers {
			_, err := client.Verify(t.Context(), auth.Credential{Token: token})
			if err == nil || errors.Is(err, auth.ErrTokenRefused) != want {
				t.Errorf("%q: %v, want refused %v", token, err, want)
			}
		}
	}
}

// TestTimeout gives up with the caller.
func TestTimeout(t *testing.T) {
	t.Parallel()
	client := graph(t, map[string]http.HandlerFunc{"slow": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := client.Verify(ctx, auth.Credential{Token: "slow"}); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, auth.ErrTokenRefused) {
		t.Errorf("got %v", err)
	}
}

func TestErrorsDoNotHoldTheToken(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := facebook.New(facebook.Config{URL: server.URL}).Verify(t.Context(), auth.Credential{Token: "secret-token"})
	if err == nil || strings.Contains(err.Error(), "secret-token") {
		t.Errorf("%v", err)
	}
}

// TestTokensOfOurApp asks Facebook whose a token is, with proofs that the calls are ours.
func TestTokensOfOurApp(t *testing.T) {
	t.Parallel()
	const app, secret = "1234", "app-secret"
	proof := func(token string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(token))
		return hex.EncodeToString(mac.Sum(nil))
	}
	about := map[string]http.HandlerFunc{
		"ours":           answer(200, `{"data": {"app_id": "1234", "is_valid": true, "user_id": "1017"}}`),
		"another's":      answer(200, `{"data": {"app_id": "99", "is_valid": true, "user_id": "1017"}}`),
		"of another app": answer(400, `{"error": {"code": 100}}`),
		"ended":          answer(200, `{"data": {"app_id": "1234", "is_valid": false, "user_id": "1017"}}`),
		"malformed":      answer(200, `{"data": {"error": {"code": 190}, "is_valid": false}}`),
		"the app's":      answer(200, `{"data": {"app_id": "1234", "is_valid": true}}`),
		"mixed up":       answer(200, `{"data": {"app_id": "1234", "is_valid": true, "user_id": "7"}}`),
		"wrong secret":   answer(400, `{"error": {"code": 190}}`),
		"page":           answer(200, `<html>`),
		"nothing":        answer(200, `{}`),
		"broken":         answer(500, `{"error": {"code": 100}}`),
		"busy":           answer(503, ``),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if query.Get("appsecret_proof") != proof(query.Get("access_token")) {
			t.Errorf("%s comes without its proof", r.URL.Path)
		}
		if r.URL.Path == "/me" {
			_, _ = w.Write([]byte(`{"id": "1017", "name": "John Smith"}`))
			return
		}
		if r.URL.Path != "/debug_token" || query.Get("access_token") != app+"|"+secret {
			t.Errorf("asked for %s", r.URL)
		}
		about[query.Get("input_token")](w, r)
	}))
	t.Cleanup(server.Close)
	client := facebook.New(facebook.Config{URL: server.URL, AppID: app, AppSecret: secret, Clock: time.Now})
	got, err := client.Verify(t.Context(), auth.Credential{Token: "ours"})
	if diff := cmp.Diff(auth.Profile{Subject: "1017", Name: "John Smith"}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for want, tokens := range map[bool][]string{
		true:  {"another's", "of another app", "ended", "malformed", "the app's", "mixed up"},
		false: {"wrong secret", "page", "nothing", "broken", "busy"},
	} {
		for _, token := range tokens {
			_, err := client.Verify(t.Context(), auth.Credential{Token: token})
			if err == nil || errors.Is(err, auth.ErrTokenRefused) != want || strings.Contains(err.Error(), secret) {
				t.Errorf("%q: %v, want refused %v", token, err, want)
			}
		}
	}
	if _, err := client.Verify(t.Context(), auth.Credential{Token: "ours", Nonce: "n-1"}); !errors.Is(err, auth.ErrTokenRefused) {
		t.Errorf("a nonce that the token can't hold: %v", err)
	}
}

// TestLimitedLogin takes the id tokens of our app, and asks the Graph nothing.
func TestLimitedLogin(t *testing.T) {
	t.Parallel()
	issuer := oidctest.Start(t)
	client := facebook.New(facebook.Config{URL: "http://127.0.0.1:1", AppID: "1234", AppSecret: "app-secret", Issuer: issuer.URL, Clock: time.Now})
	token := func(changes map[string]any) string {
		return issuer.Token(t, "RS256", issuer.Claims(time.Now(), "1234", "1017", changes))
	}
	sound := token(map[string]any{"name": "John Smith", "nonce": "n-1"})
	for _, nonce := range []string{"", "n-1"} {
		got, err := client.Verify(t.Context(), auth.Credential{Token: sound, Nonce: nonce})
		if diff := cmp.Diff(auth.Profile{Subject: "1017", Name: "John Smith"}, got); err != nil || diff != "" {
			t.Errorf("nonce %q: %v %s", nonce, err, diff)
		}
	}
	for name, credential := range map[string]auth.Credential{
		"another app's": {Token: token(map[string]any{"aud": "99"})},
		"another nonce": {Token: sound, Nonce: "n-2"},
		"expired":       {Token: token(map[string]any{"exp": 1})},
		"unsigned":      {Token: issuer.Token(t, "none", issuer.Claims(time.Now(), "1234", "1017", nil))},
	} {
		if _, err := client.Verify(t.Context(), credential); !errors.Is(err, auth.ErrTokenRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
