package sequence_test

import (
	"context"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"luxbff/graph/sequence"
)

func responseContext(t *testing.T) context.Context {
	t.Helper()
	return graphql.WithResponseContext(t.Context(), graphql.DefaultErrorPresenter, graphql.DefaultRecover)
}

func TestMarshalSliceKeepsOrderAndIndex(t *testing.T) {
	t.Parallel()
	var seen []int
	list := sequence.MarshalSlice(responseContext(t), 3, 0, false, func(ctx context.Context, i int) graphql.Marshaler {
		seen = append(seen, *graphql.GetFieldContext(ctx).Index)
		return graphql.MarshalInt(i * 10)
	})
	var got strings.Builder
	list.MarshalGQL(&got)
	if got.String() != "[0,10,20]" || len(seen) != 3 || seen[2] != 2 {
		t.Errorf("got %s after %v", got.String(), seen)
	}
}

func TestMarshalSliceReportsAPanic(t *testing.T) {
	t.Parallel()
	ctx := responseContext(t)
	list := sequence.MarshalSlice(ctx, 2, 0, false, func(_ context.Context, i int) graphql.Marshaler {
		if i == 1 {
			panic("lost")
		}
		return graphql.MarshalInt(i)
	})
	errs := graphql.GetErrors(ctx)
	if list != nil || len(errs) != 1 || errs[0].Path.String() != "[1]" {
		t.Errorf("got %v, %v", list, errs)
	}
}

func TestMarshalSliceOfNoElements(t *testing.T) {
	t.Parallel()
	if list := sequence.MarshalSlice(responseContext(t), 0, 0, false, nil); list == nil || len(list) != 0 {
		t.Errorf("got %v", list)
	}
}
