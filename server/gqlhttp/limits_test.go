package gqlhttp_test

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"luxbff/server/gqlhttp"
	"luxbff/test/sampleschema"
)

func repeat(count int, format string) string {
	var all strings.Builder
	for i := range count {
		fmt.Fprintf(&all, strings.ReplaceAll(format, "%d", "%[1]d"), i)
	}
	return all.String()
}

func TestLimits(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{
		MaxComplexity: 50, MaxDepth: 4, MaxSelections: 60, MaxTokens: 300,
		MaxAliases: 4, MaxRootFields: 45, MaxRepeatedFields: 80,
	}))
	for name, tc := range map[string]struct{ within, beyond, message string }{
		"depth": {
			"{items {parent {parent {id}}}}", "{items {parent {parent {parent {id}}}}}",
			"The operation nests 5 levels deep, which exceeds the limit of 4.",
		},
		"depth of fragments": {
			"{items {...a}} fragment a on Item {parent {...b}} fragment b on Item {parent {id}}",
			"{items {...a}} fragment a on Item {parent {...b}} fragment b on Item {parent {parent {id}}}",
			"The operation nests 5 levels deep, which exceeds the limit of 4.",
		},
		"depth of inline fragments": {
			"{items {... on Item {parent {... {parent {id}}}}}}", "{items {... on Item {parent {... {parent {parent {id}}}}}}}",
			"The operation nests 5 levels deep, which exceeds the limit of 4.",
		},
		"complexity": {
			"{items(first: 49) {id}}", "{items(first: 50) {id}}",
			"The operation has complexity 51, which exceeds the limit of 50.",
		},
		"complexity of a default": {
			"{items {items {items {id}}}}", "{items {items {items {id name}}}}",
			"The operation has complexity 67, which exceeds the limit of 50.",
		},
		"complexity of fragments": {
			"{items(first: 4) {...a ...a}} fragment a on Item {id ... {name} ...b} fragment b on Item {size parent {__typename}}",
			"{items(first: 4) {...a ...a ...b}} fragment a on Item {id ... {name} ...b} fragment b on Item {size parent {__typename}}",
			"The operation has complexity 53, which exceeds the limit of 50.",
		},
		"selections": {
			"{items(first: 1) {" + strings.Repeat("id ", 45) + "}}", "{items(first: 1) {" + strings.Repeat("id ", 60) + "}}",
			"The document has 61 selections, which exceeds the limit of 60.",
		},
		"selections of all operations": {
			"{hello}", repeat(20, "query q%d {hello hello} ") + "fragment f on Query {" + strings.Repeat("hello ", 21) + "}",
			"The document has 61 selections, which exceeds the limit of 60.",
		},
		"aliases": {
			"{a: hello b: hello items {a: id b: id c: id d: id}}", "{a: hello b: hello c: hello items {parent {hello: id} d: id}} query q {a: hello b: hello c: hello d: hello e: hello}",
			"The operation has 5 aliases of one field, which exceeds the limit of 4.",
		},
		"aliases of fragments": {
			"{...a ...a} fragment a on Query {a: hello ...b} fragment b on Query {b: hello}",
			"{...a items {...c}} fragment a on Query {a: hello ...b ... {...b}} fragment b on Query {b: hello c: hello} fragment c on Item {id}",
			"The operation has 5 aliases of one field, which exceeds the limit of 4.",
		},
		"aliases below aliases": {
			"{a: items {a: id b: id} b: items {c: id d: id}}", "{a: items {a: id b: id} b: items {c: id d: id e: id}}",
			"The operation has 5 aliases of one field, which exceeds the limit of 4.",
		},
		"root fields": {
			"{" + strings.Repeat("hello ", 20) + "...a} fragment a on Query {" + strings.Repeat("__typename ", 25) + "}",
			"{" + strings.Repeat("hello ", 20) + "...a ...a ... {...a}} fragment a on Query {" + strings.Repeat("__typename ", 9) + "}",
			"The operation has 47 root fields, which exceeds the limit of 45.",
		},
		"repeated fields": {
			"{items(first: 1) {...a ...a ...a ...a}} fragment a on Item {" + strings.Repeat("id ", 4) + "}",
			"{items(first: 1) {...a ...a ...a ...a id}} fragment a on Item {" + strings.Repeat("id ", 20) + "}",
			"The operation repeats a field 81 times, which exceeds the limit of 80.",
		},
		"arguments, directives and variables": {
			"query($b: Boolean = true) {" + strings.Repeat("hello @skip(if: $b) ", 30) + "}",
			"query($b: Boolean = true) @a {hello" + repeat(119, " @a%d") + "}",
			"The document has 121 arguments, directives and variables, which exceeds the limit of 120.",
		},
		"arguments of one field": {
			"{hello(name: null)}", "{...f} fragment f on Query {hello(" + repeat(40, "a%d: 1 ") + ") ... {hello" + repeat(81, " @a%d") + "}}",
			"The document has 121 arguments, directives and variables, which exceeds the limit of 120.",
		},
		"depth of a literal": {
			"{hello}", `{hello(name: [{a: [{a: ["text"]}]}])}`,
			"A literal nests 5 levels deep, which exceeds the limit of 4.",
		},
		"depth of a default": {
			"{hello}", `query($s: String = [[[[["text"]]]]]) {hello(name: $s)}`,
			"A literal nests 5 levels deep, which exceeds the limit of 4.",
		},
		"depth of a literal of a directive": {
			"{hello}", `fragment f on Query @a(a: [[[[["text"]]]]]) {hello} {hello}`,
			"A literal nests 5 levels deep, which exceeds the limit of 4.",
		},
		"tokens": {
			"{hello} " + strings.Repeat("#", 10_000), "{hello(name: \"" + "\")} {" + strings.Repeat("hello(name: 1) ", 60) + "}",
			"The document has 370 tokens, which exceeds the limit of 300.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // the second time the document comes from the cache
				if got := do(t, server, call{body: bodyOf(t, tc.within, nil)}); strings.Contains(got.Body.String(), "errors") {
					t.Errorf("%s: %s", tc.within, got.Body)
				}
				failed := failureOf(t, do(t, server, call{body: bodyOf(t, tc.beyond, nil)}))
				if failed.Message != tc.message {
					t.Errorf("got %q, want %q", failed.Message, tc.message)
				}
				inMessage := fmt.Sprintf("%d|%d", failed.Extensions.Actual, failed.Extensions.Limit)
				if numbers := regexp.MustCompile(`\d+`).FindAllString(tc.message, -1); len(numbers) == 2 &&
					inMessage != strings.Join(numbers, "|") {
					t.Errorf("got %+v", failed)
				}
			}
		})
	}
}

