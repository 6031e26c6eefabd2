package httpbody_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"luxbff/internal/apperr"
	"luxbff/internal/testutil/gziptest"
	"luxbff/internal/testutil/zstdtest"
	"luxbff/server/httpbody"
)

const limit = 1000

func read(body io.Reader, encodings ...string) (string, error) {
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.Header["Content-Encoding"] = encodings
	var text bytes.Buffer
	err := httpbody.ReadInto(&text, r, limit)
	return text.String(), err
}

// The lengths of the bodies in a buffer are known before, those of the others are not.
func TestReadInto(t *testing.T) {
	t.Parallel()
	const text = `{"a": "하나"}`
	longest := strings.Repeat("a", limit)
	for name, c := range map[string]struct {
		body      string
		encodings []string
		want      string
	}{
		"plain":                   {body: text, want: text},
		"empty":                   {},
		"a byte order mark":       {body: "\xef\xbb\xbf" + text, want: text},
		"two of them":             {body: "\xef\xbb\xbf\xef\xbb\xbf" + text, want: "\xef\xbb\xbf" + text},
		"identity":                {text, []string{"identity"}, text},
		"the charset":             {text, []string{"UTF-8"}, text},
		"gzip":                    {gziptest.Compress(t, text), []string{"gzip"}, text},
		"x-gzip in capitals":      {gziptest.Compress(t, text), []string{"X-GZIP"}, text},
		"gzip of nothing":         {gziptest.Compress(t, ""), []string{"gzip"}, ""},
		"gzip of no body":         {"", []string{"gzip"}, ""},
		"gzip with a mark in it":  {gziptest.Compress(t, "\xef\xbb\xbf"+text), []string{"gzip"}, text},
		"gzip in two members":     {gziptest.Compress(t, text[:5]) + gziptest.Compress(t, text[5:]), []string{"gzip"}, text},
		"gzip beside identity":    {gziptest.Compress(t, text), []string{"identity, gzip"}, text},
		"gzip in a second header": {gziptest.Compress(t, text), []string{"", "gzip"}, text},
		"zstd":                    {zstdtest.Compress(t, text), []string{"ZSTD"}, text},
		"zstd of unknown length":  {zstdtest.Stream(t, text), []string{"zstd"}, text},
		"zstd of nothing":         {zstdtest.Compress(t, ""), []string{"zstd"}, ""},
		"zstd of no body":         {"", []string{"zstd"}, ""},
		"zstd with a mark in it":  {zstdtest.Compress(t, "\xef\xbb\xbf"+text), []string{"zstd"}, text},
		"zstd in two frames":      {zstdtest.Compress(t, text[:5]) + zstdtest.Compress(t, text[5:]), []string{"zstd"}, text},
		"zstd behind padding":     {"\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + zstdtest.Compress(t, text), []string{"zstd"}, text},
		"zstd of a large window":  {zstdtest.Stream(t, text, zstd.WithWindowSize(8<<20)), []string{"zstd"}, text},
		"zstd as long as allowed": {zstdtest.Compress(t, longest), []string{"zstd"}, longest},
		"the same, streamed":      {zstdtest.Stream(t, longest), []string{"zstd"}, longest},
		"as long as it may be":    {body: longest, want: longest},
		"as long once inflated":   {gziptest.Compress(t, longest), []string{"gzip"}, longest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, body := range []io.Reader{strings.NewReader(c.body), iotest.OneByteReader(strings.NewReader(c.body))} {
				if got, err := read(body, c.encodings...); err != nil || got != c.want {
					t.Errorf("got %q, %v; want %q", got, err, c.want)
				}
			}
		})
	}
}

