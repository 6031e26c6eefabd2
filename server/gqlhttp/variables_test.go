package gqlhttp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"luxbff/server/gqlhttp"
	"luxbff/test/sampleschema"
)

// echoed is what the resolver of echo gets where nothing is given but what must be.
const echoed = `"flag":true,"on":true,"count":null,"score":null,"text":null,"id":null,"how":"KNOWN","table":null,"inner":null`

func TestVariablesAreCoerced(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	for name, tc := range map[string]struct{ input, want string }{
		"nothing but what must be":   {`{"flag": true}`, echoed},
		"null in place of a default": {`{"flag": true, "how": null}`, strings.Replace(echoed, `"KNOWN"`, `null`, 1)},
		"in place of a default":      {`{"flag": true, "on": false}`, strings.Replace(echoed, `"on":true`, `"on":false`, 1)},
		"an Int":                     {`{"flag": true, "count": -2147483648}`, strings.Replace(echoed, `"count":null`, `"count":-2147483648`, 1)},
		"an Int as 600.0":            {`{"flag": true, "count": 600.0}`, strings.Replace(echoed, `"count":null`, `"count":600`, 1)},
		"an Int as 6e2":              {`{"flag": true, "count": 6e2}`, strings.Replace(echoed, `"count":null`, `"count":600`, 1)},
		"an Int as 21474836470e-1":   {`{"flag": true, "count": 21474836470e-1}`, strings.Replace(echoed, `"count":null`, `"count":2147483647`, 1)},
		"a whole Float":              {`{"flag": true, "score": 2}`, strings.Replace(echoed, `"score":null`, `"score":2`, 1)},
		"a Float":                    {`{"flag": true, "score": -1.5e1}`, strings.Replace(echoed, `"score":null`, `"score":-15`, 1)},
		"an ID as text":              {`{"flag": true, "id": "9007199254740993"}`, strings.Replace(echoed, `"id":null`, `"id":9007199254740993`, 1)},
		"an ID as a number":          {`{"flag": true, "id": 9007199254740993}`, strings.Replace(echoed, `"id":null`, `"id":9007199254740993`, 1)},
		"an ID as 9007199254740993.": {`{"flag": true, "id": 9007199254740993.0}`, strings.Replace(echoed, `"id":null`, `"id":9007199254740993`, 1)},
		"lists of lists":             {`{"flag": true, "table": [[1, 2.0], []]}`, strings.Replace(echoed, `"table":null`, `"table":[[1,2],[]]`, 1)},
		"a list of single values":    {`{"flag": true, "table": [1, 2]}`, strings.Replace(echoed, `"table":null`, `"table":[[1],[2]]`, 1)},
		"a single value":             {`{"flag": true, "table": 1}`, strings.Replace(echoed, `"table":null`, `"table":[[1]]`, 1)},
		"a default within":           {`{"flag": true, "inner": {"flag": true}}`, strings.Replace(echoed, `"inner":null`, `"inner":{`+echoed+`}`, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := do(t, server, call{body: bodyOf(t, `query($input: EchoInput!) {echo(input: $input)}`,
				map[string]any{"input": json.RawMessage(tc.input)})})
			if want := `{"input":{` + tc.want + `},"loud":true}`; echoOf(t, got.Body.Bytes()) != want {
				t.Errorf("got %s\nwant %s", got.Body, want)
			}
		})
	}
}

func echoOf(t *testing.T, body []byte) string {
	t.Helper()
	var answer struct{ Data struct{ Echo string } }
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Data.Echo
}

