//go:build faults

package faults_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/requesttest"
)

const (
	generatedRequests = 100_000
	// warmUp is how many requests fill the caches and pools, after which memory is flat.
	warmUp = 10_000
	// batch is how many requests use the same accounts, as some of them sign out and
	// delete accounts. A tenth of them are frames of sockets.
	batch = 1_000
	// mayGrow is how much the heap may grow after warmUp, in bytes.
	mayGrow = 50 << 20
)

// TestGeneratedRequests sends 100,000 random requests over all routes and fields, good
// ones and bad ones, with and without tokens, by HTTP and on sockets. None is a fault of
// the server, what they sent is in no line of the log, and neither memory nor goroutines
// are left of them.
func TestGeneratedRequests(t *testing.T) { //nolint:paralleltest // it counts all goroutines
	const seed = 1129
	t.Logf("the seed is %d", seed)
	goroutinesBefore := runtime.NumGoroutine()
	t.Run("requests", func(t *testing.T) { sendGenerated(t, seed) })
	testutil.WaitFor(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutinesBefore })
}

func sendGenerated(t *testing.T, seed uint64) {
	s := apptest.Start(t)
	workers := make([]*requesttest.Generator, 2)
	for i := range workers {
		workers[i] = requesttest.New(t, s, seed+uint64(i))
	}
	var statuses [6]atomic.Int64
	var warm uint64
	began := time.Now()
	for sent := 0; sent < generatedRequests; sent += batch {
		if sent == warmUp {
			warm = heapInUse()
		}
		tokens := []string{s.NewFamily(t).Token, s.NewFamily(t).Token, s.NewFamily(t).Token}
		var running sync.WaitGroup
		for _, generator := range workers {
			generator.Tokens = tokens
			running.Go(func() {
				for range batch * 9 / 10 / len(workers) {
					statuses[sendOne(t, s, generator)/100].Add(1)
				}
				sendFrames(t, s, generator, tokens[0], batch/10/len(workers))
			})
		}
		running.Wait()
		if leak := requesttest.Leak(s.Log.Take()); leak != "" {
			t.Errorf("the log holds what was sent: %s", leak)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	after := heapInUse()
	t.Logf("%d requests in %v: 2xx %d, 3xx %d, 4xx %d; the heap had %d KiB after %d and has %d KiB", generatedRequests, time.Since(began).Round(time.Second),
		statuses[2].Load(), statuses[3].Load(), statuses[4].Load(), warm>>10, warmUp, after>>10)
	if after > warm+mayGrow {
		t.Errorf("the heap has grown from %d to %d bytes", warm, after)
	}
	if statuses[2].Load() < generatedRequests/10 || statuses[4].Load() < generatedRequests/10 {
		t.Error("the requests are not the mixture they should be")
	}
}

// sendOne sends a request and gives its status.
func sendOne(t *testing.T, s *apptest.Server, g *requesttest.Generator) int {
	t.Helper()
	r := g.Request()
	w := httptest.NewRecorder()
	s.App.Handler().ServeHTTP(w, r)
	if w.Code >= 500 || isInternal(w.Body.Bytes()) {
		t.Errorf("%s %s %v: %d %.500s", r.Method, r.URL, r.Header, w.Code, w.Body)
	}
	return w.Code
}

// isInternal finds an error of the server in a response of GraphQL.
func isInternal(response []byte) bool {
	return bytes.Contains(response, []byte(`"status":5`)) || bytes.Contains(response, []byte(`"code":"INTERNAL"`))
}

// sendFrames sends frames on sockets of both protocols in turn, with and without a token,
// as many on each until the server closes it for one that is malformed.
func sendFrames(t *testing.T, s *apptest.Server, g *requesttest.Generator, token string, frames int) {
	t.Helper()
	for turn := 0; frames > 0; turn++ {
		dialer := websocket.Dialer{Subprotocols: []string{[]string{"graphql-transport-ws", "graphql-ws"}[turn%2]}}
		conn, response, err := dialer.DialContext(context.Background(), "ws"+strings.TrimPrefix(s.URL, "http")+"/graphql", nil)
		if err != nil {
			t.Errorf("dial: %v", err)
			return
		}
		_ = response.Body.Close()
		init := `{"type":"connection_init"}`
		if turn%3 != 0 {
			init = `{"type":"connection_init","payload":{"Authorization":"Bearer ` + token + `"}}`
		}
		writes := [][]byte{[]byte(init)}
		for range min(frames, 10) {
			writes = append(writes, g.Frame())
		}
		frames -= min(frames, 10)
		for _, frame := range writes {
			if conn.WriteMessage(websocket.TextMessage, frame) != nil {
				break
			}
		}
		_ = conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
		for {
			_, message, err := conn.ReadMessage()
			if err != nil {
				break
			}
			if isInternal(message) {
				t.Errorf("a socket answers %.500s", message)
			}
		}
		_ = conn.Close()
	}
}

// heapInUse is what is still reachable.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
