//go:build browser

package docsite_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/browsertest"
)

// TestPagesInABrowser opens each page narrow and wide, light and dark: it never is wider than
// the window, and asks no other host for anything.
func TestPagesInABrowser(t *testing.T) {
	t.Parallel()
	browser := browsertest.Start(t)
	s := apptest.Start(t)
	for _, path := range []string{"/docs", "/docs/start", "/docs/clients", "/docs/live-feed", "/docs/usage-logs", "/docs/errors", "/docs/examples", "/docs/schema", "/docs/rest", "/dev/"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			look(t, browser, s, path)
		})
	}
}

func look(t *testing.T, browser context.Context, s *apptest.Server, path string) {
	t.Helper()
	p := browsertest.Visit(t, browser, s.URL+path)
	name := strings.ReplaceAll(strings.Trim(path, "/"), "/", "-")
	for _, scheme := range []string{"light", "dark"} {
		p.Prefer(scheme)
		for width, label := range map[int64]string{390: "narrow", 1280: "wide"} {
			p.Resize(width, 900)
			p.WaitFor(`document.readyState === "complete" && document.documentElement.scrollWidth <= innerWidth`)
			p.Screenshot(name + "-" + label + "-" + scheme + ".png")
		}
	}
	p.CheckOrigin(s.URL)
	p.CheckConsole()
}

// TestContentsOnAPhone opens the contents, which wait behind a button there, and goes to
// another page by them.
func TestContentsOnAPhone(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	p := browsertest.Visit(t, browsertest.Start(t), s.URL+"/docs")
	p.Resize(390, 800)
	p.Click(".menu summary")
	p.WaitFor(`getComputedStyle(document.querySelector(".side")).display === "none"`)
	p.Screenshot("docs-contents.png")
	p.Click(`.menu a[href="/docs/errors"]`)
	p.WaitFor(`document.querySelector("h1")?.textContent === "Errors" && !document.querySelector(".menu").open`)
	p.CheckConsole()
}

// TestRouteOfADeprecationHeader opens the link that a deprecated route names.
func TestRouteOfADeprecationHeader(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	header := s.Call(t, http.MethodPost, apptest.LUX+"/device/devlog", "", "{}").Header.Values("Link")
	link, _, _ := strings.Cut(strings.TrimPrefix(header[len(header)-1], "<"), ">")
	p := browsertest.Visit(t, browsertest.Start(t), s.URL+link)
	p.WaitFor(`document.querySelector("#luxPostDeviceDevlog summary")?.innerText.includes("Upload usage logs")`)
	p.WaitFor(`getComputedStyle(document.querySelector("#luxPostDeviceDevlog")).borderRadius === "6px"`) // the style is there
	p.Click("#luxPostDeviceDevlog summary")
	p.WaitFor(`document.querySelector("#luxPostDeviceDevlog").innerText.includes("Not Connected Device")`)
	p.CheckOrigin(s.URL)
	p.CheckConsole()
}
