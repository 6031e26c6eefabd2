package gqlhttp

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// validationRules are those of the GraphQL specification and the ones the config
// asks for. A document is validated once and then cached, so these cost nothing
// on the hot path.
func validationRules(config Config) func() *rules.Rules {
	return func() *rules.Rules {
		all := rules.NewDefaultRules()
		if !config.Suggestions {
			withoutSuggestions(all)
		}
		if !config.Introspection {
			all.AddRule("NoIntrospection", noIntrospection)
		}
		all.AddRule("MaxDepth", maxDepth(config.MaxDepth))
		return all
	}
}

// withoutSuggestions swaps the rules that gqlgen's own switch leaves alone.
func withoutSuggestions(all *rules.Rules) {
	for talkative, silent := range map[string]core.Rule{
		rules.KnownArgumentNamesRule.Name:  rules.KnownArgumentNamesRuleWithoutSuggestions,
		rules.KnownTypeNamesRule.Name:      rules.KnownTypeNamesRuleWithoutSuggestions,
		rules.ValuesOfCorrectTypeRule.Name: rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
	} {
		all.ReplaceRule(talkative, silent.RuleFunc)
	}
}

func noIntrospection(observers *core.Events, addError core.AddErrFunc) {
	observers.OnField(func(_ *core.Walker, field *ast.Field) {
		if isIntrospection(field) {
			addError(core.Message("Introspection is switched off."), core.At(field.Position))
		}
	})
}

func isIntrospection(field *ast.Field) bool {
	return field.Name == "__schema" || field.Name == "__type"
}

func maxDepth(limit int) core.RuleFunc {
	return func(observers *core.Events, addError core.AddErrFunc) {
		var depths *depths
		observers.OnOperation(func(walker *core.Walker, operation *ast.OperationDefinition) {
			if depths == nil {
				depths = newDepths(walker.Document)
			}
			if depth := depths.ofSelections(operation.SelectionSet); depth > limit {
				addError(
					core.Message("Operation nests %d levels deep, which exceeds the limit of %d.", depth, limit),
					core.At(operation.Position),
				)
			}
		})
	}
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
// spreads itself, as nothing: rules of their own refuse both.
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
