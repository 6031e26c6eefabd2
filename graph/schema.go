package graph

import (
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/formatter"

	"luxbff/graph/generated"
)

// listCost is what a list without a bound of its own counts for in the
// complexity of a query: a large family.
const listCost = 10

// Schema is the executable schema over the resolvers. What a query may cost is
// bounded by the transport; here is what its fields cost.
func Schema(r *Resolver) graphql.ExecutableSchema {
	c := generated.Config{Resolvers: r}
	c.Directives.Auth = requireViewer
	c.Complexity.Query.ChildUsers = func(child int) int { return listCost * child }
	c.Complexity.User.ChildUsers = func(child int) int { return listCost * child }
	c.Complexity.ChildUser.Devlogs = func(child int, first *int, _ *string, last *int, _ *string) int {
		size := 20
		for _, asked := range []*int{first, last} {
			if asked != nil {
				size = max(0, *asked)
			}
		}
		return 1 + size*child
	}
	return generated.NewExecutableSchema(c)
}

// SDL is the schema as text, with its descriptions.
func SDL() string {
	var text strings.Builder
	formatter.NewFormatter(&text).FormatSchema(Schema(nil).Schema())
	return text.String()
}
