// Package gqlws serves GraphQL over WebSocket, on gorilla/websocket: the protocol
// graphql-transport-ws, and the older graphql-ws (subscriptions-transport-ws) that
// Apollo Kotlin still speaks by default. What it shares with the streams over HTTP
// is in package gqlstream.
//
// An idle socket costs one goroutine, which waits for the client's next frame; as
// it does nothing else, the runtime's smallest stack holds it. All else runs in
// goroutines that end: one while frames are read, one for each operation while it
// executes, one while frames wait to be written. A subscription whose feed notifies
// ([luxbff/internal/pubsub.Subscription]) has none between two events.
//
// The parts: a [Transport] upgrades connections; a socket is the life of one
// connection, of which frameReader is the reading side and outbox the writing side;
// operations holds what runs on it, ackTracker finds out which values have arrived,
// and protocol says how the messages of the two subprotocols look.
//
// The package knows nothing of accounts and must not import graph, ent or any
// package of the domain. It alone imports gorilla/websocket, so that the library
// can be replaced.
package gqlws

import (
	"cmp"
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"

	"luxbff/server/gqlstream"
)

// Config is what sockets need beside the configuration of all transports. A zero
// bound takes its default.
type Config struct {
	gqlstream.Config

	// Renew judges the token of an in-band re-authentication: a ping whose payload
	// is {"accessToken": "…"}. The context is the one that Init was given, before
	// the session that it replaces. The new session must be of the same account. An
	// error closes the socket as one of Init does. Without Renew such a ping is a
	// ping.
	Renew func(ctx context.Context, before gqlstream.Session, accessToken string) (gqlstream.Session, error)

	// Context is the parent of every socket's context: Background if nil.
	Context context.Context //nolint:containedctx // sockets outlive the request that made them

	// CheckOrigin judges the Origin header; nil asks for the request's own host.
	CheckOrigin func(r *http.Request) bool

	InitTimeout  time.Duration // from the upgrade to connection_init; 10 s
	SlowTimeout  time.Duration // how long a full queue is waited for; 5 s
	AckDelay     time.Duration // how soon after a value the client is asked to acknowledge it; 1 s
	CloseTimeout time.Duration // for the peer's answer to our close frame; 3 s

	MessageLimit   int // bytes of a message of the client; 1 MiB
	QueueLimit     int // bytes of outgoing frames that may wait; 256 KiB
	OperationLimit int // running operations of one socket; 64
}

// Transport is the graphql.Transport for WebSocket upgrades. Add it before any
// transport that takes GET requests.
type Transport struct {
	cfg       Config
	upgrader  websocket.Upgrader
	protocols []*protocol // in the order of our preference
}

var _ graphql.Transport = (*Transport)(nil)

// foreignOrigin is for whoever wonders why their page gets no socket: browsers show them the
// answer to the handshake in their tools alone.
const foreignOrigin = "A page of this Origin may not open a socket: name it in ALLOWED_ORIGINS of the server, or have the page's proxy name the server's own."

// writeBufferSize is the size of the pooled write buffers: most events fit.
const writeBufferSize = 2048

// New makes the transport.
func New(cfg Config) *Transport {
	t := &Transport{cfg: cfg.withDefaults(), protocols: []*protocol{transportWS(), legacyWS()}}
	t.upgrader = websocket.Upgrader{
		HandshakeTimeout: t.cfg.WriteTimeout,
		WriteBufferSize:  writeBufferSize,
		// A socket holds a buffer only while it writes a frame. Without the pool
		// each would keep its own, 2.3 KB in BenchmarkFeed.
		WriteBufferPool: &sync.Pool{},
		Subprotocols:    []string{t.protocols[0].name, t.protocols[1].name},
		CheckOrigin:     cfg.CheckOrigin,
		Error: func(w http.ResponseWriter, _ *http.Request, status int, _ error) {
			reason := ""
			if status == http.StatusForbidden {
				reason = foreignOrigin
			}
			gqlstream.RefuseRequest(w, status, reason)
		},
	}
	return t
}

func (cfg Config) withDefaults() Config {
	cfg.Config = cfg.Config.WithDefaults()
	cfg.InitTimeout = cmp.Or(cfg.InitTimeout, 10*time.Second)
	cfg.SlowTimeout = cmp.Or(cfg.SlowTimeout, 5*time.Second)
	cfg.AckDelay = cmp.Or(cfg.AckDelay, time.Second)
	cfg.CloseTimeout = cmp.Or(cfg.CloseTimeout, 3*time.Second)
	cfg.MessageLimit = cmp.Or(cfg.MessageLimit, 1<<20)
	cfg.QueueLimit = cmp.Or(cfg.QueueLimit, 256<<10)
	cfg.OperationLimit = cmp.Or(cfg.OperationLimit, 64)
	if cfg.Context == nil {
		cfg.Context = context.Background()
	}
	return cfg
}

// Supports reports whether r asks for an upgrade to WebSocket, which only a GET can. For
// any other method a server passes over the wish (RFC 9110, section 7.8), as that of a
// proxy that adds the headers of an upgrade to every request.
func (t *Transport) Supports(r *http.Request) bool {
	return r.Method == http.MethodGet && websocket.IsWebSocketUpgrade(r)
}

// Do upgrades the connection and returns, so that net/http's goroutine and buffers
// are free while the socket lives. A server that drains answers 503.
func (t *Transport) Do(w http.ResponseWriter, r *http.Request, executor graphql.GraphExecutor) {
	if t.cfg.Registry.Draining() {
		w.Header().Set("Retry-After", "5")
		gqlstream.RefuseRequest(w, http.StatusServiceUnavailable, "")
		return
	}
	hijacked := &hijacker{ResponseWriter: w}
	conn, err := t.upgrader.Upgrade(hijacked, r, upgradeHeader(w.Header()))
	if err != nil {
		t.cfg.Logger.DebugContext(r.Context(), "upgrade refused", "error", err)
		return
	}
	startSocket(&t.cfg, t.protocol(conn.Subprotocol()), conn, hijacked.reader, r, executor) //nolint:contextcheck // the socket outlives the request
}

// upgradeHeader is what the layers around the transport have set for the response, which
// gorilla would leave out: it writes the response itself. Connection is gorilla's own.
func upgradeHeader(set http.Header) http.Header {
	header := set.Clone()
	header.Del("Connection")
	return header
}

// protocol is the one that was agreed on. If none was, the socket is only to be
// closed with a code, and the newer one will do.
func (t *Transport) protocol(name string) *protocol {
	for _, p := range t.protocols {
		if p.name == name {
			return p
		}
	}
	return t.protocols[0]
}
