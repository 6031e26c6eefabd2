// Package scalar serves Scalar's API reference, in which a person reads the REST routes
// and, in development, tries them. The page is built from web/ into dist/ and served
// from the program itself: it asks no other host for anything. The package knows
// nothing of the routes or of who is signed in, and must not import graph or internal
// packages.
package scalar

import (
	"context"
	"embed"
	"encoding/json"
	"net/http"

	"luxbff/server/assets"
)

// contentPolicy lets the page load from and talk to its own origin alone. Scalar writes
// style elements, hence 'unsafe-inline' for styles.
const contentPolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; " +
	"style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// dist is what `make scalar` builds from web/: index.html, and in api/ the files that it
// loads.
//
//go:embed dist
var dist embed.FS

// Config says what the page shows.
type Config struct {
	// Document is the URL of the OpenAPI document.
	Document string
	// TryIt lets people send requests from the page.
	TryIt bool
	// Token gives the access token that requests carry, for a person who has entered none.
	// It is called each time the page is opened; anybody who can open the page can read it.
	// Nil means none.
	Token func(context.Context) string
}

// settings is what the page reads when it starts.
type settings struct {
	Document string `json:"document"`
	TryIt    bool   `json:"tryIt"`
	Token    string `json:"token"`
}

// Handler serves the page at /docs/api and what it loads below. Every other path is 404.
func Handler(config Config) http.Handler {
	folder := assets.Folder{Files: dist, Path: "dist/api"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /docs/api", func(w http.ResponseWriter, r *http.Request) { folder.ServePage(w, r, "dist/index.html") })
	mux.HandleFunc("GET /docs/api/config.json", config.serveSettings)
	mux.HandleFunc("GET /docs/api/{name}", func(w http.ResponseWriter, r *http.Request) {
		folder.ServeAsset(w, r, r.PathValue("name"))
	})
	return withPolicy(mux)
}

func withPolicy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", contentPolicy)
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

func (c Config) serveSettings(w http.ResponseWriter, r *http.Request) {
	response := settings{Document: c.Document, TryIt: c.TryIt}
	if c.TryIt && c.Token != nil {
		response.Token = c.Token(r.Context())
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	// The status is out: all that can still fail is a client that has hung up.
	_ = json.NewEncoder(w).Encode(response)
}
