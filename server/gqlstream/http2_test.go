package gqlstream_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"luxbff/server/gqlstream"
)

// subscribeOverHTTP2 opens a stream on a connection that may carry others.
func (b *bench) subscribeOverHTTP2(accept, document string) *http.Response {
	b.t.Helper()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: &protocols}}
	b.t.Cleanup(client.CloseIdleConnections)
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.server.URL, strings.NewReader(`{"query":"`+document+`"}`))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = answer.Body.Close() })
	if answer.ProtoMajor != 2 {
		b.t.Fatalf("the stream is of %s", answer.Proto)
	}
	return answer
}

// TestIdleStreamOverHTTP2 holds that the time in which a client has to read an event does not
// end a stream on which nothing happens for longer.
func TestIdleStreamOverHTTP2(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gqlstream.Config) { cfg.WriteTimeout, cfg.PingInterval = 500*time.Millisecond, time.Second })
	stream := bufio.NewReader(b.subscribeOverHTTP2("text/event-stream", `subscription { feed }`).Body)
	for range 3 { // the opening and two heartbeats
		if line, err := stream.ReadString('\n'); line != ":\n" {
			t.Fatalf("%q, %v", line, err)
		}
		if _, err := stream.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	b.schema.Board.Publish("one")
	for line := ""; !strings.Contains(line, `"feed":"one"`); {
		var err error
		if line, err = stream.ReadString('\n'); err != nil {
			t.Fatalf("%q, %v", line, err)
		}
	}
}

// TestStreamThatIsNotReadOverHTTP2 holds that a client that lets its window fill loses the
// stream, although its connection is read.
func TestStreamThatIsNotReadOverHTTP2(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{"text/event-stream", acceptMultipart} {
		b := setup(t, func(cfg *gqlstream.Config) { cfg.WriteTimeout = 200 * time.Millisecond })
		b.subscribeOverHTTP2(accept, `subscription { feed(padding: 10000) }`)
		b.await(feeds(1))
		for i := range 1000 {
			b.schema.Board.Publish(fmt.Sprint(i))
		}
		b.await(feeds(0))
		b.awaitNoConnections()
	}
}
