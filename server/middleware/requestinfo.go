package middleware

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"luxbff/server/metrics"
)

// SurfaceGraphQL is the name of /graphql beside those that server/rest gives to
// the legacy surfaces.
const SurfaceGraphQL = "GraphQL"

// notExecuted is the operation of a GraphQL request that was refused before any
// operation of it ran.
const notExecuted = "none"

// RequestInfo is what becomes known of a request while it is served: the layers
// below [WithRequestLog] fill it in, and the log line, the span and the metrics
// are made from it at the end. The methods may be called on nil, where there is no
// request, and from several goroutines, because a stream answers from more than one.
type RequestInfo struct {
	id       string
	response response

	mu    sync.Mutex
	facts facts
}

// facts are what is known of a request so far.
type facts struct {
	surface    string // empty for a page or a probe, which the metrics leave out
	pattern    string // of the route; empty where only the ServeMux knows it
	operation  string // the GraphQL operation, or the pattern of a REST route
	app        metrics.ClientApp
	subscribes bool // the response lasts as long as the client stays
	rootUserID int  // 0 while nobody has signed in
}

type requestInfoKey struct{}

// RequestInfoFrom gives the info of the request that ctx belongs to. It is nil
// outside of a request, as in the background and for what a socket carries.
func RequestInfoFrom(ctx context.Context) *RequestInfo {
	info, _ := ctx.Value(requestInfoKey{}).(*RequestInfo)
	return info
}

// setRoute names the route that serves the request, and the app that asked.
func (i *RequestInfo) setRoute(surface, pattern string, app metrics.ClientApp) {
	i.update(func(f *facts) {
		f.surface, f.pattern, f.operation, f.app = surface, pattern, pattern, app
		if surface == SurfaceGraphQL {
			f.operation = notExecuted
		}
	})
}

// SetOperation names the GraphQL operation that the request executes. A
// subscription's duration is the client's choice, so it isn't measured.
func (i *RequestInfo) SetOperation(name string, subscription bool) {
	i.update(func(f *facts) { f.operation, f.subscribes = name, subscription })
}

// SetRootUser names who asks, once the database says that the token holds.
func (i *RequestInfo) SetRootUser(id int) { i.update(func(f *facts) { f.rootUserID = id }) }

func (i *RequestInfo) update(change func(*facts)) {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	change(&i.facts)
}

func (i *RequestInfo) read() facts {
	if i == nil {
		return facts{}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.facts
}

// route is the path of the route that serves r, with {name} for each parameter.
// The path itself is never shown: it may hold an e-mail address.
func (i *RequestInfo) route(r *http.Request) string {
	pattern := r.Pattern
	if known := i.read(); known.pattern != "" {
		pattern = known.pattern
	}
	if _, path, hasMethod := strings.Cut(pattern, " "); hasMethod {
		return path
	}
	return pattern
}
