package connection_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"luxbff/internal/testutil"
	"luxbff/server/connection"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network is a listener on loopback whose peers have the addresses that a test gives
// them, in the order in which they connect, and whose kernel buffers are small.
type network struct {
	net.Listener

	peers chan string
}

type peer struct {
	net.Conn

	remote net.Addr
}

func (p peer) RemoteAddr() net.Addr { return p.remote }

func (n *network) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if err := conn.(*net.TCPConn).SetWriteBuffer(4096); err != nil {
		return nil, err
	}
	return peer{conn, net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(<-n.peers), 1234))}, nil
}

// serve answers every request with size bytes.
func serve(t *testing.T, limits connection.Limits, size int) (*connection.Listener, *network) {
	t.Helper()
	loopback, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	from := &network{loopback, make(chan string, 100)}
	bound := connection.Listen(from, limits)
	body := []byte(strings.Repeat("x", size))
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(bound) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the server ended with %v", err)
		}
	})
	return bound, from
}

func (n *network) dial(t *testing.T, from string) net.Conn {
	t.Helper()
	n.peers <- from
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", n.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// isServed sends a request and reports whether it is answered.
func isServed(t *testing.T, conn net.Conn) bool {
	t.Helper()
	_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if err == nil {
		_, err = io.ReadFull(conn, make([]byte, len("HTTP/1.1 200 OK")))
	}
	return err == nil
}

// TestConnectionsOfAClient holds that an address, or a network of IPv6, holds as many
// connections as it may and no more, that a proxy holds more, that all together are
// bounded too, and that a connection that ends makes room.
func TestConnectionsOfAClient(t *testing.T) {
	t.Parallel()
	var refused atomic.Int64
	bound, from := serve(t, connection.Limits{
		Total: 9, PerClient: 2, WriteTimeout: time.Minute,
		IsProxy:      func(a netip.Addr) bool { return a == netip.MustParseAddr("10.0.0.1") },
		CountRefused: func() { refused.Add(1) },
	}, 1)
	var first net.Conn
	for i, step := range []struct {
		from string
		want bool
	}{
		{"203.0.113.7", true},
		{"203.0.113.7", true},
		{"203.0.113.7", false},
		{"::ffff:203.0.113.7", false},
		{"203.0.113.8", true},
		{"2001:db8::1", true},
		{"2001:db8::2", true},
		{"2001:db8::3", false},
		{"2001:db8:0:1::1", true},
		{"10.0.0.1", true},
		{"10.0.0.1", true},
		{"10.0.0.1", true},
		{"10.0.0.1", false}, // the tenth of all
		{"203.0.113.9", false},
	} {
		conn := from.dial(t, step.from)
		if got := isServed(t, conn); got != step.want {
			t.Errorf("connection %d, of %s, is served: %v, want %v", i, step.from, got, step.want)
		}
		if i == 0 {
			first = conn
		}
	}
	if bound.Open() != 9 || refused.Load() != 5 {
		t.Errorf("%d connections are open and %d were refused, want 9 and 5", bound.Open(), refused.Load())
	}
	_ = first.Close()
	testutil.WaitFor(t, "the closed connection is forgotten", func() bool { return bound.Open() == 8 })
	if !isServed(t, from.dial(t, "203.0.113.7")) {
		t.Error("there is no room where a connection has ended")
	}
}

// TestReaderThatReadsNothing holds that the connection of a peer that reads nothing is
// cut within an answer.
func TestReaderThatReadsNothing(t *testing.T) {
	t.Parallel()
	bound, from := serve(t, connection.Limits{Total: 10, PerClient: 10, WriteTimeout: 200 * time.Millisecond}, 4<<20)
	for range 3 {
		if _, err := io.WriteString(from.dial(t, "203.0.113.7"), "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	testutil.WaitFor(t, "all connections are cut", func() bool { return bound.Open() == 0 })
}

// piped is a listener whose one connection is a pipe in memory, which goes by the clock
// of the test.
type piped struct {
	net.Listener

	conn net.Conn
}

func (p piped) Accept() (net.Conn, error) { return p.conn, nil }

// TestSlowReaderGetsEverything holds that a peer that reads slowly gets an answer that
// takes many times the deadline, because each piece has its own, and that one that stops
// in between is noticed after one.
func TestSlowReaderGetsEverything(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(net.Conn) error{
		"the listener's deadline": func(net.Conn) error { return nil },
		"one of a stream":         func(c net.Conn) error { return c.SetWriteDeadline(time.Now().Add(readerTimeout)) },
		"one of a socket":         func(c net.Conn) error { return c.SetDeadline(time.Now().Add(readerTimeout)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { checkSlowReader(t, set) })
		})
	}
}

// readerTimeout is the deadline that a slow reader just meets.
const readerTimeout = 30 * time.Second

// checkSlowReader writes after set has set a deadline.
func checkSlowReader(t *testing.T, set func(net.Conn) error) {
	t.Helper()
	const timeout, piece, pieces = readerTimeout, 16 << 10, 20
	here, there := net.Pipe()
	bound := connection.Listen(piped{conn: here}, connection.Limits{Total: 1, PerClient: 1, WriteTimeout: timeout})
	conn, err := bound.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	go func() {
		for range pieces {
			<-time.After(timeout - time.Second) // of the bubble's clock
			_, _ = io.ReadFull(there, make([]byte, piece))
		}
	}()
	answer := make([]byte, pieces*piece)
	if err := set(conn); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if n, err := conn.Write(answer); n != len(answer) || err != nil {
		t.Errorf("a slow reader received %d bytes: %v", n, err)
	}
	if took := time.Since(began); took != pieces*(timeout-time.Second) {
		t.Errorf("the answer took %v of the test's clock", took)
	}
	if err := set(conn); err != nil {
		t.Fatal(err)
	}
	began = time.Now()
	if _, err := conn.Write(answer); !isTimeout(err) || time.Since(began) != timeout {
		t.Errorf("a reader that has stopped is noticed after %v: %v", time.Since(began), err)
	}
}

// TestOwnDeadlineIsKept holds that a stream or a socket that sets a deadline for a write
// gets that one, and that its end gives the connection back to the listener's.
func TestOwnDeadlineIsKept(t *testing.T) {
	t.Parallel()
	loopback, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = loopback.Close() })
	from := &network{loopback, make(chan string, 1)}
	bound := connection.Listen(from, connection.Limits{Total: 1, PerClient: 1, WriteTimeout: time.Minute})
	from.dial(t, "203.0.113.7")
	conn, err := bound.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	for name, set := range map[string]func(time.Time) error{"SetWriteDeadline": conn.SetWriteDeadline, "SetDeadline": conn.SetDeadline} {
		if err := set(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("x")); !isTimeout(err) {
			t.Errorf("%s: written after its deadline: %v", name, err)
		}
		if err := set(time.Time{}); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("x")); err != nil {
			t.Errorf("%s: not written without a deadline of its own: %v", name, err)
		}
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// TestCounterForgets holds that a counter keeps no client that holds nothing, and that
// what is given back twice counts once.
func TestCounterForgets(t *testing.T) {
	t.Parallel()
	counter := connection.NewCounter(2)
	var all []*connection.Held
	for i := range 1000 {
		held, ok := counter.Take(netip.MustParseAddr(fmt.Sprintf("203.0.%d.%d", i/250, i%250)))
		if !ok {
			t.Fatalf("client %d is refused", i)
		}
		all = append(all, held)
	}
	unknown, _ := counter.Take(netip.Addr{})
	if _, ok := counter.Take(netip.Addr{}); !ok {
		t.Error("a second unknown client is refused")
	}
	if _, ok := counter.Take(netip.Addr{}); ok {
		t.Error("a third unknown client is let through")
	}
	unknown.Release()
	unknown.Release()
	if _, ok := counter.Take(netip.Addr{}); !ok {
		t.Error("what was given back cannot be taken")
	}
	if _, ok := counter.Take(netip.Addr{}); ok {
		t.Error("what was given back twice can be taken twice")
	}
	for _, held := range all {
		held.Release()
	}
	if n := counter.Clients(); n != 1 {
		t.Errorf("%d clients are kept, want the unknown one", n)
	}
}
