package gqlhttp_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"luxbff/graph/encode"
	"luxbff/server/gqlhttp"
	"luxbff/test/sampleschema"
)

// TestAnswersAreBounded asks for answers of just the largest size and of a byte more.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	for _, limitData := range []func(context.Context, *int) context.Context{nil, encode.WithLimit} {
		checkAnswersAreBounded(t, limitData)
	}
}

func checkAnswersAreBounded(t *testing.T, limitData func(context.Context, *int) context.Context) {
	t.Helper()
	const limit = 400
	counted := map[string]int{}
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{
		MaxAnswer: limit, LimitData: limitData, CountError: func(code string) { counted[code]++ },
	}))
	// {"a…": "Query"}
	fits := strings.Repeat("a", limit-len(`{"":"Query"}`))
	const refused = `{"errors":[{"message":"The answer has more than 400 bytes, which is the limit. Ask for less at once.",` +
		`"extensions":{"code":"ANSWER_TOO_LARGE","limit":400,"status":400}}],"data":null}`
	for query, want := range map[string]string{
		"{" + fits + ": __typename}":                                              `{"data":{"` + fits + `":"Query"}}`,
		"{" + fits + "a: __typename}":                                             refused,
		"{items(first: 100) {id name}}":                                           refused,
		"mutation {rename(input: {id: 1, name: \"" + fits + "\"}) {item {name}}}": refused,
		// What is too large are the errors.
		"{" + fits[:limit-20] + ": fail(how: KNOWN)}": refused,
	} {
		got := []string{do(t, server, call{body: bodyOf(t, query, nil)}).Body.String()}
		if !strings.HasPrefix(query, "mutation") {
			got = append(got, do(t, server, call{method: http.MethodGet, query: url.Values{"query": {query}}.Encode()}).Body.String())
		}
		for _, body := range got {
			if body != want {
				t.Errorf("%.80s: got %s, want %s", query, body, want)
			}
		}
	}
	if counted["ANSWER_TOO_LARGE"] != 7 {
		t.Errorf("counted %v", counted)
	}
}
