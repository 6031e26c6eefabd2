package gqlws_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"luxbff/internal/apperr"
	"luxbff/internal/testutil/schematest"
	"luxbff/server/gqlhttp"
	"luxbff/server/gqlstream"
	"luxbff/server/gqlws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of a test; none of them measures time.
const patience = 20 * time.Second

// bench is a server with the test schema behind the transports.
type bench struct {
	t        *testing.T
	schema   *schematest.Schema
	server   *httptest.Server
	registry *registry
}

// registry files connections under names of accounts and sessions.
type registry = gqlstream.Registry[string, string]

func newRegistry(cfg gqlstream.RegistryConfig) *registry {
	return gqlstream.NewRegistry[string, string](cfg)
}

// setup starts a server. A change may replace the registry, and Init, which is
// admit where it doesn't.
func setup(t *testing.T, change func(*gqlws.Config)) *bench {
	t.Helper()
	cfg := gqlws.Config{Config: gqlstream.Config{Registry: newRegistry(gqlstream.RegistryConfig{})}}
	if change != nil {
		change(&cfg)
	}
	b := &bench{t: t, schema: schematest.New(), registry: cfg.Registry.(*registry)}
	if cfg.Init == nil {
		cfg.Init = admit(b.registry)
	}
	b.server = httptest.NewUnstartedServer(newHandler(b.schema, cfg))
	b.server.Config.ConnContext = smallBuffers
	b.server.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := b.registry.Shutdown(ctx); err != nil {
			t.Errorf("sockets are left after the test: %v", err)
		}
		b.server.Close()
	})
	return b
}

// newHandler serves the schema over all transports.
func newHandler(schema graphql.ExecutableSchema, cfg gqlws.Config) http.Handler {
	return gqlhttp.New(schema, gqlhttp.Config{
		Transports: []graphql.Transport{gqlws.New(cfg)},
		Streams:    []gqlhttp.Stream{gqlstream.NewSSE(cfg.Config), gqlstream.NewMultipart(cfg.Config)},
		Logger:     slog.New(slog.DiscardHandler),
	})
}

// config lets in whom admit lets in.
func config(r *registry) gqlws.Config {
	return gqlws.Config{Config: gqlstream.Config{Init: admit(r), Registry: r}}
}

type initHook = func(context.Context, gqlstream.InitPayload, *http.Request) (gqlstream.Session, error)

// admit is an Init that lets in everybody but those who ask to be refused. The
// payload, or the headers of a stream over HTTP, say what the session is.
func admit(registry *registry) initHook {
	return func(ctx context.Context, payload gqlstream.InitPayload, r *http.Request) (gqlstream.Session, error) {
		return sessionOf(ctx, registry, payload, r)
	}
}

func sessionOf(ctx context.Context, registry *registry, payload gqlstream.InitPayload, r *http.Request) (gqlstream.Session, error) {
	if payload == nil {
		payload = gqlstream.InitPayload{"as": r.Header.Get("X-As"), "user": r.Header.Get("X-User"), "session": r.Header.Get("X-Session")}
	}
	switch payload.String("as") {
	case "nobody":
		return gqlstream.Session{}, apperr.Unauthenticated.New()
	case "expired":
		return gqlstream.Session{}, apperr.TokenIsExpired.New()
	case "broken":
		return gqlstream.Session{}, errors.New("the database is away")
	case "panic":
		panic("in Init")
	}
	session := gqlstream.Session{
		Context: schematest.WithUser(ctx, payload.String("user")),
	}
	if user := payload.String("user"); user != "" {
		session.Key = registry.Key(user, payload.String("session"))
	}
	if payload.String("ack") != "" {
		session.Ack = map[string]any{"hello": payload.String("ack"), "path": r.URL.Path}
	}
	return session, nil
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

func waits(n int) func(schematest.State) bool {
	return func(s schematest.State) bool { return s.Waits == n }
}

// client is a raw WebSocket client.
type client struct {
	t    *testing.T
	conn *websocket.Conn
}

const (
	modern = "graphql-transport-ws"
	legacy = "graphql-ws"
)

func (b *bench) dial(subprotocols ...string) *client {
	b.t.Helper()
	dialer := websocket.Dialer{Subprotocols: subprotocols, HandshakeTimeout: patience}
	conn, answer, err := dialer.Dial("ws"+strings.TrimPrefix(b.server.URL, "http")+"/graphql", nil)
	if err != nil {
		b.t.Fatalf("dial: %v", err)
	}
	_ = answer.Body.Close()
	b.t.Cleanup(func() { _ = conn.Close() })
	return &client{b.t, conn}
}

// connect dials and gets as far as the ack.
func (b *bench) connect(payload string) *client {
	b.t.Helper()
	c := b.dial(modern)
	c.send(`{"type":"connection_init","payload":` + payload + `}`)
	c.expect(`{"type":"connection_ack"}`)
	return c
}

func (c *client) send(frame string) {
	c.t.Helper()
	if err := c.conn.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		c.t.Fatalf("send %s: %v", frame, err)
	}
}

// read gives the next frame, or the close error that came instead.
func (c *client) read() (string, error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	_, data, err := c.conn.ReadMessage()
	return string(data), err
}

func (c *client) expect(want string) {
	c.t.Helper()
	got, err := c.read()
	if err != nil {
		c.t.Fatalf("waiting for %s: %v", want, err)
	}
	if diff := cmp.Diff(parse(want), parse(got)); diff != "" {
		c.t.Fatalf("frame (-want +got):\n%s", diff)
	}
}

func (c *client) expectClose(code int, reason string) {
	c.t.Helper()
	got, err := c.read()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) {
		c.t.Fatalf("got frame %q and error %v, want close %d", got, err, code)
	}
	if closed.Code != code || closed.Text != reason {
		c.t.Fatalf("closed with %d %q, want %d %q", closed.Code, closed.Text, code, reason)
	}
}

func parse(text string) any {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return text
	}
	return value
}

func mustJSON(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return data
}
