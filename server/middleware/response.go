package middleware

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// response is what the log and the recovery know of a response. Like its
// http.ResponseWriter it is not safe for concurrent use.
type response struct {
	status int   // 0 until the header is written
	bytes  int64 // of the body, as far as it was written
}

// watch gives a writer that keeps r up to date. A hijacked connection does not refer to
// it, so an idle subscription costs no more.
func (r *response) watch(w http.ResponseWriter) http.ResponseWriter { return &watched{w, r} }

// watched has the optional methods of net/http's own writer: sockets hijack the
// connection, streams flush it and see that this failed, and files keep ReadFrom. A
// library that makes one with exactly the methods of any writer takes eight allocations
// more.
type watched struct {
	http.ResponseWriter

	seen *response
}

var _ interface {
	http.Hijacker
	http.Flusher
	io.ReaderFrom
} = (*watched)(nil)

// WriteHeader implements http.ResponseWriter.
func (w *watched) WriteHeader(status int) {
	w.seen.headerWritten(status)
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *watched) Write(body []byte) (int, error) {
	w.seen.headerWritten(http.StatusOK)
	n, err := w.ResponseWriter.Write(body)
	w.seen.bytes += int64(n)
	return n, err
}

// ReadFrom implements io.ReaderFrom.
func (w *watched) ReadFrom(body io.Reader) (int64, error) {
	w.seen.headerWritten(http.StatusOK)
	n, err := io.Copy(w.ResponseWriter, body)
	w.seen.bytes += n
	return n, err
}

// Hijack implements http.Hijacker.
func (w *watched) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.seen.status = http.StatusSwitchingProtocols
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Flush implements http.Flusher.
func (w *watched) Flush() { _ = w.FlushError() }

// FlushError is what [http.ResponseController] calls.
func (w *watched) FlushError() error { return http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap is for [http.ResponseController].
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// headerWritten keeps the first status that is final: 1xx statuses but 101 are
// followed by another.
func (r *response) headerWritten(status int) {
	informational := status < http.StatusOK && status != http.StatusSwitchingProtocols
	if r.status == 0 && !informational {
		r.status = status
	}
}
