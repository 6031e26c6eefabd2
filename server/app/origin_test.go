package app_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
	"luxbff/server/rest"
)

// hybrid is the origin of an app in a web view.
const hybrid = "capacitor://localhost"

func startProduction(t *testing.T) *apptest.Server {
	t.Helper()
	return apptest.Start(t, apptest.Production, func(c *app.Config) {
		c.PublicURL = "https://lux.example:443/base"
		c.AllowedOrigins = " " + hybrid + ", https://App.example.com:443/ ,http://localhost"
	})
}

// TestOriginsOfSockets holds that both socket protocols are open to the pages of
// PUBLIC_URL and of ALLOWED_ORIGINS and to no other, whatever the Host header says.
func TestOriginsOfSockets(t *testing.T) {
	t.Parallel()
	produced, developers := startProduction(t), apptest.Start(t)
	own := "http://" + produced.Listener.Addr().String()
	port := developers.Listener.Addr().String()[strings.LastIndex(developers.Listener.Addr().String(), ":"):]
	for _, protocol := range []string{"graphql-transport-ws", "graphql-ws"} {
		for origin, want := range map[string]bool{
			"": true, "https://lux.example": true, "https://LUX.example:443": true, hybrid: true,
			"https://app.example.com": true, "http://localhost": true,
			"http://lux.example": false, "https://lux.example:8443": false, "https://lux.example.evil.example": false,
			"https://evil.example": false, "null": false, "file://": false, "*": false, "http://localhost:8100": false,
			"ionic://localhost": false, own: false,
		} {
			checkUpgrade(t, produced, protocol, origin, want)
		}
		for origin, want := range map[string]bool{
			"": true, developers.URL: true, "http://localhost" + port: true,
			"http://localhost:1": false, "https://localhost" + port: false, "http://evil" + port: false, "null": false,
		} {
			checkUpgrade(t, developers, protocol, origin, want)
		}
	}
}

// checkUpgrade asks for a socket as a page of the origin does. Its Host is the origin's,
// as where somebody lets a name of their own lead to this server's address.
func checkUpgrade(t *testing.T, s *apptest.Server, protocol, origin string, want bool) {
	t.Helper()
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	if at, err := url.Parse(origin); err == nil && at.Host != "" {
		header.Set("Host", at.Host)
	}
	dialer := websocket.Dialer{Subprotocols: []string{protocol}}
	conn, response, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/graphql", header)
	if err == nil {
		_ = conn.Close()
	} else if !errors.Is(err, websocket.ErrBadHandshake) {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	status := http.StatusForbidden
	if want {
		status = http.StatusSwitchingProtocols
	}
	if response.StatusCode != status {
		t.Errorf("%s of the origin %q is answered %d, want %d", protocol, origin, response.StatusCode, status)
	}
	if !want {
		body, err := io.ReadAll(response.Body)
		if err != nil || !strings.Contains(string(body), `"code":"FORBIDDEN","reason":"A page of this Origin may not open a socket: name it in ALLOWED_ORIGINS`) {
			t.Errorf("%s of the origin %q is answered %s (%v)", protocol, origin, body, err)
		}
	}
	if got := response.Header.Get("X-Content-Type-Options"); got != "nosniff" {
		t.Errorf("an upgrade answered %d has X-Content-Type-Options %q", response.StatusCode, got)
	}
}

// route is one request of each kind that the program serves.
type route struct{ method, path, allow string }

// servedRoutes are all routes, those of the surfaces with an id in place of each
// parameter.
func servedRoutes() []route {
	routes := []route{
		{http.MethodPost, "/graphql", "GET, POST, OPTIONS"}, {http.MethodGet, "/graphql?query={__typename}", "GET, POST, OPTIONS"},
	}
	for _, page := range []string{
		"/", "/openapi.json", "/docs", "/docs/start", "/docs/examples", "/docs/examples/kotlin/Luxbff.kt", "/docs/style.css", "/docs/rest", "/docs/rest.css", "/docs/api", "/docs/api/config.json", "/docs/collection.json", "/healthz", "/readyz", "/.well-known/jwks.json",
	} {
		routes = append(routes, route{http.MethodGet, page, "GET, HEAD, OPTIONS"})
	}
	for _, surface := range rest.Surfaces() {
		methods := map[string][]string{}
		for _, r := range surface.Routes {
			methods[r.Path] = append(methods[r.Path], r.Method)
		}
		for _, r := range surface.Routes {
			allow := append(slices.Clone(methods[r.Path]), http.MethodOptions)
			if slices.Contains(allow, http.MethodGet) {
				allow = append(allow, http.MethodHead)
			}
			slices.Sort(allow)
			routes = append(routes, route{r.Method, filled(surface.Prefix + r.Path), strings.Join(allow, ", ")})
		}
	}
	return routes
}

// filled replaces each {parameter} of a path.
func filled(path string) string {
	for {
		before, rest, found := strings.Cut(path, "{")
		if !found {
			return path
		}
		_, after, _ := strings.Cut(rest, "}")
		path = before + "1" + after
	}
}

// ask sends a request of a page of that origin, and a preflight for it where wanted is
// the header fields that the page wants to set.
func ask(t *testing.T, s *apptest.Server, r route, origin, wanted string) apptest.Response {
	t.Helper()
	method := r.method
	if wanted != "" {
		method = http.MethodOptions
	}
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+r.path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", origin)
	if wanted != "" {
		request.Header.Set("Access-Control-Request-Method", r.method)
		request.Header.Set("Access-Control-Request-Headers", wanted)
	}
	return s.Do(t, request)
}

// TestOriginsOfEveryRoute holds that a browser lets the pages of allowed origins call
// every route and read its answer, good or bad, and the pages of others none.
func TestOriginsOfEveryRoute(t *testing.T) {
	t.Parallel()
	s := startProduction(t)
	const wanted = "authorization,content-type,x-access-token,x-apollo-operation-name,apollo-require-preflight,traceparent"
	for _, r := range append(servedRoutes(), route{http.MethodPost, "/api/v1/lux/unknown", ""}) {
		name := r.method + " " + r.path
		asked := ask(t, s, r, hybrid, wanted)
		if r.allow != "" && (asked.Status != http.StatusNoContent ||
			asked.Header.Get("Access-Control-Allow-Origin") != hybrid ||
			asked.Header.Get("Access-Control-Allow-Methods") != r.allow ||
			asked.Header.Get("Access-Control-Allow-Headers") != wanted ||
			asked.Header.Get("Access-Control-Max-Age") == "") {
			t.Errorf("the preflight of %s is answered %d %v", name, asked.Status, asked.Header)
		}
		answered := ask(t, s, r, hybrid, "")
		if answered.Header.Get("Access-Control-Allow-Origin") != hybrid ||
			!strings.Contains(answered.Header.Get("Access-Control-Expose-Headers"), "Retry-After") {
			t.Errorf("%s is answered %d %v", name, answered.Status, answered.Header)
		}
		for _, other := range []string{"https://evil.example", "null"} {
			for _, response := range []apptest.Response{ask(t, s, r, other, wanted), ask(t, s, r, other, "")} {
				checkKeptFrom(t, name, other, response)
			}
		}
		if asked.Header.Get("Access-Control-Allow-Credentials")+answered.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s allows credentials", name)
		}
	}
}

