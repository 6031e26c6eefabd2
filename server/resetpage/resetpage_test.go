package resetpage_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"luxbff/internal/account"
	"luxbff/internal/auth"
	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
	"luxbff/server/resetpage"
)

// resetLink requests a reset mail and gives the path of its link.
func resetLink(t *testing.T, s *apptest.Server) string {
	t.Helper()
	const email = "parent1@example.com"
	if err := s.App.Accounts.Recovery.RequestPasswordReset(t.Context(), account.RequestPasswordResetParams{Email: email}); err != nil {
		t.Fatal(err)
	}
	sent, err := s.App.Outbox.Recent(t.Context(), email, 1)
	if err != nil || len(sent) != 1 {
		t.Fatalf("%v, %v", sent, err)
	}
	_, link, _ := strings.Cut(sent[0].Text, "http")
	address, err := url.Parse("http" + link)
	if err != nil {
		t.Fatal(err)
	}
	return address.RequestURI()
}

// submit fills the form in and gives the response.
func submit(t *testing.T, s *apptest.Server, path, password string) apptest.Response {
	t.Helper()
	address, err := url.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"token": {address.Query().Get("token")}, "password": {password}}
	return s.PostForm(t, resetpage.Path, form)
}

func TestResetInABrowser(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	path := resetLink(t, s)
	shown := s.Call(t, http.MethodGet, path, "", "")
	if shown.Status != http.StatusOK || !strings.Contains(string(shown.Body), `<form method="post"`) ||
		shown.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Fatalf("%d %s", shown.Status, shown.Body)
	}
	if weak := submit(t, s, path, "weak"); weak.Status != http.StatusBadRequest || !strings.Contains(string(weak.Body), "<form") {
		t.Errorf("a weak password: %d %s", weak.Status, weak.Body)
	}
	if done := submit(t, s, path, "another horse 2"); done.Status != http.StatusOK || !strings.Contains(string(done.Body), "is changed") {
		t.Errorf("%d %s", done.Status, done.Body)
	}
	if again := submit(t, s, path, "another horse 3"); again.Status != http.StatusBadRequest || strings.Contains(string(again.Body), "<form") {
		t.Errorf("the link again: %d %s", again.Status, again.Body)
	}
	if code := s.GraphQL(t, token, `{ me { id } }`, nil).Code(); code != "UNAUTHENTICATED" {
		t.Errorf("the session before the reset: %q", code)
	}
	_, err := s.App.Auth.SignIn(t.Context(), auth.SignInParams{Email: "parent1@example.com", Password: "another horse 2"})
	if err != nil {
		t.Error(err)
	}
}

func TestInvalidLinks(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	s.Parent(t)
	if bare := s.Call(t, http.MethodGet, resetpage.Path, "", ""); bare.Status != http.StatusBadRequest {
		t.Errorf("without a token: %d", bare.Status)
	}
	script := s.Call(t, http.MethodGet, resetpage.Path+"?token="+url.QueryEscape(`"><script>`), "", "")
	if strings.Contains(string(script.Body), "<script>") {
		t.Errorf("the token is not escaped: %s", script.Body)
	}
	path := resetLink(t, s)
	s.Clock.Add(30 * time.Minute)
	if late := submit(t, s, path, "another horse 2"); late.Status != http.StatusBadRequest {
		t.Errorf("an old link: %d", late.Status)
	}
}

// TestGuessedLinksAreLimited: whoever has waited can go on, so the form stays.
func TestGuessedLinksAreLimited(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *app.Config) { c.RateLimits = "on" })
	refused := submit(t, s, resetpage.Path+"?token=guessed", "another horse 2")
	for range 100 {
		if refused.Status != http.StatusBadRequest {
			break
		}
		refused = submit(t, s, resetpage.Path+"?token=guessed", "another horse 2")
	}
	if refused.Status != http.StatusTooManyRequests || refused.Header.Get("Retry-After") != "1" ||
		!strings.Contains(string(refused.Body), "too many tries") || !strings.Contains(string(refused.Body), "<form") {
		t.Errorf("one guess too many: %d, Retry-After %q, %s", refused.Status, refused.Header.Get("Retry-After"), refused.Body)
	}
}
