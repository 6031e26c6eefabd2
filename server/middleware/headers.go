package middleware

import "net/http"

// WithSecurityHeaders sets what every response carries, whoever writes it. A page that
// needs less than this sets its own policy over it.
//
// An answer of the API is no document: it may run, load and frame nothing. It is kept by
// no cache, because most hold personal data, and the few that hold none say so
// themselves. Addresses hold tokens (a link in an e-mail), so none is passed on as a
// referrer.
//
// With https, where clients reach the server by TLS, browsers are asked to come back by
// TLS alone for a year. Other hosts below the same name are not this program's to speak
// for, so the header leaves them out.
func WithSecurityHeaders(https bool, next http.Handler) http.Handler {
	always := map[string][]string{
		"X-Content-Type-Options":       {"nosniff"},
		"X-Frame-Options":              {"DENY"},
		"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
		"Referrer-Policy":              {"no-referrer"},
		"Cache-Control":                {"no-store"},
		// Whether a page may read a response depends on whose page it is, and how it is
		// encoded on what the client can decode.
		"Vary": {"Origin", "Accept-Encoding"},
	}
	if https {
		always["Strict-Transport-Security"] = []string{"max-age=31536000"}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		for name, value := range always {
			header[name] = value // whoever changes it later makes a list of its own
		}
		next.ServeHTTP(w, r)
	})
}
