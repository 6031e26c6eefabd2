package compression_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"luxbff/server/compression"
)

func serve(t *testing.T, accept string, handler http.HandlerFunc) *httptest.ResponseRecorder {
	t.Helper()
	compressor, err := compression.New()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.Header.Set("Accept-Encoding", accept)
	recorder := httptest.NewRecorder()
	compressor.Handler(handler).ServeHTTP(recorder, r)
	return recorder
}

// TestLengthIsPadded holds that answers of one length and entropy are not of one length once
// they are compressed, and that the same answer is: who asks for it again learns nothing more.
func TestLengthIsPadded(t *testing.T) {
	t.Parallel()
	paddings := map[string]map[int]bool{"gzip": {}, "zstd": {}}
	for i := range 20 {
		body := []byte(strings.Repeat(fmt.Sprintf("%03d", i), 1000))
		for encoding, seen := range paddings {
			answer := serve(t, encoding, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }).Body.Bytes()
			again := serve(t, encoding, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }).Body.Bytes()
			if !bytes.Equal(answer, again) {
				t.Errorf("%s: one answer has %d and %d bytes", encoding, len(answer), len(again))
			}
			seen[padding(t, encoding, answer)] = true
		}
	}
	for encoding, seen := range paddings {
		if len(seen) < 5 || seen[0] {
			t.Errorf("%s: of 20 answers the paddings are %v", encoding, seen)
		}
	}
}

// padding is how many bytes say nothing: those of the comment in the head of gzip, and of the
// skippable frame at the end of zstd.
func padding(t *testing.T, encoding string, body []byte) int {
	t.Helper()
	if encoding == "gzip" {
		reader, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return len(reader.Comment)
	}
	for length := 0; length <= 32; length++ {
		at := len(body) - length - 8
		if binary.LittleEndian.Uint32(body[at:])&^0xf == 0x184d2a50 && int(binary.LittleEndian.Uint32(body[at+4:])) == length {
			return length
		}
	}
	return 0
}

// TestHandlerLeavesAlone holds that what cannot or need not be compressed is sent as it is.
func TestHandlerLeavesAlone(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 2*compression.MinSize)
	for name, c := range map[string]struct {
		header, value string
		status        int
		body          string
	}{
		"a short answer":        {"Content-Type", "application/json", http.StatusOK, long[:compression.MinSize-1]},
		"an encoded answer":     {"Content-Encoding", "br", http.StatusOK, long},
		"a part of an answer":   {"Content-Range", "bytes 0-2047/4096", http.StatusPartialContent, long},
		"nothing":               {"Allow", "GET", http.StatusNoContent, ""},
		"what has not changed":  {"Etag", `"a"`, http.StatusNotModified, ""},
		"the length of nothing": {"Content-Length", "0", http.StatusOK, ""},
	} {
		answer := serve(t, "gzip, zstd", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(c.header, c.value)
			w.WriteHeader(c.status)
			if c.body != "" {
				_, _ = w.Write([]byte(c.body))
			}
		})
		encoding := answer.Header().Get("Content-Encoding")
		if answer.Code != c.status || answer.Body.String() != c.body || answer.Header().Get(c.header) != c.value || encoding != "" && encoding != "br" {
			t.Errorf("%s is answered %d %v, %d bytes", name, answer.Code, answer.Header(), answer.Body.Len())
		}
	}
}
