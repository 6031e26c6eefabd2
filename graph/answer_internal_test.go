package graph

import (
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/ent"
	"luxbff/internal/devlog"
)

// TestASubscriptionForgetsItsPages: a query keeps all it has read, but a subscription goes
// on for days, and what it keeps must not grow with its events.
func TestASubscriptionForgetsItsPages(t *testing.T) {
	t.Parallel()
	const events = 1000
	for kind, keeps := range map[ast.Operation]func(pages int) bool{
		ast.Query:        func(pages int) bool { return pages == events },
		ast.Subscription: func(pages int) bool { return pages > 0 && pages < 50 },
	} {
		ctx := graphql.WithOperationContext(t.Context(), &graphql.OperationContext{Operation: &ast.OperationDefinition{Operation: kind}})
		for range events {
			answerOf(ctx).pages[newPageKey(&ent.ChildUser{}, devlog.PageParams{})] = devlog.Page{}
		}
		if pages := len(answerOf(ctx).pages); !keeps(pages) {
			t.Errorf("a %s keeps %d pages", kind, pages)
		}
	}
}
