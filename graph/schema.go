package graph

import (
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/formatter"

	"luxbff/graph/generated"
)

const (
	// listCost is how many elements a list that takes no size is counted with in
	// the complexity of a query. Ten children are a large family.
	listCost = 10
	// pageCost is how many logs a page of the history is counted with if the query
	// names no size: the default size of package devlog.
	pageCost = 20
)

// Schema gives the executable schema over the resolvers. It says what each field
// costs; how much a whole operation may cost is a limit of server/gqlhttp. A nil
// resolver will do for reading the schema.
func Schema(r *Resolver) graphql.ExecutableSchema {
	c := generated.Config{Resolvers: r}
	c.Directives.Auth = r.requireViewer
	c.Complexity.Query.ChildUsers = func(child int) int { return listCost * child }
	c.Complexity.User.ChildUsers = func(child int) int { return listCost * child }
	c.Complexity.ChildUser.Devlogs = func(child int, first *int, _ *string, last *int, _ *string) int {
		size := pageCost
		for _, asked := range []*int{first, last} {
			if asked != nil {
				// The domain refuses a negative size; here it counts as nothing, so that
				// it takes nothing from the cost of the other fields.
				size = max(0, *asked)
			}
		}
		return 1 + size*child
	}
	return generated.NewExecutableSchema(c)
}

// SDL gives the schema as text, with its descriptions. The command `schema` prints
// it.
func SDL() string {
	var text strings.Builder
	formatter.NewFormatter(&text).FormatSchema(Schema(nil).Schema())
	return text.String()
}
