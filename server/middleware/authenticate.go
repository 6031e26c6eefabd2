package middleware

import (
	"context"
	"net/http"

	"luxbff/internal/viewer"
)

// Authentication is what [WithAuthentication] needs.
type Authentication struct {
	// Token reads the access token of a request; empty where it has none.
	Token func(*http.Request) string
	// Authenticate gives the viewer whose token it is.
	Authenticate func(ctx context.Context, token string) (viewer.Viewer, error)
}

// WithAuthentication puts the viewer into the context, or the reason why there is
// none. It refuses nobody itself: some routes need no viewer, and those that do
// answer with the reason in their own format.
func WithAuthentication(a Authentication, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := a.Token(r)
		if token == "" {
			next.ServeHTTP(w, r)
			return
		}
		ctx := r.Context()
		v, err := a.Authenticate(ctx, token)
		if err != nil {
			ctx = viewer.Without(ctx, err)
		} else {
			ctx = viewer.With(ctx, v)
			RequestInfoFrom(ctx).setRootUser(v.RootUserID())
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
