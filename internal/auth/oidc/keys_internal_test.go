package oidc

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// document answers each request with itself, whatever the address.
type document string

func (d document) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(d))), Request: r}, nil
}

// TestKeysComeByTLS takes no keys that somebody on the way could replace.
func TestKeysComeByTLS(t *testing.T) {
	t.Parallel()
	for keysURL, want := range map[string]error{"https://keys.example/jwks": nil, "http://keys.example/jwks": errOtherProtocol, "": errOtherProtocol} {
		k := newKeySet(Config{Issuer: "https://issuer.example"})
		k.http = &http.Client{Transport: document(`{"issuer": "https://issuer.example", "jwks_uri": "` + keysURL + `"}`)}
		got, err := k.discover(t.Context())
		if !errors.Is(err, want) || err == nil && got != keysURL {
			t.Errorf("%q: %q %v", keysURL, got, err)
		}
	}
}
