package contract_test

import (
	"bytes"
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
)

// request is a request of a page, ready to be sent.
type request struct {
	method string
	target string
	header http.Header
	body   []byte
	// chunked sends the body in chunks, without its length before.
	chunked bool
}

var (
	headerLine = regexp.MustCompile(`^([A-Za-z-]+): (.*)$`)
	pageHost   = regexp.MustCompile(`^https?://[^/]+`)
)

// readRequest reads the text of a request block.
func readRequest(t testing.TB, text string) request {
	t.Helper()
	first, rest, _ := strings.Cut(text, "\n")
	words := strings.Fields(first)
	if len(words) < 2 {
		t.Fatalf("%q is no request line", first)
	}
	r := request{method: words[0], target: pageHost.ReplaceAllString(words[1], ""), header: http.Header{}}
	for rest != "" {
		line, after, _ := strings.Cut(rest, "\n")
		if line == "" {
			rest = after
			break
		}
		found := headerLine.FindStringSubmatch(line)
		if found == nil {
			break
		}
		r.header.Set(found[1], found[2])
		rest = after
	}
	r.body = []byte(strings.TrimSuffix(rest, "\n"))
	return r
}

// unquoteBody replaces the body, which is a Go string literal, by what it stands for.
func (r *request) unquoteBody(t *testing.T) {
	t.Helper()
	body, err := strconv.Unquote(string(r.body))
	if err != nil {
		t.Fatalf("%q is no Go string literal", r.body)
	}
	r.body = []byte(body)
}

func (r request) send(t *testing.T, s *apptest.Server) apptest.Response {
	t.Helper()
	sent, err := http.NewRequestWithContext(context.Background(), r.method, s.URL+r.target, bytes.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	sent.Header = r.header
	return s.Do(t, sent)
}
