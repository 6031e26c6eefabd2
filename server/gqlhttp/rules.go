package gqlhttp

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// validationRules gives the rules of the GraphQL specification and those that the config
// asks for. A valid document is cached, so the rules cost nothing when it comes again.
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

// withoutSuggestions replaces the rules that still make suggestions after gqlgen's
// SetDisableSuggestion.
func withoutSuggestions(all *rules.Rules) {
	for suggesting, silent := range map[string]core.Rule{
		rules.KnownArgumentNamesRule.Name:  rules.KnownArgumentNamesRuleWithoutSuggestions,
		rules.KnownTypeNamesRule.Name:      rules.KnownTypeNamesRuleWithoutSuggestions,
		rules.ValuesOfCorrectTypeRule.Name: rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
	} {
		all.ReplaceRule(suggesting, silent.RuleFunc)
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
