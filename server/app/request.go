package app

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"luxbff/server/metrics"
)

// surfaceGraphQL is to metrics what the names of the surfaces of REST are.
const surfaceGraphQL = "GraphQL"

const (
	// notExecuted stands for an operation of GraphQL that was refused before it ran.
	notExecuted = "none"
	anonymous   = "anonymous"
	// onSocket stands for the app of an operation on a socket, whose headers are
	// gone.
	onSocket = "socket"
)

type requestKey struct{}

// requestOf is the request that ctx belongs to; nil outside of one, as on a
// socket.
func requestOf(ctx context.Context) *request {
	found, _ := ctx.Value(requestKey{}).(*request)
	return found
}

// request is what becomes known of a request while it is served. The methods may
// be called on nil, and from the goroutines of a stream.
type request struct {
	// id is by what the log tells one request from another.
	id string

	mu sync.Mutex
	about
}

// about is what is known of a request by now.
type about struct {
	// surface is empty for a request that is not counted: a page, a probe.
	surface string
	// pattern is that of the route of REST; "other" where there is none.
	pattern string
	// operation is the pattern, or the name of the GraphQL operation.
	operation string
	app       metrics.App
	// stream says that the answer lasts as long as the client stays.
	stream     bool
	rootUserID int
}

func (r *request) counted(surface, pattern string, app metrics.App) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.surface, r.pattern, r.operation, r.app = surface, pattern, pattern, app
	if surface == surfaceGraphQL {
		r.operation = notExecuted
	}
}

func (r *request) executes(operation string, stream bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.operation, r.stream = operation, stream
}

func (r *request) signedIn(rootUserID int) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rootUserID = rootUserID
}

// route is the path of the route that took the request, with {name} for what
// differs: a path itself may hold an e-mail address.
func (r *request) route(served *http.Request) string {
	pattern := served.Pattern
	if known := r.known(); known.pattern != "" {
		pattern = known.pattern
	}
	if _, path, ok := strings.Cut(pattern, " "); ok {
		return path
	}
	return pattern
}

func (r *request) known() about {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.about
}

// count counts a request of a surface.
func (a *App) count(surface, route string, r *http.Request) {
	app := a.metrics.Count(surface, route, r)
	requestOf(r.Context()).counted(surface, route, app)
}

// finish counts and logs an answer that is out. Probes are logged for who debugs
// them alone.
func (a *App) finish(r *http.Request, request *request, w *statusWriter, took time.Duration) {
	known := request.known()
	upgraded := w.status == http.StatusSwitchingProtocols
	if known.surface != "" && !known.stream && !upgraded {
		a.metrics.Took(known.surface, known.operation, known.app, took)
	}
	level := slog.LevelInfo
	if known.surface == "" && w.status < http.StatusBadRequest {
		level = slog.LevelDebug
	}
	if !a.options.Log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", bounded(r.Method)), slog.String("route", request.route(r)), slog.Int("status", w.status),
		slog.Int64("bytes", w.written), slog.Float64("took_ms", milliseconds(took)),
	}
	if known.surface == surfaceGraphQL {
		attrs = append(attrs, slog.String("operation", known.operation))
	}
	a.options.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

// milliseconds keeps three digits behind the point.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// bounded cuts what a client named.
func bounded(text string) string {
	const most = 100
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}
