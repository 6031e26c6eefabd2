package rest

import (
	"fmt"
	"net/http"
	"time"
)

// deprecatedSince is the day on which every action had its GraphQL field.
func deprecatedSince() time.Time { return time.Date(2026, time.November, 22, 0, 0, 0, 0, time.UTC) }

// NoRoute stands for the route where a request has a path or method that no route has.
const NoRoute = "other"

// withDeprecation adds the headers that tell a client to move: since when the
// surface is deprecated (RFC 9745), when it will be switched off if that is known
// (RFC 8594), and which GraphQL field replaces the route. It also has the request
// counted by app, so operators see who has yet to move, and refuses apps that are not
// served any more.
//
// The route is nil for a path or method that the surface does not have.
func (a *API) withDeprecation(s Surface, route *Route, next http.Handler) http.Handler {
	if s.Name == "" {
		return next
	}
	name, links, sunsetLink := NoRoute, []string(nil), ""
	if route != nil {
		name = route.Method + " " + s.Prefix + route.Path
		links = []string{
			fmt.Sprintf(`</docs/rest#%s>; rel="successor-version"; title="%[1]s"`, route.Operation),
			fmt.Sprintf(`</docs/rest#%s>; rel="deprecation"; type="text/html"`, operationID(s.Name, *route)),
		}
		sunsetLink = fmt.Sprintf(`</docs/rest#%s>; rel="sunset"; type="text/html"`, operationID(s.Name, *route))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Deprecation", fmt.Sprintf("@%d", deprecatedSince().Unix()))
		for _, link := range links {
			h.Add("Link", link)
		}
		if sunset := a.sunsetOf(name); !sunset.IsZero() {
			h.Set("Sunset", sunset.UTC().Format(http.TimeFormat))
			if sunsetLink != "" {
				h.Add("Link", sunsetLink)
			}
		}
		if a.Count != nil {
			a.Count(s.Name, name, r)
		}
		// A browser asks by OPTIONS before a page may ask, and shows no answer to it.
		if a.Admit != nil && r.Method != http.MethodOptions {
			if err := a.Admit(r); err != nil {
				a.writeError(w, r, s, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// sunsetOf gives the day on which a route ends, zero while none is known.
func (a *API) sunsetOf(name string) time.Time {
	if a.Sunsets != nil {
		if of, known := a.Sunsets()[name]; known {
			return of
		}
	}
	return a.Sunset
}
