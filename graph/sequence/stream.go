package sequence

import (
	"context"
	"io"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// ResolveFieldStream opens a subscription and gives the function that waits for its next
// event. It has the signature of graphql.ResolveFieldStream, in which an event knows
// nothing of the root field it belongs to: the path of an error lacks its name, an event
// that is null is written where the schema has no null, and a panic ends the stream.
// Here each event is executed as the root field of a query is. It may go when gqlgen
// does the same.
func ResolveFieldStream[T any](
	ctx context.Context,
	operation *graphql.OperationContext,
	field graphql.CollectedField,
	makeFieldContext func(ctx context.Context, field graphql.CollectedField) (*graphql.FieldContext, error),
	resolve func(ctx context.Context) (any, error),
	middleware func(ctx context.Context, next graphql.Resolver) graphql.Resolver,
	marshal func(ctx context.Context, selections ast.SelectionSet, event T) graphql.Marshaler,
	recoverFromPanic bool,
	nonNull bool,
) func(context.Context) graphql.Marshaler {
	s := &stream[T]{operation: operation, field: field, marshal: marshal, nonNull: nonNull}
	opened := graphql.ResolveFieldStream(
		ctx, operation, field,
		func(ctx context.Context, field graphql.CollectedField) (_ *graphql.FieldContext, err error) {
			s.context, err = makeFieldContext(ctx, field)
			return s.context, err
		},
		func(ctx context.Context) (any, error) {
			events, err := resolve(ctx)
			s.events, _ = events.(<-chan T)
			return events, err
		},
		middleware, marshal, recoverFromPanic, nonNull,
	)
	if opened == nil {
		return nil
	}
	return s.next
}

// stream is a subscription that has begun.
type stream[T any] struct {
	operation *graphql.OperationContext
	field     graphql.CollectedField
	context   *graphql.FieldContext
	events    <-chan T
	marshal   func(ctx context.Context, selections ast.SelectionSet, event T) graphql.Marshaler
	nonNull   bool
}

// next gives nil when there are no more events.
func (s *stream[T]) next(ctx context.Context) graphql.Marshaler {
	select {
	case event, open := <-s.events:
		if !open {
			return nil
		}
		return s.execute(graphql.WithFieldContext(ctx, s.context), event)
	case <-ctx.Done():
		return nil
	}
}

// execute gives the data of one event: null where the root field is and must not be.
func (s *stream[T]) execute(ctx context.Context, event T) (data graphql.Marshaler) {
	value := s.marshalEvent(ctx, event)
	if value == graphql.Null && s.nonNull {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = w.Write([]byte{'{'})
		graphql.MarshalString(s.field.Alias).MarshalGQL(w)
		_, _ = w.Write([]byte{':'})
		value.MarshalGQL(w)
		_, _ = w.Write([]byte{'}'})
	})
}

func (s *stream[T]) marshalEvent(ctx context.Context, event T) (value graphql.Marshaler) {
	defer func() {
		if cause := recover(); cause != nil {
			s.operation.Error(ctx, s.operation.Recover(ctx, cause))
			value = graphql.Null
		}
	}()
	return s.marshal(ctx, s.field.Selections, event)
}
