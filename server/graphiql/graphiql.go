// Package graphiql serves GraphiQL, the page in which a person tries the API. The
// page is built from web/ into dist/ and served from the program itself: it asks no
// other host for anything, so it also works offline and leaks no query. The package
// knows nothing of the schema or of who is signed in, and must not import graph or
// internal packages.
package graphiql

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
)

// contentPolicy lets the page load from and talk to its own origin alone. Monaco,
// the editor in it, writes style elements, hence 'unsafe-inline' for styles; the
// fonts are part of the style sheet, hence data:.
const contentPolicy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; " +
	"style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Tab is one operation that the page shows to a person who opens it for the
// first time, titled with the name of the operation.
type Tab struct {
	Query     string `json:"query"`
	Variables string `json:"variables"` // a JSON object, or empty
}

// Config says what the page shows.
type Config struct {
	// Endpoint is the URL of the API, absolute or relative to the page. Queries
	// and mutations go there by POST, subscriptions over graphql-transport-ws.
	Endpoint string
	// Tabs are the sample operations.
	Tabs []Tab
	// Headers gives the HTTP headers that a new tab starts with; they are also
	// the connection parameters of its subscriptions. It is called each time the
	// page is opened, and the browser never stores the values, so that a token
	// in them is always the newest. Anybody who can open the page can read them.
	// Nil, the function or the map, means none.
	Headers func(context.Context) map[string]string
}

// settings is what the page reads when it starts.
type settings struct {
	Endpoint string            `json:"endpoint"`
	Tabs     []Tab             `json:"tabs"`
	Headers  map[string]string `json:"headers"`
}

// Handler serves the page at / and what it loads below /graphiql/. Every other
// path is 404.
func Handler(config Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", servePage)
	mux.HandleFunc("GET /graphiql/config.json", config.serveSettings)
	mux.HandleFunc("GET /graphiql/{name}", serveAsset)
	return withSecurityHeaders(mux)
}

func (c Config) serveSettings(w http.ResponseWriter, r *http.Request) {
	response := settings{Endpoint: c.Endpoint, Tabs: c.Tabs, Headers: map[string]string{}}
	if response.Tabs == nil {
		response.Tabs = []Tab{}
	}
	if c.Headers != nil {
		maps.Copy(response.Headers, c.Headers(r.Context()))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	// The status is out: all that can still fail is a client that has hung up.
	_ = json.NewEncoder(w).Encode(response)
}

func withSecurityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
