package gqlstream_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"luxbff/internal/apperr"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/schematest"
	"luxbff/server/gqlhttp"
	"luxbff/server/gqlstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of a test; none of them measures time.
const patience = 20 * time.Second

// bench is a server with the test schema behind both transports.
type bench struct {
	t        *testing.T
	schema   *schematest.Schema
	server   *httptest.Server
	registry *gqlstream.Registry[string, string]
}

// setup starts a server that lets everybody in.
func setup(t *testing.T, change func(*gqlstream.Config)) *bench {
	t.Helper()
	b := &bench{t: t, schema: schematest.New(), registry: gqlstream.NewRegistry[string, string](gqlstream.RegistryConfig{})}
	cfg := gqlstream.Config{Init: admit, Registry: b.registry}
	if change != nil {
		change(&cfg)
	}
	b.server = httptest.NewUnstartedServer(gqlhttp.New(b.schema, gqlhttp.Config{
		Streams: []gqlhttp.Stream{gqlstream.NewSSE(cfg), gqlstream.NewMultipart(cfg)},
		Logger:  slog.New(slog.DiscardHandler),
	}))
	b.server.Config.ConnContext = smallBuffers
	b.server.Config.Protocols = new(http.Protocols)
	b.server.Config.Protocols.SetHTTP1(true)
	b.server.Config.Protocols.SetUnencryptedHTTP2(true)
	b.server.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := b.registry.Shutdown(ctx); err != nil {
			t.Errorf("streams are left after the test: %v", err)
		}
		b.server.Close()
	})
	return b
}

func admit(context.Context, gqlstream.InitPayload, *http.Request) (gqlstream.Session, error) {
	return gqlstream.Session{}, nil
}

func refuse(context.Context, gqlstream.InitPayload, *http.Request) (gqlstream.Session, error) {
	return gqlstream.Session{}, apperr.Unauthenticated.New()
}

// send sends a request and reads the whole answer. A POST is of JSON unless the header
// says otherwise.
func (b *bench) send(method, query, body string, header map[string]string) (*http.Response, string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, b.server.URL+query, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	answer, err := b.server.Client().Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer, string(text)
}

func (b *bench) await(condition func(schematest.State) bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.schema.Board.Await(ctx, condition); err != nil {
		b.t.Fatalf("the board did not come to what was waited for: %v", err)
	}
}

func feeds(n int) func(schematest.State) bool {
	return func(s schematest.State) bool { return s.Feeds == n }
}

// awaitNoConnections waits until the registry knows none.
func (b *bench) awaitNoConnections() {
	b.t.Helper()
	testutil.WaitFor(b.t, "no connection is left", func() bool { return b.registry.Len() == 0 })
}

// smallBuffers makes the kernel hold little, so that a reader is soon slow.
func smallBuffers(ctx context.Context, conn net.Conn) context.Context {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(4 << 10)
	}
	return ctx
}
