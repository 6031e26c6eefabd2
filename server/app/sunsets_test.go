package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// TestSunsetsOfRoutes holds what a route says whose end is known, beside one that ends with all
// others, and what a reload changes.
func TestSunsetsOfRoutes(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sunsets")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("GET /api/v1/lux/user/me 2027-06-30 # first\n")
	s := apptest.Start(t, func(c *app.Config) {
		c.Sunsets, c.Sunset = file, time.Date(2028, 12, 31, 0, 0, 0, 0, time.UTC)
	})
	check := func(path, sunset, link string) {
		t.Helper()
		header := s.Call(t, http.MethodGet, path, "", "").Header
		if links := strings.Join(header.Values("Link"), "\n"); header.Get("Sunset") != sunset || !strings.Contains(links, link) || strings.Contains(links, `rel="sunset"`) != (link != "") {
			t.Errorf("%s: Sunset %q, Link\n%s", path, header.Get("Sunset"), links)
		}
	}
	const ofMe, all = "Wed, 30 Jun 2027 00:00:00 GMT", "Sun, 31 Dec 2028 00:00:00 GMT"
	check("/api/v1/lux/user/me", ofMe, `</docs/rest#luxGetUserMe>; rel="sunset"; type="text/html"`)
	check("/api/v1/addnox/user/me", all, `</docs/rest#addnoxGetUserMe>; rel="sunset"; type="text/html"`)
	check("/api/v1/lux/nothing", all, "")
	for _, wrong := range []string{"GET /nowhere 2027-06-30", "GET /api/v1/lux/user/me soon", strings.Repeat("#", 64<<10+1)} {
		write(wrong)
		if err := s.App.ReloadSunsets(t.Context()); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%.40q: %v", wrong, err)
		}
		check("/api/v1/lux/user/me", ofMe, `rel="sunset"`)
	}
	write("GET /api/v1/addnox/user/me 2027-07-01")
	if err := s.App.ReloadSunsets(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("/api/v1/lux/user/me", all, `rel="sunset"`)
	check("/api/v1/addnox/user/me", "Thu, 01 Jul 2027 00:00:00 GMT", `rel="sunset"`)
}

// TestWrongSunsetsStopTheStart holds that a program does not start on a file that it can't read.
func TestWrongSunsetsStopTheStart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "sunsets")
	for _, text := range []string{"GET /nowhere 2027-06-30", ""} {
		if text != "" {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		path := map[bool]string{true: file, false: file + "-missing"}[text != ""]
		running, err := app.New(t.Context(), app.Config{Env: "development", DatabaseURL: "file:" + filepath.Join(folder, "sunsets.db"), Sunsets: path}, app.Options{})
		if err == nil {
			_ = running.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "SUNSETS: ") || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
