package bench_test

import (
	"bytes"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/storetest"
)

const (
	// mixedEnv is how long the mixed load lasts, ten minutes where it isn't set.
	mixedEnv = "LUXBFF_BENCH_MIXED"
	// mixedAccounts have a subscription each.
	mixedAccounts    = 1000
	mixedConnections = 16
)

// BenchmarkMixed loads the program as a day does: of twenty requests sixteen are for the
// home screen, three are uploads and one is for a page of the history, while a thousand
// accounts are subscribed to their feed. It reports the resident memory after a fifth of
// the time and at the end, and counts requests that fail and subscriptions that end.
func BenchmarkMixed(b *testing.B) {
	lasts := 10 * time.Minute
	if text := os.Getenv(mixedEnv); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			b.Fatal(err)
		}
	}
	database := storetest.SQLiteURL(b)
	all := seed(b, database, mixedAccounts)
	program := startProgram(b, database)
	load := newMixedLoad(b, program, all)
	for _, one := range all {
		load.follow(b, program, one.Token)
	}
	var early, late float64
	for b.Loop() {
		early, late = load.run(b, program, lasts)
	}
	load.end()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(early, "MB-early")
	b.ReportMetric(late, "MB-late")
	b.ReportMetric(late/early, "memory-ratio")
	b.ReportMetric(float64(load.failed.Load()), "errors")
	b.ReportMetric(float64(load.events.Load()), "events")
	b.ReportMetric(float64(load.requests())/lasts.Seconds(), "req/s")
	b.ReportMetric(latency(load.connections, 0.99), "ms-p99")
}

type mixedLoad struct {
	all            []household
	connections    []*connection
	uploads        *uploadClients
	history        string
	failed, events atomic.Int64
	ending         atomic.Bool
	running        sync.WaitGroup
	closers        []func()
	failures       sync.Once
}

func newMixedLoad(b *testing.B, program *server, all []household) *mixedLoad {
	b.Helper()
	l := &mixedLoad{all: all, uploads: newUploads(b, all, 1), history: apptest.Sample(b, "history").Document}
	for range mixedConnections {
		l.connections = append(l.connections, dial(b, program.address, ""))
	}
	return l
}

// follow subscribes an account to its feed.
func (l *mixedLoad) follow(b *testing.B, program *server, token string) {
	b.Helper()
	conn := subscribe(program.url, token)
	l.closers = append(l.closers, func() { _ = conn.Close() })
	l.running.Go(func() {
		for {
			_, data, err := conn.ReadMessage()
			if err != nil {
				l.fail(b, "a subscription has ended: %v", err)
				return
			}
			if bytes.Contains(data, []byte(`"next"`)) {
				l.events.Add(1)
			}
		}
	})
}

// fail counts a failure unless it is the end that causes it, and logs the first.
func (l *mixedLoad) fail(b *testing.B, format string, values ...any) {
	b.Helper()
	if l.ending.Load() {
		return
	}
	l.failed.Add(1)
	l.failures.Do(func() { b.Logf(format, values...) })
}

// run loads the program for a time, and gives its resident memory in MB after a fifth
// of it and at the end.
func (l *mixedLoad) run(b *testing.B, program *server, lasts time.Duration) (early, late float64) {
	b.Helper()
	home := homeBody(b)
	var working sync.WaitGroup
	stop := time.Now().Add(lasts)
	for worker, conn := range l.connections {
		working.Go(func() {
			// Each worker has phones of its own: a phone uploads one log after the other.
			for i := 0; time.Now().Before(stop); i++ {
				account := (worker + i*mixedConnections) % (len(l.all) / mixedConnections * mixedConnections)
				l.send(b, conn, l.request(i, account, home))
			}
		})
	}
	time.Sleep(lasts / 5) //nolint:forbidigo // the moment is what is asked for
	early = program.residentMB(b)
	working.Wait()
	return early, program.residentMB(b)
}

// request is the next request of a worker.
func (l *mixedLoad) request(i, account int, home string) []byte {
	of := l.all[account]
	switch i % 20 {
	case 4, 10, 16:
		return l.uploads.request(l.uploads.phones[account])
	case 13:
		return newRequest("POST /graphql", of.Token, string(mustJSON(map[string]any{
			"query": l.history, "variables": map[string]any{"id": of.Children[0].ID},
		})))
	default:
		return newRequest("POST /graphql", of.Token, home)
	}
}

func (l *mixedLoad) send(b *testing.B, on *connection, request []byte) {
	b.Helper()
	began := time.Now()
	status, err := on.do(request)
	on.took = append(on.took, time.Since(began))
	if err != nil || status != 200 || bytes.Contains(on.body, []byte(`"errors"`)) {
		l.fail(b, "%d %v %s", status, err, on.body)
	}
}

func (l *mixedLoad) requests() (n int) {
	for _, one := range l.connections {
		n += len(one.took)
	}
	return n
}

func (l *mixedLoad) end() {
	l.ending.Store(true)
	for _, end := range l.closers {
		end()
	}
	l.running.Wait()
}
