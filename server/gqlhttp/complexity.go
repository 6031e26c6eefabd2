package gqlhttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/apperr"
)

const codeTooComplex = "COMPLEXITY_LIMIT_EXCEEDED"

// complexityLimit refuses operations that cost more than the limit, by what the schema says
// of its fields. gqlgen has an extension for it, which asks a function of the executable
// schema for the cost of each field and computes a fragment again for each of its spreads: a
// document of thirty fragments, each of which spreads the next one twice, keeps it busy for
// minutes. Here each fragment is computed once an operation.
type complexityLimit struct {
	limit int
	// spend and report are Config.SpendCost and Config.ReportCost.
	spend  func(ctx context.Context, cost int) error
	report func(ctx context.Context, report map[string]any)
	costs  *Costs
}

// ExtensionName implements graphql.HandlerExtension.
func (*complexityLimit) ExtensionName() string { return "ComplexityLimit" }

// Validate implements graphql.HandlerExtension.
func (l *complexityLimit) Validate(schema graphql.ExecutableSchema) (err error) {
	l.costs, err = NewCosts(schema.Schema())
	return err
}

// MutateOperationContext refuses an operation before it runs.
func (l *complexityLimit) MutateOperationContext(
	ctx context.Context, operation *graphql.OperationContext,
) *gqlerror.Error {
	cost := l.costs.OfOperation(operation.Operation, operation.Variables)
	if cost > l.limit {
		return overLimit(codeTooComplex, cost, l.limit, "The operation has complexity %d, which exceeds the limit of %d.")
	}
	if l.spend != nil {
		if err := l.spend(ctx, cost); err != nil {
			return fill(&gqlerror.Error{}, apperr.From(err), fmt.Sprintf("The operation costs %d, which is more than is left to spend.", cost))
		}
	}
	if wantsCost(operation) {
		operation.Stats.SetExtension(l.ExtensionName(), cost)
	}
	return nil
}

// costHeader is the header with which a client asks what its operation costs, as clients of
// other servers do. Each response says it in extensions.cost.
const (
	costHeader = "GraphQL-Cost"
	reportCost = "report"
)

func wantsCost(operation *graphql.OperationContext) bool {
	return operation.Headers.Get(costHeader) == reportCost
}

// InterceptResponse implements graphql.ResponseInterceptor.
func (l *complexityLimit) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	operation := graphql.GetOperationContext(ctx)
	if response == nil || !wantsCost(operation) {
		return response
	}
	if response.Extensions == nil {
		response.Extensions = map[string]any{}
	}
	report := map[string]any{"operation": operation.Stats.GetExtension(l.ExtensionName()), "limit": l.limit}
	if l.report != nil {
		l.report(ctx, report)
	}
	response.Extensions["cost"] = report
	return response
}

// Costs are what the fields of a schema cost by its directives, which are those of the GraphQL
// Cost Directives Specification: @cost gives a field another weight than 1, and @listSize says
// how often a list has what is selected of its elements.
type Costs struct {
	schema *ast.Schema
	// marked are the fields that have one of the directives.
	marked map[*ast.FieldDefinition]fieldCost
}

// fieldCost is what the directives say of one field.
type fieldCost struct {
	weight int
	// assumedSize is that of a list of which the operation says no size, and of what is no
	// list 1.
	assumedSize int
	// sizedBy are the arguments that say a size, each with the members that lead to it: of
	// an Int its value, of a list its length. The last one that is given counts.
	sizedBy [][]string
}

// NewCosts reads the directives. Its error names a field whose directives can't be read.
func NewCosts(schema *ast.Schema) (*Costs, error) {
	c := &Costs{schema, map[*ast.FieldDefinition]fieldCost{}}
	for _, of := range schema.Types {
		for _, field := range of.Fields {
			cost, size := field.Directives.ForName("cost"), field.Directives.ForName("listSize")
			if cost == nil && size == nil {
				continue
			}
			read, err := readCost(cost, size)
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", of.Name, field.Name, err)
			}
			c.marked[field] = read
		}
	}
	return c, nil
}

