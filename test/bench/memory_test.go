package bench_test

import (
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
)

// heapEnv names a file for the heap profile of the idle sockets (to be used with
// -memprofilerate 256).
const heapEnv = "LUXBFF_BENCH_HEAP"

// memory is in KB, except for the goroutines. What Go holds is measured beside the
// resident set, because the latter has the pages in it that SQLite caches.
type memory struct{ beforeGC, rss, held, live, heap, stack, goroutines int }

func measureMemory(b *testing.B, s *apptest.Server) memory {
	b.Helper()
	s.Log.Drop() // the program writes it away, the test keeps it: 0.6 KB a socket
	beforeGC := residentKB()
	for range 4 {
		runtime.GC() // stacks shrink by half at each
	}
	debug.FreeOSMemory()
	writeHeapProfile(b)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return memory{
		beforeGC: beforeGC, rss: residentKB(), held: int(m.Sys-m.HeapReleased) / 1024, live: int(m.HeapAlloc / 1024),
		heap: int(m.HeapInuse / 1024), stack: int(m.StackInuse / 1024), goroutines: runtime.NumGoroutine(),
	}
}

// writeHeapProfile writes the heap profile if the environment names a file for it.
func writeHeapProfile(b *testing.B) {
	b.Helper()
	name := os.Getenv(heapEnv)
	if name == "" {
		return
	}
	file, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(pprof.Lookup("heap").WriteTo(file, 0), file.Close()); err != nil {
		b.Fatal(err)
	}
}

// residentKB is the resident memory of the process, 0 where Linux doesn't say.
func residentKB() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb
		}
	}
	return 0
}

// reportMemory reports what each of so many sockets has added.
func reportMemory(b *testing.B, before, after memory, sockets int) {
	b.Helper()
	each := func(kb int, unit string) { b.ReportMetric(float64(kb)/float64(sockets), unit) }
	each(after.rss-before.rss, "KB/socket")
	each(after.beforeGC-before.rss, "KB-before-GC/socket")
	each(after.held-before.held, "KB-go/socket")
	each(after.live-before.live, "KB-live/socket")
	each(after.heap-before.heap, "KB-heap/socket")
	each(after.stack-before.stack, "KB-stack/socket")
	each(after.goroutines-before.goroutines, "goroutines/socket")
}
