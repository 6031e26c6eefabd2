package facebook_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/auth"
	"luxbff/internal/auth/facebook"
)

// graph stands in for Facebook: it knows one token.
func graph(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/me" || r.URL.Query().Get("fields") != "id,name":
			w.WriteHeader(http.StatusNotFound)
		case r.URL.Query().Get("access_token") == "john's":
			_, _ = w.Write([]byte(`{"id": "1017", "name": "John Smith"}`))
		case r.URL.Query().Get("access_token") == "moved":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case r.URL.Query().Get("access_token") == "broken":
			_, _ = w.Write([]byte(`<html>`))
		case r.URL.Query().Get("access_token") == "busy":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func TestVerify(t *testing.T) {
	t.Parallel()
	client := facebook.New(graph(t).URL + "/")
	got, err := client.Verify(t.Context(), "john's")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(auth.Profile{Subject: "1017", Name: "John Smith"}, got); diff != "" {
		t.Error(diff)
	}
	for token, refused := range map[string]bool{"forged": true, "": true, "moved": false, "broken": false, "busy": false} {
		_, err := client.Verify(t.Context(), token)
		if err == nil || errors.Is(err, auth.ErrTokenRefused) != refused {
			t.Errorf("%q: %v, want refused %v", token, err, refused)
		}
	}
}

func TestErrorsDoNotHoldTheToken(t *testing.T) {
	t.Parallel()
	server := graph(t)
	server.Close()
	_, err := facebook.New(server.URL).Verify(t.Context(), "secret-token")
	if err == nil || strings.Contains(err.Error(), "secret-token") {
		t.Errorf("%v", err)
	}
}
