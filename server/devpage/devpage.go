// Package devpage serves the page of development that shows messages as they happen, and
// which addresses behave as providers do when something is wrong. It exists in development
// alone, as the messages hold codes. The package knows nothing of the rest of the program and
// must not import internal packages.
package devpage

import (
	_ "embed" // of page.html and page.js
	"net/http"
)

// contentPolicy lets the page run its own script, which asks its own origin, and use its own
// style, and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var (
	//go:embed page.html
	page []byte
	//go:embed page.js
	script []byte
)

// Handler serves the page at /dev/ and its script, which reads /dev/messages of server/app.
// Every other path is 404.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dev/{$}", serve("text/html; charset=utf-8", page))
	mux.HandleFunc("GET /dev/page.js", serve("text/javascript; charset=utf-8", script))
	return mux
}

func serve(contentType string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		header := w.Header()
		header.Set("Content-Type", contentType)
		header.Set("Content-Security-Policy", contentPolicy)
		header.Set("Cache-Control", "no-store")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(body) // all that can fail is a client that has hung up
	}
}
