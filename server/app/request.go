package app

import (
	"context"
	"log/slog"
	"net/http"
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
	// operation is the route, or the name of the GraphQL operation.
	operation string
	app       metrics.App
	// stream says that the answer lasts as long as the client stays.
	stream     bool
	rootUserID int
}

func (r *request) counted(surface, operation string, app metrics.App) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.surface, r.operation, r.app = surface, operation, app
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

func (r *request) known() about {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.about
}

// count counts a request of a surface.
func (a *App) count(surface, route string, r *http.Request) {
	app := a.metrics.Count(surface, route, r)
	if surface == surfaceGraphQL {
		route = notExecuted
	}
	requestOf(r.Context()).counted(surface, route, app)
}

// finish counts and logs an answer that is out.
func (a *App) finish(r *http.Request, request *request, w *statusWriter, took time.Duration) {
	known := request.known()
	upgraded := w.status == http.StatusSwitchingProtocols
	if known.surface != "" && !known.stream && !upgraded {
		a.metrics.Took(known.surface, known.operation, known.app, took)
	}
	a.options.Log.LogAttrs(r.Context(), slog.LevelDebug, "request",
		slog.String("method", r.Method), slog.String("route", r.Pattern),
		slog.Int("status", w.status), slog.Duration("took", took.Round(time.Millisecond)))
}
