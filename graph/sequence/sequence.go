// Package sequence is what the generated executor calls in place of gqlgen's
// concurrent list marshaller. It imports gqlgen's runtime and nothing of ours.
package sequence

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// MarshalSlice marshals the elements of a list one after the other. It stands
// in for graphql.MarshalSliceConcurrently, which starts a goroutine an element:
// what our lists hold is loaded before they are marshalled, so there is nothing
// to wait for at the same time. The worker limit has no meaning here.
//
// A panic in an element is reported and empties the list, as in the original.
func MarshalSlice(
	ctx context.Context, length int, _ int64, omitPanicHandler bool,
	marshal func(ctx context.Context, i int) graphql.Marshaler,
) (list graphql.Array) {
	list = make(graphql.Array, length)
	for i := range length {
		element := graphql.WithFieldContext(ctx, &graphql.FieldContext{Index: &i})
		if omitPanicHandler {
			list[i] = marshal(element, i)
			continue
		}
		if !marshalled(element, list, i, marshal) {
			return nil
		}
	}
	return list
}

func marshalled(
	ctx context.Context, list graphql.Array, i int,
	marshal func(ctx context.Context, i int) graphql.Marshaler,
) (ok bool) {
	defer func() {
		if r := recover(); r != nil {
			graphql.AddError(ctx, graphql.Recover(ctx, r))
		}
	}()
	list[i] = marshal(ctx, i)
	return true
}
