package rest

import (
	"fmt"
	"net/http"
	"time"
)

// deprecatedSince is the day on which every action had its GraphQL field.
func deprecatedSince() time.Time { return time.Date(2026, time.November, 22, 0, 0, 0, 0, time.UTC) }

// withDeprecation adds the headers that tell a client to move: since when the
// surface is deprecated (RFC 9745), when it will be switched off if that is known
// (RFC 8594), and which GraphQL field replaces the route. It also has the request
// counted by app, so operators see who has yet to move.
//
// The route is nil for a path or method that the surface does not have.
func (a *API) withDeprecation(s Surface, route *Route, next http.Handler) http.Handler {
	if s.Name == "" {
		return next
	}
	name, links := "other", []string(nil)
	if route != nil {
		name = route.Method + " " + s.Prefix + route.Path
		links = []string{
			fmt.Sprintf(`</docs#%s>; rel="successor-version"; title="%[1]s"`, route.Operation),
			fmt.Sprintf(`</docs#%s>; rel="deprecation"; type="text/html"`, operationID(s.Name, *route)),
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Deprecation", fmt.Sprintf("@%d", deprecatedSince().Unix()))
		if !a.Sunset.IsZero() {
			h.Set("Sunset", a.Sunset.UTC().Format(http.TimeFormat))
		}
		for _, link := range links {
			h.Add("Link", link)
		}
		if a.Count != nil {
			a.Count(s.Name, name, r)
		}
		next.ServeHTTP(w, r)
	})
}
