package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/heap"
)

// stormResult is what the phones' process reports of one storm. Times are milliseconds from
// the dial to the last of what the phone waits for.
type stormResult struct {
	Median, P99, Max float64
	Errors           int
	FirstError       string
	// ProcessorEach is what the server's process takes for each socket, in milliseconds.
	ProcessorEach float64
}

// BenchmarkStorm has 5,000 phones reconnect within 5 seconds, ten of each of 500 accounts,
// every one an installation that has missed an event, as after a restart of the server. It
// reports the time until a phone has its event and the answer to a query that it sent
// behind the subscription, and how many had to give up.
//
//	go test -run '^$' -bench Storm -benchtime 1x -timeout 20m ./test/bench
func BenchmarkStorm(b *testing.B) {
	go heap.Tune(b.Context(), os.Getenv("GOGC")) // as the program does
	s := apptest.Start(b, manyPhones)
	for b.Loop() {
		result := runStorm(b, s, 500, 5_000, 5*time.Second)
		b.ReportMetric(result.Median, "ms-live-median")
		b.ReportMetric(result.P99, "ms-live-p99")
		b.ReportMetric(result.Max, "ms-live-max")
		b.ReportMetric(float64(result.Errors), "errors")
		b.ReportMetric(result.ProcessorEach, "ms-processor/socket")
		if result.Errors > 0 {
			b.Logf("%d phones failed, the first with: %s", result.Errors, result.FirstError)
		}
	}
}

// TestStorm is the benchmark in small: every phone gets what it missed.
func TestStorm(t *testing.T) { //nolint:paralleltest // its neighbours count the program's goroutines
	if result := runStorm(t, apptest.Start(t, manyPhones), 3, 30, 0); result.Errors > 0 {
		t.Errorf("%d of 30 phones failed: %s", result.Errors, result.FirstError)
	}
}

// runStorm connects so many sockets for the first time, cuts them, uploads once for each
// account, and connects them again within the time.
func runStorm(tb testing.TB, s *apptest.Server, accounts, sockets int, within time.Duration) stormResult {
	tb.Helper()
	config := phonesConfig{URL: s.URL}
	for range accounts {
		family := s.NewFamily(tb)
		config.Tokens, config.Uploads = append(config.Tokens, family.Token), append(config.Uploads, uploadBody(family))
	}
	config.StormWithin = within
	f := startFleet(tb, s, config)
	f.storm(tb, "connect-all", sockets)
	f.waitForSubscribers(tb, 0)
	for i, token := range config.Tokens {
		var body struct {
			Query     string
			Variables map[string]any
		}
		must(json.Unmarshal([]byte(config.Uploads[i]), &body))
		s.Data(tb, token, body.Query, body.Variables, &struct{}{})
	}
	before := processorTime(tb)
	result := f.storm(tb, "reconnect-all", sockets)
	result.ProcessorEach = float64((processorTime(tb) - before).Microseconds()) / 1000 / float64(sockets)
	f.waitForSubscribers(tb, 0)
	f.close(tb)
	return result
}

// storm runs one storm in the phones' process, whose sockets are closed when all are live.
func (f *fleet) storm(tb testing.TB, command string, sockets int) (result stormResult) {
	tb.Helper()
	if err := json.Unmarshal([]byte(f.run(tb, command, sockets)), &result); err != nil {
		tb.Fatal(err)
	}
	if command == "connect-all" && result.Errors > 0 {
		tb.Fatalf("%d of %d phones could not connect: %s", result.Errors, sockets, result.FirstError)
	}
	return result
}

// connectAll is a storm on the side of the phones.
func connectAll(config phonesConfig, sockets int, missed bool) stormResult {
	var mu sync.Mutex
	var took []float64
	var result stormResult
	var running sync.WaitGroup
	hangUp := make(chan struct{})
	var live sync.WaitGroup
	next := time.NewTicker(max(1, config.StormWithin/time.Duration(sockets))) // a ticker needs an interval, even where all connect at once
	defer next.Stop()
	for i := range sockets {
		<-next.C
		live.Add(1)
		running.Go(func() {
			dialled := time.Now()
			conn, err := connectUntilLive(config, i, missed)
			mu.Lock()
			took = append(took, float64(time.Since(dialled).Microseconds())/1000)
			if err != nil {
				if result.Errors++; result.FirstError == "" {
					result.FirstError = err.Error()
				}
			}
			mu.Unlock()
			live.Done()
			<-hangUp
			if conn != nil {
				_ = conn.Close()
			}
		})
	}
	live.Wait()
	close(hangUp)
	running.Wait()
	slices.Sort(took)
	result.Median, result.P99, result.Max = took[len(took)/2], took[len(took)*99/100], took[len(took)-1]
	return result
}

// connectUntilLive subscribes as an installation and sends a query behind it, whose answer
// says that the subscription is in place; where something was missed it waits for that, too.
func connectUntilLive(config phonesConfig, phone int, missed bool) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, ReadBufferSize: 256, WriteBufferSize: 256}
	conn, response, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(config.URL, "http")+"/graphql", http.Header{})
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	token := config.Tokens[phone%len(config.Tokens)]
	subscribe := func(id, query string) map[string]any {
		return map[string]any{"type": "subscribe", "id": id, "payload": map[string]string{"query": query}}
	}
	if err := conn.WriteJSON(map[string]any{"type": "connection_init", "payload": map[string]string{
		"Authorization": "Bearer " + token, "installationId": fmt.Sprint("phone", phone),
	}}); err != nil {
		return conn, err
	}
	if _, _, err := conn.ReadMessage(); err != nil {
		return conn, err
	}
	for _, operation := range []map[string]any{subscribe("1", feedQuery), subscribe("2", "{ me { id } }")} {
		if err := conn.WriteJSON(operation); err != nil {
			return conn, err
		}
	}
	for answered := false; !answered || missed; {
		var m struct {
			ID, Type string
			Payload  json.RawMessage
		}
		err := conn.ReadJSON(&m)
		switch {
		case err != nil:
			return conn, err
		case m.Type == "error" || bytes.Contains(m.Payload, []byte(`"errors"`)):
			return conn, fmt.Errorf("answered by %s", m.Payload)
		case m.ID == "2" && m.Type == "next":
			answered = true
		case m.ID == "1" && m.Type == "next":
			if !bytes.Contains(m.Payload, []byte(`"recovered":true`)) {
				return conn, fmt.Errorf("not recovered: %s", m.Payload)
			}
			missed = false
		}
	}
	return conn, nil
}

func printResult(result stormResult) { _, _ = fmt.Fprintf(os.Stdout, "%s\n", mustJSON(result)) }
