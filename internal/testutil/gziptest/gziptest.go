// Package gziptest compresses text for the tests of what reads compressed bodies.
package gziptest

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"
)

// Compress gives the text as gzip.
func Compress(t testing.TB, text string) string {
	t.Helper()
	var out strings.Builder
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
