package docsite_test

import (
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

var (
	hrefs = regexp.MustCompile(`href="([^"]*)"`)
	ids   = regexp.MustCompile(`id="([^"]*)"`)
)

// visited is a page that was fetched, with the places in it that a link can lead to.
type visited struct {
	header http.Header
	body   string
	ids    []string
}

// visit fetches a page, and fails the test if there is none.
func visit(t *testing.T, s *apptest.Server, path string) visited {
	t.Helper()
	answer := s.Call(t, http.MethodGet, path, "", "")
	if answer.Status != http.StatusOK {
		t.Errorf("%s answers %d", path, answer.Status)
	}
	v := visited{header: answer.Header, body: string(answer.Body)}
	for _, id := range ids.FindAllStringSubmatch(v.body, -1) {
		if strings.Contains(id[1], " ") && strings.HasPrefix(v.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s has the id %q, which no link can name as it is", path, id[1])
		}
		v.ids = append(v.ids, id[1])
	}
	return v
}

// walk follows every link of the documentation from its first page, and gives all pages
// below /docs.
func walk(t *testing.T, s *apptest.Server) map[string]visited {
	t.Helper()
	pages := map[string]visited{}
	waiting := []string{"/docs"}
	for len(waiting) > 0 {
		path := waiting[0]
		waiting = waiting[1:]
		if _, known := pages[path]; known {
			continue
		}
		pages[path] = visit(t, s, path)
		for _, link := range linksOf(t, path, pages[path]) {
			waiting = append(waiting, link.Path)
		}
	}
	for path, page := range pages {
		for _, link := range linksOf(t, path, page) {
			if link.Fragment != "" && !slices.Contains(pages[link.Path].ids, link.Fragment) {
				t.Errorf("%s leads to %s, which has no such place", path, link)
			}
		}
	}
	return pages
}

// linksOf are the links of a page. None leads to another host, and none to the address that
// the guides are written with.
func linksOf(t *testing.T, path string, page visited) (links []*url.URL) {
	t.Helper()
	if !strings.HasPrefix(path, "/docs") || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
		return nil
	}
	base := &url.URL{Path: path}
	for _, match := range hrefs.FindAllStringSubmatch(page.body, -1) {
		link, err := base.Parse(html.UnescapeString(match[1]))
		if err != nil || link.Host != "" {
			t.Errorf("%s leads to %q (%v)", path, match[1], err)
			continue
		}
		links = append(links, link)
	}
	return links
}

// TestEveryLinkLeadsSomewhere walks the documentation of a developer's server, and in
// production, where fewer pages are served.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	pages := walk(t, apptest.Start(t))
	guides, err := filepath.Glob("../../docs/guides/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, guide := range guides {
		path := "/docs/" + strings.TrimSuffix(filepath.Base(guide), ".md")
		if path == "/docs/README" {
			path = "/docs"
		}
		page, reached := pages[path]
		if !reached {
			t.Errorf("no link leads to %s", guide)
		}
		source, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		title, _, _ := strings.Cut(strings.TrimPrefix(string(source), "# "), "\n")
		if !strings.Contains(page.body, ">"+title+"</h1>") {
			t.Errorf("%s has not the title %q", path, title)
		}
	}
	for _, path := range []string{"/", "/dev/", "/openapi.json", "/docs/rest", "/docs/live", "/docs/schema"} {
		if _, reached := pages[path]; !reached {
			t.Errorf("no link of a developer's server leads to %s", path)
		}
	}
}

// TestDocumentationOfProduction holds that it is served there, and that its navigation names
// nothing that production doesn't serve.
func TestDocumentationOfProduction(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Production)
	for _, path := range []string{"/docs", "/docs/clients", "/docs/live", "/docs/rest"} {
		page := visit(t, s, path)
		for _, absent := range []string{`href="/"`, `href="/schema.graphql"`, `href="/dev/"`} {
			if strings.Contains(page.body, absent) {
				t.Errorf("%s has %s in production", path, absent)
			}
		}
		for _, match := range hrefs.FindAllStringSubmatch(page.body, -1) {
			if link, _, _ := strings.Cut(match[1], "#"); strings.HasPrefix(link, "/") {
				visit(t, s, link)
			}
		}
	}
	open := apptest.Start(t, apptest.Production, func(cfg *app.Config) { cfg.SchemaOpen = true })
	if page := visit(t, open, "/docs"); !strings.Contains(page.body, `href="/"`) {
		t.Error("with INTROSPECTION the documentation leads to no GraphiQL")
	}
}

