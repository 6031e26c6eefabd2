package rest

import (
	"net/http"

	"luxbff/internal/apperr"
)

// detailBody writes an error in the form of LUX and Addnox.
func detailBody(_ *http.Request, e *apperr.Error) (status int, body any) {
	return e.Status(), struct {
		Detail string `json:"detail"`
	}{e.Detail()}
}

// doneResponse says that a route of LUX or Addnox did what it does.
type doneResponse struct {
	StatusCode int    `json:"statusCode"`
	Message    string `json:"message"`
}

// messageResponse says the same on SNUTT, and on one route of Addnox.
type messageResponse struct {
	Message string `json:"message"`
}