func TestVariablesThatDoNotFit(t *testing.T) {
	t.Parallel()
	server, log := logged(t, gqlhttp.Config{})
	for input, field := range map[string]string{
		`{"flag": null}`:                                  "input.flag",
		`{"flag": "true"}`:                                "input.flag",
		`{"flag": 1}`:                                     "input.flag",
		`{"flag": true, "on": null}`:                      "input.on",
		`{}`:                                              "input.flag",
		`{"flag": true, "count": 600.5}`:                  "input.count",
		`{"flag": true, "count": 6e-1}`:                   "input.count",
		`{"flag": true, "count": 2147483648}`:             "input.count",
		`{"flag": true, "count": 2147483648.0}`:           "input.count",
		`{"flag": true, "count": 1e400000000}`:            "input.count",
		`{"flag": true, "count": "600"}`:                  "input.count",
		`{"flag": true, "count": true}`:                   "input.count",
		`{"flag": true, "count": [600]}`:                  "input.count",
		`{"flag": true, "score": "1.5"}`:                  "input.score",
		`{"flag": true, "score": 1e999}`:                  "input.score",
		`{"flag": true, "text": 600}`:                     "input.text",
		`{"flag": true, "id": 600.5}`:                     "input.id",
		`{"flag": true, "id": true}`:                      "input.id",
		`{"flag": true, "how": "known"}`:                  "input.how",
		`{"flag": true, "how": 1}`:                        "input.how",
		`{"flag": true, "table": [[1], null]}`:            "input.table[1]",
		`{"flag": true, "table": [[1, null]]}`:            "input.table[0][1]",
		`{"flag": true, "table": [[[1]]]}`:                "input.table[0][0]",
		`{"flag": true, "table": {}}`:                     "input.table[0][0]",
		`{"flag": true, "inner": {"flag": null}}`:         "input.inner.flag",
		`{"flag": true, "inner": []}`:                     "input.inner",
		`{"flag": true, "__typename": "EchoInput"}`:       "input.__typename",
		`{"flag": true, "Count": 1}`:                      "input.Count",
		`[{"flag": true}]`:                                "input",
		`"{}"`:                                            "input",
		`null`:                                            "input",
		`{"flag": true, "inner": {"flag": true, "n": 1}}`: "input.inner.n",
	} {
		got := do(t, server, call{body: bodyOf(t, `query($input: EchoInput!) {echo(input: $input)}`,
			map[string]any{"input": json.RawMessage(input)}), accept: graphqlJSON})
		expectBadRequest(t, got.Code, failureOf(t, got), input, field)
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", log)
	}
}

func expectBadRequest(t *testing.T, status int, failed failure, what, field string) {
	t.Helper()
	if status != http.StatusBadRequest || failed.Extensions.Code != "INVALID_REQUEST_OR_MISSING_PARAMETERS" ||
		failed.Extensions.Status != http.StatusBadRequest || failed.Extensions.Field != field || failed.Extensions.Reason == "" {
		t.Errorf("%s: got %d %+v, want field %s", what, status, failed, field)
	}
}

// TestNullInPlaceOfADefault sends null for a variable that is nullable and has a default.
// Validation allows such a variable where null is not allowed.
func TestNullInPlaceOfADefault(t *testing.T) {
	t.Parallel()
	server, log := logged(t, gqlhttp.Config{Introspection: true})
	for _, query := range []string{
		`query($v: Boolean = true) {hello @include(if: $v)}`,
		`query($v: Boolean = false) {hello @skip(if: $v)}`,
		`query($v: Boolean = true) {__typename @include(if: $v)}`,
		`query($v: Boolean = true) {__schema @include(if: $v) {description}}`,
		`query($v: Boolean = true) {... @include(if: $v) {hello}}`,
		`query($v: Boolean = true) {...F @skip(if: $v)} fragment F on Query {hello}`,
		`query($v: Boolean = true) {...F} fragment F on Query {...G} fragment G on Query {items {id @include(if: $v)}}`,
		`query($v: Boolean = true) {echo(input: {flag: $v})}`,
		`query($v: Boolean = true) {echo(input: {flag: true, on: $v})}`,
		`query($v: Boolean = true) {echo(input: {flag: true, inner: {flag: $v}})}`,
		`query($v: Boolean) {echo(input: {flag: true, on: $v})}`,
		`query($v: Boolean) {echo(input: {flag: true}, loud: $v)}`,
		`query($v: EchoInput = {flag: true}) {echo(input: $v)}`,
		`query($v: Int = 1) {echo(input: {flag: true, table: [[$v]]})}`,
		`query($v: [Int!] = [1]) {echo(input: {flag: true, table: [$v]})}`,
		`query($v: Date = "2024-02-29") {born(on: $v)}`,
		`query($v: Failure = KNOWN) {fail(how: $v)}`,
		`mutation($v: ID = 1) {rename(input: {id: $v}) {item {id}}}`,
		`subscription($v: Boolean = true) {changes {id @include(if: $v)}}`,
	} {
		for method, c := range map[string]call{
			"POST": {body: bodyOf(t, query, map[string]any{"v": nil}), accept: graphqlJSON},
			"GET":  {query: "query=" + url.QueryEscape(query) + "&variables=" + url.QueryEscape(`{"v":null}`), accept: graphqlJSON},
		} {
			got := do(t, server, c)
			expectBadRequest(t, got.Code, failureOf(t, got), method+" "+query, "v")
		}
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", log)
	}
}