// TestPagesOfGuides holds what a page is made of: the style alone is loaded, the navigation
// marks the page, no comment of the source and no link to what isn't served is left, and
// a browser that has a page is not sent it again.
func TestPagesOfGuides(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	for path, page := range walk(t, s) {
		if !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") || path == "/" || path == "/dev/" || path == "/docs/rest" || path == "/docs/api" {
			continue
		}
		want := "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
		if policy := page.header.Get("Content-Security-Policy"); policy != want {
			t.Errorf("%s: policy %q", path, policy)
		}
		if marked := `href="` + path + `" aria-current="page"`; strings.Count(page.body, marked) != 2 {
			t.Errorf("%s is marked %d times, want once in each form of the navigation", path, strings.Count(page.body, marked))
		}
		for _, never := range []string{"<!--", "<script", " style=", "<img", `.md"`} {
			if strings.Contains(page.body, never) {
				t.Errorf("%s holds %s", path, never)
			}
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("If-None-Match", page.header.Get("ETag"))
		if again := s.Do(t, request); again.Status != http.StatusNotModified {
			t.Errorf("%s with its own tag is answered %d", path, again.Status)
		}
	}
	for _, path := range []string{"/docs/", "/docs/nothing", "/docs/README", "/docs/operating", "/docs/start.md", "/docs/..%2foperating.md"} {
		if answer := s.Call(t, http.MethodGet, path, "", ""); answer.Status != http.StatusNotFound {
			t.Errorf("%s answers %d", path, answer.Status)
		}
	}
}

// TestPagesNameTheirOwnServer: what a developer copies from a page calls the server that
// showed it. In production the guides speak of a server of the reader's own.
func TestPagesNameTheirOwnServer(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(cfg *app.Config) { cfg.PublicURL = "http://localhost:18080" })
	produced := apptest.Start(t, apptest.Production)
	for path, want := range map[string]string{
		"/docs":        `<a href="/docs/api">http://localhost:18080/docs/api</a>`,
		"/docs/start":  "API=http://localhost:18080/graphql\n",
		"/docs/schema": "curl -sf http://localhost:18080/schema.graphql",
	} {
		if body := visit(t, s, path).body; !strings.Contains(body, want) || strings.Contains(body, ":8080") && path != "/docs/start" {
			t.Errorf("%s lacks %s, or names the port 8080", path, want)
		}
		if body := visit(t, produced, path).body; !strings.Contains(body, "http://localhost:8080/") {
			t.Errorf("%s has not the address that it was written with, in production", path)
		}
	}
}

// TestSamplesAreServed: each file that a guide quotes of a sample is a step away, as text, and
// one page lists them all.
func TestSamplesAreServed(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Production)
	list := visit(t, s, "/docs/examples").body
	files := 0
	for _, match := range hrefs.FindAllStringSubmatch(list, -1) {
		inRepository, isSample := strings.CutPrefix(match[1], "/docs/")
		if !isSample || !strings.Contains(inRepository, "/") {
			continue
		}
		files++
		written, err := os.ReadFile("../../" + inRepository)
		if err != nil {
			t.Fatal(err)
		}
		served := visit(t, s, match[1])
		if served.header.Get("Content-Type") != "text/plain; charset=utf-8" || strings.TrimSpace(served.body) != strings.TrimSpace(string(written)) {
			t.Errorf("%s is served as %s, %d bytes of %d", match[1], served.header.Get("Content-Type"), len(served.body), len(written))
		}
	}
	if files < 15 {
		t.Errorf("%d files are listed", files)
	}
	if page := visit(t, s, "/docs/clients").body; !strings.Contains(page, `<p class="source"><a href="/docs/examples/kotlin/Luxbff.kt">examples/kotlin/Luxbff.kt</a></p>`) {
		t.Error("code does not lead to the sample that it was cut from")
	}
	if page := visit(t, s, "/docs/start").body; !strings.Contains(page, `<a href="/docs/examples"><code>examples/web</code></a>`) {
		t.Error("a folder does not lead to the list")
	}
	for _, path := range []string{"/docs/examples/", "/docs/examples/examples.go", "/docs/examples/luxbff.service", "/docs/examples/web/README.md", "/docs/examples/web/.gitignore", "/docs/examples/web/node_modules/vite/package.json", "/docs/operations/operations.go"} {
		if answer := s.Call(t, http.MethodGet, path, "", ""); answer.Status != http.StatusNotFound {
			t.Errorf("%s answers %d", path, answer.Status)
		}
	}
}
