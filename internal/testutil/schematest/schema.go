// Package schematest is a small executable GraphQL schema, written by hand, with
// feeds that a test drives. The tests of the live transports run on it, so that
// they need neither the program's schema nor its database.
package schematest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/internal/apperr"
	"luxbff/internal/pubsub"
)

const sdl = `
type Query { echo(text: String!): String! refuse: String wait: String panic: String who: String feeds: Int }
type Mutation { add(n: Int!): Int! publish(text: String!): Boolean finish: Boolean signOut: Boolean }
type Subscription {
  count(to: Int!): Int!
  feed(padding: Int, ends: Boolean, resumed: Boolean): String!
  stuck: Int!
  refused: Int!
  slow: Int!
}`

// Schema implements graphql.ExecutableSchema.
type Schema struct {
	doc *ast.Schema
	// Board is what the field feed of Subscription subscribes to.
	Board *Board
	// OnSignOut is called by the mutation signOut, before it is answered.
	OnSignOut func()
}

var _ graphql.ExecutableSchema = (*Schema)(nil)

// New makes a schema whose board has no feeds.
func New() *Schema {
	return &Schema{doc: gqlparser.MustLoadSchema(&ast.Source{Name: "test.graphqls", Input: sdl}), Board: newBoard()}
}

// Schema implements graphql.ExecutableSchema.
func (s *Schema) Schema() *ast.Schema { return s.doc }

// Complexity implements graphql.ExecutableSchema.
func (s *Schema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

// Exec implements graphql.ExecutableSchema.
func (s *Schema) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	field, _ := op.Operation.SelectionSet[0].(*ast.Field)
	args := field.ArgumentMap(op.Variables)
	if op.Operation.Operation == ast.Subscription {
		return s.subscribe(ctx, op, field, args)
	}
	first := true
	return func(ctx context.Context) *graphql.Response {
		if !first {
			return nil
		}
		first = false
		return encode(field, s.resolve(ctx, field.Name, args))
	}
}

func (s *Schema) resolve(ctx context.Context, name string, args map[string]any) any {
	switch name {
	case "echo":
		return args["text"]
	case "who":
		return ctx.Value(userKey{})
	case "wait":
		s.Board.countWait()
		<-ctx.Done()
		return nil
	case "panic":
		panic("in a resolver that nothing guards")
	case "feeds":
		return s.Board.Feeds()
	case "publish":
		s.Board.Publish(args["text"].(string))
		return true
	case "finish":
		s.Board.Finish(apperr.CursorExpired.New())
		return true
	case "signOut":
		s.OnSignOut()
		return true
	case "add":
		return args["n"].(int64) + 1
	}
	graphql.AddError(ctx, apperr.NotFoundDevice.WithField("input.deviceId"))
	return nil
}

type userKey struct{}

// WithUser puts into the context what the query who answers.
func WithUser(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}

func encode(field *ast.Field, value any) *graphql.Response {
	if value == nil {
		return &graphql.Response{Data: fmt.Appendf(nil, `{%q:null}`, field.Alias)}
	}
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return &graphql.Response{Data: fmt.Appendf(nil, `{%q:%s}`, field.Alias, data)}
}

func (s *Schema) subscribe(
	ctx context.Context, op *graphql.OperationContext, field *ast.Field, args map[string]any,
) graphql.ResponseHandler {
	res, err := op.ResolverMiddleware(ctx, func(ctx context.Context) (any, error) {
		return s.open(ctx, field.Name, args)
	})
	if err != nil {
		graphql.AddError(ctx, err)
		return nil
	}
	values, _ := res.(chan any)
	return func(ctx context.Context) *graphql.Response {
		select {
		case v, ok := <-values:
			if !ok {
				return nil
			}
			return encode(field, v)
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Schema) open(ctx context.Context, name string, args map[string]any) (any, error) {
	switch name {
	case "count":
		return counter(ctx, int(args["to"].(int64))), nil
	case "slow":
		s.Board.countWait()
		<-ctx.Done()
		return nil, ctx.Err()
	case "refused":
		pubsub.SubscriptionFrom(ctx).EnableNotify() // and then the resolver fails all the same
		return nil, apperr.CursorNotValid.WithField("after")
	}
	padding, _ := args["padding"].(int64)
	ends, _ := args["ends"].(bool)
	subscription := pubsub.SubscriptionFrom(ctx)
	if resumed, _ := args["resumed"].(bool); resumed {
		subscription.MarkRecovered()
		subscription.OnAck(s.Board.noteAck)
	}
	return s.Board.subscribe(ctx, subscription, int(padding), ends), nil
}

// counter sends 1 to n from a goroutine of its own.
func counter(ctx context.Context, n int) chan any {
	values := make(chan any)
	go func() {
		defer close(values)
		for i := 1; i <= n; i++ {
			select {
			case values <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	return values
}
