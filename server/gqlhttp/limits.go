package gqlhttp

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"
)

// documentLimits are what a document may measure before it is validated. The rule that
// compares fields of one name takes quadratic time: 170 KB of one field kept it busy for a
// minute, without a token.
type documentLimits struct{ maxTokens, maxSelections, maxDepth int }

func (l documentLimits) check(document *ast.QueryDocument) *gqlerror.Error {
	selections := 0
	for _, fragment := range document.Fragments {
		selections += count(fragment.SelectionSet)
	}
	for _, operation := range document.Operations {
		selections += count(operation.SelectionSet)
	}
	if selections > l.maxSelections {
		return overLimit(errcode.ValidationFailed, selections, l.maxSelections,
			"The document has %d selections, which exceeds the limit of %d.")
	}
	depths := newDepths(document)
	for _, operation := range document.Operations {
		if depth := depths.ofSelections(operation.SelectionSet); depth > l.maxDepth {
			refused := overLimit(errcode.ValidationFailed, depth, l.maxDepth,
				"The operation nests %d levels deep, which exceeds the limit of %d.")
			refused.Locations = []gqlerror.Location{{Line: operation.Position.Line, Column: operation.Position.Column}}
			return refused
		}
	}
	return nil
}

// checkTokens counts the tokens of a document that could not be parsed: the parser stops
// at the limit and does not say how many there are.
func (l documentLimits) checkTokens(text string) *gqlerror.Error {
	tokens, reader := 0, lexer.New(&ast.Source{Input: text})
	for {
		token, err := reader.ReadToken()
		if err != nil || token.Kind == lexer.EOF {
			break
		}
		tokens++
	}
	if tokens <= l.maxTokens {
		return nil
	}
	return overLimit(errcode.ValidationFailed, tokens, l.maxTokens, "The document has %d tokens, which exceeds the limit of %d.")
}

// overLimit refuses what is larger than the limit, with both numbers in the message and,
// for programs, in the extensions.
func overLimit(code string, actual, limit int, message string) *gqlerror.Error {
	refused := gqlerror.Errorf(message, actual, limit)
	refused.Extensions = map[string]any{"code": code, "actual": actual, "limit": limit}
	return refused
}

// count gives the number of selections as they are written: a fragment counts once,
// however often it is spread.
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

// depths measures how deep the operations of one document nest. It measures each fragment
// once, because fragments that spread each other could otherwise take exponential time.
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

// ofSelections leaves introspection out, because a validation rule of its own bounds it
// and GraphiQL's query for the schema is deeper than any of an app.
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

// ofFragment counts a fragment that does not exist, or that spreads itself, as nothing,
// because validation refuses both.
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

// errorLimit keeps the first errors of a request that was not executed, because one
// document can break a rule ten thousand times, and shortens what they repeat of it.
type errorLimit struct {
	// brief cuts each message to one short line.
	brief bool
}

const (
	mostRequestErrors = 3
	// longestMessage is in bytes. What the messages of validation say fits; names and
	// values that a client makes up may not.
	longestMessage = 200
)

// ExtensionName implements graphql.HandlerExtension.
func (errorLimit) ExtensionName() string { return "ErrorLimit" }

// Validate implements graphql.HandlerExtension.
func (errorLimit) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse implements graphql.ResponseInterceptor.
func (l errorLimit) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if response == nil || response.Data != nil {
		return response
	}
	response.Errors = response.Errors[:min(len(response.Errors), mostRequestErrors)]
	if l.brief {
		for _, refused := range response.Errors {
			shorten(refused)
		}
	}
	return response
}

// shorten makes the texts of an error one line each.
func shorten(refused *gqlerror.Error) {
	refused.Message = oneLine(refused.Message)
	if reason, isText := refused.Extensions["reason"].(string); isText {
		refused.Extensions["reason"] = oneLine(reason)
	}
	// The end of a path says more than its beginning.
	if field, isText := refused.Extensions["field"].(string); isText && len(field) > longestMessage {
		refused.Extensions["field"] = "…" + strings.ToValidUTF8(field[len(field)-longestMessage+len("…"):], "")
	}
}

func oneLine(text string) string {
	cut := text
	if len(text) > longestMessage {
		cut = strings.ToValidUTF8(text[:longestMessage-len("…")], "") + "…"
	}
	return strings.Join(strings.Fields(cut), " ")
}