// TestFragmentsAreVisitedOnce would not end if the cost of a fragment were computed, or
// the use of a variable looked for, in each of its spreads.
func TestFragmentsAreVisitedOnce(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{MaxRepeatedFields: math.MaxInt, MaxRootFields: math.MaxInt}))
	bomb := func(on string) (fragments string) {
		for i := range 120 {
			fragments += fmt.Sprintf(" fragment f%d on %s {...f%d ...f%d}", i, on, i+1, i+1)
		}
		return fragments
	}
	for query, code := range map[string]string{
		"{items(first: 1) {...f0}} fragment f120 on Item {id}" + bomb("Item"):                   "COMPLEXITY_LIMIT_EXCEEDED",
		"query($n: Int) {...f0} fragment f120 on Query {items(first: $n) {id}}" + bomb("Query"): "INVALID_REQUEST_OR_MISSING_PARAMETERS",
	} {
		failed := failureOf(t, do(t, server, call{body: bodyOf(t, query, map[string]any{"n": "text"})}))
		if failed.Extensions.Code != code {
			t.Errorf("got %+v", failed)
		}
	}
}

func TestCyclesAreRefused(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	for _, query := range []string{
		"{items {...a}} fragment a on Item {parent {...a}}",
		"{items {...a}} fragment a on Item {...b} fragment b on Item {...a}",
		"{items {...missing}}",
	} {
		if failed := failureOf(t, do(t, server, call{body: bodyOf(t, query, nil)})); failed.Extensions.Code != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("%s: %+v", query, failed)
		}
	}
}

