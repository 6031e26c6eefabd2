// Package zstdtest compresses text for the tests of what reads compressed bodies.
package zstdtest

import (
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// Compress gives the text as zstd, as a client does that knows how long it is.
func Compress(t testing.TB, text string) string {
	t.Helper()
	encoder := newEncoder(t, nil)
	return string(encoder.EncodeAll([]byte(text), nil))
}

// Stream gives the text as zstd, as a client does that learns at the end how long it is.
func Stream(t testing.TB, text string, options ...zstd.EOption) string {
	t.Helper()
	var out strings.Builder
	encoder := newEncoder(t, &out, options...)
	if _, err := io.WriteString(encoder, text); err != nil {
		t.Fatal(err)
	}
	// What is flushed before the end is no longer written with its length.
	if err := encoder.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := encoder.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func newEncoder(t testing.TB, out io.Writer, options ...zstd.EOption) *zstd.Encoder {
	t.Helper()
	encoder, err := zstd.NewWriter(out, append([]zstd.EOption{
		zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(128 << 10),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return encoder
}
