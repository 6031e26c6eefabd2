package facebook_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/auth"
	"luxbff/internal/auth/facebook"
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
	return facebook.New(server.URL + "/")
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
	got, err := client.Verify(t.Context(), "john's")
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
			_, err := client.Verify(t.Context(), token)
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
	if _, err := client.Verify(ctx, "slow"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, auth.ErrTokenRefused) {
		t.Errorf("got %v", err)
	}
}

func TestErrorsDoNotHoldTheToken(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := facebook.New(server.URL).Verify(t.Context(), "secret-token")
	if err == nil || strings.Contains(err.Error(), "secret-token") {
		t.Errorf("%v", err)
	}
}
