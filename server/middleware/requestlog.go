package middleware

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"luxbff/server/metrics"
	"luxbff/server/tracing"
)

// Observers log, count and trace requests.
type Observers struct {
	Log     *slog.Logger
	Metrics *metrics.Metrics
	// Tracer is nil where nothing is traced.
	Tracer *tracing.Tracer
	// Elapsed reads a clock that only runs forward, by which durations are measured.
	Elapsed func() time.Duration
}

// WithRequestLog gives each request an id, which goes back in X-Request-Id, and a
// [RequestInfo] in its context. When the response is out it logs one line, counts
// the duration and ends the request's span.
//
// A response that its handler aborts (http.ErrAbortHandler) is neither logged nor
// counted. All other panics must not get here: see [WithRecover].
func WithRequestLog(o Observers, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := o.Elapsed()
		info := &RequestInfo{id: uuid.NewString()}
		w.Header().Set("X-Request-Id", info.id)
		tracer := o.Tracer
		if isProbe(r) {
			tracer = nil
		}
		ctx, endSpan := tracer.StartRequest(context.WithValue(r.Context(), requestInfoKey{}, info), r.Header)
		// The ServeMux writes the pattern of the route into this request.
		r = r.WithContext(ctx)
		next.ServeHTTP(info.response.watch(w), r)
		o.logRequest(r, info, o.Elapsed()-began)
		endSpan(r.Method, info.route(r), info.response.status)
	})
}

// isProbe holds for what balancers and Prometheus ask every few seconds, which
// would bury the other traces.
func isProbe(r *http.Request) bool {
	switch r.URL.Path {
	case "/healthz", "/readyz", "/metrics":
		return true
	}
	return false
}

// logRequest counts and logs a request whose response is out.
func (o Observers) logRequest(r *http.Request, info *RequestInfo, took time.Duration) {
	known, response := info.read(), info.response
	lasts := known.subscribes || response.status == http.StatusSwitchingProtocols
	if known.surface != "" && !lasts {
		o.Metrics.ObserveOperation(known.surface, known.operation, known.app, took)
	}
	// A balancer asks every second whether we are ready, and a page loads many
	// files: those that went well are logged at debug level alone.
	level := slog.LevelInfo
	if known.surface == "" && response.status < http.StatusBadRequest {
		level = slog.LevelDebug
	}
	if !o.Log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", tracing.KnownMethod(r.Method)), slog.String("route", info.route(r)),
		slog.Int("status", response.status), slog.Int64("bytes", response.bytes),
		slog.Float64("took_ms", milliseconds(took)),
	}
	if known.surface == SurfaceGraphQL {
		attrs = append(attrs, slog.String("operation", known.operation))
	}
	o.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

// milliseconds keeps three digits behind the point.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// TruncateName cuts a name that a client chose to 100 bytes, so that nobody can
// fill the log with one request. Runes stay whole.
func TruncateName(name string) string {
	const maxBytes = 100
	return strings.ToValidUTF8(name[:min(len(name), maxBytes)], "")
}
