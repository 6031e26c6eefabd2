package connection_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"luxbff/server/connection"
)

// TestStreamThatIsNotRead holds that a client which reads nothing of an answer over HTTP/2 does
// not hold its handler for ever, and loses that answer alone: others come on the same
// connection, be they as long.
func TestStreamThatIsNotRead(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("x", 16<<20) // a client's window is smaller
	ended := make(chan error, 1)
	mux := http.NewServeMux()
	mux.Handle("/unread", connection.WithWriteTimeout(time.Second, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.WriteString(w, body)
		ended <- err
	})))
	mux.Handle("/read", connection.WithWriteTimeout(time.Minute, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, body)
	})))
	server := httptest.NewUnstartedServer(mux)
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	server.Config.Protocols = &protocols
	server.Start()
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{Protocols: &protocols}}
	t.Cleanup(client.CloseIdleConnections)
	get := func(path string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = response.Body.Close() })
		return response
	}
	unread := get("/unread")
	if err := <-ended; err == nil {
		t.Error("an answer that nobody reads is written")
	}
	if got, err := io.ReadAll(get("/read").Body); err != nil || len(got) != len(body) {
		t.Errorf("another answer on the connection: %d bytes, %v", len(got), err)
	}
	if _, err := io.Copy(io.Discard, unread.Body); err == nil {
		t.Error("the answer that was not read has come whole")
	}
}

// TestOwnDeadlineOfAStream holds that a handler which sets the deadline itself has its own.
func TestOwnDeadlineOfAStream(t *testing.T) {
	t.Parallel()
	deadlines := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
	own := time.Now().Add(time.Hour)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.ProtoMajor = 2
	connection.WithWriteTimeout(time.Minute, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write(make([]byte, 40<<10))
		controller := http.NewResponseController(w)
		if err = errors.Join(err, controller.SetWriteDeadline(own), controller.Flush()); err != nil {
			t.Error(err)
		}
		_, _ = w.Write(make([]byte, 40<<10))
	})).ServeHTTP(deadlines, r)
	if len(deadlines.set) != 4 || !deadlines.set[3].Equal(own) || deadlines.Body.Len() != 80<<10 || !deadlines.Flushed {
		t.Errorf("%d bytes with the deadlines %v, want one for each 16 KB until %v", deadlines.Body.Len(), deadlines.set, own)
	}
}

type deadlineRecorder struct {
	*httptest.ResponseRecorder

	set []time.Time
}

func (d *deadlineRecorder) SetWriteDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}
