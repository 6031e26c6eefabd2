package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/formatter"

	"luxbff/graph/generated"
	"luxbff/internal/account"
	"luxbff/internal/auth"
	"luxbff/internal/child"
	"luxbff/internal/message/history"
)

// What the fields cost that have something to wait for, in the cost of a plain field. On
// the home screen that is a microsecond.
const (
	// statementCost is that of the SQL statement behind a page of the history: 36 µs for a
	// page of one log on SQLite, more where the database is another machine.
	statementCost = 50
	// pageSize is how many logs a page is counted with if the query names no size: the
	// default size of package devlog.
	pageSize = 20
)

// Schema gives the executable schema over the resolvers. It says what each field
// costs; how much a whole operation may cost is a limit of server/gqlhttp. A nil
// resolver will do for reading the schema.
func Schema(r *Resolver) graphql.ExecutableSchema {
	c := generated.Config{Resolvers: r}
	c.Directives.Auth = r.requireViewer
	// A list costs as if the account owned as much as it may: what it owns is not known yet.
	children := func(cost int) int { return child.MaxChildren * cost }
	c.Complexity.Query.ChildUsers, c.Complexity.User.ChildUsers = children, children
	c.Complexity.User.PushDevices = func(cost int) int { return account.MaxPushDevices * cost }
	c.Complexity.User.Identities = func(cost int) int { return auth.MaxLinks * cost }
	c.Complexity.User.Sessions = func(cost int) int { return statementCost + auth.MaxSessions*cost }
	c.Complexity.User.Messages = func(cost int, first *int, _ *string) int {
		size := history.DefaultPageSize
		if first != nil {
			size = max(0, *first)
		}
		return statementCost + size*cost
	}
	c.Complexity.ChildUser.Devlogs = func(child int, first *int, _ *string, last *int, _ *string) int {
		size := pageSize
		for _, asked := range []*int{first, last} {
			if asked != nil {
				// The domain refuses a negative size; here it counts as nothing, so that
				// it takes nothing from the cost of the other fields.
				size = max(0, *asked)
			}
		}
		return statementCost + size*child
	}
	return schema{generated.NewExecutableSchema(c)}
}

// schema knows what an upload costs. A complexity function of gqlgen would decode the logs
// only to count them: 5 ms for 1,000.
type schema struct{ graphql.ExecutableSchema }

// Complexity implements graphql.ExecutableSchema.
func (s schema) Complexity(
	ctx context.Context, parent, field string, child int, arguments map[string]any,
) (cost int, own bool) {
	if parent == "Mutation" && field == "uploadDevlogs" {
		return 1 + countLogs(arguments)*child, true
	}
	return s.ExecutableSchema.Complexity(ctx, parent, field, child, arguments)
}

// countLogs counts one that stands without the brackets of a list as one.
func countLogs(arguments map[string]any) int {
	input, _ := arguments["input"].(map[string]any)
	logs, isList := input["logs"].([]any)
	if !isList {
		return 1
	}
	return len(logs)
}

// SDL gives the schema as text, with its descriptions. The command `schema` prints
// it.
func SDL() string {
	var text strings.Builder
	formatter.NewFormatter(&text).FormatSchema(Schema(nil).Schema())
	return text.String()
}
