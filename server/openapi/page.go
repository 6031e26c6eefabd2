package openapi

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"

	"luxbff/server/assets"
)

//go:embed page.html style.css
var files embed.FS

// Config says what the document is served with.
type Config struct {
	// GraphiQL is served at /, so the page leads there.
	GraphiQL bool
}

// Handler serves the document at /openapi.json and a page made of it at /docs/rest. The
// page loads nothing from another host and runs no script, so its content security policy
// can forbid both. Each is made once, when it is first asked for: made at the start they
// would take three fifths of it.
func Handler(config Config, describe func() *Document) http.Handler {
	describe = sync.OnceValue(describe)
	mux := http.NewServeMux()
	mux.Handle("GET /openapi.json", serveContent("application/json", func() ([]byte, error) {
		return json.MarshalIndent(describe(), "", "  ")
	}))
	mux.Handle("GET /docs/rest", serveContent("text/html; charset=utf-8", func() ([]byte, error) { return config.render(describe()) }))
	mux.Handle("GET /docs/rest.css", serveContent("text/css; charset=utf-8", func() ([]byte, error) { return files.ReadFile("style.css") }))
	return mux
}

// serveContent serves what is made once, under the policy of the page.
func serveContent(contentType string, content func() ([]byte, error)) http.Handler {
	made := assets.Once(contentType, content)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		made.ServeHTTP(w, r)
	})
}

func (c Config) render(d *Document) ([]byte, error) {
	page, err := template.New("page.html").Funcs(template.FuncMap{
		"upper": strings.ToUpper, "rows": d.rows, "needs": needs, "items": items,
		// A place in the page has no space in its name, so that a link is written as it is.
		"anchor": func(name string) string { return strings.ReplaceAll(name, " ", "-") },
	}).ParseFS(files, "page.html")
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	var out bytes.Buffer
	err = page.Execute(&out, map[string]any{"Document": d, "Groups": d.groups(), "Fields": d.fields(), "GraphiQL": c.GraphiQL})
	if err != nil {
		return nil, fmt.Errorf("make the page: %w", err)
	}
	return out.Bytes(), nil
}

// operation is an Operation with its method and path, as the page shows it.
type operation struct {
	Method, Path string
	*Operation
}

// group is a tag with its operations; the page has a section for each.
type group struct {
	Tag
	Operations []operation
}

// groups gives the operations by their first tag, in the order of the document.
func (d *Document) groups() []group {
	groups := make([]group, len(d.Tags))
	for i, tag := range d.Tags {
		groups[i].Tag = tag
	}
	for _, o := range d.operations() {
		i := slices.IndexFunc(groups, func(g group) bool { return g.Name == o.Tags[0] })
		groups[i].Operations = append(groups[i].Operations, o)
	}
	return groups
}

func (d *Document) operations() []operation {
	var all []operation
	for _, item := range d.Paths {
		for _, o := range *item.Value {
			all = append(all, operation{strings.ToUpper(o.Name), item.Name, o.Value})
		}
	}
	return all
}

// field is a GraphQL field and the operations that it replaces. The page lists them, and
// the headers of deprecated routes link there.
type field struct {
	Name       string
	Operations []operation
}

// fields gives the GraphQL fields by name.
func (d *Document) fields() []field {
	var fields []field
	for _, o := range d.operations() {
		i := slices.IndexFunc(fields, func(f field) bool { return f.Name == o.Replacement })
		if i < 0 {
			i = len(fields)
			fields = append(fields, field{Name: o.Replacement})
		}
		fields[i].Operations = append(fields[i].Operations, o)
	}
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

// row is a member of an object in a table of the page. Nested members have a row of
// their own, named after the path to them: detail_data.treatment_date.
type row struct {
	Name, Type, Description string
	Required                bool
}

// rows lists the members of a schema. A schema that is no object gives one row without
// a name.
func (d *Document) rows(s *Schema) []row { return d.rowsBelow("", s) }

func (d *Document) rowsBelow(path string, s *Schema) []row {
	s = d.resolve(s)
	if s.Items != nil {
		return d.rowsBelow(path+"[]", s.Items)
	}
	if slices.ContainsFunc(s.AnyOf, d.hasMembers) {
		var rows []row
		for _, one := range s.AnyOf {
			rows = append(rows, d.rowsBelow(path, one)...)
		}
		return rows
	}
	if len(s.Properties) == 0 {
		return []row{{Name: strings.TrimPrefix(path, "."), Type: typeText(s), Description: s.Description, Required: true}}
	}
	var rows []row
	for _, p := range s.Properties {
		below := d.rowsBelow(path+"."+p.Name, p.Value)
		for i := range below {
			below[i].Required = below[i].Required && slices.Contains(s.Required, p.Name)
		}
		rows = append(rows, below...)
	}
	return rows
}

// hasMembers reports whether a schema is that of an object or an array.
func (d *Document) hasMembers(s *Schema) bool {
	s = d.resolve(s)
	return s.Items != nil || len(s.Properties) > 0
}

// resolve gives the component that a schema refers to, or the schema itself.
func (d *Document) resolve(s *Schema) *Schema {
	if s.Ref == "" {
		return s
	}
	return d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
}

// typeText writes the type of a value in words, with its format and its possible values.
func typeText(s *Schema) string {
	var types []string
	for _, one := range s.AnyOf {
		types = append(types, typeText(one))
	}
	types = append(types, s.Type...)
	text := strings.Join(types, " or ")
	if s.Format != "" {
		text += " (" + s.Format + ")"
	}
	if len(s.Enum) > 0 {
		var values []string
		for _, value := range s.Enum {
			if value != nil { // null is among the types already
				values = append(values, fmt.Sprint(value))
			}
		}
		text += ": " + strings.Join(values, ", ")
	}
	return text
}

// items splits a list in CommonMark, as the descriptions of errors are.
func items(list string) []string {
	return strings.Split(strings.TrimPrefix(list, "- "), "\n- ")
}

// needs says in a sentence which token an operation asks for. Only access tokens have
// two schemes, one for each header that may carry them.
func needs(o operation) string {
	switch {
	case len(o.Security) == 0:
		return "No token."
	case len(o.Security) == 1:
		return "The valid_token of a verified phone, as Authorization: Bearer …"
	default:
		return "An access token, as Authorization: Bearer … or x-access-token: …"
	}
}
