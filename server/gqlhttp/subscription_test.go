package gqlhttp_test

import (
	"net/http"
	"strings"
	"testing"

	"luxbff/server/gqlhttp"
	"luxbff/test/sampleschema"
)

// TestRootOfASubscription: what the specification refuses is an error of validation,
// also in an operation that is not the one asked for.
func TestRootOfASubscription(t *testing.T) {
	t.Parallel()
	const streams = "A subscription needs a transport that streams" // valid, and JSON is all that is accepted
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{Introspection: true}))
	for document, want := range map[string]string{
		`subscription { ticks }`:       streams,
		`subscription { ticks ticks }`: streams,
		`subscription { a: ticks a: ticks ... { a: ticks } ...F } ` + rootFragment:       streams,
		`subscription { ...F ...F } fragment F on Subscription { ticks }`:                streams,
		`subscription { ticks other: ticks }`:                                            `Anonymous Subscription must select only one top level field.`,
		`subscription { ticks ...F } ` + rootFragment:                                    `Anonymous Subscription must select only one top level field.`,
		`subscription S { ticks ... on Subscription { other: ticks } }`:                  `Subscription \"S\" must select only one top level field.`,
		`subscription { ticks @skip(if: false) }`:                                        `Anonymous Subscription must not use @skip in the top level selection.`,
		`subscription { ticks @include(if: true) }`:                                      `Anonymous Subscription must not use @include in the top level selection.`,
		`subscription($v: Boolean!) { ticks @include(if: $v) }`:                          `Anonymous Subscription must not use @include in the top level selection.`,
		`subscription { ... @skip(if: false) { ticks } }`:                                `Anonymous Subscription must not use @skip in the top level selection.`,
		`subscription { ...F @include(if: true) } ` + rootFragment:                       `Anonymous Subscription must not use @include in the top level selection.`,
		`subscription { ...F } fragment F on Subscription { a: ticks @skip(if: false) }`: `Anonymous Subscription must not use @skip in the top level selection.`,
		`subscription { ticks a: ticks @skip(if: true) }`:                                `Anonymous Subscription must not use @skip in the top level selection.`,
		`subscription { __typename }`:                                                    `Anonymous Subscription must not select an introspection top level field.`,
		`subscription { name: __typename }`:                                              `Anonymous Subscription must not select an introspection top level field.`,
		`subscription { ticks __typename }`:                                              `Anonymous Subscription must select only one top level field.`,
		`subscription { ...F } fragment F on Subscription { __typename }`:                `Anonymous Subscription must not select an introspection top level field.`,
		`query { hello } subscription S { a: ticks b: ticks }`:                           `Subscription \"S\" must select only one top level field.`,
		`subscription { ...F } fragment F on Subscription { ...F a: ticks }`:             `Cannot spread fragment \"F\" within itself.`,
	} {
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			got := do(t, server, call{body: bodyOf(t, document, nil), accept: graphqlJSON})
			if got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), want) {
				t.Errorf("got %d %s, want %s", got.Code, got.Body, want)
			}
			if code := failureOf(t, got).Extensions.Code; want != streams && code != "GRAPHQL_VALIDATION_FAILED" {
				t.Errorf("code %s", code)
			}
		})
	}
}

const rootFragment = `fragment F on Subscription { a: ticks }`
