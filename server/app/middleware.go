package app

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"

	"github.com/google/uuid"

	"luxbff/internal/apperr"
	"luxbff/internal/viewer"
	"luxbff/server/rest"
)

// observed gives each request an id, which goes back in X-Request-Id, logs its
// outcome and turns a panic into the documented 500. Paths are logged by their
// pattern: a path may hold an e-mail address.
func (a *App) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := a.options.Elapsed()
		request := &request{id: uuid.NewString()}
		w.Header().Set("X-Request-Id", request.id)
		if a.leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		tracer := a.tracer
		if isProbe(r) {
			tracer = nil
		}
		ctx, end := tracer.Request(context.WithValue(r.Context(), requestKey{}, request), r.Header)
		r = r.WithContext(ctx)
		watched := &statusWriter{ResponseWriter: w}
		defer func() {
			if value := recover(); value != nil {
				a.recovered(watched, r, value)
			}
			a.finish(r, request, watched, a.options.Elapsed()-began)
			end(r.Method, request.route(r), watched.status)
		}()
		next.ServeHTTP(watched, r)
	})
}

// isProbe tells what balancers and Prometheus ask every few seconds.
func isProbe(r *http.Request) bool {
	switch r.URL.Path {
	case "/healthz", "/readyz", "/metrics":
		return true
	}
	return false
}

func (a *App) recovered(w *statusWriter, r *http.Request, value any) {
	if value == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so, too.
		panic(value)
	}
	a.options.Log.ErrorContext(r.Context(), "panic",
		"error", fmt.Sprint(value), "stack", string(debug.Stack()))
	if surface := requestOf(r.Context()).known().surface; surface != "" {
		a.metrics.Error(surface, apperr.Internal.New().Code())
	}
	if w.status == 0 {
		writeJSON(w, http.StatusInternalServerError, map[string]string{"detail": apperr.Internal.New().Detail()})
	}
}

// authenticated puts the viewer into the context, or the reason why there is
// none, which only a route that needs a viewer tells.
func (a *App) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := rest.Bearer(r)
		if token == "" {
			next.ServeHTTP(w, r)
			return
		}
		ctx := r.Context()
		v, err := a.Accounts.Authenticate(ctx, token)
		if err != nil {
			ctx = viewer.Without(ctx, err)
		} else {
			ctx = viewer.With(ctx, v)
			requestOf(ctx).signedIn(v.RootUserID())
			a.confirm(ctx, v, r.Header)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// confirm takes the last event that the client says to have received: over HTTP
// no other word of it comes back.
func (a *App) confirm(ctx context.Context, v viewer.Viewer, header http.Header) {
	client := clientOf(nil, header)
	if client.InstallationID != nil && client.LastEventID != nil {
		a.Devlogs.Confirm(ctx, v, *client.InstallationID, *client.LastEventID)
	}
}

// statusWriter remembers the status and the size of an answer.
type statusWriter struct {
	http.ResponseWriter
	status  int
	written int64
}

// WriteHeader passes the status on.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write is an answer of 200 where no other status was written.
func (w *statusWriter) Write(body []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(body)
	w.written += int64(n)
	return n, err
}

// Hijack hands the connection over to a socket; gorilla/websocket asks for it by
// the interface.
func (w *statusWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.status = http.StatusSwitchingProtocols
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// FlushError sends what was written so far, for streams.
func (w *statusWriter) FlushError() error {
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
