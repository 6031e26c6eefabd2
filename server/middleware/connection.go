package middleware

import "net/http"

// WithConnectionClose ends kept-alive connections with their next response while
// the program is stopping, so that a balancer opens its next one to another
// replica.
func WithConnectionClose(stopping func() bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stopping() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