func TestNoBodyNeedsNoDecompression(t *testing.T) {
	t.Parallel()
	if got, err := read(http.NoBody, "br"); err != nil || got != "" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestReadIntoRefuses(t *testing.T) {
	t.Parallel()
	archive := gziptest.Compress(t, "text")
	for name, c := range map[string]struct {
		body     io.Reader
		encoding string
		want     apperr.Kind
	}{
		"too long":                  {strings.NewReader(strings.Repeat("a", limit+1)), "", apperr.PayloadTooLarge},
		"too long, unknown length":  {io.MultiReader(strings.NewReader(strings.Repeat("a", limit+1))), "", apperr.PayloadTooLarge},
		"too long once inflated":    {strings.NewReader(gziptest.Compress(t, strings.Repeat("a", limit+1))), "gzip", apperr.PayloadTooLarge},
		"a bomb":                    {strings.NewReader(gziptest.Compress(t, strings.Repeat("a", 1<<24))[:limit]), "gzip", apperr.PayloadTooLarge},
		"a thousand empty archives": {io.MultiReader(strings.NewReader(strings.Repeat(gziptest.Compress(t, ""), 1000))), "gzip", apperr.PayloadTooLarge},
		"no archive":                {strings.NewReader("text"), "gzip", apperr.BadRequest},
		"half an archive":           {strings.NewReader(archive[:len(archive)/2]), "gzip", apperr.BadRequest},
		"a wrong checksum":          {strings.NewReader(archive[:len(archive)-8] + "\x00\x00\x00\x00" + archive[len(archive)-4:]), "gzip", apperr.BadRequest},
		"more after the archive":    {strings.NewReader(archive + "more"), "gzip", apperr.BadRequest},
		"a client that hangs up":    {iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("text"))), "", apperr.BadRequest},
		"zstd, too long":            {strings.NewReader(zstdtest.Compress(t, strings.Repeat("a", limit+1))), "zstd", apperr.PayloadTooLarge},
		"zstd, streamed, too long":  {strings.NewReader(zstdtest.Stream(t, strings.Repeat("a", limit+1))), "zstd", apperr.PayloadTooLarge},
		"zstd, two too long":        {strings.NewReader(strings.Repeat(zstdtest.Compress(t, strings.Repeat("a", limit/2+1)), 2)), "zstd", apperr.PayloadTooLarge},
		"a bomb of zstd":            {strings.NewReader(zstdtest.Stream(t, strings.Repeat("a", 1<<24))), "zstd", apperr.PayloadTooLarge},
		"no archive of zstd":        {strings.NewReader("text"), "zstd", apperr.BadRequest},
		"a piece of zstd's head":    {strings.NewReader(zstdtest.Compress(t, "text")[:3]), "zstd", apperr.BadRequest},
		"half an archive of zstd":   {strings.NewReader(zstdtest.Compress(t, "text")[:8]), "zstd", apperr.BadRequest},
		"a wrong checksum of zstd":  {strings.NewReader(strings.Replace(zstdtest.Compress(t, "text"), "text", "tent", 1)), "zstd", apperr.BadRequest},
		"more after zstd":           {strings.NewReader(zstdtest.Compress(t, "text") + "more"), "zstd", apperr.BadRequest},
		"zstd of a huge window":     {strings.NewReader(zstdtest.Stream(t, "text", zstd.WithWindowSize(16<<20))), "zstd", apperr.BadRequest},
		"gzip named zstd":           {strings.NewReader(archive), "zstd", apperr.BadRequest},
		"zstd in gzip":              {strings.NewReader(archive), "gzip, zstd", apperr.UnsupportedMediaType},
		"gzip twice":                {strings.NewReader(archive), "gzip, gzip", apperr.UnsupportedMediaType},
		"brotli":                    {strings.NewReader(archive), "br", apperr.UnsupportedMediaType},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := read(c.body, c.encoding); !apperr.Is(err, c.want) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// TestTooLargeReachesClientsThatSendFirst holds that a client which reads nothing before
// it has sent all gets its answer, and one that waits for 100 Continue gets it instead.
func TestTooLargeReachesClientsThatSendFirst(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(apperr.From(httpbody.ReadInto(new(bytes.Buffer), r, limit)).Status())
	}))
	t.Cleanup(server.Close)
	const length = 10 << 20
	long := strings.Repeat("a", length)
	for name, sent := range map[string]string{
		"length known before":      fmt.Sprintf("Content-Length: %d\r\n\r\n%s", length, long),
		"in one chunk":             fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", length, long),
		"inflated":                 fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(gziptest.Compress(t, long)), gziptest.Compress(t, long)),
		"waiting for 100 Continue": fmt.Sprintf("Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", length),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.WriteString(connection, "POST / HTTP/1.1\r\nHost: localhost\r\n"+sent)
			response, errRead := http.ReadResponse(bufio.NewReader(connection), nil)
			if err = errors.Join(err, errRead); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(response.Body.Close(), connection.Close()); err != nil || response.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("%s, %v", response.Status, err)
			}
		})
	}
}
