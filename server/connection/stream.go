package connection

import (
	"net/http"
	"sync/atomic"
	"time"
)

// WithWriteTimeout bounds over HTTP/2 what [Limits.WriteTimeout] does over HTTP/1.1: how long
// a client may take to read the next piece of an answer. There a client that reads nothing of
// one answer goes on reading the others on its connection, whose own deadline therefore
// doesn't notice.
func WithWriteTimeout(timeout time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor >= 2 {
			w = &streamWriter{ResponseWriter: w, timeout: timeout}
		}
		next.ServeHTTP(w, r)
	})
}

// streamWriter writes an answer on a stream of HTTP/2. Whoever sets a deadline of his own, as
// subscriptions do before each event, has it in place of this one. A deadline ends the stream
// when it passes, whether anything waits to be written or not.
type streamWriter struct {
	http.ResponseWriter

	timeout time.Duration
	own     atomic.Bool
}

// Write implements http.ResponseWriter.
func (w *streamWriter) Write(data []byte) (written int, err error) {
	for {
		piece := data[written:min(written+pieceSize, len(data))]
		if !w.own.Load() {
			_ = w.setDeadline(time.Now().Add(w.timeout)) //nolint:forbidigo // deadlines are wall time
		}
		n, err := w.ResponseWriter.Write(piece)
		written += n
		if err != nil || written == len(data) {
			return written, err
		}
	}
}

// SetWriteDeadline is what [http.ResponseController] calls.
func (w *streamWriter) SetWriteDeadline(t time.Time) error {
	w.own.Store(true)
	return w.setDeadline(t)
}

func (w *streamWriter) setDeadline(t time.Time) error {
	return http.NewResponseController(w.ResponseWriter).SetWriteDeadline(t)
}

// Flush implements http.Flusher.
func (w *streamWriter) Flush() { _ = w.FlushError() }

// FlushError is what [http.ResponseController] calls.
func (w *streamWriter) FlushError() error {
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for [http.ResponseController].
func (w *streamWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
