package middleware

import (
	"context"
	"net/http"
)

// Authentication is what [WithAuthentication] needs.
type Authentication struct {
	// Token reads the access token of a request; empty where it has none.
	Token func(*http.Request) string
	// Authenticate puts the viewer whose token it is into the context, or the reason why
	// there is none.
	Authenticate func(ctx context.Context, token string) context.Context
}

// WithAuthentication puts the viewer of a request with a token into its context. It refuses
// nobody itself: some routes need no viewer, and those that do answer with the reason in
// their own format.
func WithAuthentication(a Authentication, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := a.Token(r)
		if token == "" {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(a.Authenticate(r.Context(), token)))
	})
}
