// Package gqlstream answers a GraphQL operation with a stream over HTTP:
// Server-Sent Events, and Apollo's multipart subscriptions. It also holds what it
// shares with package gqlws, which does the same over WebSocket: the configuration,
// the registry of live connections, the execution of one operation, and the close
// codes.
//
// The package knows nothing of accounts: who may connect, and until when, is said
// by the functions of [Config]. It must not import gqlws, a WebSocket library,
// graph, ent or any package of the domain; of internal it needs only apperr and
// pubsub. Requests are read, and errors become JSON, in gqlhttp, which also chooses the
// protocol by the Accept header.
package gqlstream

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// Config says who may connect and sets the bounds that all transports share. Only
// Init is required; a zero bound takes its default.
type Config struct {
	// Init decides who may connect, as far as that can be said of the connection alone:
	// Operation is asked once it is in the registry. For a WebSocket the payload is that of
	// connection_init, the context ends with the socket, and r is the upgrade
	// request, whose headers and context values may be read but whose context is
	// cancelled already; an error closes the socket with the code of [ReasonFor].
	// For a stream over HTTP the payload is nil, the context is the request's, and
	// the error is sent within the stream.
	Init func(ctx context.Context, payload InitPayload, r *http.Request) (Session, error)

	// Operation, where set, runs once after Init, when the connection is in the
	// registry: what ends its session from then on closes it. The operation is nil then,
	// and the error is one of Init. It runs again before each operation, so that a right
	// that was lost is noticed; its error answers the operation, its context becomes the
	// operation's. For a document that isn't valid the operation is nil as well.
	Operation OperationHook

	// Registry holds every connection. The transports of one server share one;
	// a transport that is given none makes its own with the default bounds.
	Registry Connections

	// Logger gets panics and responses that cannot be encoded.
	Logger *slog.Logger
	// Clock is compared with Session.ExpiresAt.
	Clock func() time.Time

	PingInterval time.Duration // between signs of life to the client; 25 s
	WriteTimeout time.Duration // for one event or frame; 10 s
	// AnswerTimeout is how long a connection that is to be closed waits for the
	// answers of its running queries and mutations; 5 s.
	AnswerTimeout time.Duration
}

// OperationHook gives the context in which an operation runs, or refuses it.
type OperationHook func(ctx context.Context, operation *ast.OperationDefinition) (context.Context, error)

// Session is what Init learned of who connects.
type Session struct {
	// Context is the base of each operation's context; nil means the one that Init
	// was given. Only its values count: an operation ends when its client stops it
	// and when the connection ends.
	Context context.Context //nolint:containedctx // carries the viewer from Init to operations
	// Key is where the registry files the connection, see [Registry.Key]. Without
	// one it can be found only by a shutdown, and no limit holds it.
	Key Key
	// ExpiresAt is when the connection ends with TOKEN_IS_EXPIRED; zero means
	// never.
	ExpiresAt time.Time
	// Ack is the payload of connection_ack on a socket; nil sends none.
	Ack map[string]any
}

// check asks the hook of a connection that has no operation yet.
func (s Session) check(ctx context.Context, hook OperationHook) error { //nolint:contextcheck // what Init found stands in the session's
	if hook == nil {
		return nil
	}
	if s.Context != nil {
		ctx = s.Context
	}
	_, err := hook(ctx, nil)
	return err
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

// WithDefaults fills in what is zero.
func (cfg Config) WithDefaults() Config {
	cfg.PingInterval = cmp.Or(cfg.PingInterval, 25*time.Second)
	cfg.WriteTimeout = cmp.Or(cfg.WriteTimeout, 10*time.Second)
	cfg.AnswerTimeout = cmp.Or(cfg.AnswerTimeout, 5*time.Second)
	if cfg.Registry == nil {
		cfg.Registry = NewRegistry[struct{}, struct{}](RegistryConfig{})
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Clock == nil {
		cfg.Clock = wallClock
	}
	return cfg
}

func wallClock() time.Time {
	return time.Now().UTC().Truncate(time.Millisecond) //nolint:forbidigo // the default clock itself
}

// Deadline is d from now on the clock of the network connections, which no injected
// clock moves.
func Deadline(d time.Duration) time.Time {
	return time.Now().Add(d) //nolint:forbidigo // net.Conn deadlines are wall time
}
