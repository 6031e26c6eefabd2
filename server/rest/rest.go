// Package rest holds the legacy edges: LUX, Addnox (and Withnox) and SNUTT. A
// surface is a table of routes; a route decodes, makes one domain call and
// encodes. It holds no rule, no storage and no GraphQL.
package rest

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/viewer"
)

// API is what the routes call.
type API struct {
	Auth     *auth.Service
	Accounts *account.Service
	Children *child.Service
	Devlogs  *devlog.Service
	Log      *slog.Logger
	// Sunset is when the routes end; zero while nobody knows.
	Sunset time.Time
	// Count is told of each request of a surface; nil counts nothing.
	Count func(surface, route string, r *http.Request)
	// CountError is told of each error that a client was told; nil counts nothing.
	CountError func(surface, code string)
	// Trace begins the span of an action, which ends with its error; nil traces
	// nothing.
	Trace func(ctx context.Context, action string) (context.Context, func(error))
}

// Route is one documented action of a surface. Everything that is told about it
// elsewhere, in the OpenAPI document and in the headers of its answers, is read
// from here.
type Route struct {
	Method string
	// Path is below the surface's prefix, with {name} for a path parameter.
	Path string
	// Operation is the GraphQL field that replaces the route.
	Operation string
	// Access says what the Authorization header has to hold.
	Access Access
	// Status of a good answer.
	Status int
	// In and Out are the types behind request and good answer.
	In, Out reflect.Type
	// Faults are the errors that the route's page documents.
	Faults []apperr.Kind

	serve func(e *API, r *http.Request) (any, error)
}

// Access is what a route asks of its caller.
type Access uint8

// What the Authorization header has to hold.
const (
	Public     Access = iota // nothing
	SignedIn                 // an access token
	ValidToken               // the valid_token of a verified phone
)

// nothing is the input of a route without parameters.
type nothing struct{}

// signedIn makes a route for a viewer.
func signedIn[In, Out any](
	method, path, operation string,
	do func(context.Context, *API, viewer.Viewer, In) (Out, error), faults ...apperr.Kind,
) Route {
	return route[In, Out](method, path, operation, SignedIn, faults,
		func(e *API, r *http.Request) (any, error) {
			// Who asks is settled before what is asked: a deleted account learns
			// nothing else.
			v, err := viewer.From(r.Context())
			if err != nil {
				return nil, err
			}
			in, err := decode[In](r)
			if err != nil {
				return nil, err
			}
			return do(r.Context(), e, v, in)
		})
}

// public makes a route for anybody.
func public[In, Out any](
	method, path, operation string,
	do func(context.Context, *API, In) (Out, error), faults ...apperr.Kind,
) Route {
	return route[In, Out](method, path, operation, Public, faults,
		func(e *API, r *http.Request) (any, error) {
			in, err := decode[In](r)
			if err != nil {
				return nil, err
			}
			return do(r.Context(), e, in)
		})
}

// withValidToken makes a route for the bearer of a valid_token, which the domain
// checks; it is empty where the caller sent none.
func withValidToken[In, Out any](
	method, path, operation string,
	do func(ctx context.Context, e *API, validToken string, in In) (Out, error), faults ...apperr.Kind,
) Route {
	return route[In, Out](method, path, operation, ValidToken, faults,
		func(e *API, r *http.Request) (any, error) {
			in, err := decode[In](r)
			if err != nil {
				return nil, err
			}
			return do(r.Context(), e, Bearer(r), in)
		})
}

func route[In, Out any](
	method, path, operation string, access Access, faults []apperr.Kind,
	serve func(*API, *http.Request) (any, error),
) Route {
	return Route{
		Method: method, Path: path, Operation: operation, Access: access, Status: http.StatusOK,
		In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](), Faults: faults, serve: serve,
	}
}

// created is the route with 201 for its good answer.
func (r Route) created() Route {
	r.Status = http.StatusCreated
	return r
}

// Bearer is the token of a request: `Authorization: Bearer …`, else
// `x-access-token: …` (rule 1 of the contract).
func Bearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return r.Header.Get("X-Access-Token")
}

// Surface is a table of routes below a prefix, and how it says that something
// went wrong.
type Surface struct {
	// Name is what operators and the OpenAPI document call it.
	Name   string
	Prefix string
	Routes []Route
	// Below are the paths that the surface answers for, besides its routes: all
	// below the prefix where it names none.
	Below []string
	// failure makes the body of an error.
	failure func(*http.Request, *apperr.Error) (status int, body any)
}

// Surfaces are all the legacy edges.
func Surfaces() []Surface {
	return []Surface{
		lux(), addnox("Addnox", "/api/v1/addnox"), addnox("Withnox", "/api/v1/withnox"),
		snutt("SNUTT", ""), snutt("SNUTT v1", "/v1"), notFoundSurface(),
	}
}

// notFoundSurface answers for every other path, as LUX does.
func notFoundSurface() Surface { return Surface{failure: detail} }

// Handler serves the surfaces. A path that none has, below a prefix that one
// has, gets that surface's own 404; a path with another method its 405.
func (e *API) Handler(surfaces []Surface) http.Handler {
	mux := http.NewServeMux()
	for _, s := range surfaces {
		allowed := map[string][]string{}
		for _, r := range s.Routes {
			mux.Handle(r.Method+" "+s.Prefix+r.Path, e.moving(s, &r, e.handle(s, r)))
			allowed[r.Path] = append(allowed[r.Path], r.Method)
		}
		for path, methods := range allowed {
			mux.Handle(s.Prefix+path, e.moving(s, nil, e.otherMethod(s, methods)))
		}
		below := s.Below
		if len(below) == 0 {
			below = []string{"/"}
		}
		for _, path := range below {
			mux.Handle(s.Prefix+path, e.moving(s, nil, e.unknownPath(s)))
		}
	}
	return mux
}

func (e *API) handle(s Surface, route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := e.traced(route, r)
		if err != nil {
			e.fail(w, r, s, err)
			return
		}
		write(w, route.Status, out)
	})
}

func (e *API) traced(route Route, r *http.Request) (any, error) {
	if e.Trace == nil {
		return route.serve(e, r)
	}
	ctx, end := e.Trace(r.Context(), route.Operation)
	out, err := route.serve(e, r.WithContext(ctx))
	end(err)
	return out, err
}

func (e *API) otherMethod(s Surface, methods []string) http.Handler {
	if slices.Contains(methods, http.MethodGet) {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", strings.Join(methods, ", "))
		e.fail(w, r, s, apperr.MethodNotAllowed.New())
	})
}

func (e *API) unknownPath(s Surface) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.fail(w, r, s, apperr.ResourceNotFound.New())
	})
}

// fail writes the documented error. Its cause, if it has one, is for the log.
func (e *API) fail(w http.ResponseWriter, r *http.Request, s Surface, err error) {
	known := apperr.From(err)
	if cause := known.Unwrap(); cause != nil {
		e.Log.ErrorContext(r.Context(), "request failed",
			"method", r.Method, "route", r.Pattern, "code", known.Code(), "error", cause)
	}
	if e.CountError != nil && s.Name != "" {
		e.CountError(s.Name, known.Code())
	}
	status, body := s.failure(r, known)
	if wait := known.RetryAfter(); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	} else if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	write(w, status, body)
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	// The status is out: a client that hung up is nobody's error.
	_ = encoder.Encode(body)
}
