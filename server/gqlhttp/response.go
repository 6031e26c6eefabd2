package gqlhttp

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/apperr"
)

// responder writes the response to one request.
type responder struct {
	w       http.ResponseWriter
	request *http.Request
	// answer is Config.Write.
	answer func(w http.ResponseWriter, r *http.Request, status int, body []byte)
	// mediaType is empty if the client accepts none of ours.
	mediaType string
	// count is called with the code of a refusal.
	count func(code string)
}

// respond sends the response of the executor.
func (r responder) respond(response *graphql.Response) {
	status := r.statusOf(response)
	if status >= http.StatusBadRequest {
		wait, _ := response.Errors[0].Extensions["retryAfterMs"].(int64)
		setRetryAfter(r.w, time.Duration(wait)*time.Millisecond)
	}
	r.write(status, response)
}

// setRetryAfter says in whole seconds, rounded up, after how long trying again helps. It
// says nothing for 0.
func setRetryAfter(w http.ResponseWriter, wait time.Duration) {
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
}

// refuse answers a request that never became an operation. Its status is the same under
// both media types.
func (r responder) refuse(refused *refusal) {
	if refused.allow != "" {
		r.w.Header().Set("Allow", refused.allow)
	}
	r.count(refused.code)
	r.write(refused.status, &graphql.Response{Errors: gqlerror.List{refused.error()}})
}

// statusOf gives 200 to every well-formed request under application/json, and under
// application/graphql-response+json to those that were executed, as the specification of
// GraphQL over HTTP asks. An unknown persisted query has 200 under both, because Apollo's
// iOS client looks for its code only in responses with a 2xx status. One that has spent what it
// may has 429 under both, and one that is refused for its idempotency key the status of that:
// what stands before a server, and libraries that try again, go by it.
func (r responder) statusOf(response *graphql.Response) int {
	if response.Data != nil || len(response.Errors) == 0 {
		return http.StatusOK
	}
	first := response.Errors[0].Extensions
	status, _ := first["status"].(int)
	switch {
	case status >= http.StatusInternalServerError, status == http.StatusTooManyRequests, isOfIdempotencyKey(first["code"]):
		return status
	case r.mediaType == applicationJSON, first["code"] == codePersistedQueryNotFound:
		return http.StatusOK
	case status >= http.StatusBadRequest:
		return status
	}
	return http.StatusBadRequest
}

// isOfIdempotencyKey is true for what says that the operation was not run for its key, which
// is a header. Its status is the same under both media types, as libraries that send the header
// go by the status.
func isOfIdempotencyKey(code any) bool {
	for _, kind := range []apperr.Kind{
		apperr.IdempotencyKeyNotValid, apperr.IdempotencyKeyReused, apperr.IdempotencyKeyInUse, apperr.IdempotencyAnswerLost,
	} {
		if code == kind.New().Code() {
			return true
		}
	}
	return false
}

// write sends a response. The executor has encoded the data already, so they are copied
// and not encoded a second time. If the request failed before it was executed there is no
// member data at all; the specification forbids null there.
func (r responder) write(status int, response *graphql.Response) {
	body := borrowBuffer()
	defer returnBuffer(body)
	separator := byte('{')
	member := func(name string, value []byte) {
		body.WriteByte(separator)
		body.WriteString(name)
		body.Write(value)
		separator = ','
	}
	if len(response.Errors) > 0 {
		member(`"errors":`, encodeJSON(response.Errors))
	}
	if response.Data != nil {
		member(`"data":`, response.Data)
	}
	if len(response.Extensions) > 0 {
		member(`"extensions":`, encodeJSON(response.Extensions))
	}
	body.WriteByte('}')

	mediaType := r.mediaType
	if mediaType == "" {
		mediaType = applicationJSON
	}
	header := r.w.Header()
	header.Set("Content-Type", mediaType+"; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(body.Len()))
	r.answer(r.w, r.request, status, body.Bytes())
}

// writePlain sends an answer as it is.
func writePlain(w http.ResponseWriter, _ *http.Request, status int, body []byte) {
	w.WriteHeader(status)
	// An error here means that the client hung up, and then nobody waits for the response.
	_, _ = w.Write(body)
}

// WriteError answers a request with one error in the form of a GraphQL response. The
// transports of subscriptions use it for requests that become no stream.
func WriteError(w http.ResponseWriter, status int, err *gqlerror.Error) {
	responder{w: w, answer: writePlain, mediaType: applicationJSON}.write(status, &graphql.Response{Errors: gqlerror.List{err}})
}

// Refuse answers a request that nothing has read yet with a documented error.
func Refuse(w http.ResponseWriter, refused *apperr.Error) {
	setRetryAfter(w, refused.RetryAfter())
	WriteError(w, refused.Status(), fill(&gqlerror.Error{}, refused, ""))
}

// EncodeErrors gives a response that has errors and nothing else as JSON.
func EncodeErrors(errs gqlerror.List) []byte {
	return slices.Concat([]byte(`{"errors":`), encodeJSON(errs), []byte{'}'})
}

// encodeJSON panics for a value that JSON does not have, which only a mistake in the program
// can put into the extensions. The transport recovers and answers INTERNAL.
func encodeJSON(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return encoded
}
