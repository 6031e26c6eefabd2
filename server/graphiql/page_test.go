//go:build browser

package graphiql_test

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

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// waitLimit is how long a test waits for anything that the page does.
const waitLimit = 60 * time.Second

// startBrowser starts a headless Chromium with an empty profile, which can resolve no
// host but this one.
func startBrowser(t *testing.T) context.Context {
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

// page is GraphiQL, open in a tab of the browser.
type page struct {
	t      *testing.T
	ctx    context.Context
	origin string

	mu       sync.Mutex
	requests []string
	problems []string
}

// visit opens GraphiQL as a person who has never opened it before.
func visit(t *testing.T, browser context.Context, origin string) *page {
	t.Helper()
	return open(t, browser, origin, chromedp.WithNewBrowserContext())
}

// openBeside opens GraphiQL in one more browser tab of the same person.
func (p *page) openBeside() *page {
	p.t.Helper()
	return open(p.t, p.ctx, p.origin)
}

func open(t *testing.T, parent context.Context, origin string, options ...chromedp.ContextOption) *page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	p := &page{t: t, ctx: ctx, origin: origin}
	p.record()
	p.do(chromedp.EmulateViewport(1440, 860), chromedp.Navigate(origin))
	p.waitReady()
	return p
}

// record keeps the addresses that the page requests and the problems that it logs.
func (p *page) record() {
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

func (p *page) add(list *[]string, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*list = append(*list, text)
}

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, waitLimit)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.fail(err)
	}
}

func (p *page) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

func (p *page) resize(width, height int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, height))
}

// waitFor waits until a JavaScript expression is true in the page, also in one
// that is just being loaded.
func (p *page) waitFor(expression string) {
	p.t.Helper()
	for deadline := time.Now().Add(waitLimit); ; {
		err := chromedp.Do(p.ctx, chromedp.Poll[chromedp.Void](expression,
			chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(time.Until(deadline))))
		if err == nil {
			return
		}
		if time.Now().After(deadline) || p.ctx.Err() != nil {
			p.fail(fmt.Errorf("%s: %w", expression, err))
		}
	}
}

// fail ends the test with what a person would see.
func (p *page) fail(err error) {
	p.t.Helper()
	response, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](text(responseEditor)))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.t.Fatalf("%v\nresponse: %s\nconsole: %q", err, response, p.problems)
}

// waitReady waits for the four editors.
func (p *page) waitReady() {
	p.t.Helper()
	p.waitFor(`globalThis.__MONACO && document.querySelectorAll(".graphiql-container .monaco-editor").length >= 4`)
}

func (p *page) reload() {
	p.t.Helper()
	p.do(chromedp.Reload())
	p.waitReady()
}

// The four editors, by the end of the name under which Monaco knows each.
const (
	queryEditor    = "operation.graphql"
	variableEditor = "variables.json"
	headerEditor   = "request-headers.json"
	responseEditor = "response.json"
)

// model is the JavaScript expression for what an editor holds.
func model(editor string) string {
	return fmt.Sprintf("globalThis.__MONACO?.editor.getModels().find((model) => model.uri.path.endsWith(%q))", editor)
}

func text(editor string) string { return "(" + model(editor) + `?.getValue() ?? "")` }

func (p *page) read(editor string) string {
	p.t.Helper()
	found, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](text(editor)))
	if err != nil {
		p.fail(err)
	}
	return found
}

func (p *page) write(editor, content string) {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf("%s.setValue(%q)", model(editor), content)))
}

// tabs are the titles of the operations in GraphiQL's own tabs.
func (p *page) tabs() []string {
	p.t.Helper()
	titles, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll(".graphiql-tab-button")].map((tab) => tab.title)`))
	if err != nil {
		p.fail(err)
	}
	return titles
}

func (p *page) selectTab(title string) {
	p.t.Helper()
	p.click(fmt.Sprintf(".graphiql-tab-button[title=%q]", title))
	p.waitFor(fmt.Sprintf(`document.querySelector(".graphiql-tab-active .graphiql-tab-button")?.title === %q`, title))
	p.waitFor(fmt.Sprintf("%s.includes(%q)", text(queryEditor), title))
}

func (p *page) run() {
	p.t.Helper()
	p.click(".graphiql-execute-button")
}

func (p *page) waitResponse(parts ...string) {
	p.t.Helper()
	for _, part := range parts {
		p.waitFor(fmt.Sprintf("%s.includes(%q)", text(responseEditor), part))
	}
}

// waitFeed waits until the line under the response shows this status.
func (p *page) waitFeed(status string) {
	p.t.Helper()
	p.waitFor(fmt.Sprintf("document.querySelector('.feed-status')?.dataset.status === %q", status))
}

// screenshot writes the page into the folder LUXBFF_SCREENSHOTS, where that is set.
func (p *page) screenshot(name string) {
	p.t.Helper()
	folder := os.Getenv("LUXBFF_SCREENSHOTS")
	if folder == "" {
		return
	}
	// The mouse goes to the corner, so that nothing is drawn as if it hovered there.
	// The colours appear once the editor has parsed the text.
	p.do(chromedp.MouseEvent("mouseMoved", 1, 1))
	p.waitFor(`![...document.querySelectorAll(".graphiql-query-editor .view-line span span")].some((span) => span.className === "mtk1" && /\w/.test(span.textContent))`)
	image, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.fail(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name), image, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// checkOrigin fails the test if the page requested anything of another origin.
func (p *page) checkOrigin() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	home, err := url.Parse(p.origin)
	if err != nil {
		p.t.Fatal(err)
	}
	if len(p.requests) == 0 {
		p.t.Error("no request was seen at all")
	}
	for _, request := range p.requests {
		to, err := url.Parse(request)
		if !strings.HasPrefix(request, "data:") && (err != nil || to.Host != home.Host) {
			p.t.Errorf("the page requested another origin: %s", request)
		}
	}
}

// checkConsole fails the test if the page wrote an error or a warning there.
func (p *page) checkConsole() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, problem := range p.problems {
		p.t.Errorf("console: %s", problem)
	}
}
