package app_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// TestSecurityHeadersOfEveryRoute holds that whatever is answered, and by whom, carries
// the headers that bind a browser: the routes with and without their method, errors,
// what net/http's router answers itself, the pages, and the listener of the metrics.
func TestSecurityHeadersOfEveryRoute(t *testing.T) {
	t.Parallel()
	s := startProduction(t)
	developers := apptest.Start(t)
	routes := servedRoutes()
	for _, r := range servedRoutes() {
		routes = append(routes, route{method: http.MethodDelete, path: r.path}, route{method: http.MethodHead, path: r.path})
	}
	for _, path := range []string{
		"/nowhere", "/api/v1/lux/nowhere", "/graphiql/nowhere.js", "/graphql/", "/graphiql/config.json", "/docs/nowhere", "/docs/api/nowhere.js", "/docs/..", "/schema.graphql", "//healthz", "/dev/outbox", "/dev/", "/dev/page.js", "/dev/messages", "/metrics",
		"/reset-password", "/reset-password?token=x", "/revert-email", "/revert-email?token=x",
	} {
		routes = append(routes, route{method: http.MethodGet, path: path}, route{method: http.MethodPost, path: path})
	}
	for _, r := range routes {
		for _, asked := range []*apptest.Server{s, developers} {
			response := asked.Call(t, r.method, r.path, "", "")
			checkHeaders(t, r.method+" "+r.path, response.Status, response.Header, asked == s)
		}
	}
	recorder := httptest.NewRecorder()
	s.App.MetricsHandler().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	checkHeaders(t, "the metrics' listener", recorder.Code, recorder.Header(), true)
}

func checkHeaders(t *testing.T, name string, status int, header http.Header, https bool) {
	t.Helper()
	policy := header.Get("Content-Security-Policy")
	if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("X-Frame-Options") != "DENY" ||
		header.Get("Referrer-Policy") != "no-referrer" || header.Get("Cross-Origin-Resource-Policy") != "same-origin" ||
		!strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("%s is answered %d %v", name, status, header)
	}
	want := ""
	if https {
		want = "max-age=31536000"
	}
	if got := header.Get("Strict-Transport-Security"); got != want {
		t.Errorf("%s is answered %d with Strict-Transport-Security %q, want %q", name, status, got, want)
	}
}

// TestPrivateResponsesAreKeptByNoCache holds that caches keep only what the program
// answers to everybody alike.
func TestPrivateResponsesAreKeptByNoCache(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *app.Config) { c.PublicURL = "http://lux.example" })
	shared := map[string]bool{"/.well-known/jwks.json": true}
	for _, page := range []string{
		"/", "/openapi.json", "/schema.graphql", "/docs", "/docs/start", "/docs/style.css", "/docs/rest", "/docs/rest.css", "/docs/api", "/docs/collection.json",
	} {
		shared[page] = true
	}
	for _, r := range append(servedRoutes(), route{method: http.MethodGet, path: "/graphiql/config.json"}, route{method: http.MethodGet, path: "/dev/outbox"}, route{method: http.MethodGet, path: "/schema.graphql"}, route{method: http.MethodGet, path: "/reset-password?token=x"}) {
		response := s.Call(t, r.method, r.path, "", "")
		isShared := shared[r.path] || strings.HasPrefix(r.path, "/docs/examples")
		if kept := response.Header.Get("Cache-Control") != "no-store"; kept != isShared {
			t.Errorf("%s %s: Cache-Control %q", r.method, r.path, response.Header.Get("Cache-Control"))
		}
	}
}
