package graphiql_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/server/graphiql"
)

func config() graphiql.Config {
	return graphiql.Config{
		Endpoint: "/graphql",
		Tabs:     []graphiql.Tab{{Query: "query Home { me { id } }"}, {Query: "query One($id: ID!) { childUser(id: $id) { id } }", Variables: `{"id": "1"}`}},
		Headers: func(context.Context) map[string]string {
			return map[string]string{"Authorization": "Bearer </script>"}
		},
	}
}

func get(t *testing.T, handler http.Handler, path string, headers ...string) *http.Response {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Result()
}

func body(t *testing.T, response *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// assetNames are what the page names in its src and href attributes.
func assetNames(t *testing.T, page string) []string {
	t.Helper()
	var names []string
	for _, match := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		names = append(names, match[1])
	}
	if len(names) < 3 {
		t.Fatalf("the page names %q, want at least a script, a style sheet and an icon", names)
	}
	return names
}

func TestPageLoadsFromItsOwnOriginAlone(t *testing.T) {
	t.Parallel()
	handler := graphiql.Handler(config())
	page := get(t, handler, "/")
	if page.StatusCode != http.StatusOK || page.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("page: %d %s", page.StatusCode, page.Header.Get("Content-Type"))
	}
	policy := page.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "http") {
		t.Errorf("policy %q lets other origins or inline scripts in", policy)
	}
	html := body(t, page)
	if regexp.MustCompile(`<script(?: [^>]*)?>[^<]`).MatchString(html) {
		t.Errorf("the page holds an inline script, which its policy forbids:\n%s", html)
	}
	for _, name := range assetNames(t, html) {
		if !strings.HasPrefix(name, "./graphiql/") {
			t.Errorf("the page loads %q from another place", name)
		}
	}
}

func TestAssetsAreCachedAndThePageIsRevalidated(t *testing.T) {
	t.Parallel()
	handler := graphiql.Handler(config())
	page := get(t, handler, "/")
	for _, name := range append(assetNames(t, body(t, page)), "") {
		name = strings.TrimPrefix(name, ".")
		want := "public, max-age=31536000, immutable"
		if name == "" {
			name, want = "/", "no-cache"
		}
		first := get(t, handler, name)
		if got := first.Header.Get("Cache-Control"); first.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s: %d, Cache-Control %q, want 200 and %q", name, first.StatusCode, got, want)
		}
		again := get(t, handler, name, "If-None-Match", first.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified || body(t, again) != "" {
			t.Errorf("%s asked for again: %d, want an empty 304", name, again.StatusCode)
		}
	}
}

func TestAssetsAreCompressedForClientsThatAcceptIt(t *testing.T) {
	t.Parallel()
	handler := graphiql.Handler(config())
	var script string
	for _, name := range assetNames(t, body(t, get(t, handler, "/"))) {
		if strings.HasSuffix(name, ".js") {
			script = strings.TrimPrefix(name, ".")
		}
	}
	plain := get(t, handler, script)
	want := body(t, plain)
	for _, accept := range []string{"gzip", "br, GZIP;q=0.5", "deflate, gzip, br"} {
		compressed := get(t, handler, script, "Accept-Encoding", accept)
		if compressed.Header.Get("Content-Encoding") != "gzip" || compressed.Header.Get("ETag") == plain.Header.Get("ETag") {
			t.Fatalf("Accept-Encoding %q: headers %v", accept, compressed.Header)
		}
		reader, err := gzip.NewReader(compressed.Body)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(reader)
		if err != nil || string(got) != want {
			t.Errorf("Accept-Encoding %q: decompressed text differs (%v)", accept, err)
		}
	}
	for _, accept := range []string{"", "br", "gzip;q=0", "gzip;q=0.0, br"} {
		got := get(t, handler, script, "Accept-Encoding", accept)
		if encoding := got.Header.Get("Content-Encoding"); encoding != "" || body(t, got) != want {
			t.Errorf("Accept-Encoding %q: Content-Encoding %q, want the plain text", accept, encoding)
		}
		if got.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
			t.Errorf("Accept-Encoding %q: headers %v", accept, got.Header)
		}
	}
}

func TestSettingsHoldTheTabsAndTheNewestHeaders(t *testing.T) {
	t.Parallel()
	type settings struct {
		Endpoint string
		Tabs     []graphiql.Tab
		Headers  map[string]string
	}
	none := func(context.Context) map[string]string { return nil }
	bare := []graphiql.Config{{Endpoint: "/graphql"}, {Endpoint: "/graphql", Headers: none}}
	for _, c := range append(bare, config()) {
		response := get(t, graphiql.Handler(c), "/graphiql/config.json")
		if got := response.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control %q: a token must not be stored", got)
		}
		var got settings
		if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		want := settings{Endpoint: c.Endpoint, Tabs: []graphiql.Tab{}, Headers: map[string]string{}}
		if c.Tabs != nil {
			want.Tabs, want.Headers = c.Tabs, c.Headers(t.Context())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("settings (-want +got):\n%s", diff)
		}
	}
}

func TestOtherPathsAreNotFound(t *testing.T) {
	t.Parallel()
	handler := graphiql.Handler(config())
	for _, path := range []string{"/x", "/graphiql", "/graphiql/", "/graphiql/none.js", "/graphiql/..%2findex.html", "/graphiql/%2e%2e/index.html", "/graphiql/x%00.js"} {
		if got := get(t, handler, path).StatusCode; got == http.StatusOK || got >= http.StatusInternalServerError {
			t.Errorf("%s: %d, want not found", path, got)
		}
	}
}
