// Package prelude loads the schema, for which the generated executor calls it in place
// of gqlparser; internal/tools/gqlgen puts the call there. It corrects what gqlparser
// declares for every schema, and imports nothing of this module.
package prelude

import (
	"slices"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// MustLoadSchema loads a schema that has no @defer: the executor answers every operation
// whole, and what introspection and validation know is what is kept. Its @deprecated has
// the four locations of the specification of September 2025; gqlparser has a fifth, which
// that edition does not know and at which Apollo Kotlin gives up reading the schema.
// MustLoadSchema panics for a schema that is not valid, which can only be a mistake in the
// program.
func MustLoadSchema(sources ...*ast.Source) *ast.Schema {
	schema := gqlparser.MustLoadSchema(sources...)
	delete(schema.Directives, "defer")
	schema.Directives["deprecated"].Locations = []ast.DirectiveLocation{
		ast.LocationFieldDefinition, ast.LocationArgumentDefinition, ast.LocationInputFieldDefinition, ast.LocationEnumValue,
	}
	locations := schema.Types["__DirectiveLocation"]
	locations.EnumValues = slices.DeleteFunc(locations.EnumValues, func(location *ast.EnumValueDefinition) bool {
		return location.Name == string(ast.LocationDirectiveDefinition)
	})
	return schema
}
