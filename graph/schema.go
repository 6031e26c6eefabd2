package graph

import (
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/formatter"

	"luxbff/graph/generated"
)

// Schema gives the executable schema over the resolvers. A nil resolver will do for reading
// the schema.
func Schema(r *Resolver) graphql.ExecutableSchema {
	c := generated.Config{Resolvers: r}
	c.Directives.Auth = r.requireViewer
	return generated.NewExecutableSchema(c)
}

// SDL gives the schema as text, with its descriptions. The command `schema` prints
// it.
func SDL() string {
	var text strings.Builder
	formatter.NewFormatter(&text).FormatSchema(Schema(nil).Schema())
	return text.String()
}