// TestDefaultsOfVariables leaves the variable out, or sends null where null is allowed.
func TestDefaultsOfVariables(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	for _, tc := range []struct{ query, operation, variables, want string }{
		{`query A($v: Boolean = false) {hello @include(if: $v) __typename}`, "A", `{}`, `{"__typename":"Query"}`},
		{`query A($v: Boolean = false) {hello @include(if: $v) __typename}`, "A", `null`, `{"__typename":"Query"}`},
		{`query A($v: Int = 1) {items(first: $v) {id}}`, "A", `{}`, `{"items":[{"id":"1"}]}`},
		{`query A($v: Int = 1) {items(first: $v) {id}}`, "A", `{"v": null}`, `{"items":[]}`},
		{`query A($v: Int) {items(first: $v) {name}}`, "A", `{"w": 1}`, `{"items":[{"name":"item 1"},{"name":"item 2"},{"name":"item 3"}]}`},
		{`query A($v: [PickInput!] = {id: 1}) {pickAll(by: $v)}`, "A", `{}`, `{"pickAll":1}`},
	} {
		body, err := json.Marshal(map[string]any{
			"query": tc.query, "operationName": tc.operation, "variables": json.RawMessage(tc.variables),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := do(t, server, call{body: string(body)}); got.Body.String() != `{"data":`+tc.want+`}` {
			t.Errorf("%s %s: got %s", tc.operation, tc.query, got.Body)
		}
	}
}

// TestLiteralsThatDoNotFit are refused by validation, in arguments and in defaults alike.
func TestLiteralsThatDoNotFit(t *testing.T) {
	t.Parallel()
	server, log := logged(t, gqlhttp.Config{})
	for _, literal := range []struct{ wanted, argument, value string }{
		{"Int", "items(first: %) {id}", "2147483648"},
		{"Int", "items(first: %) {id}", "-99999999999999999999"},
		{"Int", "items(first: %) {id}", "1.0"},
		{"Int", "items(first: %) {id}", "1e2"},
		{"Int", "items(first: %) {id}", `"1"`},
		{"Int", "items(first: %) {id}", "{}"},
		{"Int", "items(first: %) {id}", "[1]"},
		{"Boolean", "hello @include(if: %)", "{}"},
		{"Boolean", "hello @include(if: %)", "[true]"},
		{"Boolean", "hello @include(if: %)", "1"},
		{"Boolean", "hello @include(if: %)", `"true"`},
		{"String", "hello(name: %)", "{a: 1}"},
		{"String", "hello(name: %)", "ENUM"},
		{"Failure", "fail(how: %)", `"KNOWN"`},
		{"Failure", "fail(how: %)", "known"},
		{"Failure", "fail(how: %)", "{}"},
		{"Failure", "fail(how: %)", "1"},
		{"PickInput", "pickAll(by: [%])", "{id: 1.5}"},
		{"PickInput", "pickAll(by: [%])", "{id: 1, name: \"a\"}"},
		{"PickInput", "pickAll(by: [%])", "1"},
		{"EchoInput", "echo(input: %)", "{flag: {}}"},
		{"EchoInput", "echo(input: %)", "{flag: true, table: [[null]]}"},
		{"EchoInput", "echo(input: %)", "{flag: true, table: [[[1]]]}"},
		{"EchoInput", "echo(input: %)", "{flag: true, score: 1e999}"},
		{"EchoInput", "echo(input: %)", "{flag: null}"},
	} {
		field := func(value string) string { return strings.Replace(literal.argument, "%", value, 1) }
		for _, query := range []string{
			"{" + field(literal.value) + "}",
			"query($v: " + literal.wanted + " = " + literal.value + ") {" + field("$v") + "}",
		} {
			failed := failureOf(t, do(t, server, call{body: bodyOf(t, query, nil)}))
			if failed.Extensions.Code != "GRAPHQL_VALIDATION_FAILED" {
				t.Errorf("%s: got %+v", query, failed)
			}
		}
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", log)
	}
}

// TestLargeLiterals are numbers that no integer of Go holds, where any number may stand.
func TestLargeLiterals(t *testing.T) {
	t.Parallel()
	server, log := logged(t, gqlhttp.Config{})
	for query, field := range map[string]string{
		`{pick(by: {id: 99999999999999999999})}`:                          "by.id",
		`query($v: ID! = 99999999999999999999) {pick(by: {id: $v})}`:      "by.id",
		`mutation {rename(input: {id: 9223372036854775808}) {item {id}}}`: "input.id",
		`{born(on: 99999999999999999999)}`:                                "on",
		`{born(on: 1e999)}`:                                               "on",
		`{born(on: {a: [99999999999999999999]})}`:                         "on",
	} {
		failed := failureOf(t, do(t, server, call{body: bodyOf(t, query, nil)}))
		if failed.Extensions.Code != "INVALID_REQUEST_OR_MISSING_PARAMETERS" || failed.Extensions.Field != field {
			t.Errorf("%s: got %+v", query, failed)
		}
	}
	got := do(t, server, call{body: `{"query": "{echo(input: {flag: true, score: 99999999999999999999, id: 9223372036854775807})}"}`})
	if want := `"score":100000000000000000000,"text":null,"id":9223372036854775807`; !strings.Contains(echoOf(t, got.Body.Bytes()), want) {
		t.Errorf("got %s", got.Body)
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", log)
	}
}

// TestDeepInput checks that the depth of a value costs no more than its length.
func TestDeepInput(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	const levels = 9_000
	deep := strings.Repeat(`{"flag":true,"inner":`, levels) + `{"flag":null}` + strings.Repeat("}", levels)
	got := do(t, server, call{body: `{"query": "query($v: EchoInput!) {echo(input: $v)}", "variables": {"v": ` + deep + `}}`})
	if failed := failureOf(t, got); !strings.HasSuffix(failed.Extensions.Field, ".inner.flag") {
		t.Errorf("got %+v", failed)
	}
	lists := strings.Repeat("[", levels) + strings.Repeat("]", levels)
	got = do(t, server, call{body: `{"query": "query($v: [PickInput!]) {pickAll(by: $v)}", "variables": {"v": ` + lists + `}}`})
	if failed := failureOf(t, got); failed.Extensions.Field != "v[0]" {
		t.Errorf("got %+v", failed)
	}
}

// TestSharedFragment spreads a fragment in operations that define its variable differently.
func TestSharedFragment(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	const (
		shared  = ` fragment F on Query {echo(input: {flag: true, text: $n})}`
		ann     = `query Ann($n: String = "Ann") {...F} `
		bo      = `query Bo($n: String = "Bo") {...F} `
		nothing = `query Nothing($n: String) {...F} `
	)
	for operation, text := range map[string]string{"Ann": `"text":"Ann"`, "Bo": `"text":"Bo"`, "Nothing": `"text":null`} {
		for _, query := range []string{ann + bo + nothing + shared, nothing + bo + ann + shared} {
			got := do(t, server, call{body: fmt.Sprintf(`{"query": %q, "operationName": %q}`, query, operation)})
			if !strings.Contains(echoOf(t, got.Body.Bytes()), text) {
				t.Errorf("%s of %s: got %s", operation, query, got.Body)
			}
		}
	}
}
