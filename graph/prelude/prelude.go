// Package prelude loads the schema, for which the generated executor calls it in place
// of gqlparser; internal/tools/gqlgen puts the call there. It corrects what gqlparser
// declares for every schema, and imports nothing of this module.
package prelude

import (
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// MustLoadSchema loads a schema that has no @defer: the executor answers every operation
// whole, and what introspection and validation know is what is kept. It panics for a
// schema that is not valid, which can only be a mistake in the program.
func MustLoadSchema(sources ...*ast.Source) *ast.Schema {
	schema := gqlparser.MustLoadSchema(sources...)
	delete(schema.Directives, "defer")
	return schema
}
