package app

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/idempotency"
	"luxbff/internal/viewer"
)

const (
	idempotencyKey      = "Idempotency-Key"
	idempotencyReplayed = "Idempotency-Replayed"
	// idempotencyExtension names the key where a request has no headers of its own, as on a
	// socket.
	idempotencyExtension = "idempotencyKey"
)

// onceOnly runs the mutations of a request that has an idempotency key once, whatever
// transport brings it, and gives the first answer again. A document with several mutations is
// one request. It belongs behind all extensions that ask who the viewer is.
type onceOnly struct{ service *idempotency.Service }

var _ interface {
	graphql.HandlerExtension
	graphql.ResponseInterceptor
} = onceOnly{}

// ExtensionName implements graphql.HandlerExtension.
func (onceOnly) ExtensionName() string { return "Idempotency" }

// Validate implements graphql.HandlerExtension.
func (onceOnly) Validate(graphql.ExecutableSchema) error { return nil }

// onceState is what becomes of an operation with a key.
type onceState struct{ isReplayed bool }

// InterceptResponse implements graphql.ResponseInterceptor.
func (o onceOnly) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	operation := graphql.GetOperationContext(ctx)
	if operation.Operation == nil || operation.Operation.Operation != ast.Mutation || !hasKey(operation) {
		return next(ctx)
	}
	if len(graphql.GetErrors(ctx)) > 0 {
		return next(ctx) // the operation is refused and does not run
	}
	if operation.Stats.GetExtension(o.ExtensionName()) != nil {
		return nil // a transport that answers in parts asks until there is no more
	}
	state := &onceState{}
	operation.Stats.SetExtension(o.ExtensionName(), state)
	request, err := requestOf(ctx, operation)
	if err != nil {
		return refuse(ctx, err)
	}
	var first *graphql.Response
	answer, isReplayed, err := o.service.Do(ctx, request, func(ctx context.Context) idempotency.Answer {
		first = next(ctx)
		return answerOf(first)
	})
	switch {
	case err != nil:
		return refuse(ctx, err)
	case !isReplayed:
		return first
	}
	state.isReplayed = true
	again, err := readAnswer(answer.Body)
	if err != nil {
		return refuse(ctx, err)
	}
	return again
}

// markReplayed adds the header of an answer that was given before.
func markReplayed(operation *graphql.OperationContext, header http.Header) {
	state, _ := operation.Stats.GetExtension(onceOnly{}.ExtensionName()).(*onceState)
	if state != nil && state.isReplayed {
		header.Set(idempotencyReplayed, "true")
	}
}

func hasKey(operation *graphql.OperationContext) bool {
	return operation.Headers[idempotencyKey] != nil || operation.Extensions[idempotencyExtension] != nil
}

// requestOf names the request by what no other has in common with it: its document, the operation in
// it, and the variables, in which the order of members does not count. Which transport it
// comes by makes no difference.
func requestOf(ctx context.Context, operation *graphql.OperationContext) (idempotency.Request, error) {
	given := operation.Headers[idempotencyKey]
	if extension := operation.Extensions[idempotencyExtension]; extension != nil {
		text, _ := extension.(string) // any other type is no key
		given = append(given[:len(given):len(given)], text)
	}
	key, err := idempotency.ParseKeys(given)
	if err != nil {
		return idempotency.Request{}, err
	}
	variables, err := json.Marshal(operation.Variables)
	if err != nil {
		return idempotency.Request{}, err
	}
	request := idempotency.Request{
		Key: key, Digest: idempotency.Digest("GraphQL", operation.RawQuery, operation.OperationName, string(variables)),
	}
	if v, err := viewer.From(ctx); err == nil {
		request.RootUserID = v.RootUserID()
	}
	return request, nil
}

// refuse answers with an error alone, in the form of all others.
func refuse(ctx context.Context, err error) *graphql.Response {
	graphql.AddError(ctx, err)
	return &graphql.Response{Errors: graphql.GetErrors(ctx)}
}

// keptAnswer is an answer as it is kept.
type keptAnswer struct {
	Data       json.RawMessage `json:"data,omitempty"`
	Errors     gqlerror.List   `json:"errors,omitempty"`
	Extensions map[string]any  `json:"extensions,omitempty"`
}

// answerOf gives the answer that is kept of a response. Of several errors one that may pass
// decides.
func answerOf(response *graphql.Response) idempotency.Answer {
	if response == nil {
		return idempotency.Answer{}
	}
	outcome := idempotency.Done
	for _, one := range response.Errors {
		status, hasStatus := one.Extensions["status"].(int)
		if !hasStatus {
			status = http.StatusInternalServerError
		}
		outcome = min(outcome, idempotency.OutcomeOf(status))
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // so that the data stay as they are, byte for byte
	if err := encoder.Encode(keptAnswer{response.Data, response.Errors, response.Extensions}); err != nil {
		return idempotency.Answer{}
	}
	return idempotency.Answer{Status: http.StatusOK, Body: body.Bytes(), Outcome: outcome}
}

// readAnswer reads what answerOf has written.
func readAnswer(body []byte) (*graphql.Response, error) {
	var kept keptAnswer
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&kept); err != nil {
		return nil, err
	}
	return &graphql.Response{Data: kept.Data, Errors: kept.Errors, Extensions: kept.Extensions}, nil
}
