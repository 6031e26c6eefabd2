package scalar_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"luxbff/server/scalar"
)

func get(t *testing.T, handler http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

// TestPageLoadsFromItsOwnOriginAlone reads what the page names; the browser's test sees what
// it asks for once it runs.
func TestPageLoadsFromItsOwnOriginAlone(t *testing.T) {
	t.Parallel()
	handler := scalar.Handler(scalar.Config{Document: "/openapi.json"})
	page := get(t, handler, "/docs/api")
	policy := page.Header().Get("Content-Security-Policy")
	if page.Code != http.StatusOK || !strings.Contains(policy, "default-src 'none'; script-src 'self'; connect-src 'self';") || strings.Contains(policy, "http") {
		t.Fatalf("%d %v", page.Code, page.Header())
	}
	named := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.Body.String(), -1)
	loaded := 0
	for _, name := range named {
		if name[1] == "/docs" || name[1] == "/docs/rest" {
			continue // links, which load nothing
		}
		loaded++
		path, below := strings.CutPrefix(name[1], "./api/")
		if !below {
			t.Errorf("the page loads %s", name[1])
			continue
		}
		file := get(t, handler, "/docs/api/"+path, "Accept-Encoding", "gzip")
		if file.Code != http.StatusOK || file.Header().Get("Content-Encoding") != "gzip" || !strings.HasSuffix(file.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s is answered %d %v", path, file.Code, file.Header())
		}
		if again := get(t, handler, "/docs/api/"+path, "Accept-Encoding", "gzip", "If-None-Match", file.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%s with its own tag is answered %d", path, again.Code)
		}
	}
	if loaded < 3 {
		t.Errorf("the page names %q, want at least a script, a style sheet and an icon", named)
	}
}

// TestSettings holds that the page gets a token only where requests can be sent from it.
func TestSettings(t *testing.T) {
	t.Parallel()
	token := func(context.Context) string { return "secret" }
	for want, config := range map[string]scalar.Config{
		`{"document":"/openapi.json","tryIt":true,"token":"secret"}`: {Document: "/openapi.json", TryIt: true, Token: token},
		`{"document":"/openapi.json","tryIt":true,"token":""}`:       {Document: "/openapi.json", TryIt: true},
		`{"document":"/openapi.json","tryIt":false,"token":""}`:      {Document: "/openapi.json", Token: token},
	} {
		answer := get(t, scalar.Handler(config), "/docs/api/config.json")
		if got := strings.TrimSpace(answer.Body.String()); got != want || !json.Valid(answer.Body.Bytes()) || answer.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%v %s, want %s", answer.Header(), got, want)
		}
	}
}

func TestOtherPathsAreNotFound(t *testing.T) {
	t.Parallel()
	handler := scalar.Handler(scalar.Config{})
	for _, path := range []string{"/", "/docs", "/docs/api/", "/docs/api/none.js", "/docs/api/..%2findex.html", "/docs/api/%2e%2e/index.html", "/docs/api/x%00.js"} {
		if got := get(t, handler, path).Code; got == http.StatusOK || got >= http.StatusInternalServerError {
			t.Errorf("%s: %d, want not found", path, got)
		}
	}
}
