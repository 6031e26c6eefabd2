package gqlhttp

import (
	"context"
	"math"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const codeTooComplex = "COMPLEXITY_LIMIT_EXCEEDED"

// complexityLimit refuses operations that cost more than limit. It asks the same
// complexity functions as gqlgen's extension, which walks a fragment anew for
// every spread: thirty fragments that spread each other twice would keep it busy
// for minutes. Here each fragment is costed once an operation.
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
	costs := costing{ctx: ctx, schema: l.schema, variables: operation.Variables}
	cost := costs.ofSelections(operation.Operation.SelectionSet)
	if cost <= l.limit {
		return nil
	}
	err := gqlerror.Errorf("The operation has complexity %d, which exceeds the limit of %d.", cost, l.limit)
	errcode.Set(err, codeTooComplex)
	return err
}

// costing is one operation's cost being worked out; validation has made sure
// that its fragments exist and have no cycle.
type costing struct {
	ctx       context.Context //nolint:containedctx // lives as long as the call it is made in
	schema    graphql.ExecutableSchema
	variables map[string]any
	fragments map[*ast.FragmentDefinition]int
}

func (c *costing) ofSelections(selections ast.SelectionSet) (cost int) {
	for _, selection := range selections {
		switch selected := selection.(type) {
		case *ast.Field:
			cost = add(cost, c.ofField(selected))
		case *ast.InlineFragment:
			cost = add(cost, c.ofSelections(selected.SelectionSet))
		case *ast.FragmentSpread:
			cost = add(cost, c.ofFragment(selected.Definition))
		}
	}
	return cost
}

func (c *costing) ofFragment(fragment *ast.FragmentDefinition) int {
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

// ofField leaves __schema out: a rule of its own bounds introspection.
func (c *costing) ofField(field *ast.Field) int {
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
	worst := 0
	for _, possible := range c.schema.Schema().GetPossibleTypes(parent) {
		worst = max(worst, c.ofFieldOn(possible, field, children, arguments))
	}
	return worst
}

func (c *costing) ofFieldOn(
	parent *ast.Definition, field *ast.Field, children int, arguments map[string]any,
) int {
	cost, own := c.schema.Complexity(c.ctx, parent.Name, field.Name, children, arguments)
	if own && cost >= 1 {
		return cost
	}
	return add(1, children)
}

// add stops at the largest int instead of starting again below zero.
func add(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}
