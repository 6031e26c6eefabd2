package rest

import (
	"fmt"
	"net/http"
	"time"
)

// deprecatedSince is when each action had its GraphQL field.
func deprecatedSince() time.Time { return time.Date(2026, time.November, 22, 0, 0, 0, 0, time.UTC) }

// moving tells clients of a surface to move: since when its routes are
// deprecated (RFC 9745), when they end if that is known (RFC 8594), and for a
// route which GraphQL field replaces it. It also has the request counted, so
// that operators see who has yet to move.
func (e *API) moving(s Surface, route *Route, next http.Handler) http.Handler {
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
		if !e.Sunset.IsZero() {
			h.Set("Sunset", e.Sunset.UTC().Format(http.TimeFormat))
		}
		for _, link := range links {
			h.Add("Link", link)
		}
		if e.Count != nil {
			e.Count(s.Name, name, r)
		}
		next.ServeHTTP(w, r)
	})
}
