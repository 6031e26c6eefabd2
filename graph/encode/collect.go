package encode

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// fewFields is how many fields each are compared with those before it. Of more the time
// would grow with their square.
const fewFields = 16

// CollectFields gives the fields that a selection asks of an object of one of the types. It
// is graphql.CollectFields, which makes a key of each selection, a map for its fragments
// and a copy of what is selected below each field, without these for the selection that
// nearly all are: a few fields of different names, without fragments and directives.
func CollectFields(operation *graphql.OperationContext, selections ast.SelectionSet, satisfies []string) []graphql.CollectedField {
	if len(selections) > fewFields {
		return graphql.CollectFields(operation, selections, satisfies)
	}
	fields := make([]graphql.CollectedField, 0, len(selections))
	for _, selection := range selections {
		field, isField := selection.(*ast.Field)
		if !isField || len(field.Directives) > 0 || contains(fields, field.Alias) {
			return graphql.CollectFields(operation, selections, satisfies)
		}
		fields = append(fields, graphql.CollectedField{Field: field, Selections: field.SelectionSet, IsNonDeferrable: true})
	}
	return fields
}

func contains(fields []graphql.CollectedField, alias string) bool {
	for i := range fields {
		if fields[i].Alias == alias {
			return true
		}
	}
	return false
}
