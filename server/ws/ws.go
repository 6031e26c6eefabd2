// Package ws serves what is live in GraphQL. Over WebSocket, on
// gorilla/websocket: the protocol graphql-transport-ws, and the older graphql-ws
// (subscriptions-transport-ws) that Apollo Kotlin still speaks by default. Over
// HTTP: Server-Sent Events and Apollo's multipart subscriptions.
//
// A socket costs one goroutine, which waits for the client's next frame; as it
// does nothing else, the runtime's smallest stack holds it. All else runs in
// goroutines that end: one while frames are read, one an operation while it
// executes, one while frames wait to be written. A subscription whose feed notifies
// ([pubsub.Subscription]) has none between two events.
//
// The package knows nothing of accounts: who may connect, and until when, is
// told by the functions of [Config]. It must not import graph, ent or any
// domain package but apperr and pubsub.
package ws

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"

	"luxbff/internal/apperr"
)

// Config says who may connect and sets the bounds. Only Init is required; a
// zero bound takes its default.
type Config struct {
	// Init judges connection_init. The context ends with the socket; r is the
	// upgrade request, whose headers and context values may be read but whose
	// context is cancelled already. An error closes the socket with 4403 and the
	// detail of the fault; one that isn't a fault closes it with 1013.
	// For a stream over HTTP the payload is nil, the context is the request's,
	// and the error is told in the stream.
	Init func(ctx context.Context, payload InitPayload, r *http.Request) (Session, error)

	// Renew judges the token of an in-band re-authentication: a ping whose
	// payload is {"accessToken": "…"}. The context is the one that Init was
	// given, before the session that it replaces. The new session must have the
	// same User. An error closes the socket with 4403. Without Renew such a ping
	// is a ping.
	Renew func(ctx context.Context, before Session, accessToken string) (Session, error)

	// Operation, where set, runs before each operation, and once after Init, so
	// that a right that was lost in the meantime is noticed. Its error answers
	// the operation; its context is the operation's.
	Operation func(ctx context.Context) (context.Context, error)

	// Context is the parent of every socket's context: Background if nil.
	Context context.Context //nolint:containedctx // sockets outlive the request that made them

	// Registry knows the sockets. New makes one with its defaults if nil.
	Registry *Registry

	Logger *slog.Logger
	Clock  func() time.Time

	// CheckOrigin judges the Origin header; nil asks for the request's own host.
	CheckOrigin func(r *http.Request) bool

	InitTimeout  time.Duration // from the upgrade to the ack; 10 s
	PingInterval time.Duration // 25 s; a peer silent for two of them is dead
	SlowTimeout  time.Duration // how long a full queue is waited for; 5 s
	WriteTimeout time.Duration // for one frame; 10 s
	ReceiptDelay time.Duration // how soon after a value the client is asked whether it came; 1 s
	CloseTimeout time.Duration // for the peer's answer to our close frame; 3 s

	MessageLimit   int // bytes of an inbound message; 1 MiB, and 64 KiB before the ack
	QueueLimit     int // bytes of outgoing frames that may wait; 256 KiB
	OperationLimit int // running operations of one socket; 64
}

// Session is what Init learned.
type Session struct {
	// Context is the base of each operation's context; nil means the one that
	// Init was given. Only its values count: operations end when the client
	// stops them and when the socket ends.
	Context context.Context //nolint:containedctx // carries the viewer from Init to operations
	// User and ID are the keys for Registry.CloseUser and CloseSession; an empty
	// User matches nothing and is under no limit.
	User, ID string
	// ExpiresAt is when the socket is closed with 4403; zero means never.
	ExpiresAt time.Time
	// Ack is the payload of connection_ack; nil sends none.
	Ack map[string]any
}

// InitPayload is the payload of connection_init: what clients call connection
// parameters.
type InitPayload map[string]any

// String gives the first of the keys that holds a non-empty string.
func (p InitPayload) String(keys ...string) string {
	for _, key := range keys {
		if text, ok := p[key].(string); ok && text != "" {
			return text
		}
	}
	return ""
}

