package middleware

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// WithSingleSlashes serves a path with several slashes side by side as if it had one, as
// most proxies do: apps join the address of the server and a path that both have a slash.
// [http.ServeMux] would redirect them, and many HTTP clients of phones do not send a body
// or a token again. A slash that is encoded belongs to a parameter and stays.
func WithSingleSlashes(next http.Handler) http.Handler {
	slashes := regexp.MustCompile(`/{2,}`)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		escaped := r.URL.EscapedPath()
		if !strings.Contains(escaped, "//") {
			next.ServeHTTP(w, r)
			return
		}
		single := slashes.ReplaceAllLiteralString(escaped, "/")
		path, err := url.PathUnescape(single)
		if err != nil { // which no path is that net/http has read
			next.ServeHTTP(w, r)
			return
		}
		served := r.Clone(r.Context())
		served.URL.Path, served.URL.RawPath = path, single
		next.ServeHTTP(w, served)
	})
}
