package gqlhttp

import (
	"fmt"
	"net/http"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/apperr"
)

// refusal is why a request never became an operation.
type refusal struct {
	status        int
	code, message string
	// field is the parameter that is wrong, empty if it is not one of them.
	field string
	// reason says to the developer of an app what is wrong.
	reason string
	// allow lists the methods that would do, for the header Allow of a 405.
	allow string
}

func (r *refusal) error() *gqlerror.Error {
	extensions := map[string]any{"code": r.code, "status": r.status}
	if r.field != "" {
		extensions["field"] = r.field
	}
	if r.reason != "" {
		extensions["reason"] = r.reason
	}
	return &gqlerror.Error{Message: r.message, Extensions: extensions}
}

func refusalOf(known *apperr.Error) *refusal {
	return &refusal{status: known.Status(), code: known.Code(), message: known.Detail(), field: known.Field}
}

func badRequest(reason string) *refusal {
	refused := refusalOf(apperr.BadRequest.New())
	refused.reason = reason
	return refused
}

func methodNotAllowed(allow, reason string) *refusal {
	refused := refusalOf(apperr.MethodNotAllowed.New())
	refused.allow, refused.reason = allow, reason
	return refused
}

func tooLarge(limit int64) *refusal {
	refused := refusalOf(apperr.PayloadTooLarge.New())
	refused.reason = fmt.Sprintf("A body has at most %d bytes.", limit)
	return refused
}

func unsupportedMediaType(reason string) *refusal {
	refused := refusalOf(apperr.UnsupportedMediaType.New())
	refused.reason = reason
	return refused
}

func notAcceptable() *refusal {
	return &refusal{
		status: http.StatusNotAcceptable, code: "NOT_ACCEPTABLE", message: "Not acceptable",
		reason: "The answer is application/json, application/graphql-response+json, text/event-stream or multipart/mixed;subscriptionSpec=1.0.",
	}
}
