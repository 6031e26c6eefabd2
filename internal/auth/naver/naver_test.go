package naver_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/auth"
	"luxbff/internal/auth/naver"
)

// start stands in for Naver: it answers each of the tokens in its own way, and refuses any
// other.
func start(t *testing.T, answers map[string]http.HandlerFunc) *naver.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/nid/me" || r.URL.RawQuery != "" {
			t.Errorf("asked for %s", r.URL)
		}
		if answer, known := answers[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]; known {
			answer(w, r)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	return naver.New(server.URL + "/")
}

// says gives a status and a body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want auth.Profile
	}{
		"all": {
			`{"resultcode": "00", "message": "success", "response": {"id": "32742776", "name": "Kim", "nickname": "K", "email": "Kim@Naver.com"}}`,
			auth.Profile{Subject: "32742776", Name: "Kim", Email: "Kim@Naver.com"},
		},
		"a nickname":                  {`{"resultcode": "00", "response": {"id": "7", "nickname": "K"}}`, auth.Profile{Subject: "7", Name: "K"}},
		"the address of another mail": {`{"resultcode": "00", "response": {"id": "7", "email": "kim@lux.example"}}`, auth.Profile{Subject: "7"}},
	} {
		client := start(t, map[string]http.HandlerFunc{"kim's": says(200, c.body)})
		got, err := client.Verify(t.Context(), auth.Credential{Token: "kim's"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestRefusedTokens are Naver's no; the rest is no answer at all.
func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	refused := map[string]http.HandlerFunc{
		"unknown": says(401, `{"resultcode": "024", "message": "Authentication failed"}`), "no scope": says(403, `{"resultcode": "403"}`),
		"with\nline": says(200, ``), "with space": says(200, ``), "long" + strings.Repeat("g", 4096): says(200, ``),
	}
	silent := map[string]http.HandlerFunc{
		"moved": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"page":  says(200, `<html>`), "nothing": says(200, ``), "null": says(200, `null`), "nobody": says(200, `{"resultcode": "00"}`),
		"no-success": says(200, `{"resultcode": "99", "response": {"id": "7"}}`), "number": says(200, `{"resultcode": "00", "response": {"id": 7}}`),
		"elsewhere": says(404, ``), "bad-request": says(400, ``), "too-often": says(429, ``), "broken": says(500, ``), "busy": says(503, ``),
		"hung-up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for want, answers := range map[bool]map[string]http.HandlerFunc{true: refused, false: silent} {
		client := start(t, answers)
		for token := range answers {
			_, err := client.Verify(t.Context(), auth.Credential{Token: token})
			if err == nil || errors.Is(err, auth.ErrTokenRefused) != want {
				t.Errorf("%q: %v, want refused %v", token, err, want)
			}
			if err != nil && strings.Contains(err.Error(), token) && len(token) > 8 {
				t.Errorf("%q: the error holds the token: %v", token, err)
			}
		}
	}
	client := start(t, map[string]http.HandlerFunc{"kim's": says(200, `{"resultcode": "00", "response": {"id": "7"}}`)})
	if _, err := client.Verify(t.Context(), auth.Credential{Token: "kim's", Nonce: "n-1"}); !errors.Is(err, auth.ErrTokenRefused) {
		t.Errorf("a nonce that the token can't hold: %v", err)
	}
}
