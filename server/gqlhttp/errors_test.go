package gqlhttp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/apperr"
	"luxbff/server/gqlhttp"
	"luxbff/test/sampleschema"
)

// logged makes a server and the buffer that its log goes to.
func logged(t *testing.T, config gqlhttp.Config) (server http.Handler, log *bytes.Buffer) {
	t.Helper()
	log = &bytes.Buffer{}
	config.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return gqlhttp.New(sampleschema.NewSchema(), config), log
}

func TestErrorsOfResolvers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		query             string
		want              string
		inLog, neverInLog []string
	}{
		"a documented error": {
			`{fail(how: KNOWN)}`,
			`{"errors":[{"message":"Serial code is not valid","path":["fail"],"locations":[{"line":1,"column":2}],` +
				`"extensions":{"code":"SERIAL_CODE_IS_NOT_VALID","field":"input.serialCode","status":400}}],"data":{"fail":null}}`,
			nil, nil,
		},
		"one that takes the whole answer along": {
			`{failHard(how: KNOWN)}`,
			`{"errors":[{"message":"Serial code is not valid","path":["failHard"],"locations":[{"line":1,"column":2}],` +
				`"extensions":{"code":"SERIAL_CODE_IS_NOT_VALID","field":"input.serialCode","status":400}}],"data":null}`,
			nil, nil,
		},
		"an unexpected error": {
			`query Home {mine: fail(how: UNKNOWN)}`,
			`{"errors":[{"message":"Internal server error. Please try again later.","path":["mine"],"locations":[{"line":1,"column":13}],` +
				`"extensions":{"code":"INTERNAL","status":500}}],"data":{"mine":null}}`,
			[]string{sampleschema.ErrUnknown.Error(), `"field":"Query.fail"`, `"ERROR"`},
			nil,
		},
		"a panic": {
			`query Home {fail(how: PANIC)}`,
			`{"errors":[{"message":"Internal server error. Please try again later.","path":["fail"],` +
				`"extensions":{"code":"INTERNAL","status":500}}],"data":{"fail":null}}`,
			[]string{`"panic":"string"`, `"field":"Query.fail"`, "resolver.go", `"ERROR"`},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, log := logged(t, gqlhttp.Config{})
			got := do(t, server, call{body: `{"operationName": "` + operationOf(tc.query) + `", "query": "` + tc.query + `"}`, accept: graphqlJSON})
			if got.Code != http.StatusOK || got.Body.String() != tc.want {
				t.Errorf("got %d %s\nwant %s", got.Code, got.Body, tc.want)
			}
			for _, text := range tc.inLog {
				if !strings.Contains(log.String(), text) {
					t.Errorf("%s is not in the log: %s", text, log)
				}
			}
			if len(tc.inLog) == 0 && log.Len() > 0 {
				t.Errorf("logged %s", log)
			}
		})
	}
}

func operationOf(query string) string {
	if strings.HasPrefix(query, "query Home") {
		return "Home"
	}
	return ""
}

// TestOperationNameInTheLogIsTruncated, because a client chooses it.
func TestOperationNameInTheLogIsTruncated(t *testing.T) {
	t.Parallel()
	server, log := logged(t, gqlhttp.Config{})
	name := strings.Repeat("A", 5_000)
	do(t, server, call{body: `{"operationName": "` + name + `", "query": "query ` + name + ` {` + name + `: fail(how: UNKNOWN)}"}`})
	if size := log.Len(); size == 0 || size > 1_000 {
		t.Errorf("logged %d bytes", size)
	}
}

// TestClientThatHangsUpIsNoError neither logs it as one nor counts it: an alarm is set on
// unexpected errors.
func TestClientThatHangsUpIsNoError(t *testing.T) {
	t.Parallel()
	server, log := logged(t, gqlhttp.Config{CountError: func(code string) { t.Errorf("counted %s", code) }})
	ctx, leave := context.WithCancel(t.Context())
	leave()
	r := call{body: `{"query": "{fail(how: CANCELLED)}"}`}.request().WithContext(ctx)
	server.ServeHTTP(httptest.NewRecorder(), r)
	if strings.Contains(log.String(), "ERROR") {
		t.Errorf("logged %s", log)
	}
}

