package gqlhttp

import (
	"context"
	"math"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const codeTooComplex = "COMPLEXITY_LIMIT_EXCEEDED"

// complexityLimit refuses operations that cost more than the limit, by the complexity
// functions of the schema. gqlgen has an extension for it, which computes a fragment
// again for each of its spreads: a document of thirty fragments, each of which spreads
// the next one twice, keeps it busy for minutes. Here each fragment is computed once an
// operation. This can go when gqlgen does the same.
type complexityLimit struct {
	limit  int
	schema graphql.ExecutableSchema
}

// ExtensionName implements graphql.HandlerExtension.
func (*complexityLimit) ExtensionName() string { return "ComplexityLimit" }

// Validate implements graphql.HandlerExtension.
func (l *complexityLimit) Validate(schema graphql.ExecutableSchema) error {
	l.schema = schema
	return nil
}

// MutateOperationContext refuses an operation before it runs.
func (l *complexityLimit) MutateOperationContext(
	ctx context.Context, operation *graphql.OperationContext,
) *gqlerror.Error {
	operationCosts := costs{ctx: ctx, schema: l.schema, variables: operation.Variables}
	cost := operationCosts.ofSelections(operation.Operation.SelectionSet)
	if cost <= l.limit {
		return nil
	}
	return overLimit(codeTooComplex, cost, l.limit, "The operation has complexity %d, which exceeds the limit of %d.")
}

// costs computes the cost of one operation. Validation, which comes before, has made
// sure that its fragments exist and do not spread themselves.
type costs struct {
	ctx       context.Context //nolint:containedctx // lives as long as the call it is made in
	schema    graphql.ExecutableSchema
	variables map[string]any
	fragments map[*ast.FragmentDefinition]int
}

func (c *costs) ofSelections(selections ast.SelectionSet) (cost int) {
	for _, selection := range selections {
		switch selected := selection.(type) {
		case *ast.Field:
			cost = addCapped(cost, c.ofField(selected))
		case *ast.InlineFragment:
			cost = addCapped(cost, c.ofSelections(selected.SelectionSet))
		case *ast.FragmentSpread:
			cost = addCapped(cost, c.ofFragment(selected.Definition))
		}
	}
	return cost
}

func (c *costs) ofFragment(fragment *ast.FragmentDefinition) int {
	if cost, known := c.fragments[fragment]; known {
		return cost
	}
	cost := c.ofSelections(fragment.SelectionSet)
	if c.fragments == nil {
		c.fragments = map[*ast.FragmentDefinition]int{}
	}
	c.fragments[fragment] = cost
	return cost
}

// ofField counts introspection as nothing, because a validation rule of its own bounds
// it and its cost says nothing about the database.
func (c *costs) ofField(field *ast.Field) int {
	if field.Name == "__schema" {
		return 0
	}
	children := c.ofSelections(field.SelectionSet)
	var arguments map[string]any
	if len(field.Definition.Arguments) > 0 {
		arguments = field.ArgumentMap(c.variables)
	}
	parent := field.ObjectDefinition
	if !parent.IsAbstractType() {
		return c.ofFieldOn(parent, field, children, arguments)
	}
	// On an interface or union the most expensive type counts.
	worst := 0
	for _, possible := range c.schema.Schema().GetPossibleTypes(parent) {
		worst = max(worst, c.ofFieldOn(possible, field, children, arguments))
	}
	return worst
}

func (c *costs) ofFieldOn(
	parent *ast.Definition, field *ast.Field, children int, arguments map[string]any,
) int {
	cost, own := c.schema.Complexity(c.ctx, parent.Name, field.Name, children, arguments)
	if own && cost >= 1 {
		return cost
	}
	return addCapped(1, children)
}

// addCapped adds up to the largest int, since an overflow would make the dearest
// operations look cheap.
func addCapped(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}
