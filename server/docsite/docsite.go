// Package docsite serves the documentation for those who write apps at /docs: the guides and
// the reference in Markdown, made into pages with a navigation. The pages run no script and
// load their style alone, so their content security policy can forbid everything else.
package docsite

import (
	"bytes"
	_ "embed" // of page.html and style.css
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"sync"

	"luxbff/docs"
	"luxbff/server/assets"
)

const contentPolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var (
	//go:embed page.html
	pageTemplate string
	//go:embed style.css
	style []byte
)

// Config says which of the program's other pages the navigation names.
type Config struct {
	// GraphiQL is served at /.
	GraphiQL bool
	// Messages are shown at /dev/.
	Messages bool
	// URL is this server's, as http://localhost:8081, which a developer is shown in place of the
	// one that the guides are written with. Without it that one stays: in production the guides
	// speak of a server of the reader's own.
	URL string
}

// entry is a page of Markdown, with its name below /docs and what the navigation calls it.
type entry struct{ name, file, label string }

func guides() []entry {
	return []entry{
		{"", "guides/README.md", "Overview"},
		{"start", "guides/start.md", "Start"},
		{"signing-in", "guides/signing-in.md", "Signing in"},
		{"live-feed", "guides/live-feed.md", "The live feed"},
		{"usage-logs", "guides/usage-logs.md", "Usage logs"},
		{"errors", "guides/errors.md", "Errors"},
		{"moving-a-screen", "guides/moving-a-screen.md", "Moving a screen"},
		{"clients", "guides/clients.md", "Clients"},
		{samplesName, samplesPage, "Samples"},
	}
}

func reference() []entry {
	return []entry{
		{"schema", "schema.md", "The GraphQL schema"},
		{"live", "live.md", "The live transports"},
	}
}

// address is where the page is served.
func (e entry) address() string {
	if e.name == "" {
		return "/docs"
	}
	return "/docs/" + e.name
}

// Handler serves the pages at /docs and below it; every other path is 404.
func Handler(config Config) http.Handler {
	entries := slices.Concat(guides(), reference())
	frame := sync.OnceValues(func() (*template.Template, error) { return template.New("page.html").Parse(pageTemplate) })
	files := map[string]http.Handler{
		"/docs/style.css": assets.Once("text/css; charset=utf-8", func() ([]byte, error) { return style, nil }),
	}
	all, listed := samples()
	serve(all, files)
	for i, e := range entries {
		files[e.address()] = assets.Once("text/html; charset=utf-8", func() ([]byte, error) {
			page, err := frame()
			if err = errors.Join(err, listed); err != nil {
				return nil, fmt.Errorf("read the template and the samples: %w", err)
			}
			return config.render(page, entries, i, all)
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, found := files[r.URL.Path]
		if !found {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", contentPolicy)
		file.ServeHTTP(w, r)
	})
}

// render makes a page.
func (c Config) render(page *template.Template, entries []entry, at int, all []sample) ([]byte, error) {
	file := entries[at].file
	markdown := listSamples(all)
	if file != samplesPage {
		var err error
		if markdown, err = docs.Read(file); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
	}
	made, err := convert(file, c.withOwnURL(markdown), all)
	if err != nil {
		return nil, fmt.Errorf("make HTML of %s: %w", file, err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, c.view(entries, at, made)); err != nil {
		return nil, fmt.Errorf("make a page of %s: %w", file, err)
	}
	return out.Bytes(), nil
}

const writtenURL = "http://localhost:8080"

var writtenLink = regexp.MustCompile(`<` + writtenURL + `(/[^>]*)>`)

// withOwnURL names this server where the guides name the one that they are written with. Its
// links lead to wherever the reader has the page from.
func (c Config) withOwnURL(markdown []byte) []byte {
	if c.URL == "" {
		return markdown
	}
	markdown = writtenLink.ReplaceAll(markdown, []byte("["+writtenURL+"$1]($1)"))
	return bytes.ReplaceAll(markdown, []byte(writtenURL), []byte(c.URL))
}

// view is what the template shows.
type view struct {
	Title          string
	Body           template.HTML
	Sections       []section
	Groups         []group
	Previous, Next *link
}

// group is a part of the navigation.
type group struct {
	Name  string
	Links []link
}

type link struct {
	Label, Address string
	Current        bool
}

func (c Config) view(entries []entry, at int, made article) view {
	v := view{Title: made.title, Body: made.body, Sections: made.sections, Groups: c.navigation(entries[at])}
	if at > 0 {
		v.Previous = &link{Label: entries[at-1].label, Address: entries[at-1].address()}
	}
	if at < len(entries)-1 {
		v.Next = &link{Label: entries[at+1].label, Address: entries[at+1].address()}
	}
	return v
}

// navigation gives the links of every page, of which one is the page itself.
func (c Config) navigation(current entry) []group {
	links := func(entries []entry) (all []link) {
		for _, e := range entries {
			all = append(all, link{e.label, e.address(), e == current})
		}
		return all
	}
	rest := []link{{Label: "The REST routes", Address: "/docs/api"}, {Label: "REST, on one page", Address: "/docs/rest"}}
	groups := []group{
		{"Guides", links(guides())},
		{"Reference", append(links(reference()), rest...)},
	}
	tools := []link{{Label: "OpenAPI document", Address: "/openapi.json"}, {Label: "Postman collection", Address: "/docs/collection.json"}}
	if c.GraphiQL {
		tools = append(tools, link{Label: "GraphiQL", Address: "/"}, link{Label: "Schema as SDL", Address: "/schema.graphql"})
	}
	if c.Messages {
		tools = append(tools, link{Label: "Messages sent", Address: "/dev/"})
	}
	return append(groups, group{"Tools", tools})
}
