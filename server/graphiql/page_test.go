//go:build browser

package graphiql_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"luxbff/internal/testutil/browsertest"
)

// page is GraphiQL, open in a tab of the browser.
type page struct {
	*browsertest.Page

	t      *testing.T
	origin string
}

// visit opens GraphiQL as a person who has never opened it before.
func visit(t *testing.T, browser context.Context, origin string) *page {
	t.Helper()
	return ready(t, browsertest.Visit(t, browser, origin), origin)
}

// openBeside opens GraphiQL in one more browser tab of the same person.
func (p *page) openBeside() *page {
	p.t.Helper()
	return ready(p.t, p.OpenBeside(p.origin), p.origin)
}

func ready(t *testing.T, opened *browsertest.Page, origin string) *page {
	t.Helper()
	p := &page{Page: opened, t: t, origin: origin}
	p.Explain = func() string { return "response: " + p.Try(text(responseEditor)) }
	p.waitReady()
	return p
}

// waitReady waits for the four editors.
func (p *page) waitReady() {
	p.t.Helper()
	p.WaitFor(`globalThis.__MONACO && document.querySelectorAll(".graphiql-container .monaco-editor").length >= 4`)
}

func (p *page) reload() {
	p.t.Helper()
	p.Do(chromedp.Reload())
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
	return browsertest.Evaluate[string](p.Page, text(editor))
}

func (p *page) write(editor, content string) {
	p.t.Helper()
	p.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf("%s.setValue(%q)", model(editor), content)))
}

// tabs are the titles of the operations in GraphiQL's own tabs.
func (p *page) tabs() []string {
	p.t.Helper()
	return browsertest.Evaluate[[]string](p.Page, `[...document.querySelectorAll(".graphiql-tab-button")].map((tab) => tab.title)`)
}

func (p *page) selectTab(title string) {
	p.t.Helper()
	p.Click(fmt.Sprintf(".graphiql-tab-button[title=%q]", title))
	p.WaitFor(fmt.Sprintf(`document.querySelector(".graphiql-tab-active .graphiql-tab-button")?.title === %q`, title))
	p.WaitFor(fmt.Sprintf("%s.includes(%q)", text(queryEditor), title))
}

func (p *page) run() {
	p.t.Helper()
	p.Click(".graphiql-execute-button")
}

func (p *page) waitResponse(parts ...string) {
	p.t.Helper()
	for _, part := range parts {
		p.WaitFor(fmt.Sprintf("%s.includes(%q)", text(responseEditor), part))
	}
}

// waitFeed waits until the line under the response shows this status.
func (p *page) waitFeed(status string) {
	p.t.Helper()
	p.WaitFor(fmt.Sprintf("document.querySelector('.feed-status')?.dataset.status === %q", status))
}

// screenshot draws the page once the editor has parsed the text: then its colours appear.
func (p *page) screenshot(name string) {
	p.t.Helper()
	p.WaitFor(`![...document.querySelectorAll(".graphiql-query-editor .view-line span span")].some((span) => span.className === "mtk1" && /\w/.test(span.textContent))`)
	p.Screenshot(name)
}
