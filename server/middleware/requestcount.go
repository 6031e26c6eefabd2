package middleware

import (
	"net/http"

	"luxbff/server/metrics"
)

// WithRequestCount counts each request as one of the surface's route, so that
// operators see how many apps still use the legacy routes beside GraphQL.
func WithRequestCount(m *metrics.Metrics, surface, route string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		CountRequest(m, surface, route, r)
		next.ServeHTTP(w, r)
	})
}

// CountRequest does what [WithRequestCount] does, for a surface that finds its
// routes itself. It gives what the client says of itself.
func CountRequest(m *metrics.Metrics, surface, route string, r *http.Request) metrics.ClientApp {
	sent := metrics.ClientAppOf(r.Header)
	RequestInfoFrom(r.Context()).setRoute(surface, route, m.CountRequest(surface, route, sent))
	return sent
}
