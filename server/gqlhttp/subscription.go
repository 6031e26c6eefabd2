package gqlhttp

import (
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"
)

// singleRootField is the rule of the specification of September 2025 about subscriptions
// (section 5.2.3.1): they have exactly one root field, which is not one of introspection,
// and neither @skip nor @include stands on the way to it. gqlparser counts the names of the
// fields and not the names in the response, and takes the directives (v2.5.64); such a
// subscription would fail when it is executed.
func singleRootField(observers *core.Events, addError core.AddErrFunc) {
	observers.OnOperation(func(_ *core.Walker, operation *ast.OperationDefinition) {
		if operation.Operation != ast.Subscription {
			return
		}
		name := "Anonymous Subscription"
		if operation.Name != "" {
			name = "Subscription " + strconv.Quote(operation.Name)
		}
		refuse := func(at *ast.Position, reason string) {
			addError(core.Message("%s %s", name, reason), core.At(at))
		}
		var root rootFields
		root.collect(operation.SelectionSet)
		for _, directive := range root.conditions {
			refuse(directive.Position, "must not use @"+directive.Name+" in the top level selection.")
		}
		for i, field := range root.fields {
			if i == 1 {
				refuse(field.Position, "must select only one top level field.")
			}
			if strings.HasPrefix(field.Name, "__") {
				refuse(field.Position, "must not select an introspection top level field.")
			}
		}
	})
}

// rootFields are those of one operation, fragments included.
type rootFields struct {
	fields     []*ast.Field // the first of each name in the response
	conditions ast.DirectiveList
	names      map[string]bool
	spread     map[string]bool
}

func (r *rootFields) collect(selections ast.SelectionSet) {
	for _, selection := range selections {
		switch selected := selection.(type) {
		case *ast.Field:
			r.addConditions(selected.Directives)
			if !isRepeated(&r.names, selected.Alias) {
				r.fields = append(r.fields, selected)
			}
		case *ast.InlineFragment:
			r.addConditions(selected.Directives)
			r.collect(selected.SelectionSet)
		case *ast.FragmentSpread:
			r.addConditions(selected.Directives)
			if selected.Definition != nil && !isRepeated(&r.spread, selected.Name) {
				r.collect(selected.Definition.SelectionSet)
			}
		}
	}
}

func (r *rootFields) addConditions(directives ast.DirectiveList) {
	for _, directive := range directives {
		if directive.Name == "skip" || directive.Name == "include" {
			r.conditions = append(r.conditions, directive)
		}
	}
}

// isRepeated adds the name to the set and reports whether it was there.
func isRepeated(set *map[string]bool, name string) bool {
	if (*set)[name] {
		return true
	}
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[name] = true
	return false
}
