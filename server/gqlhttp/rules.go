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
