package devpage_test

import (
	"net/http"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/processtest"
	"luxbff/server/app"
)

// TestPageOfDevelopment: the page runs its own script alone, names every address with a
// script, and where the identities of the sandbox are.
func TestPageOfDevelopment(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	page := s.Call(t, http.MethodGet, "/dev/", "", "")
	policy := page.Header.Get("Content-Security-Policy")
	if page.Status != http.StatusOK || !strings.Contains(policy, "default-src 'none'; script-src 'self';") || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", page.Status, page.Header)
	}
	html := string(page.Body)
	for _, want := range []string{
		`<script src="/dev/page.js">`, `href="/"`, `href="/dev/outbox"`, `href="/dev/identity/kakao"`, "+821000000004", "ratelimited@sandbox.invalid", "sandbox-unregistered-",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	script := s.Call(t, http.MethodGet, "/dev/page.js", "", "")
	if script.Status != http.StatusOK || !strings.HasPrefix(script.Header.Get("Content-Type"), "text/javascript") || strings.Contains(string(script.Body), "innerHTML") {
		t.Errorf("%d %v", script.Status, script.Header)
	}
}

// TestNothingOfDevelopmentIsInProduction: neither messages nor anything that stands in for
// somebody.
func TestNothingOfDevelopmentIsInProduction(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(cfg *app.Config) {
		cfg.Env, cfg.PublicURL, cfg.TokenKeys = "production", "https://luxbff.example.com", processtest.TokenKeys()
	})
	for _, path := range []string{"/dev/", "/dev", "/dev/outbox", "/dev/messages", "/dev/page.js", "/dev/identity/google", "/dev/identity/facebook"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if answer := s.Call(t, method, path, "", ""); answer.Status != http.StatusNotFound {
				t.Errorf("%s %s answers %d %s", method, path, answer.Status, answer.Body)
			}
		}
	}
}
