package gqlhttp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"luxbff/server/gqlhttp"
	"luxbff/test/sampleschema"
)

// FuzzPOST checks that any body gets JSON in UTF-8 with data or with an error that has a
// code, and never a 500.
func FuzzPOST(f *testing.F) {
	for _, body := range []string{
		`{"query": "{hello}"}`,
		`{"query": "query($by: PickInput!) {pick(by: $by)}", "variables": {"by": {"id": 5}}}`,
		`{"query": "query($by: [PickInput!]) {pickAll(by: $by)}", "variables": {"by": {"next": {"name": "\ud83c\udfc3"}}}}`,
		`{"query": "mutation($input: RenameInput!) {rename(input: $input) {item {id ...f}}} fragment f on Item {name}", "variables": {"input": {"id": 1, "name": null}}}`,
		`{"query": "query A {items(first: 2) {id}} query B {born(on: \"2024-02-29\")}", "operationName": "B"}`,
		`{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}}`,
		`{"query": "{fail(how: UNKNOWN)}"}`, `{"query": "{__schema {types {name}}}"}`,
		`{"query": "{hello(name: \"\\ud800\")}"}`, `[{}]`, `{"query": 5`, `"\ud800"`, "\xff",
	} {
		f.Add([]byte(body))
	}
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{Introspection: true, Suggestions: true}))
	f.Fuzz(func(t *testing.T, body []byte) {
		// One of the resolvers waits for its client to leave.
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		recorder := httptest.NewRecorder()
		server.ServeHTTP(recorder, call{method: http.MethodPost, body: string(body)}.request().WithContext(ctx))
		if recorder.Code != http.StatusOK && recorder.Code != http.StatusBadRequest {
			t.Fatalf("got %d %s", recorder.Code, recorder.Body)
		}
		var answer struct {
			Data   json.RawMessage
			Errors []failure
		}
		if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil || !utf8.Valid(recorder.Body.Bytes()) {
			t.Fatalf("%v in %s", err, recorder.Body)
		}
		if len(answer.Errors) == 0 && answer.Data == nil {
			t.Fatalf("neither data nor errors in %s", recorder.Body)
		}
		for _, failed := range answer.Errors {
			if failed.Extensions.Code == "" || failed.Message == "" {
				t.Fatalf("an error without code in %s", recorder.Body)
			}
		}
	})
}

// FuzzDecodeObject checks that what is read is what encoding/json takes for an object, and
// the members those that it finds under their exact names.
func FuzzDecodeObject(f *testing.F) {
	for _, text := range []string{
		`{"query": "a", "QUERY": "b"}`, `{"query": "a", "query": "b"}`, `{"x": [{"query": 1}], "query": "a"}`, ` null `, `{}`,
		`{"query": null}`, `{"query": "a",}`, `{"query" "a"}`, `{"query": "a" "b": 1}`, `{,}`, `{"query": "a"}}`, `{"a": 1e}`, `{1: 2}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var query string
		err := gqlhttp.DecodeObject([]byte(text), map[string]any{"query": &query})
		var members map[string]json.RawMessage
		isObject := json.Unmarshal([]byte(text), &members) == nil
		if err == nil && !isObject {
			t.Fatalf("%q is taken", text)
		}
		var want string
		if !isObject || json.Unmarshal(members["query"], &want) != nil {
			return
		}
		// A backslash may begin half a character, which is refused.
		isRefused := !utf8.ValidString(text) || strings.Contains(text, `\`)
		switch {
		case err != nil && !isRefused:
			t.Fatalf("%q: %v", text, err)
		case err == nil && query != want && want != "":
			t.Fatalf("%q: got %q, want %q", text, query, want)
		}
	})
}
