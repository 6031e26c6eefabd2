package rest

import (
	"net/http"
	"slices"

	"luxbff/internal/apperr"
)

// lux is the surface of the LUX pages.
func lux() Surface {
	return Surface{
		Name:    "LUX",
		Prefix:  "/api/v1/lux",
		Routes:  slices.Concat(authRoutes(), luxAuthRoutes(), userRoutes(), luxUserRoutes(), luxDeviceRoutes()),
		failure: detail,
	}
}

// detail is an error as LUX and Addnox write it.
func detail(_ *http.Request, e *apperr.Error) (int, any) {
	return e.Status(), struct {
		Detail string `json:"detail"`
	}{e.Detail()}
}

// done is the answer of a route that has nothing to show.
type done struct {
	StatusCode int    `json:"statusCode"`
	Message    string `json:"message"`
}
