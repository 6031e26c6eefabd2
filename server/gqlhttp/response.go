package gqlhttp

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// answer is where one request is answered. An empty media type stands for one
// that could not be agreed on.
type answer struct {
	w         http.ResponseWriter
	mediaType string
	// count is told the code of a refusal.
	count func(code string)
}

// respond writes what the executor said.
func (a answer) respond(response *graphql.Response) { a.write(a.statusOf(response), response) }

// refuse answers a request that never became an operation; its status is the
// same under both media types.
func (a answer) refuse(refused *refusal) {
	if refused.allow != "" {
		a.w.Header().Set("Allow", refused.allow)
	}
	a.count(refused.code)
	a.write(refused.status, &graphql.Response{Errors: gqlerror.List{refused.error()}})
}

// statusOf gives 200 to every well-formed request under application/json, and
// under application/graphql-response+json to those that were executed. A
// persisted query that is not known has 200 under both: Apollo's iOS client
// looks for the code in answers with a 2xx status alone.
func (a answer) statusOf(response *graphql.Response) int {
	if response.Data != nil || len(response.Errors) == 0 {
		return http.StatusOK
	}
	first := response.Errors[0].Extensions
	status, _ := first["status"].(int)
	switch {
	case status >= http.StatusInternalServerError:
		return status
	case a.mediaType == applicationJSON, first["code"] == codePersistedQueryNotFound:
		return http.StatusOK
	case status >= http.StatusBadRequest:
		return status
	}
	return http.StatusBadRequest
}

// write sends one response. The data were encoded by the executor and go out as
// they are; a request error has no data at all, not null.
func (a answer) write(status int, response *graphql.Response) {
	body := borrowBuffer()
	defer returnBuffer(body)
	comma := byte('{')
	member := func(name string, value []byte) {
		body.WriteByte(comma)
		body.WriteString(name)
		body.Write(value)
		comma = ','
	}
	if len(response.Errors) > 0 {
		member(`"errors":`, encode(response.Errors))
	}
	if response.Data != nil {
		member(`"data":`, response.Data)
	}
	if len(response.Extensions) > 0 {
		member(`"extensions":`, encode(response.Extensions))
	}
	body.WriteByte('}')

	mediaType := a.mediaType
	if mediaType == "" {
		mediaType = applicationJSON
	}
	header := a.w.Header()
	header.Set("Content-Type", mediaType+"; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(body.Len()))
	a.w.WriteHeader(status)
	// A client that is gone needs no answer.
	_, _ = a.w.Write(body.Bytes())
}

// encode panics where an extension put a value into the response that JSON does
// not have; the transport recovers.
func encode(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return encoded
}
