package ws_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/server/ws"
)

// dialersEnv makes the test binary the client of BenchmarkIdleSubscription.
const dialersEnv = "LUXBFF_WS_DIAL"

// BenchmarkIdleSubscription reports what an idle authenticated subscription
// costs: b.N sockets come from a second process, so that its memory isn't
// counted. Run it with a fixed count:
//
//	go test -run '^$' -bench IdleSubscription -benchtime 10000x ./server/ws
func BenchmarkIdleSubscription(b *testing.B) {
	if b.N == 1 {
		return // the first round of every benchmark; its one socket tells nothing
	}
	s := newSchema()
	s.board.capacity = 16 // as the feed of devlogs has
	srv := handler.New(s)
	srv.SetQueryCache(lru.New[*ast.QueryDocument](100))
	registry := ws.NewRegistry(ws.RegistryConfig{})
	srv.AddTransport(ws.New(ws.Config{Init: welcome, Registry: registry}))
	server := httptest.NewServer(srv)
	defer server.Close()
	before := measure()
	client := dialFromOutside(b, server.Listener.Addr().String(), b.N)
	if err := s.board.await(b.Context(), feeds(b.N)); err != nil {
		b.Fatal(err)
	}
	after := measure()
	report(b, before, after)
	reportFanOut(b, s.board, client)
	_ = client.in.Close()
	_ = client.cmd.Wait()
	if err := s.board.await(b.Context(), feeds(0)); err != nil {
		b.Fatal(err)
	}
	left := measure()
	b.ReportMetric(float64(left.rss-before.rss)/float64(b.N), "KB-left/socket")
}

type outside struct {
	cmd *exec.Cmd
	in  interface{ Close() error }
	out *bufio.Scanner
}

func dialFromOutside(b *testing.B, address string, n int) outside {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), dialersEnv+"="+address+" "+strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return outside{cmd, in, bufio.NewScanner(out)}
}

type memory struct{ rss, heap, stack, goroutines int } // KB, KB, KB, count

func measure() memory {
	for range 3 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return memory{residentKB(), int(m.HeapInuse / 1024), int(m.StackInuse / 1024), runtime.NumGoroutine()}
}

func residentKB() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb
		}
	}
	return 0
}

func report(b *testing.B, before, after memory) {
	b.Helper()
	n := float64(b.N)
	b.ReportMetric(float64(after.rss-before.rss)/n, "KB/socket")
	b.ReportMetric(float64(after.heap-before.heap)/n, "KB-heap/socket")
	b.ReportMetric(float64(after.stack-before.stack)/n, "KB-stack/socket")
	b.ReportMetric(float64(after.goroutines-before.goroutines)/n, "goroutines/socket")
}

// reportFanOut publishes one event and waits until the client has read it on
// every socket.
func reportFanOut(b *testing.B, board *board, client outside) {
	b.Helper()
	const rounds = 5
	start := time.Now()
	for range rounds {
		board.publish("now")
		if !client.out.Scan() {
			b.Fatal("the client is gone")
		}
	}
	b.ReportMetric(float64(time.Since(start).Milliseconds())/rounds, "ms/fan-out")
}

// dialMany is the second process: it subscribes on n sockets, and writes a line
// whenever all of them have received one more event. It ends with its input.
func dialMany(address string, n int) {
	received := make(chan struct{}, n)
	conns := make(chan *websocket.Conn, n)
	for range 16 {
		go func() {
			for range n / 16 {
				conns <- subscribeOnce(address)
			}
		}()
	}
	for range n % 16 {
		conns <- subscribeOnce(address)
	}
	for range n {
		conn := <-conns
		go func() {
			for {
				if _, _, err := conn.ReadMessage(); err != nil {
					return
				}
				received <- struct{}{}
			}
		}()
	}
	go func() {
		for {
			for range n {
				<-received
			}
			_, _ = fmt.Fprintln(os.Stdout, "all")
		}
	}()
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
}

func subscribeOnce(address string) *websocket.Conn {
	dialer := websocket.Dialer{
		Subprotocols: []string{modern}, ReadBufferSize: 256, WriteBufferSize: 256,
		NetDialContext: (&net.Dialer{}).DialContext,
	}
	conn, answer, err := dialer.DialContext(context.Background(), "ws://"+address+"/graphql", nil)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = answer.Body.Close()
	for _, frame := range []string{
		`{"type":"connection_init","payload":{"authorization":"Bearer ` + strings.Repeat("x", 300) + `"}}`,
		`{"id":"1","type":"subscribe","payload":{"query":"subscription Feed($p: Int) { feed(padding: $p) }","variables":{"p":0}}}`,
	} {
		_ = conn.WriteMessage(websocket.TextMessage, []byte(frame))
		if strings.Contains(frame, "connection_init") {
			_, _, _ = conn.ReadMessage()
		}
	}
	return conn
}
