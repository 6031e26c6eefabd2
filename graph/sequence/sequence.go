// Package sequence holds what the generated executor calls in place of gqlgen's
// concurrent list function; internal/tools/gqlgen puts the calls there. It imports
// gqlgen's runtime and nothing of this module.
package sequence

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// MarshalSlice marshals the elements of a list one after the other. It has the
// signature of graphql.MarshalSliceConcurrently, which starts a goroutine for each
// element. Here the elements are loaded before the list is marshalled, so there is
// nothing to wait for at the same time, and the goroutines cost the home screen a
// quarter of its CPU time. The worker limit has no meaning here.
//
// As in gqlgen, a panic in one element is reported as its error and the whole list
// becomes null.
func MarshalSlice(
	ctx context.Context, length int, _ int64, omitPanicHandler bool,
	marshal func(ctx context.Context, i int) graphql.Marshaler,
) (list graphql.Array) {
	list = make(graphql.Array, length)
	for i := range length {
		elementCtx := graphql.WithFieldContext(ctx, &graphql.FieldContext{Index: &i})
		if omitPanicHandler {
			list[i] = marshal(elementCtx, i)
			continue
		}
		element, ok := marshalElement(elementCtx, i, marshal)
		if !ok {
			return nil
		}
		list[i] = element
	}
	return list
}

// marshalElement reports false for an element that panicked, once its error is
// part of the response.
func marshalElement(
	ctx context.Context, i int, marshal func(ctx context.Context, i int) graphql.Marshaler,
) (element graphql.Marshaler, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			graphql.AddError(ctx, graphql.Recover(ctx, r))
		}
	}()
	return marshal(ctx, i), true
}
