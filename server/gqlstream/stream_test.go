package gqlstream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/server/gqlhttp"
	"luxbff/server/gqlstream"
)

const acceptMultipart = `multipart/mixed;boundary=graphql;subscriptionSpec=1.0`

// post sends a body and reads the whole answer.
func (b *bench) post(accept, body string) (*http.Response, string) {
	b.t.Helper()
	return b.send(http.MethodPost, "", body, map[string]string{"Accept": accept})
}

func TestEventStreamOnTheWire(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	answer, text := b.post("text/event-stream", `{"query":"subscription { count(to: 2) }"}`)
	want := ":\n\n" +
		"event: next\ndata: {\"data\":{\"count\":1}}\n\n" +
		"event: next\ndata: {\"data\":{\"count\":2}}\n\n" +
		"event: complete\ndata: \n\n"
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
	if got := answer.Header.Get("Content-Type"); got != "text/event-stream; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
}

// TestNobodyHoldsEventsBack holds that proxies are asked to keep no stream and to pass on each
// event as it comes, of a query and of a refusal as well.
func TestNobodyHoldsEventsBack(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for _, accept := range []string{"text/event-stream", acceptMultipart} {
		for _, document := range []string{`subscription { count(to: 2) }`, `{ hello }`, `subscription { nothing }`} {
			answer, _ := b.post(accept, `{"query":"`+document+`"}`)
			if got := answer.Header.Get("Cache-Control"); got != "no-store, no-transform" || answer.Header.Get("X-Accel-Buffering") != "no" {
				t.Errorf("%s of %s: %v", document, accept, answer.Header)
			}
		}
	}
}

func TestMultipartIsWellFormed(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	answer, text := b.post(acceptMultipart, `{"query":"subscription { count(to: 2) }"}`)
	_, parameters, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	reader := multipart.NewReader(strings.NewReader(text), parameters["boundary"])
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(part)
		parts = append(parts, part.Header.Get("Content-Type")+" "+string(content))
	}
	want := []string{
		`application/json {}`,
		`application/json {"payload":{"data":{"count":1}}}`,
		`application/json {"payload":{"data":{"count":2}}}`,
	}
	if diff := cmp.Diff(want, parts); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

func TestStreamRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	long := `{"query":"` + strings.Repeat("#", gqlhttp.DefaultMaxBody) + `"}`
	for _, accept := range []string{"text/event-stream", acceptMultipart} {
		for body, want := range map[string]string{
			``:                          "400 INVALID_REQUEST_OR_MISSING_PARAMETERS",
			`[]`:                        "400 INVALID_REQUEST_OR_MISSING_PARAMETERS",
			`{"query":"{ echo }"} more`: "400 INVALID_REQUEST_OR_MISSING_PARAMETERS",
			`{"variables":{}}`:          "400 INVALID_REQUEST_OR_MISSING_PARAMETERS",
			`{"query":"\ud800"}`:        "400 INVALID_REQUEST_OR_MISSING_PARAMETERS",
			long:                        "413 PAYLOAD_TOO_LARGE",
		} {
			answer, text := b.post(accept, body)
			var refused struct {
				Errors []struct{ Extensions struct{ Code string } }
			}
			if err := json.Unmarshal([]byte(text), &refused); err != nil || len(refused.Errors) != 1 {
				t.Fatalf("%s, body %.30q: %s %s", accept, body, answer.Status, text)
			}
			if got := answer.Status[:4] + refused.Errors[0].Extensions.Code; got != want {
				t.Errorf("%s, body %.30q:\n got %s\nwant %s", accept, body, got, want)
			}
		}
	}
}

func TestStreamsAfterTheShutdown(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	if err := b.registry.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	answer, _ := b.post("text/event-stream", `{"query":"{ who }"}`)
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Fatalf("answer: %s", answer.Status)
	}
}

func TestStreamThatIsNotRead(t *testing.T) {
	t.Parallel()
	impatient := func(cfg *gqlstream.Config) { cfg.WriteTimeout = 200 * time.Millisecond }
	b := setup(t, impatient)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", b.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	body := `{"query":"subscription { feed(padding: 10000) }"}`
	_, err = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	if err != nil {
		t.Fatal(err)
	}
	b.await(feeds(1))
	for i := range 1000 {
		b.schema.Board.Publish(fmt.Sprint(i))
	}
	b.await(feeds(0))
	b.awaitNoConnections()
}

func TestCursorIsTheEventID(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	go func() {
		if b.schema.Board.Await(t.Context(), feeds(1)) == nil {
			b.schema.Board.Publish("one")
			b.schema.Board.Publish("two")
			b.schema.Board.Finish(nil)
		}
	}()
	_, text := b.post("text/event-stream", `{"query":"subscription { feed }"}`)
	want := ":\n\n" +
		"id: one\nevent: next\ndata: {\"data\":{\"feed\":\"one\"}}\n\n" +
		"id: two\nevent: next\ndata: {\"data\":{\"feed\":\"two\"}}\n\n" +
		"event: complete\ndata: \n\n"
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
}

// TestSubscriptionHasItsStartPointWhenItsStreamBegins: a client that has the header
// of the answer misses no event from then on.
func TestSubscriptionHasItsStartPointWhenItsStreamBegins(t *testing.T) {
	t.Parallel()
	const rounds = 100
	for name, accept := range map[string]string{"SSE": "text/event-stream", "multipart": acceptMultipart} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			for range rounds {
				ctx, cut := context.WithCancel(t.Context())
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.server.URL, strings.NewReader(`{"query":"subscription { feed }"}`))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Accept", accept)
				r.Header.Set("Content-Type", "application/json")
				answer, err := b.server.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				if n := b.schema.Board.Feeds(); n != 1 {
					t.Errorf("the stream has begun, and there are %d feeds", n)
				}
				cut()
				_ = answer.Body.Close()
				b.await(feeds(0))
			}
		})
	}
}
