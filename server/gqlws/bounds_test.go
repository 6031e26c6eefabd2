package gqlws_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"luxbff/internal/testutil"
	"luxbff/server/gqlstream"
	"luxbff/server/gqlws"
)

func TestSlowReader(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gqlws.Config) {
		cfg.QueueLimit = 4 << 10
		cfg.SlowTimeout = 3 * time.Second
	})
	const events, query = 200, `{"id":"f","type":"subscribe","payload":{"query":"subscription { feed(padding: 10000) }"}}`
	slow, quick := b.connect(`{}`), b.connect(`{}`)
	slow.send(query)
	quick.send(query)
	b.await(feeds(2))
	for i := range events {
		b.schema.Board.Publish(fmt.Sprint(i))
	}
	for i := range events {
		got, err := quick.read()
		if prefix := fmt.Sprintf(`{"type":"next","id":"f","payload":{"data":{"feed":"%d0123`, i); err != nil || !strings.HasPrefix(got, prefix) {
			t.Fatalf("event %d of the quick reader: %.60s, %v", i, got, err)
		}
	}
	b.await(feeds(1))
	for {
		_, err := slow.read()
		if err == nil {
			continue
		}
		if !websocket.IsCloseError(err, gqlstream.CodeSlowReader) || !strings.HasSuffix(err.Error(), "Slow reader") {
			t.Fatalf("slow reader ends with %v", err)
		}
		return
	}
}

func TestSlowReaderOfPongs(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gqlws.Config) {
		cfg.QueueLimit = 1 << 10
		cfg.WriteTimeout = time.Minute // a busy machine takes long to send all pings
	})
	c := b.connect(`{}`)
	ping := fmt.Appendf(nil, `{"type":"ping","payload":{"p":%q}}`, strings.Repeat("x", 50_000))
	for range 1000 {
		_ = c.conn.SetWriteDeadline(time.Now().Add(patience))
		if c.conn.WriteMessage(websocket.TextMessage, ping) != nil {
			break
		}
	}
	for {
		_, err := c.read()
		if err == nil {
			continue
		}
		if !websocket.IsCloseError(err, gqlstream.CodeSlowReader) {
			t.Fatalf("ends with %v", err)
		}
		return
	}
}

func TestDeadPeerIsNoticed(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gqlws.Config) { cfg.PingInterval = 20 * time.Millisecond })
	c := b.connect(`{}`)
	c.send(feedFrame)
	// A client that doesn't read answers no ping.
	b.awaitLen(0)
	b.await(feeds(0))
	for {
		if _, err := c.read(); err != nil {
			if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
				t.Fatalf("a dead peer got %v", err)
			}
			return
		}
	}
}

func TestLivePeerIsPinged(t *testing.T) {
	t.Parallel()
	for subprotocol, lines := range map[string]string{
		modern: greeting + strings.Repeat("\n"+`< {"type":"ping"}`, 4),
		legacy: greeting + strings.Repeat("\n"+`< {"type":"ka"}`, 5),
	} {
		t.Run(subprotocol, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(cfg *gqlws.Config) { cfg.PingInterval = time.Second })
			b.dial(subprotocol).play(lines)
		})
	}
}

func TestOperationLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gqlws.Config) { cfg.OperationLimit = 2 })
	c := b.connect(`{}`)
	c.play(`
> {"id":"1","type":"subscribe","payload":{"query":"subscription { feed }"}}
> {"id":"2","type":"subscribe","payload":{"query":"subscription { feed }"}}
> {"id":"3","type":"subscribe","payload":{"query":"{ echo(text: \"x\") }"}}
< {"id":"3","type":"error","payload":[{"message":"Too many requests","extensions":{"code":"TOO_MANY_REQUESTS","status":429}}]}
> {"id":"2","type":"complete"}
> {"id":"3","type":"subscribe","payload":{"query":"{ echo(text: \"x\") }"}}
< {"id":"3","type":"next","payload":{"data":{"echo":"x"}}}
< {"id":"3","type":"complete"}`)
}

func TestAccountLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gqlws.Config) {
		cfg.Registry = newRegistry(gqlstream.RegistryConfig{AccountLimit: 2})
	})
	first := b.connect(`{"user":"a"}`)
	b.connect(`{"user":"a"}`)
	b.connect(`{"user":"b"}`)
	third := b.dial(modern)
	third.send(`{"type":"connection_init","payload":{"user":"a"}}`)
	third.expectClose(4411, "Too many sockets")
	_ = first.conn.Close()
	b.awaitLen(2)
	b.connect(`{"user":"a"}`)
}

// awaitLen waits until the registry knows n connections.
func (b *bench) awaitLen(n int) {
	b.t.Helper()
	testutil.WaitFor(b.t, fmt.Sprintf("%d connections are registered", n), func() bool { return b.registry.Len() == n })
}

func TestOriginIsChecked(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	answer := b.upgrade(http.Header{"Origin": {"https://elsewhere.example"}})
	if answer.StatusCode != http.StatusForbidden {
		t.Fatalf("foreign origin: %s", answer.Status)
	}
	if got := answer.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Fatalf("content type %q", got)
	}
	if own := b.upgrade(http.Header{"Origin": {b.server.URL}}); own.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("own origin: %s", own.Status)
	}
}

// upgrade tries a handshake and gives the answer, its body read.
func (b *bench) upgrade(header http.Header) *http.Response {
	b.t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{modern}, HandshakeTimeout: patience}
	conn, answer, err := dialer.Dial("ws"+strings.TrimPrefix(b.server.URL, "http"), header)
	if err == nil {
		_ = conn.Close()
	} else if !errors.Is(err, websocket.ErrBadHandshake) {
		b.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer
}

// smallBuffers makes the kernel hold little, so that a reader is soon slow.
func smallBuffers(ctx context.Context, conn net.Conn) context.Context {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(4 << 10)
	}
	return ctx
}