// readCost reads the directives of a field, of which it has one at least.
func readCost(cost, size *ast.Directive) (read fieldCost, err error) {
	read = fieldCost{weight: 1, assumedSize: 1}
	if cost != nil {
		if read.weight, err = strconv.Atoi(cost.Arguments.ForName("weight").Value.Raw); err != nil || read.weight < 0 {
			return read, errors.New("the weight of @cost is no whole number of 0 or more")
		}
	}
	if size == nil {
		return read, nil
	}
	assumed := size.Arguments.ForName("assumedSize")
	if assumed == nil {
		return read, errors.New("@listSize has no assumedSize, which is that of an operation without the arguments")
	}
	if read.assumedSize, err = strconv.Atoi(assumed.Value.Raw); err != nil {
		return read, fmt.Errorf("the assumedSize of @listSize: %w", err)
	}
	if by := size.Arguments.ForName("slicingArguments"); by != nil {
		for _, argument := range by.Value.Children {
			read.sizedBy = append(read.sizedBy, strings.Split(argument.Value.Raw, "."))
		}
	}
	return read, nil
}

// OfOperation gives what an operation of a valid document costs.
func (c *Costs) OfOperation(operation *ast.OperationDefinition, variables map[string]any) int {
	of := operationCosts{costs: c, variables: variables}
	return of.selections(operation.SelectionSet)
}

// OfField gives what a field costs with what is selected of it.
func (c *Costs) OfField(field *ast.FieldDefinition, selected int, arguments map[string]any) int {
	cost, isMarked := c.marked[field]
	if !isMarked {
		return addCapped(1, selected)
	}
	return addCapped(cost.weight, timesCapped(cost.size(arguments), selected))
}

// size gives how often what is selected counts. The domain refuses a negative size; here it
// counts as nothing, so that it takes nothing from the cost of the other fields.
func (c fieldCost) size(arguments map[string]any) int {
	size := c.assumedSize
	for _, path := range c.sizedBy {
		var value any = arguments
		for _, name := range path {
			members, _ := value.(map[string]any)
			value = members[name]
		}
		switch value := value.(type) {
		case nil:
		case []any:
			size = len(value)
		case int64:
			size = int(value)
		case json.Number:
			wide, _ := value.Int64()
			size = int(wide)
		default: // one that stands without the brackets of a list
			size = 1
		}
	}
	return max(0, size)
}

// operationCosts computes the cost of one operation. Validation, which comes before, has made
// sure that its fragments exist and do not spread themselves.
type operationCosts struct {
	costs     *Costs
	variables map[string]any
	fragments map[*ast.FragmentDefinition]int
}

func (o *operationCosts) selections(selections ast.SelectionSet) (cost int) {
	for _, selection := range selections {
		switch selected := selection.(type) {
		case *ast.Field:
			cost = addCapped(cost, o.field(selected))
		case *ast.InlineFragment:
			cost = addCapped(cost, o.selections(selected.SelectionSet))
		case *ast.FragmentSpread:
			cost = addCapped(cost, o.fragment(selected.Definition))
		}
	}
	return cost
}

func (o *operationCosts) fragment(fragment *ast.FragmentDefinition) int {
	if cost, known := o.fragments[fragment]; known {
		return cost
	}
	cost := o.selections(fragment.SelectionSet)
	if o.fragments == nil {
		o.fragments = map[*ast.FragmentDefinition]int{}
	}
	o.fragments[fragment] = cost
	return cost
}

// field counts introspection as nothing, because a validation rule of its own bounds
// it and its cost says nothing about the database.
func (o *operationCosts) field(field *ast.Field) int {
	if field.Name == "__schema" {
		return 0
	}
	selected := o.selections(field.SelectionSet)
	var arguments map[string]any
	if len(field.Arguments) > 0 {
		arguments = field.ArgumentMap(o.variables)
	}
	parent := field.ObjectDefinition
	if !parent.IsAbstractType() {
		return o.costs.OfField(field.Definition, selected, arguments)
	}
	// On an interface or union the most expensive type counts.
	worst := addCapped(1, selected)
	for _, possible := range o.costs.schema.GetPossibleTypes(parent) {
		if of := possible.Fields.ForName(field.Name); of != nil { // __typename has none
			worst = max(worst, o.costs.OfField(of, selected, arguments))
		}
	}
	return worst
}

// addCapped adds up to the largest int, since an overflow would make the dearest
// operations look cheap.
func addCapped(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

// timesCapped multiplies up to the largest int.
func timesCapped(times, cost int) int {
	if times > 0 && cost > math.MaxInt/times {
		return math.MaxInt
	}
	return times * cost
}
