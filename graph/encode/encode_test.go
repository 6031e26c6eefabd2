package encode_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"go.uber.org/goleak"

	"luxbff/graph/encode"
	"luxbff/test/sampleschema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// list gives the data of n elements of which each counts that it is written.
func list(n int, element string, written *int) graphql.Marshaler {
	all := make(graphql.Array, n)
	for i := range all {
		all[i] = graphql.WriterFunc(func(w io.Writer) {
			*written++
			_, _ = io.WriteString(w, element)
		})
	}
	return all
}

func TestDataStopsAtTheLimit(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ elements, limit, length, written int }{
		{3, 10, 7, 3},
		{3, 7, 7, 3},
		{3, 6, 7, 3}, // the last bracket is too much
		{1_000_000, 10, 11, 5},
		{1_000_000, 0, 1, 0},
	} {
		written := 0
		got := encode.Data(encode.WithLimit(t.Context(), &tc.limit), list(tc.elements, "1", &written))
		if len(got) != tc.length || written != tc.written {
			t.Errorf("%d elements, at most %d bytes: %d bytes after %d elements", tc.elements, tc.limit, len(got), written)
		}
		if tc.length <= tc.limit && string(got) != "[1,1,1]" {
			t.Errorf("got %s", got)
		}
	}
}

func TestDataWithoutALimit(t *testing.T) {
	t.Parallel()
	written := 0
	got := encode.Data(t.Context(), list(100_000, "12345678", &written))
	if len(got) != 1+100_000*9 {
		t.Errorf("%d bytes", len(got))
	}
	again := encode.Data(t.Context(), list(2, "1", &written))
	if string(again) != "[1,1]" || !strings.HasPrefix(string(got), "[12345678,") {
		t.Errorf("got %s after %.20s", again, got)
	}
}

// TestDataOfAMarshallerThatPanics leaves nothing for the next answer.
func TestDataOfAMarshallerThatPanics(t *testing.T) {
	t.Parallel()
	func() {
		defer func() {
			if cause := recover(); cause != "lost" {
				t.Errorf("recovered %v", cause)
			}
		}()
		encode.Data(t.Context(), graphql.WriterFunc(func(w io.Writer) {
			_, _ = io.WriteString(w, "half")
			panic("lost")
		}))
	}()
	written := 0
	if got := encode.Data(t.Context(), list(1, "1", &written)); string(got) != "[1]" {
		t.Errorf("got %s", got)
	}
}

// BenchmarkData encodes an answer of the size of a home screen's.
func BenchmarkData(b *testing.B) {
	written := 0
	data := list(200, "1234567890", &written)
	ctx := encode.WithLimit(b.Context(), new(8<<20))
	b.ReportAllocs()
	for b.Loop() {
		encode.Data(ctx, data)
	}
}

// TestGeneratedExecutorStopsAtTheLimit executes an operation of each kind.
func TestGeneratedExecutorStopsAtTheLimit(t *testing.T) {
	t.Parallel()
	const limit = 20
	server := executor.New(sampleschema.NewSchema())
	server.AroundResponses(func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
		return next(encode.WithLimit(ctx, new(limit)))
	})
	long := strings.Repeat("a", 100)
	for document, length := range map[string]int{
		"{hello}":                            len(`{"hello":"Hello"}`),
		"{" + long + ": hello}":              limit + 1,
		"{items(first: 10000) {id name}}":    limit + 1,
		"subscription {" + long + ": ticks}": limit + 1,
		"mutation {" + long + ": rename(input: {id: 1}) {item {id}}}": limit + 1,
	} {
		ctx, cancel := context.WithCancel(graphql.StartOperationTrace(t.Context()))
		operation, errs := server.CreateOperationContext(ctx, &graphql.RawParams{Query: document})
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		responses, ctx := server.DispatchOperation(ctx, operation)
		if response := responses(ctx); response == nil || len(response.Data) != length {
			t.Errorf("%.30s: got %+v", document, response)
		}
		cancel()
	}
}
