package bench_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/storetest"
	"luxbff/server/app"
	"luxbff/server/heap"
)

// TestMain runs the phones where the test binary is started as their process.
func TestMain(m *testing.M) {
	if os.Getenv(phonesEnv) != "" {
		runPhones()
		return
	}
	processtest.Main(m)
}

// BenchmarkFeed connects phones, each of an account of its own, to the whole program
// from a second process. It reports what an idle subscription costs, and how soon
// after an upload's response its event arrives while so many others wait. The last
// round has the 32 WebSockets that one account may have, and counts the last of them.
//
//	go test -run '^$' -bench Feed -benchtime 500x -timeout 20m ./test/bench
func BenchmarkFeed(b *testing.B) {
	go heap.Tune(b.Context(), os.Getenv("GOGC")) // as the program does
	sizes := []int{1, 2_000, 10_000}
	s := apptest.Start(b, manyPhones)
	f := newFleet(b, s, sizes[len(sizes)-1])
	var base memory
	for _, sockets := range sizes {
		b.Run(fmt.Sprintf("sockets=%d", sockets), func(b *testing.B) {
			f.connect(b, sockets)
			idle := measureMemory(b, s)
			measureUploads(b, f)
			if sockets > uploaders {
				reportMemory(b, base, idle, sockets-uploaders)
			}
		})
		if sockets == 1 {
			// The first phones fill what all share: pools, caches, prepared statements.
			// What they cost isn't counted.
			f.connect(b, uploaders)
			for range 2 * uploaders {
				f.upload(b)
			}
			base = measureMemory(b, s)
		}
	}
	f.close(b)
	f.waitForSubscribers(b, 0)
	const most = 32
	crowd := newFleet(b, s, 1)
	crowd.connect(b, 1)
	for range most - 1 {
		crowd.connectAgain(b)
	}
	b.Run(fmt.Sprintf("account=%d", most), func(b *testing.B) { measureUploads(b, crowd) })
	crowd.close(b)
}

// measureUploads uploads once an iteration, and reports in milliseconds how long the
// events took.
func measureUploads(b *testing.B, f *fleet) {
	b.Helper()
	var took []float64
	for b.Loop() {
		took = append(took, f.upload(b))
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2], "ms-push-median")
	b.ReportMetric(took[len(took)*99/100], "ms-push-p99")
}

// TestFleet is the benchmark in small. It holds that a WebSocket takes one goroutine,
// which waits on the small stack, and that each gets the event of its upload.
func TestFleet(t *testing.T) { //nolint:paralleltest // counts the program's goroutines
	const sockets = uploaders
	f := newFleet(t, apptest.Start(t, manyPhones), sockets+1)
	f.connect(t, 1)
	f.upload(t) // the connection that uploads stays open
	waitForSockets(t, 1)
	before := runtime.NumGoroutine()
	f.connect(t, 1+sockets)
	waitForSockets(t, 1+sockets)
	waitForGoroutines(t, before+sockets)
	for range sockets {
		f.upload(t)
	}
	waitForGoroutines(t, before+sockets)
	f.connectAgain(t)
	f.uploaded = 0
	f.upload(t) // arrives on both sockets of the account
	f.close(t)
	f.waitForSubscribers(t, 0)
}

// TestIdleSubscriptionIsSmall bounds the live objects of an idle subscription. It counts
// them, as docs/performance.md does for 10,000: what is resident beside them depends on when
// garbage is collected. The connections to a PostgreSQL would be counted as well, which are
// few beside 10,000 subscriptions and many beside 300.
func TestIdleSubscriptionIsSmall(t *testing.T) { //nolint:paralleltest // counts the program's memory
	const sockets, most = 300, 6_000 // bytes
	s := apptest.Start(t, manyPhones, func(c *app.Config) { c.DatabaseURL = storetest.SQLiteURL(t) })
	f := newFleet(t, s, uploaders+sockets)
	live := func(connected int) uint64 {
		f.connect(t, connected)
		waitForSockets(t, connected)
		s.Log.Drop()
		runtime.GC()
		runtime.GC() // what a pool held at the first is garbage at the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live(uploaders) // which fill what all share
	if each := (live(uploaders+sockets) - before) / sockets; each > most {
		t.Errorf("an idle subscription keeps %d bytes, more than %d", each, most)
	} else {
		t.Logf("an idle subscription keeps %d bytes", each)
	}
	f.close(t)
	f.waitForSubscribers(t, 0)
}

// waitForSockets waits until so many sockets wait for a frame, each in the one
// function that needs little stack. It looks for that function on the stacks of all
// goroutines.
func waitForSockets(t *testing.T, n int) {
	t.Helper()
	stacks := make([]byte, 4<<20)
	testutil.WaitFor(t, fmt.Sprintf("%d sockets wait for a frame", n), func() bool {
		return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "gqlws.(*socket).waitForFrame(") == n
	})
}

func waitForGoroutines(t *testing.T, n int) {
	t.Helper()
	testutil.WaitFor(t, fmt.Sprintf("%d goroutines run", n), func() bool { return runtime.NumGoroutine() == n })
}

// manyPhones lets all phones come from one address, as those of a benchmark do.
func manyPhones(c *app.Config) { c.PerClient = 1_000_000 }
