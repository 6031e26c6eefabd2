// Package encode writes the data of GraphQL answers for the generated executor, of each
// answer no more than its limit; internal/tools/gqlgen puts the calls there. It imports
// gqlgen's runtime and nothing of this module.
package encode

import (
	"context"
	"io"
	"sync"

	"github.com/99designs/gqlgen/graphql"
)

// largestKept is the largest buffer in bytes that waits for the next answer, so that a few
// large answers do not hold their memory for as long as the process runs.
const largestKept = 64 << 10

type limitKey struct{}

// WithLimit sets how many bytes of data an answer may have. It is a pointer because a
// context would allocate one for each number.
func WithLimit(ctx context.Context, bytes *int) context.Context {
	return context.WithValue(ctx, limitKey{}, bytes)
}

// Data gives the data of an answer as JSON. Where they have more bytes than the limit of
// the context, it stops there and gives one byte more than the limit, which are no JSON: the
// caller refuses what is larger than its limit. Without a limit it gives everything.
func Data(ctx context.Context, data graphql.Marshaler) []byte {
	w := writers.Get().(*writer)
	w.limit = -1
	if limit, isLimited := ctx.Value(limitKey{}).(*int); isLimited {
		w.limit = *limit
	}
	w.encode(data)
	if cap(w.bytes) > largestKept {
		encoded := w.bytes
		w.bytes = nil
		writers.Put(w)
		return encoded
	}
	encoded := make([]byte, len(w.bytes))
	copy(encoded, w.bytes)
	w.bytes = w.bytes[:0]
	writers.Put(w)
	return encoded
}

var writers = sync.Pool{New: func() any { return new(writer) }}

// writer collects what is written up to a limit, and breaks the encoding off there.
type writer struct {
	bytes []byte
	limit int // negative for none
}

var _ io.StringWriter = (*writer)(nil)

// full is what a writer panics with at its limit: marshallers look at no error of a writer,
// and would go on with all that is left.
type full struct{}

func (w *writer) encode(data graphql.Marshaler) {
	defer func() {
		if cause := recover(); cause != nil {
			if _, isFull := cause.(full); !isFull {
				panic(cause)
			}
		}
	}()
	data.MarshalGQL(w)
}

// Write implements io.Writer.
func (w *writer) Write(p []byte) (int, error) {
	w.bytes = append(w.bytes, p[:w.room(len(p))]...)
	w.stopWhenFull()
	return len(p), nil
}

// WriteString implements io.StringWriter.
func (w *writer) WriteString(s string) (int, error) {
	w.bytes = append(w.bytes, s[:w.room(len(s))]...)
	w.stopWhenFull()
	return len(s), nil
}

// AvailableBuffer gives room for what is written next, as that of bytes.Buffer does.
func (w *writer) AvailableBuffer() []byte { return w.bytes[len(w.bytes):] }

// room is how much of n bytes is still kept: up to one more than the limit.
func (w *writer) room(n int) int {
	if w.limit < 0 {
		return n
	}
	return min(n, w.limit+1-len(w.bytes))
}

func (w *writer) stopWhenFull() {
	if w.limit >= 0 && len(w.bytes) > w.limit {
		panic(full{})
	}
}
