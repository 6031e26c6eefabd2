package middleware_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"luxbff/internal/testutil"
	"luxbff/server/metrics"
	"luxbff/server/middleware"
)

// observed puts the handler within the log and the recovery. Served gets a value when
// a request is through, which is after its response.
func observed(handler http.HandlerFunc) (h http.Handler, logged *testutil.Log, served <-chan struct{}) {
	logged = &testutil.Log{}
	o := middleware.Observers{
		Log:     slog.New(slog.NewJSONHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Metrics: metrics.New(), Elapsed: func() time.Duration { return 0 },
	}
	inner, through := middleware.WithRequestLog(o, middleware.WithRecover(o, handler)), make(chan struct{}, 1)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { through <- struct{}{} }()
		inner.ServeHTTP(w, r)
	}), logged, through
}

// line is the request's line of the log; nil where there is none.
func line(t *testing.T, logged *testutil.Log) map[string]any {
	t.Helper()
	for text := range strings.Lines(logged.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			t.Fatal(err)
		}
		if fields["msg"] == "request" {
			return fields
		}
	}
	return nil
}

func TestRequestLogCountsStatusAndBytes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		status  float64
		bytes   float64
	}{
		"no status": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("four")) }, 200, 4},
		"a status":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, 404, 0},
		"two statuses": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte("no"))
		}, 404, 2},
		"an early hint": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusCreated)
		}, 201, 0},
		"a string": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "three") }, 200, 5},
		"a copied body": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader("copied"))
		}, 200, 6},
		"a panic": {func(http.ResponseWriter, *http.Request) { panic("ohno") }, 500, 60},
		"a panic after an answer": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("four"))
			panic("ohno")
		}, 200, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler, logged, served := observed(tc.handler)
			server := httptest.NewServer(handler)
			defer server.Close()
			response, err := server.Client().Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			<-served
			got := line(t, logged)
			if err != nil || got["status"] != tc.status || got["bytes"] != tc.bytes {
				t.Errorf("logged %v, want %v and %v bytes; %v", got, tc.status, tc.bytes, err)
			}
			if float64(response.StatusCode) != tc.status || float64(len(body)) != tc.bytes || response.Header.Get("X-Request-Id") == "" {
				t.Errorf("answered %d %q %v", response.StatusCode, body, response.Header)
			}
			if panics := strings.Contains(name, "panic"); panics != strings.Contains(logged.String(), `"msg":"panic"`) {
				t.Errorf("logged %s", logged)
			}
		})
	}
}

// TestAbortedResponseIsNotLogged holds that http.ErrAbortHandler reaches net/http,
// which cuts the connection.
func TestAbortedResponseIsNotLogged(t *testing.T) {
	t.Parallel()
	handler, logged, _ := observed(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	defer func() {
		if cause := recover(); cause != http.ErrAbortHandler { //nolint:errorlint // the very value
			t.Errorf("recovered %v", cause)
		}
		if got := logged.String(); got != "" {
			t.Errorf("logged %s", got)
		}
	}()
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
}

// TestResponseWriterKeepsItsMethods asks for what sockets, streams and files need
// of net/http's own writer.
func TestResponseWriterKeepsItsMethods(t *testing.T) {
	t.Parallel()
	checks := make(chan error, 1)
	handler, logged, served := observed(func(w http.ResponseWriter, _ *http.Request) {
		control := http.NewResponseController(w)
		var missing []error
		if _, ok := w.(http.Flusher); !ok {
			missing = append(missing, errors.New("no http.Flusher"))
		}
		if _, ok := w.(io.ReaderFrom); !ok {
			missing = append(missing, errors.New("no io.ReaderFrom"))
		}
		missing = append(missing, control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Now().Add(time.Minute)), control.Flush())
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, err = fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
			_ = conn.Close()
		}
		checks <- errors.Join(append(missing, err)...)
	})
	server := httptest.NewServer(handler)
	defer server.Close()
	if response, err := server.Client().Get(server.URL); err == nil {
		_ = response.Body.Close()
	}
	if err := <-checks; err != nil {
		t.Error(err)
	}
	<-served
	if got := line(t, logged)["status"]; got != 101.0 {
		t.Errorf("a hijacked connection is logged with status %v", got)
	}
}

// TestFlushFailsOnceTheClientIsGone holds that a stream's writer sees the error of
// a flush: it ends the stream.
func TestFlushFailsOnceTheClientIsGone(t *testing.T) {
	t.Parallel()
	flushed := make(chan error, 1)
	handler, _, _ := observed(func(w http.ResponseWriter, _ *http.Request) {
		control := http.NewResponseController(w)
		if err := control.SetWriteDeadline(time.Unix(0, 0)); err != nil {
			flushed <- nil
			return
		}
		w.WriteHeader(http.StatusOK)
		flushed <- control.Flush()
	})
	server := httptest.NewServer(handler)
	defer server.Close()
	if response, err := server.Client().Get(server.URL); err == nil {
		_ = response.Body.Close()
	}
	if err := <-flushed; err == nil {
		t.Error("a flush past its deadline reports no error")
	}
}

func TestTruncateNameKeepsRunesWhole(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "", "Home": "Home", strings.Repeat("x", 101): strings.Repeat("x", 100),
		strings.Repeat("x", 99) + "é": strings.Repeat("x", 99), "a\xffb": "ab",
	} {
		if got := middleware.TruncateName(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
