package app_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/server/connection"
)

// smallBuffers makes the kernel hold little of what is sent, so that a reader that reads
// nothing is soon noticed.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return conn, conn.(*net.TCPConn).SetWriteBuffer(4096)
}

// serveWithin serves a handler of the program with its own server and listener, whose
// deadlines are changed so that a test need not wait for them.
func serveWithin(t *testing.T, s *apptest.Server, handler http.Handler, change func(*http.Server)) *connection.Listener {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bound := connection.Listen(smallBuffers{listener}, connection.Limits{Total: 1000, PerClient: 1000, WriteTimeout: time.Second})
	server := s.App.Server(handler)
	change(server)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(bound) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the server ended with %v", err)
		}
	})
	return bound
}

// dialSmall connects with a small buffer for what is received.
func dialSmall(t *testing.T, to net.Addr) net.Conn {
	t.Helper()
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) { failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
		if err != nil {
			return err
		}
		return failed
	}}
	conn, err := dialer.DialContext(t.Context(), "tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// flood sends the same request again and again, and reads nothing, until the server has
// cut the connection.
func flood(conn net.Conn, request string) {
	for {
		if _, err := io.WriteString(conn, request); err != nil {
			return
		}
	}
}

// requestText is a request as it goes over a connection.
func requestText(method, path, body string, header ...string) string {
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s",
		method, path, len(body), strings.Join(append(header, ""), "\r\n"), body)
}

// TestReaderThatReadsNothingIsCut holds that whatever is asked for, by a client that
// reads no answer, its connection ends, with all that the answers hold.
func TestReaderThatReadsNothingIsCut(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	all := serveWithin(t, s, s.App.Handler(), func(*http.Server) {})
	metrics := serveWithin(t, s, s.App.MetricsHandler(), func(*http.Server) {})
	signedIn := "Authorization: Bearer " + token
	asset := requestText(http.MethodGet, largeAsset(t, s), "")
	requests := []string{
		asset, requestText(http.MethodPost, "/graphql", `{"query":"{ __schema { types { name description fields { name description } } } }"}`),
		requestText(http.MethodPost, "/graphql", `{"query":"{ me { id } }"}`, signedIn, "Accept: text/event-stream"),
		requestText(http.MethodPost, "/graphql", `{"query":"subscription { devlogStatus { cursor } }"}`, "Accept: text/event-stream"),
		requestText(http.MethodPost, "/graphql", `{"query":"{ me { id } }"}`, signedIn, "Accept: multipart/mixed;subscriptionSpec=1.0"),
		requestText(http.MethodGet, "/reset-password?token=x", ""), requestText(http.MethodGet, "/dev/outbox", ""),
		requestText(http.MethodGet, "/nowhere", ""), requestText("OPTIONS", "*", ""),
		"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 1\r\n\r\n",
	}
	for _, r := range servedRoutes() {
		requests = append(requests, requestText(r.method, strings.ReplaceAll(r.path, " ", "%20"), "", signedIn))
	}
	for _, request := range requests {
		go flood(dialSmall(t, all.Addr()), request)
	}
	go flood(dialSmall(t, metrics.Addr()), requestText(http.MethodGet, "/metrics", ""))
	for _, protocol := range []string{"graphql-transport-ws", "graphql-ws"} {
		go floodSocket(openSmallSocket(t, all.Addr(), protocol, token))
	}
	testutil.WaitFor(t, "the last connection is cut", func() bool { return all.Open()+metrics.Open() == 0 })
}

// largeAsset is the path of a script of GraphiQL.
func largeAsset(t *testing.T, s *apptest.Server) string {
	t.Helper()
	page := string(s.Call(t, http.MethodGet, "/", "", "").Body)
	_, after, found := strings.Cut(page, `src="`)
	path, _, closed := strings.Cut(after, `"`)
	if !found || !closed {
		t.Fatalf("no script in %s", page)
	}
	return "/" + strings.TrimLeft(path, "./")
}

func openSmallSocket(t *testing.T, to net.Addr, protocol, token string) *websocket.Conn {
	t.Helper()
	plain := dialSmall(t, to)
	dialer := websocket.Dialer{
		Subprotocols: []string{protocol}, NetDial: func(string, string) (net.Conn, error) { return plain, nil },
	}
	conn, response, err := dialer.DialContext(t.Context(), "ws://"+to.String()+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if err := conn.WriteJSON(frame{Type: "connection_init", Payload: raw(t, map[string]any{"Authorization": "Bearer " + token})}); err != nil {
		t.Fatal(err)
	}
	return conn
}

// floodSocket asks for more than it ever reads.
func floodSocket(conn *websocket.Conn) {
	for i := 0; ; i++ {
		begin := map[string]string{"graphql-transport-ws": "subscribe", "graphql-ws": "start"}[conn.Subprotocol()]
		err := conn.WriteJSON(map[string]any{
			"id": fmt.Sprint(i), "type": begin, "payload": map[string]any{"query": "{ __typename }"},
		})
		if err != nil {
			return
		}
	}
}

// TestSlowRequestsAreCut holds that a client that never completes its request holds its
// connection for a bounded time, whether its header or its body is missing.
func TestSlowRequestsAreCut(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	defaults := s.App.Server(s.App.Handler())
	if defaults.ReadHeaderTimeout <= 0 || defaults.ReadTimeout <= 0 || defaults.IdleTimeout <= 0 {
		t.Errorf("the server of the program waits for ever: %+v", defaults)
	}
	bound := serveWithin(t, s, s.App.Handler(), func(server *http.Server) {
		server.ReadHeaderTimeout, server.ReadTimeout, server.IdleTimeout = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	})
	unfinished := func(path string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
	}
	for _, sent := range []string{
		"", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\nX: ", requestText(http.MethodGet, "/healthz", ""),
		unfinished("/graphql"), unfinished(signInPath), unfinished("/auth/login_local"), unfinished("/reset-password"), unfinished("/nowhere"),
	} {
		conn := dialSmall(t, bound.Addr())
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
	}
	testutil.WaitFor(t, "the last connection is cut", func() bool { return bound.Open() == 0 })
}
