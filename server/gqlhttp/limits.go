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

// documentLimits are what a document may measure before it is validated. The rules that
// compare fields of one name, and their arguments, take quadratic time: 170 KB of one field
// kept them busy for a minute, without a token. Each level of a literal is written into an
// error anew, so that 1 MB of text in a thousand brackets took a second.
type documentLimits struct{ maxTokens, maxSelections, maxDepth int }

// attachedPerSelection is how many arguments, directives and variables a document may have
// for each selection of the limit. An app has fewer in all than it has selections.
const attachedPerSelection = 2

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
	if refused := l.checkAttached(document); refused != nil {
		return refused
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

// checkAttached measures what hangs on the selections and operations of a document: its
// arguments, directives and variables, and the literals that are their values.
func (l documentLimits) checkAttached(document *ast.QueryDocument) *gqlerror.Error {
	var all attached
	for _, fragment := range document.Fragments {
		all.addDirectives(fragment.Directives)
		all.addSelections(fragment.SelectionSet)
	}
	for _, operation := range document.Operations {
		all.addDirectives(operation.Directives)
		all.addSelections(operation.SelectionSet)
		for _, variable := range operation.VariableDefinitions {
			all.count++
			all.addDirectives(variable.Directives)
			all.depth = max(all.depth, depthOfLiteral(variable.DefaultValue))
		}
	}
	if limit := attachedPerSelection * l.maxSelections; all.count > limit {
		return overLimit(errcode.ValidationFailed, all.count, limit,
			"The document has %d arguments, directives and variables, which exceeds the limit of %d.")
	}
	if all.depth > l.maxDepth {
		return overLimit(errcode.ValidationFailed, all.depth, l.maxDepth,
			"A literal nests %d levels deep, which exceeds the limit of %d.")
	}
	return nil
}

// attached is how many arguments, directives and variables there are, and how deep the
// literals among them nest.
type attached struct{ count, depth int }

func (a *attached) addSelections(selections ast.SelectionSet) {
	for _, selection := range selections {
		switch selected := selection.(type) {
		case *ast.Field:
			a.addArguments(selected.Arguments)
			a.addDirectives(selected.Directives)
			a.addSelections(selected.SelectionSet)
		case *ast.InlineFragment:
			a.addDirectives(selected.Directives)
			a.addSelections(selected.SelectionSet)
		case *ast.FragmentSpread:
			a.addDirectives(selected.Directives)
		}
	}
}

func (a *attached) addDirectives(directives ast.DirectiveList) {
	for _, directive := range directives {
		a.count++
		a.addArguments(directive.Arguments)
	}
}

func (a *attached) addArguments(arguments ast.ArgumentList) {
	for _, argument := range arguments {
		a.count++
		a.depth = max(a.depth, depthOfLiteral(argument.Value))
	}
}

// depthOfLiteral counts the lists and objects that stand in each other, of which the parser
// takes a thousand. It is 0 for no literal.
func depthOfLiteral(value *ast.Value) (deepest int) {
	if value == nil || value.Kind != ast.ListValue && value.Kind != ast.ObjectValue {
		return 0
	}
	for _, child := range value.Children {
		deepest = max(deepest, depthOfLiteral(child.Value))
	}
	return deepest + 1
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
