package gqlhttp

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// documentLimits refuses documents before they are validated: the rule that
// compares fields of one name is quadratic, and 170 KB of one field kept it busy
// for a minute. A document that is cached has passed.
type documentLimits struct {
	passed                             *textCache[*ast.QueryDocument]
	maxTokens, maxSelections, maxDepth int
}

// ExtensionName implements graphql.HandlerExtension.
func (documentLimits) ExtensionName() string { return "DocumentLimits" }

// Validate implements graphql.HandlerExtension.
func (documentLimits) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters parses the document one time more than gqlgen does,
// the first time that it comes. Errors of parsing are left to gqlgen.
func (l documentLimits) MutateOperationParameters(
	ctx context.Context, params *graphql.RawParams,
) *gqlerror.Error {
	if _, passed := l.passed.Get(ctx, params.Query); passed {
		return nil
	}
	document, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: params.Query}, l.maxTokens)
	if err != nil {
		return nil //nolint:nilerr // gqlgen parses again and reports it
	}
	if refused := l.check(document); refused != nil {
		errcode.Set(refused, errcode.ValidationFailed)
		return refused
	}
	if hasLoneSurrogate([]byte(params.Query)) {
		refused := gqlerror.Errorf("A \\u escape stands for half a character.")
		errcode.Set(refused, errcode.ParseFailed)
		return refused
	}
	return nil
}

func (l documentLimits) check(document *ast.QueryDocument) *gqlerror.Error {
	selections := 0
	for _, fragment := range document.Fragments {
		selections += count(fragment.SelectionSet)
	}
	for _, operation := range document.Operations {
		selections += count(operation.SelectionSet)
	}
	if selections > l.maxSelections {
		return gqlerror.Errorf("The document has %d selections, which exceeds the limit of %d.", selections, l.maxSelections)
	}
	depths := newDepths(document)
	for _, operation := range document.Operations {
		if depth := depths.ofSelections(operation.SelectionSet); depth > l.maxDepth {
			return gqlerror.ErrorPosf(operation.Position,
				"The operation nests %d levels deep, which exceeds the limit of %d.", depth, l.maxDepth)
		}
	}
	return nil
}

func count(selections ast.SelectionSet) (all int) {
	for _, selection := range selections {
		all++
		switch selected := selection.(type) {
		case *ast.Field:
			all += count(selected.SelectionSet)
		case *ast.InlineFragment:
			all += count(selected.SelectionSet)
		}
	}
	return all
}

// depths measures one document, each fragment once.
type depths struct {
	fragments map[string]*ast.FragmentDefinition
	known     map[string]int
}

func newDepths(document *ast.QueryDocument) *depths {
	d := &depths{fragments: map[string]*ast.FragmentDefinition{}, known: map[string]int{}}
	for _, fragment := range document.Fragments {
		d.fragments[fragment.Name] = fragment
	}
	return d
}

// ofSelections leaves introspection out: a validation rule of its own bounds it.
func (d *depths) ofSelections(selections ast.SelectionSet) (deepest int) {
	for _, selection := range selections {
		switch selected := selection.(type) {
		case *ast.Field:
			if !isIntrospection(selected) {
				deepest = max(deepest, 1+d.ofSelections(selected.SelectionSet))
			}
		case *ast.InlineFragment:
			deepest = max(deepest, d.ofSelections(selected.SelectionSet))
		case *ast.FragmentSpread:
			deepest = max(deepest, d.ofFragment(selected.Name))
		}
	}
	return deepest
}

// ofFragment counts a fragment that is missing, or is being measured because it
// spreads itself, as nothing: validation refuses both.
func (d *depths) ofFragment(name string) int {
	if depth, known := d.known[name]; known {
		return depth
	}
	fragment, exists := d.fragments[name]
	if !exists {
		return 0
	}
	d.known[name] = 0
	d.known[name] = d.ofSelections(fragment.SelectionSet)
	return d.known[name]
}

// errorLimit cuts the errors of a request that was not executed: one document
// can break a rule ten thousand times.
type errorLimit struct{}

const mostRequestErrors = 20

// ExtensionName implements graphql.HandlerExtension.
func (errorLimit) ExtensionName() string { return "ErrorLimit" }

// Validate implements graphql.HandlerExtension.
func (errorLimit) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse implements graphql.ResponseInterceptor.
func (errorLimit) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if response != nil && response.Data == nil && len(response.Errors) > mostRequestErrors {
		response.Errors = response.Errors[:mostRequestErrors]
	}
	return response
}
