package middleware

import (
	"encoding/json"
	"net/http"
	"runtime/debug"

	"luxbff/internal/apperr"
)

// WithRecover turns a panic of a handler into the documented 500, if nothing was
// answered yet, and logs the panic with its stack. It belongs
// inside [WithRequestLog], which then logs the 500 as any other response.
func WithRecover(o Observers, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if cause := recover(); cause != nil {
				o.answerPanic(w, r, cause)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func (o Observers) answerPanic(w http.ResponseWriter, r *http.Request, cause any) {
	// Handlers panic with this value to have net/http cut the connection.
	if cause == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so, too.
		panic(cause)
	}
	o.Log.ErrorContext(r.Context(), "panic", "error", apperr.DescribePanic(cause), "stack", string(debug.Stack()))
	info := RequestInfoFrom(r.Context())
	if surface := info.read().surface; surface != "" {
		o.Metrics.CountError(surface, apperr.Internal.New().Code())
	}
	if info == nil || info.response.status == 0 {
		writeInternalError(w)
	}
}

func writeInternalError(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusInternalServerError)
	// The status is out: a client that hung up is nobody's error.
	_ = json.NewEncoder(w).Encode(map[string]string{"detail": apperr.Internal.New().Detail()})
}
