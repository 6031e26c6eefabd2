package app_test

import (
	"net/http"
	"strings"
	"testing"

	"luxbff/graph"
	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// TestSchemaText downloads the schema as a code generator does, and again where it knows
// it already.
func TestSchemaText(t *testing.T) {
	t.Parallel()
	open := func(c *app.Config) { c.SchemaOpen = true }
	for name, s := range map[string]*apptest.Server{
		"development":                   apptest.Start(t),
		"production with INTROSPECTION": apptest.Start(t, apptest.Production, open),
	} {
		first := s.Call(t, http.MethodGet, "/schema.graphql", "", "")
		if first.Status != http.StatusOK || string(first.Body) != graph.SDL() ||
			first.Header.Get("Content-Type") != "application/graphql; charset=utf-8" {
			t.Errorf("%s: %d %v %.200s", name, first.Status, first.Header, first.Body)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/schema.graphql", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("If-None-Match", first.Header.Get("ETag"))
		if again := s.Do(t, request); again.Status != http.StatusNotModified || len(again.Body) > 0 {
			t.Errorf("%s: asked again it answers %d with %d bytes", name, again.Status, len(again.Body))
		}
	}
}

// TestSchemaTextIsClosedInProduction: the path is one like any that nobody serves.
func TestSchemaTextIsClosedInProduction(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Production)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost} {
		got, want := s.Call(t, method, "/schema.graphql", "", ""), s.Call(t, method, "/nowhere.graphql", "", "")
		if got.Status != want.Status || string(got.Body) != string(want.Body) || got.Status < 400 {
			t.Errorf("%s is answered %d %s, where an unknown path is answered %d %s", method, got.Status, got.Body, want.Status, want.Body)
		}
	}
}

// TestGraphiQLIsWhereTheSchemaIs: a page that completes and documents the schema is of use
// where clients may read it, and elsewhere its address leads to the documentation.
func TestGraphiQLIsWhereTheSchemaIs(t *testing.T) {
	t.Parallel()
	open := func(c *app.Config) { c.SchemaOpen = true }
	for name, s := range map[string]*apptest.Server{
		"development":                   apptest.Start(t),
		"production with INTROSPECTION": apptest.Start(t, apptest.Production, open),
	} {
		page, settings := s.Call(t, http.MethodGet, "/", "", ""), s.Call(t, http.MethodGet, "/graphiql/config.json", "", "")
		if page.Status != http.StatusOK || !strings.Contains(string(page.Body), "GraphiQL") || settings.Status != http.StatusOK {
			t.Errorf("%s: the page is answered %d and its settings %d", name, page.Status, settings.Status)
		}
	}
	s := apptest.Start(t, apptest.Production)
	s.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if page := s.Call(t, http.MethodGet, "/", "", ""); page.Status != http.StatusSeeOther || page.Header.Get("Location") != "/docs" {
		t.Errorf("production answers / with %d %v", page.Status, page.Header)
	}
	for _, path := range []string{"/graphiql/", "/graphiql/config.json"} {
		if got := s.Call(t, http.MethodGet, path, "", ""); got.Status != http.StatusNotFound {
			t.Errorf("production answers %s with %d", path, got.Status)
		}
	}
}
