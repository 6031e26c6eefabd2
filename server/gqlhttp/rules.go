package gqlhttp

import (
	"fmt"
	"strconv"

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
		all.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, literalRule(config))
		all.ReplaceRule(rules.SingleFieldSubscriptionsRule.Name, singleRootField)
		if !config.Introspection {
			all.AddRule("NoIntrospection", noIntrospection)
		}
		return all
	}
}

// literalRule completes the rule of gqlparser that compares literals with their types, of
// which it takes some that do not fit (v2.5.64).
func literalRule(config Config) core.RuleFunc {
	valuesOfCorrectType := rules.ValuesOfCorrectTypeRule.RuleFunc
	if !config.Suggestions {
		valuesOfCorrectType = rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc
	}
	return func(observers *core.Events, addError core.AddErrFunc) {
		observers.OnValue(func(_ *core.Walker, value *ast.Value) { keepDigits(value) })
		valuesOfCorrectType(observers, addError)
		observers.OnValue(func(_ *core.Walker, value *ast.Value) {
			if reason := unfitLiteral(value); reason != "" {
				addError(core.Message("%s", reason), core.At(value.Position))
			}
		})
	}
}

// keepDigits gives a number that is too large to be evaluated another kind: that of text
// where an id or a custom scalar is asked for, and of a fraction for a Float. gqlgen
// evaluates the literals of a document, with a panic for a number that it cannot hold. The
// other types of the specification refuse such a number.
func keepDigits(value *ast.Value) {
	isInteger := value.Kind == ast.IntValue
	if !isInteger && value.Kind != ast.FloatValue {
		return
	}
	if _, err := value.Value(nil); err == nil {
		return
	}
	wanted := ""
	if value.Definition != nil {
		wanted = value.Definition.Name
	}
	switch wanted {
	case "Int", "String", "Boolean":
	case "Float":
		value.Kind = ast.FloatValue
	case "ID":
		if isInteger {
			value.Kind = ast.StringValue
		}
	default:
		value.Kind = ast.StringValue
	}
}

// unfitLiteral says what gqlparser does not see: an object or a list where a scalar or an
// enum is asked for, and an Int of more than 32 bits. It is empty for a literal that fits.
func unfitLiteral(value *ast.Value) string {
	wanted := value.Definition
	if wanted == nil || value.ExpectedType == nil {
		return ""
	}
	isLeaf := wanted.Kind == ast.Enum || wanted.OneOf("Int", "Float", "String", "Boolean", "ID")
	if value.Kind == ast.ObjectValue && isLeaf {
		return fmt.Sprintf("Expected value of type %q, found an object.", value.ExpectedType)
	}
	if value.Kind == ast.IntValue && wanted.Name == "Int" {
		if _, err := strconv.ParseInt(value.Raw, 10, 32); err != nil {
			return "Int cannot represent non 32-bit signed integer value: " + value.Raw
		}
	}
	return ""
}

// withoutSuggestions replaces the rules that still make suggestions after gqlgen's
// SetDisableSuggestion.
func withoutSuggestions(all *rules.Rules) {
	for suggesting, silent := range map[string]core.Rule{
		rules.KnownArgumentNamesRule.Name: rules.KnownArgumentNamesRuleWithoutSuggestions,
		rules.KnownTypeNamesRule.Name:     rules.KnownTypeNamesRuleWithoutSuggestions,
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