func TestErrorsOfInput(t *testing.T) {
	t.Parallel()
	const badRequest = "INVALID_REQUEST_OR_MISSING_PARAMETERS"
	server, log := logged(t, gqlhttp.Config{})
	for name, tc := range map[string]struct {
		query     string
		variables any
		field     string
		path      int // elements of the response path
	}{
		"a missing variable":           {`query($n: Date!) {born(on: $n)}`, nil, "n", 0},
		"a null variable":              {`query($n: Date!) {born(on: $n)}`, map[string]any{"n": nil}, "n", 0},
		"a variable of another type":   {`query($n: String) {hello(name: $n)}`, map[string]any{"n": true}, "n", 0},
		"a number for text":            {`query($n: String) {hello(name: $n)}`, map[string]any{"n": 5}, "n", 0},
		"text for a number":            {`query($n: Int) {items(first: $n) {id}}`, map[string]any{"n": "5"}, "n", 0},
		"a number of 64 bits":          {`query($n: Int) {items(first: $n) {id}}`, map[string]any{"n": 1 << 40}, "n", 0},
		"a fraction":                   {`query($n: Int) {items(first: $n) {id}}`, map[string]any{"n": 1.5}, "n", 0},
		"an impossible date":           {`query($n: Date!) {born(on: $n)}`, map[string]any{"n": "2025-02-30"}, "on", 1},
		"an impossible literal":        {`{born(on: "2025-02-30")}`, nil, "on", 1},
		"an unknown enum value":        {`query($n: Failure!) {fail(how: $n)}`, map[string]any{"n": "SOMEHOW"}, "n", 0},
		"an enum in small letters":     {`query($n: Failure!) {fail(how: $n)}`, map[string]any{"n": "known"}, "n", 0},
		"an unknown field":             {`mutation($input: RenameInput!) {rename(input: $input) {item {id}}}`, map[string]any{"input": map[string]any{"id": 1, "nam": ""}}, "input.nam", 0},
		"a missing field":              {`mutation($input: RenameInput!) {rename(input: $input) {item {id}}}`, map[string]any{"input": map[string]any{}}, "input.id", 0},
		"an input in a fragment":       {`mutation($in: RenameInput!) {...F} fragment F on Mutation {...G} fragment G on Mutation {rename(input: $in) {item {id}}}`, map[string]any{"in": map[string]any{"id": true}}, "input.id", 0},
		"an inline fragment":           {`mutation($n: [Date!]) {... on Mutation {rename(input: {id: 1, born: $n}) {item {id}}}}`, map[string]any{"n": []any{nil}}, "input.born[0]", 0},
		"an id that is no number":      {`mutation($input: RenameInput!) {rename(input: $input) {item {id}}}`, map[string]any{"input": map[string]any{"id": "x"}}, "input.id", 1},
		"one bad element of a list":    {`mutation($input: RenameInput!) {rename(input: $input) {item {id}}}`, map[string]any{"input": map[string]any{"id": 1, "born": []string{"2024-01-01", "never"}}}, "input.born[1]", 1},
		"null in a list that has none": {`mutation($input: RenameInput!) {rename(input: $input) {item {id}}}`, map[string]any{"input": map[string]any{"id": 1, "born": []any{nil}}}, "input.born[0]", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := do(t, server, call{body: bodyOf(t, tc.query, tc.variables), accept: graphqlJSON})
			failed := failureOf(t, got)
			if failed.Extensions.Code != badRequest || failed.Extensions.Status != http.StatusBadRequest ||
				failed.Extensions.Field != tc.field || failed.Message != apperr.BadRequest.New().Detail() ||
				failed.Extensions.Reason == "" || len(failed.Path) != tc.path {
				t.Errorf("got %s", got.Body)
			}
			if executed := tc.path > 0; (got.Code == http.StatusOK) != executed {
				t.Errorf("got status %d", got.Code)
			}
		})
	}
	t.Cleanup(func() {
		if log.Len() > 0 {
			t.Errorf("what clients do wrong is in the log: %s", log)
		}
	})
}

// TestStatusOfRequestErrors checks that under application/json a well-formed request
// has 200 whatever its result.
func TestStatusOfRequestErrors(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{MaxComplexity: 20}))
	for name, tc := range map[string]struct{ query, code string }{
		"a document that doesn't parse":    {"{", "GRAPHQL_PARSE_FAILED"},
		"a fragment with variables":        {`{...F} fragment F($v: Boolean = true) on Query {hello @include(if: $v)}`, "GRAPHQL_PARSE_FAILED"},
		"half a character":                 {`{hello(name: "\ud800")}`, "GRAPHQL_PARSE_FAILED"},
		"an unknown field":                 {"{nobody}", "GRAPHQL_VALIDATION_FAILED"},
		"no operation":                     {"fragment F on Query {hello}", "GRAPHQL_VALIDATION_FAILED"},
		"which operation":                  {"query A {hello} query B {hello}", "GRAPHQL_VALIDATION_FAILED"},
		"a bad variable":                   {"query($n: Date!) {born(on: $n)}", "INVALID_REQUEST_OR_MISSING_PARAMETERS"},
		"an operation that costs too much": {"{items(first: 30) {id}}", "COMPLEXITY_LIMIT_EXCEEDED"},
	} {
		for accept, status := range map[string]int{plainJSON: http.StatusOK, graphqlJSON: http.StatusBadRequest, apolloMobile: http.StatusOK} {
			t.Run(name+" as "+accept, func(t *testing.T) {
				t.Parallel()
				got := do(t, server, call{body: bodyOf(t, tc.query, nil), accept: accept})
				failed := failureOf(t, got)
				if got.Code != status || failed.Extensions.Code != tc.code || failed.Extensions.Status != http.StatusBadRequest {
					t.Errorf("got %d %s", got.Code, got.Body)
				}
				if strings.Contains(got.Body.String(), `"data"`) {
					t.Errorf("a request error has data: %s", got.Body)
				}
			})
		}
	}
}

