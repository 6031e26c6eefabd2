//go:build browser

package scalar_test

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/browsertest"
)

// TestReference reads and tries the routes in headless Chromium, which can reach no other
// host.
func TestReference(t *testing.T) {
	t.Parallel()
	browser := browsertest.Start(t)
	for name, test := range map[string]func(*testing.T, context.Context){
		"development tries a route":   tryRoute,
		"production sends no request": readOnly,
		"narrow, wide, light, dark":   look,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, browser)
		})
	}
}

// route is where the page shows GET user/me of LUX.
const route = "/docs/api#tag/lux/GET/api/v1/lux/user/me"

// tryRoute sends a request from the page, with the token of the demo's parent.
func tryRoute(t *testing.T, browser context.Context) {
	s := apptest.Start(t)
	if err := s.App.LoadDemo(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := browsertest.Visit(t, browser, s.URL+route)
	const button = `[id$="tag/lux/GET/api/v1/lux/user/me"] .show-api-client-button`
	p.WaitFor(`!!document.querySelector('` + button + `')`)
	p.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector('` + button + `').click()`))
	const send = `[...document.querySelectorAll("button")].find((one) => /Send get request/i.test(one.innerText))`
	p.WaitFor("!!" + send)
	p.Do(chromedp.Evaluate[chromedp.Void](send + ".click()"))
	p.WaitFor(`/"first_name": *"Demo"/.test(document.body.innerText)`)
	p.Screenshot("api-tried.png")
	p.CheckOrigin(s.URL)
	p.CheckConsole()
}

// readOnly holds that production shows the routes and sends nothing.
func readOnly(t *testing.T, browser context.Context) {
	s := apptest.Start(t, apptest.Production)
	p := browsertest.Visit(t, browser, s.URL+route)
	p.WaitFor(`!!document.querySelector('[id$="tag/lux/GET/api/v1/lux/user/me"]') && document.body.innerText.includes("The signed-in account")`)
	p.WaitFor(`document.querySelectorAll(".show-api-client-button").length === 0 && !document.body.innerText.includes("Test Request")`)
	p.CheckOrigin(s.URL)
	p.CheckConsole()
}

// look holds that the page fits a phone, and is as light or dark as a person prefers.
func look(t *testing.T, browser context.Context) {
	s := apptest.Start(t)
	const brightness = `Math.max(...getComputedStyle(document.querySelector(".bar")).backgroundColor.match(/[0-9.]+/g).slice(0, 3).map(Number))`
	for scheme, bright := range map[string]string{"light": " > 200", "dark": " < 80"} {
		p := browsertest.Visit(t, browser, "about:blank")
		p.Prefer(scheme)
		for width, label := range map[int64]string{390: "narrow", 1280: "wide"} {
			p.Resize(width, 900)
			p.Go(s.URL + route)
			p.WaitFor(`document.body.innerText.includes("The signed-in account") && document.documentElement.scrollWidth <= innerWidth`)
			p.WaitFor(brightness + bright)
			p.Screenshot("api-" + label + "-" + scheme + ".png")
		}
		p.CheckOrigin(s.URL)
		p.CheckConsole()
	}
}
