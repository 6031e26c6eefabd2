// Package rest serves the REST routes that apps in the field still call: the
// surfaces LUX, Addnox (Withnox is its second name) and SNUTT. A surface is a table
// of routes. A route decodes its request, makes one domain call and encodes the
// result. The package holds no rule, builds no query and knows nothing of GraphQL.
//
// The files are named after surface and noun: lux_device.go holds the routes of the
// LUX device page with their texts and types. What LUX and Addnox have in common is
// in the files shared_….go.
package rest

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/idempotency"
)

// API holds what the routes need: the domain services they call, and the hooks of
// logging, metrics and tracing.
type API struct {
	Auth     *auth.Service
	Accounts *account.Service
	Children *child.Service
	Devlogs  *devlog.Service
	// Once keeps a request with an idempotency key from running twice.
	Once *idempotency.Service
	Log  *slog.Logger
	// Sunset is when the routes will be switched off; zero while no date is known.
	Sunset time.Time
	// Sunsets gives the days of single routes, which go before Sunset; nil for none.
	Sunsets func() Sunsets
	// Admit is asked before a route runs, and its error refuses the request; nil admits
	// every client.
	Admit func(r *http.Request) error
	// Count is called for each request to a surface; nil counts nothing.
	Count func(surface, route string, r *http.Request)
	// CountError is called for each error that is sent; nil counts nothing.
	CountError func(surface, code string)
	// Trace starts the span of an action, and the function it returns ends the span
	// with the error of the action; nil traces nothing.
	Trace func(ctx context.Context, action string) (context.Context, func(error))
}

// Surface is a table of routes below a prefix, with the form in which it writes
// errors.
type Surface struct {
	// Name is what metrics and the OpenAPI document call the surface. It is empty
	// for the paths that belong to none.
	Name   string
	Prefix string
	Routes []Route
	// Below are the paths below the prefix for which the surface answers 404 in its
	// own form; everything below the prefix if it is empty.
	Below []string
	// errorBody gives status and body of an error.
	errorBody func(*http.Request, *apperr.Error) (status int, body any)
	// expiredToken is the answer to an access token that is too old.
	expiredToken apperr.Kind
}

// Surfaces gives all surfaces, in the order of the OpenAPI document.
func Surfaces() []Surface {
	return []Surface{
		lux(), addnox("Addnox", "/api/v1/addnox"), addnox("Withnox", "/api/v1/withnox"),
		snutt("SNUTT", ""), snutt("SNUTT v1", "/v1"), notFoundSurface(),
	}
}

// notFoundSurface answers 404 for every path that no other surface takes, in the
// form of LUX, which most apps speak.
func notFoundSurface() Surface { return Surface{errorBody: detailBody} }

// Handler serves the surfaces. A path that a surface does not have gets the 404 of
// the surface whose prefix it has, and a path with another method its 405: an app
// can only read errors in the form of its own surface.
func (a *API) Handler(surfaces []Surface) http.Handler {
	mux := http.NewServeMux()
	for _, s := range surfaces {
		allowed := map[string][]string{}
		for _, r := range s.Routes {
			mux.Handle(r.Method+" "+s.Prefix+r.Path, a.withDeprecation(s, &r, a.serveRoute(s, r)))
			allowed[r.Path] = append(allowed[r.Path], r.Method)
		}
		for path, methods := range allowed {
			mux.Handle(s.Prefix+path, a.withDeprecation(s, nil, a.serveOtherMethod(s, methods)))
		}
		notFound := a.withDeprecation(s, nil, a.serveNotFound(s))
		for _, pattern := range s.below() {
			mux.Handle(pattern, notFound)
		}
	}
	return mux
}

// below gives the patterns of all paths that are the surface's.
func (s Surface) below() (patterns []string) {
	below := s.Below
	if len(below) == 0 {
		below = []string{"/"}
	}
	for _, path := range below {
		patterns = append(patterns, s.Prefix+path)
		// Without this the mux would redirect to the path with the slash.
		if bare := strings.TrimSuffix(s.Prefix+path, "/"); bare != "" {
			patterns = append(patterns, bare)
		}
	}
	return patterns
}

// Refuse gives a function that answers a request with an error before any route sees it,
// in the form of the surface whose path it has.
func (a *API) Refuse(surfaces []Surface) func(http.ResponseWriter, *http.Request, *apperr.Error) {
	type errorKey struct{}
	mux := http.NewServeMux()
	for _, s := range surfaces {
		refuse := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			refused, _ := r.Context().Value(errorKey{}).(*apperr.Error)
			a.writeError(w, r, s, refused)
		})
		for _, pattern := range s.below() {
			mux.Handle(pattern, refuse)
		}
	}
	return func(w http.ResponseWriter, r *http.Request, refused *apperr.Error) {
		mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), errorKey{}, refused)))
	}
}

func (a *API) serveRoute(s Surface, route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header[idempotencyKey] != nil && route.writes() {
			a.serveOnce(w, r, s, route)
			return
		}
		_ = a.serve(w, r, s, route) // it is answered
	})
}

// serve answers a request, and gives the error that it has answered.
func (a *API) serve(w http.ResponseWriter, r *http.Request, s Surface, route Route) error {
	response, err := a.runTraced(route, r)
	if route.access == accessToken && apperr.Is(err, apperr.TokenIsExpired) {
		err = s.expiredToken.New()
	}
	if err != nil {
		a.writeError(w, r, s, err)
		return err
	}
	write(w, route.Status, response)
	return nil
}

func (a *API) runTraced(route Route, r *http.Request) (response any, err error) {
	if a.Trace == nil {
		return route.run(a, r)
	}
	ctx, end := a.Trace(r.Context(), route.Operation)
	response, err = route.run(a, r.WithContext(ctx))
	end(err)
	return response, err
}

// serveOtherMethod answers OPTIONS, and refuses every other method that the path does
// not have.
func (a *API) serveOtherMethod(s Surface, methods []string) http.Handler {
	if slices.Contains(methods, http.MethodGet) {
		methods = append(methods, http.MethodHead) // which net/http serves by GET
	}
	methods = append(methods, http.MethodOptions)
	slices.Sort(methods)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", strings.Join(methods, ", "))
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		a.writeError(w, r, s, apperr.MethodNotAllowed.New())
	})
}

func (a *API) serveNotFound(s Surface) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.writeError(w, r, s, apperr.ResourceNotFound.New())
	})
}

// write sends a JSON body. Responses hold personal data, so no cache may keep them.
func write(w http.ResponseWriter, status int, body any) {
	setHeader(w.Header())
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	// The status is sent already, so a client that hung up meanwhile is no error of
	// ours, and nothing could be sent to it.
	_ = encoder.Encode(body)
}

func setHeader(header http.Header) {
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
}