// TestRequestErrorsAreLimited sends small documents that break a rule thousands of times,
// and long ones that have their text repeated.
func TestRequestErrorsAreLimited(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	for _, open := range []bool{true, false} {
		server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{Suggestions: open}))
		for name, tc := range map[string]struct {
			query     string
			variables any
			failures  int
		}{
			"many arguments":          {"{hello(" + repeat(900, "a%d: 1 ") + ")}", nil, 3},
			"many fields":             {"{" + repeat(20, "a%d ") + "}", nil, 3},
			"a long field":            {"{" + long + "}", nil, 1},
			"a long argument":         {"{hello(" + long + ": 1)}", nil, 1},
			"a long value":            {"{items(first: \"" + long + "\") {id}}", nil, 1},
			"a value of many lines":   {"{items(first: \"\"\"a\n\nb\"\"\") {id}}", nil, 1},
			"a long name of a type":   {"{... on " + long + " {id}}", nil, 1},
			"a long word that isn't":  {"{hello} " + long, nil, 1},
			"a long string":           {"{hello} \"" + long, nil, 1},
			"a long variable":         {"query($a: Failure!) {fail(how: $a)}", map[string]any{"a": long}, 1},
			"a long member":           {"query($a: EchoInput!) {echo(input: $a)}", map[string]any{"a": map[string]any{"flag": true, long: 1}}, 1},
			"a long operation's name": {"query " + long + " {id}", nil, 1},
		} {
			got := do(t, server, call{body: bodyOf(t, tc.query, tc.variables)}).Body.String()
			if failures := strings.Count(got, `"message"`); failures != tc.failures {
				t.Errorf("%s: %d errors in %.300s", name, failures, got)
			}
			if !open && (len(got) > 1_000 || strings.Contains(strings.ReplaceAll(got, `\\`, ""), `\n`)) {
				t.Errorf("%s: %d bytes: %.300s", name, len(got), got)
			}
		}
	}
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	on := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{Introspection: true}))
	off := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	for _, query := range []string{
		`{__schema {types {name fields {name type {name ofType {name ofType {name ofType {name}}}}}}}}`,
		`query($n: String!) {hello __type(name: $n) {name}}`,
	} {
		body := bodyOf(t, query, map[string]any{"n": "Item"})
		if got := do(t, on, call{body: body}); strings.Contains(got.Body.String(), "errors") || !strings.Contains(got.Body.String(), `"Item"`) {
			t.Errorf("on: %s", got.Body)
		}
		if failed := failureOf(t, do(t, off, call{body: body})); failed.Message != "Introspection is switched off." {
			t.Errorf("off: %+v", failed)
		}
	}
	if got := do(t, off, call{body: bodyOf(t, "{__typename}", nil)}); got.Body.String() != `{"data":{"__typename":"Query"}}` {
		t.Errorf("__typename is no introspection: %s", got.Body)
	}
}

func TestSuggestions(t *testing.T) {
	t.Parallel()
	on := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{Suggestions: true}))
	off := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	for _, query := range []string{
		"{helo}", "{hello(nam: 1)}", "{fail(how: KNOWM)}", "{pick(by: {idd: 1})}", "{items}",
	} {
		body := bodyOf(t, query, nil)
		if got := do(t, on, call{body: body}); !strings.Contains(got.Body.String(), "Did you mean") {
			t.Errorf("on: %s: %s", query, got.Body)
		}
		if got := do(t, off, call{body: body}); strings.Contains(got.Body.String(), "Did you mean") {
			t.Errorf("off: %s: %s", query, got.Body)
		}
	}
}