// checkKeptFrom fails the test if a browser would show the response to a page of that
// origin, or keep it for others.
func checkKeptFrom(t *testing.T, name, origin string, response apptest.Response) {
	t.Helper()
	for header := range response.Header {
		if strings.HasPrefix(header, "Access-Control-") {
			t.Errorf("%s answers %s with %s: %v", name, origin, header, response.Header[header])
		}
	}
	if !slices.Contains(response.Header.Values("Vary"), "Origin") {
		t.Errorf("%s does not vary by origin: %v", name, response.Header)
	}
}

func TestAllowedOriginsAreChecked(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]struct{ development, production bool }{
		"":                                   {true, true},
		"capacitor://localhost":              {true, true},
		"ionic://localhost,http://localhost": {true, true},
		"http://127.0.0.1:8100":              {true, true},
		"https://app.example.com":            {true, true},
		"http://app.example.com":             {true, false},
		"*":                                  {false, false},
		"null":                               {false, false},
		"https://*.example.com":              {false, false},
		"app.example.com":                    {false, false},
		"https://app.example.com/path":       {false, false},
		"https://user@app.example.com":       {false, false},
		"https://app.example.com?query":      {false, false},
		"file://":                            {false, false},
	} {
		for env, good := range map[string]bool{"development": want.development, "production": want.production} {
			cfg := app.Config{Env: env, TokenKeys: "k:x", PublicURL: "https://api.example.com", AllowedOrigins: setting}
			if err := cfg.Check(); (err == nil) != good || err != nil && !strings.Contains(err.Error(), "ALLOWED_ORIGINS") {
				t.Errorf("ALLOWED_ORIGINS=%q in %s: %v", setting, env, err)
			}
		}
	}
}

// TestDevelopmentRefusesNamesOfStrangers holds that a page that lets a name of its own lead
// to a developer's machine reads nothing there, the demo family's token included.
func TestDevelopmentRefusesNamesOfStrangers(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *app.Config) { c.PublicURL = "http://Lux.dev.example:8080" })
	produced := startProduction(t)
	for host, known := range map[string]bool{
		"": true, "localhost:8080": true, "127.0.0.1": true, "[::1]:8080": true, "192.168.1.5:8080": true, "luxbff:8080": true,
		"mac.local:8080": true, "host.docker.internal": true, "lux.dev.example": true, "lux.dev.example.:1": true,
		"evil.example:8080": false, "localhost.evil.example": false, "127.0.0.1.nip.example": false, "Evil.Example.": false,
	} {
		for _, path := range []string{"/graphiql/config.json", "/dev/outbox", "/healthz", "/graphql?query={__typename}"} {
			status := http.StatusOK
			if !known {
				status = http.StatusMisdirectedRequest
			}
			if got := askHost(t, s, host, path); got != status {
				t.Errorf("%s of the host %q is answered %d, want %d", path, host, got, status)
			}
		}
		if got := askHost(t, produced, host, "/healthz"); got != http.StatusOK {
			t.Errorf("production answers the host %q with %d", host, got)
		}
	}
}

func askHost(t *testing.T, s *apptest.Server, host, path string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	return s.Do(t, request).Status
}
