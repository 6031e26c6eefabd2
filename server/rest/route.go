package rest

import (
	"context"
	"net/http"
	"reflect"
	"strings"

	"luxbff/internal/apperr"
	"luxbff/internal/viewer"
)

// Route is one documented action of a surface. The OpenAPI document and the headers
// that point to the GraphQL field are made of it, so they cannot differ from what is
// served.
type Route struct {
	Method string
	// Path is below the surface's prefix, with {name} for a path parameter.
	Path string
	// Operation is the GraphQL field that replaces the route.
	Operation string
	// Summary says what the route does in a few words.
	Summary string
	// Description says the rest, as whole sentences.
	Description string
	// Status is that of a good response: 200 where a table leaves it at zero.
	Status int
	// Errors are the kinds that the route's page documents. What every route can
	// answer, as 429, is not listed.
	Errors []apperr.Kind

	access            access
	request, response reflect.Type
	run               func(a *API, r *http.Request) (response any, err error)
}

// access is what the Authorization header of a request must hold.
type access uint8

const (
	noToken access = iota
	accessToken
	validToken // the valid_token of a verified phone
)

// nothing is the request type of a route without parameters.
type nothing struct{}

// signedIn makes a route for a signed-in viewer.
func signedIn[Request, Response any](
	route Route, do func(context.Context, *API, viewer.Viewer, Request) (Response, error),
) Route {
	return newRoute[Request, Response](route, accessToken, func(a *API, r *http.Request) (any, error) {
		// The viewer comes before the body: a deleted account gets the error that
		// says so, whatever it sends.
		v, err := viewer.From(r.Context())
		if err != nil {
			return nil, err
		}
		in, err := decode[Request](r)
		if err != nil {
			return nil, err
		}
		return do(r.Context(), a, v, in)
	})
}

// public makes a route for anybody.
func public[Request, Response any](
	route Route, do func(context.Context, *API, Request) (Response, error),
) Route {
	return newRoute[Request, Response](route, noToken, func(a *API, r *http.Request) (any, error) {
		in, err := decode[Request](r)
		if err != nil {
			return nil, err
		}
		return do(r.Context(), a, in)
	})
}

// withValidToken makes a route for the bearer of a valid_token. The domain checks
// the token, because it must match the phone of the request; it is empty if the
// client sent none.
func withValidToken[Request, Response any](
	route Route, do func(ctx context.Context, a *API, validToken string, in Request) (Response, error),
) Route {
	return newRoute[Request, Response](route, validToken, func(a *API, r *http.Request) (any, error) {
		in, err := decode[Request](r)
		if err != nil {
			return nil, err
		}
		return do(r.Context(), a, Bearer(r), in)
	})
}

func newRoute[Request, Response any](
	route Route, needs access, run func(*API, *http.Request) (any, error),
) Route {
	if route.Status == 0 {
		route.Status = http.StatusOK
	}
	route.access, route.run = needs, run
	route.request, route.response = reflect.TypeFor[Request](), reflect.TypeFor[Response]()
	objectOf(route.request) // the tags are read here, not with the first request
	return route
}

// Bearer gives the token of a request, empty if it has none. It stands in
// `Authorization: Bearer …` or else in `x-access-token: …` (rule 1 of the contract).
func Bearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return r.Header.Get("X-Access-Token")
}
