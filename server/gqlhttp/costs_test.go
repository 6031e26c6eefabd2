package gqlhttp_test

import (
	"math"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/server/gqlhttp"
)

const costDirectives = `
directive @cost(weight: String!) on FIELD_DEFINITION
directive @listSize(assumedSize: Int, slicingArguments: [String!]) on FIELD_DEFINITION
input Page { first: Int ids: [ID] }
type Query { field(first: Int, last: Int, page: Page): [Int] `

func costsOf(t *testing.T, directives string) (*gqlhttp.Costs, *ast.FieldDefinition, error) {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: costDirectives + directives + " }"})
	if err != nil {
		t.Fatal(err)
	}
	costs, costsErr := gqlhttp.NewCosts(schema)
	return costs, schema.Query.Fields.ForName("field"), costsErr
}

// TestCostOfAField: a field costs its weight and, as often as its size says, what is selected
// of it.
func TestCostOfAField(t *testing.T) {
	t.Parallel()
	const sliced = `@listSize(assumedSize: 5, slicingArguments: ["first", "last", "page.first", "page.ids"])`
	for _, c := range []struct {
		directives string
		arguments  map[string]any
		want       int // where 10 is what is selected
	}{
		{"", nil, 11},
		{`@cost(weight: "0")`, nil, 10},
		{`@cost(weight: "50")`, nil, 60},
		{`@listSize(assumedSize: 50)`, map[string]any{"first": int64(2)}, 501},
		{`@cost(weight: "3") @listSize(assumedSize: 0)`, nil, 3},
		{sliced, nil, 51},
		{sliced, map[string]any{"first": nil}, 51},
		{sliced, map[string]any{"first": int64(3)}, 31},
		{sliced, map[string]any{"first": int64(3), "last": int64(7)}, 71},
		{sliced, map[string]any{"first": int64(-3)}, 1},
		{sliced, map[string]any{"page": map[string]any{"first": int64(4)}}, 41},
		{sliced, map[string]any{"page": map[string]any{"ids": []any{"1", "2"}}}, 21},
		{sliced, map[string]any{"page": map[string]any{"ids": "1"}}, 11},
		{sliced, map[string]any{"page": nil}, 51},
		{sliced, map[string]any{"first": int64(math.MaxInt64)}, math.MaxInt},
	} {
		costs, field, err := costsOf(t, c.directives)
		if err != nil {
			t.Fatalf("%s: %v", c.directives, err)
		}
		if got := costs.OfField(field, 10, c.arguments); got != c.want {
			t.Errorf("%s of %v costs %d, want %d", c.directives, c.arguments, got, c.want)
		}
	}
}

// TestWrongCostsAreRefused holds that a program whose schema says a cost that can't be read
// doesn't start.
func TestWrongCostsAreRefused(t *testing.T) {
	t.Parallel()
	for _, directives := range []string{
		`@cost(weight: "much")`, `@cost(weight: "-1")`, `@cost(weight: "1.5")`, `@listSize(slicingArguments: ["first"])`,
	} {
		if _, _, err := costsOf(t, directives); err == nil || !strings.Contains(err.Error(), "Query.field") {
			t.Errorf("%s: %v", directives, err)
		}
	}
}
