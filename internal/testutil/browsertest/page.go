//go:build browser

package browsertest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// waitLimit is how long a test waits for anything that a page does.
const waitLimit = 60 * time.Second

// Start starts a headless Chromium with an empty profile, which can resolve no host but
// this one. It ends with the test.
func Start(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(1440, 900),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium (apt-get install chromium): %v", err)
	}
	return ctx
}

// Page is a page in a tab of the browser.
type Page struct {
	// Explain adds to a failure what a person would see; nil adds nothing.
	Explain func() string

	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string
	problems []string
}

// Visit opens an address for a person who has never been there, in a window of 1440 by 860.
func Visit(t *testing.T, browser context.Context, address string) *Page {
	t.Helper()
	return open(t, browser, address, chromedp.WithNewBrowserContext())
}

// OpenBeside opens an address in one more tab of the same person.
func (p *Page) OpenBeside(address string) *Page {
	p.t.Helper()
	return open(p.t, p.ctx, address)
}

func open(t *testing.T, parent context.Context, address string, options ...chromedp.ContextOption) *Page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	p := &Page{t: t, ctx: ctx}
	p.record()
	p.Do(chromedp.EmulateViewport(1440, 860), chromedp.Navigate(address))
	return p
}

// record keeps the addresses that the page requests and the problems that it logs.
func (p *Page) record() {
	p.t.Helper()
	err := chromedp.Listen(p.ctx, func(event any) {
		switch event := event.(type) {
		case *network.EventRequestWillBeSent:
			p.add(&p.requests, event.Request.URL)
		case *network.EventWebSocketCreated:
			p.add(&p.requests, event.URL)
		}
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := chromedp.Call(p.ctx, network.Enable, network.EnableParams{}); err != nil {
		p.t.Fatal(err)
	}
	console := chromedp.Console(p.ctx)
	go func() {
		for message, err := range console {
			if err != nil {
				return // The page is closed.
			}
			switch message.Type {
			case chromedp.ConsoleException, chromedp.ConsoleError, chromedp.ConsoleWarning:
				p.add(&p.problems, message.String())
			}
		}
	}()
}

func (p *Page) add(list *[]string, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*list = append(*list, text)
}

// Do runs steps, and fails the test if they can't be done in time.
func (p *Page) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, waitLimit)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.Fail(err)
	}
}

// Evaluate gives the value of a JavaScript expression in the page.
func Evaluate[T any](p *Page, expression string) T {
	p.t.Helper()
	found, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.Fail(err)
	}
	return found
}

// Go leads to another address in the same tab.
func (p *Page) Go(address string) {
	p.t.Helper()
	p.Do(chromedp.Navigate(address))
}

// Click clicks what a CSS selector finds.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.Do(chromedp.Click(chromedp.CSS(selector)))
}

// ClickText clicks the first element that the selector finds with exactly this text.
func (p *Page) ClickText(selector, text string) {
	p.t.Helper()
	found := fmt.Sprintf("[...document.querySelectorAll(%q)].find((one) => one.textContent.trim() === %q)", selector, text)
	p.WaitFor("!!" + found)
	p.Do(chromedp.Evaluate[chromedp.Void](found + ".click()"))
}

// Resize changes the size of the window, in CSS pixels.
func (p *Page) Resize(width, height int64) {
	p.t.Helper()
	p.Do(chromedp.EmulateViewport(width, height))
}

// Prefer sets the colour scheme that the person prefers: light or dark.
func (p *Page) Prefer(scheme string) {
	p.t.Helper()
	prefer := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, prefer); err != nil {
		p.Fail(err)
	}
}

// WaitFor waits until a JavaScript expression is true in the page, also in one that is
// just being loaded.
func (p *Page) WaitFor(expression string) {
	p.t.Helper()
	for deadline := time.Now().Add(waitLimit); ; {
		err := chromedp.Do(p.ctx, chromedp.Poll[chromedp.Void](expression,
			chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(time.Until(deadline))))
		if err == nil {
			return
		}
		if time.Now().After(deadline) || p.ctx.Err() != nil {
			p.Fail(fmt.Errorf("%s: %w", expression, err))
		}
	}
}

// Fail ends the test with what a person would see.
func (p *Page) Fail(err error) {
	p.t.Helper()
	var seen string
	if p.Explain != nil {
		seen = p.Explain()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.t.Fatalf("%v\n%s\nconsole: %q", err, seen, p.problems)
}

// Try evaluates an expression that may have no value, as for [Page.Explain].
func (p *Page) Try(expression string) string {
	found, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression))
	return found
}

// Screenshot writes the page into the folder LUXBFF_SCREENSHOTS, where that is set.
func (p *Page) Screenshot(name string) {
	p.t.Helper()
	folder := os.Getenv("LUXBFF_SCREENSHOTS")
	if folder == "" {
		return
	}
	// The mouse goes to the corner, so that nothing is drawn as if it hovered there.
	p.Do(chromedp.MouseEvent("mouseMoved", 1, 1))
	image, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.Fail(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name), image, 0o600); err != nil { //nolint:gosec // A developer says where.
		p.t.Fatal(err)
	}
}

// CheckOrigin fails the test if the page requested anything of another origin.
func (p *Page) CheckOrigin(origin string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	home, err := url.Parse(origin)
	if err != nil {
		p.t.Fatal(err)
	}
	if len(p.requests) == 0 {
		p.t.Error("no request was seen at all")
	}
	for _, request := range p.requests {
		to, err := url.Parse(request)
		isOwn := strings.HasPrefix(request, "data:") || strings.HasPrefix(request, "blob:")
		if !isOwn && (err != nil || to.Host != home.Host) {
			p.t.Errorf("the page requested another origin: %s", request)
		}
	}
}

// CheckConsole fails the test if the page wrote an error or a warning there.
func (p *Page) CheckConsole() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, problem := range p.problems {
		p.t.Errorf("console: %s", problem)
	}
}
