package ws_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/apperr"
	"luxbff/internal/pubsub"
)

const sdl = `
type Query { echo(text: String!): String! refuse: String wait: String panic: String who: String feeds: Int }
type Mutation { add(n: Int!): Int! publish(text: String!): Boolean finish: Boolean }
type Subscription {
  count(to: Int!): Int!
  feed(padding: Int, ends: Boolean, resumed: Boolean): String!
  stuck: Int!
  refused: Int!
  slow: Int!
}`

// schema is a small executable schema written by hand.
type schema struct {
	doc   *ast.Schema
	board *board
}

func newSchema() *schema {
	return &schema{
		doc:   gqlparser.MustLoadSchema(&ast.Source{Name: "test.graphqls", Input: sdl}),
		board: &board{capacity: 1024, feeds: map[*feed]struct{}{}, changed: make(chan struct{})},
	}
}

func (s *schema) Schema() *ast.Schema { return s.doc }

func (s *schema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (s *schema) Exec(ctx context.Context) graphql.ResponseHandler {
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
		return answer(field, s.resolve(ctx, field.Name, args))
	}
}

func (s *schema) resolve(ctx context.Context, name string, args map[string]any) any {
	switch name {
	case "echo":
		return args["text"]
	case "who":
		return ctx.Value(whoKey{})
	case "wait":
		s.board.note()
		<-ctx.Done()
		return nil
	case "panic":
		panic("in a resolver that nothing guards")
	case "feeds":
		return s.board.count()
	case "publish":
		s.board.publish(args["text"].(string))
		return true
	case "finish":
		s.board.finish(apperr.CursorExpired.New())
		return true
	case "add":
		return args["n"].(int64) + 1
	}
	graphql.AddError(ctx, apperr.NotFoundDevice.WithField("input.deviceId"))
	return nil
}

type whoKey struct{}

func answer(field *ast.Field, value any) *graphql.Response {
	if value == nil {
		return &graphql.Response{Data: fmt.Appendf(nil, `{%q:null}`, field.Alias)}
	}
	return &graphql.Response{Data: fmt.Appendf(nil, `{%q:%s}`, field.Alias, mustJSON(value))}
}

func (s *schema) subscribe(
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
			return answer(field, v)
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *schema) open(ctx context.Context, name string, args map[string]any) (any, error) {
	switch name {
	case "count":
		return counter(ctx, int(args["to"].(int64))), nil
	case "slow":
		s.board.note()
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
		subscription.OnAck(s.board.confirm)
	}
	return s.board.subscribe(ctx, subscription, int(padding), ends), nil
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

// board is a hub: it notifies its feeds.
type board struct {
	mu       sync.Mutex
	feeds    map[*feed]struct{}
	changed  chan struct{}
	notes    int
	arrived  []string
	capacity int    // of a feed
	preload  string // put on a feed while its resolver still runs
}

type feed struct {
	*pubsub.Subscription
	values  chan any
	padding string
	ends    bool
}

func (b *board) subscribe(ctx context.Context, subscription *pubsub.Subscription, padding int, ends bool) chan any {
	f := &feed{Subscription: subscription, values: make(chan any, b.capacity), ends: ends}
	for len(f.padding) < padding {
		f.padding += "0123456789"
	}
	f.EnableNotify()
	b.mu.Lock()
	b.feeds[f] = struct{}{}
	if b.preload != "" {
		f.values <- b.preload
		f.Notify()
	}
	b.signal()
	b.mu.Unlock()
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.feeds, f)
		b.signal()
	})
	return f.values
}

// signal needs the mutex.
func (b *board) signal() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *board) note() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notes++
	b.signal()
}

// confirm notes the cursor of a value that arrived.
func (b *board) confirm(cursor string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.arrived = append(b.arrived, cursor)
	b.signal()
}

// publish puts text on every feed that has room.
func (b *board) publish(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for f := range b.feeds {
		if len(f.values) < cap(f.values) {
			f.SetNextCursor(text)
		}
		select {
		case f.values <- text + f.padding:
			f.Notify()
		default:
		}
	}
}

// finish closes every feed, some of them with an error.
func (b *board) finish(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for f := range b.feeds {
		if f.ends {
			f.Fail(err)
		}
		close(f.values)
		f.Notify()
		delete(b.feeds, f)
	}
}

func (b *board) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.feeds)
}

// await waits until the board is as the condition says.
func (b *board) await(ctx context.Context, condition func(feeds, notes int) bool) error {
	for {
		b.mu.Lock()
		ok, changed := condition(len(b.feeds), b.notes), b.changed
		b.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// present is an error presenter as the graph has one: it shows faults and what
// GraphQL itself found, and of all else nothing.
func present(ctx context.Context, err error) *gqlerror.Error {
	shown := graphql.DefaultErrorPresenter(ctx, err)
	var known *apperr.Error
	switch {
	case errors.As(err, &known):
	case shown.Err != nil:
		known = apperr.From(shown.Err)
	default:
		return shown
	}
	return &gqlerror.Error{Message: known.Detail(), Path: shown.Path, Extensions: map[string]any{"code": known.Code()}}
}