// Transport is the graphql.Transport for WebSocket upgrades. Add it before any
// transport that takes GET requests.
type Transport struct {
	cfg       Config
	upgrader  websocket.Upgrader
	protocols []*protocol // in the order of our preference
}

var _ graphql.Transport = (*Transport)(nil)

// frameBuffer is the size of the pooled write buffers: most events fit.
const frameBuffer = 2048

// New makes the transport.
func New(cfg Config) *Transport {
	t := &Transport{cfg: cfg.withDefaults(), protocols: []*protocol{transportWS(), legacyWS()}}
	t.upgrader = websocket.Upgrader{
		HandshakeTimeout: t.cfg.WriteTimeout,
		WriteBufferSize:  frameBuffer,
		WriteBufferPool:  &sync.Pool{},
		Subprotocols:     []string{t.protocols[0].name, t.protocols[1].name},
		CheckOrigin:      cfg.CheckOrigin,
		Error: func(w http.ResponseWriter, _ *http.Request, status int, _ error) {
			refuse(w, status)
		},
	}
	return t
}

// Registry is where the transport's sockets are found.
func (t *Transport) Registry() *Registry { return t.cfg.Registry }

// Supports reports whether r asks for an upgrade to WebSocket.
func (t *Transport) Supports(r *http.Request) bool { return websocket.IsWebSocketUpgrade(r) }

// Do upgrades the connection and returns, so that net/http's goroutine and
// buffers are free while the socket lives. A server that drains answers 503.
func (t *Transport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	if t.cfg.Registry.draining() {
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	hijacked := &hijacker{ResponseWriter: w}
	conn, err := t.upgrader.Upgrade(hijacked, r, nil)
	if err != nil {
		t.cfg.Logger.DebugContext(r.Context(), "upgrade refused", "reason", err)
		return
	}
	serve(t, conn, hijacked.reader, r, exec) //nolint:contextcheck // the socket outlives the request
}

// protocol is the one that was agreed on; the newer one if none was, for a
// socket that is only to be told so.
func (t *Transport) protocol(name string) *protocol {
	for _, p := range t.protocols {
		if p.name == name {
			return p
		}
	}
	return t.protocols[0]
}

// refuse answers a request that becomes neither socket nor stream, in GraphQL's
// shape.
func refuse(w http.ResponseWriter, status int) {
	message := http.StatusText(status)
	code := strings.ReplaceAll(strings.ToUpper(message), " ", "_")
	if status == http.StatusBadRequest {
		message, code = apperr.BadRequest.New().Detail(), apperr.BadRequest.New().Code()
	}
	body, _ := json.Marshal(map[string]any{"errors": []any{map[string]any{
		"message": message, "extensions": map[string]any{"code": code, "status": status},
	}}}) // strings and numbers always encode
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Sec-WebSocket-Version", "13")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (cfg Config) withDefaults() Config {
	orDefault(&cfg.InitTimeout, 10*time.Second)
	orDefault(&cfg.PingInterval, 25*time.Second)
	orDefault(&cfg.SlowTimeout, 5*time.Second)
	orDefault(&cfg.WriteTimeout, 10*time.Second)
	orDefault(&cfg.ReceiptDelay, time.Second)
	orDefault(&cfg.CloseTimeout, 3*time.Second)
	orDefault(&cfg.MessageLimit, 1<<20)
	orDefault(&cfg.QueueLimit, 256<<10)
	orDefault(&cfg.OperationLimit, 64)
	if cfg.Context == nil {
		cfg.Context = context.Background()
	}
	if cfg.Registry == nil {
		cfg.Registry = NewRegistry(RegistryConfig{})
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Clock == nil {
		cfg.Clock = wallClock
	}
	return cfg
}

func orDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

// wallClock is the default of Config.Clock.
func wallClock() time.Time {
	return time.Now().UTC().Truncate(time.Millisecond) //nolint:forbidigo // the default clock itself
}

// deadline is d from now on the clock of the network connections, which no
// injected clock moves.
func deadline(d time.Duration) time.Time {
	return time.Now().Add(d) //nolint:forbidigo // net.Conn deadlines are wall time
}
