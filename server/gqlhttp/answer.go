package gqlhttp

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const codeAnswerTooLarge = "ANSWER_TOO_LARGE"

// answerLimit refuses an answer that is too large, whatever transport would carry it, and
// has the generated executor encode no more of it than may be sent. Data are not sent in
// part: nobody could tell that something is missing. What a mutation did remains done.
type answerLimit struct {
	limit *int // bytes
	// limitData is [Config.LimitData].
	limitData func(context.Context, *int) context.Context
	count     func(code string)
}

// ExtensionName implements graphql.HandlerExtension.
func (answerLimit) ExtensionName() string { return "AnswerLimit" }

// Validate implements graphql.HandlerExtension.
func (answerLimit) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse implements graphql.ResponseInterceptor.
func (l answerLimit) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(l.limitData(ctx, l.limit))
	if response == nil || sizeOf(response) <= *l.limit {
		return response
	}
	l.count(codeAnswerTooLarge)
	refused := gqlerror.Errorf("The answer has more than %d bytes, which is the limit. Ask for less at once.", *l.limit)
	refused.Extensions = withStatus(map[string]any{"code": codeAnswerTooLarge, "limit": *l.limit})
	data := response.Data
	if data != nil {
		data = []byte("null")
	}
	return &graphql.Response{Data: data, Errors: gqlerror.List{refused}}
}

// sizeOf gives about how many bytes a response has: all of its data, and of its errors
// what a client can make long.
func sizeOf(response *graphql.Response) int {
	size := len(response.Data)
	for _, one := range response.Errors {
		const frame = 100 // of the members' names, codes and places
		size += frame + len(one.Message)
		for _, element := range one.Path {
			if name, isName := element.(interface{ String() string }); isName {
				size += len(name.String())
			}
		}
		for _, value := range one.Extensions {
			if text, isText := value.(string); isText {
				size += len(text)
			}
		}
	}
	return size
}