// TestWhichOperation checks that an error says how to choose one of several operations.
func TestWhichOperation(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	const (
		several  = "The document has several operations: operationName must name the one to run."
		noSuch   = "The document has no operation of the name that operationName gives."
		loneOnly = "This anonymous operation must be the only defined operation."
	)
	for _, tc := range []struct{ query, operation, message, field string }{
		{`query A {hello} query B {hello}`, "", several, "operationName"},
		{`query A {hello} mutation B {rename(input: {id: 1}) {item {id}}}`, "", several, "operationName"},
		{`query A {hello} query B {hello}`, "C", noSuch, "operationName"},
		{`query A {hello} query B {hello}`, "a", noSuch, "operationName"},
		{`query A {hello}`, "C", noSuch, "operationName"},
		{`{hello}`, "A", noSuch, "operationName"},
		{`{hello} {hello}`, "", loneOnly, ""},
		{`{hello} query A {hello}`, "A", loneOnly, ""},
		{`query A {hello} query A {hello}`, "A", `There can be only one operation named "A".`, ""},
	} {
		body, err := json.Marshal(map[string]string{"query": tc.query, "operationName": tc.operation})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time the document comes from the cache
			failed := failureOf(t, do(t, server, call{body: string(body)}))
			if failed.Message != tc.message || failed.Extensions.Code != "GRAPHQL_VALIDATION_FAILED" ||
				failed.Extensions.Field != tc.field || failed.Extensions.Status != http.StatusBadRequest {
				t.Errorf("%s of %s: got %+v", tc.operation, tc.query, failed)
			}
		}
	}
}

// around is an extension made of a function.
type around func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler

func (around) ExtensionName() string                   { return "Around" }
func (around) Validate(graphql.ExecutableSchema) error { return nil }
func (a around) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return a(ctx, next)
}

func TestPanicOutsideResolvers(t *testing.T) {
	t.Parallel()
	server, log := logged(t, gqlhttp.Config{Extensions: []graphql.HandlerExtension{
		around(func(context.Context, graphql.OperationHandler) graphql.ResponseHandler {
			panic(struct{ Phone string }{"+821012345678"})
		}),
	}})
	got := do(t, server, call{body: `{"query": "{hello}"}`})
	if failed := failureOf(t, got); got.Code != http.StatusInternalServerError || failed.Extensions.Code != "INTERNAL" {
		t.Errorf("got %d %s", got.Code, got.Body)
	}
	if !strings.Contains(log.String(), "Phone string") || strings.Contains(log.String(), "+8210") {
		t.Errorf("logged %s", log)
	}
}

// refusing is an extension that refuses every operation.
type refusing struct{ because *apperr.Error }

func (refusing) ExtensionName() string                   { return "Refusing" }
func (refusing) Validate(graphql.ExecutableSchema) error { return nil }
func (r refusing) MutateOperationContext(context.Context, *graphql.OperationContext) *gqlerror.Error {
	return gqlerror.Wrap(r.because)
}

func TestExtensionRefusesAnOperation(t *testing.T) {
	t.Parallel()
	server, log := logged(t, gqlhttp.Config{Extensions: []graphql.HandlerExtension{
		refusing{apperr.TooManyRequests.Wrap(errors.New("the bucket is empty"))},
	}})
	for accept, status := range map[string]int{plainJSON: http.StatusTooManyRequests, graphqlJSON: http.StatusTooManyRequests} {
		got := do(t, server, call{body: `{"query": "{hello}"}`, accept: accept})
		if failed := failureOf(t, got); got.Code != status || failed.Extensions.Code != "TOO_MANY_REQUESTS" {
			t.Errorf("as %s got %d %s", accept, got.Code, got.Body)
		}
	}
	if text := log.String(); !strings.Contains(text, "the bucket is empty") || !strings.Contains(text, "DEBUG") {
		t.Errorf("logged %s", text)
	}
}
