// Package heap sets Go's garbage collector to the size of the live heap and to the
// memory that the container has, and gives back what a program that is quiet holds. Of
// the program it imports internal/background alone.
package heap

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"luxbff/internal/background"
)

// The percentage has the meaning of GOGC: by how much the heap may grow over what
// was live after the last collection before it is collected again.
//
// Two measurements pull in opposite directions. While the live heap is small,
// collecting it over and over takes a tenth of the home screen's time: its share of
// the bare handler's rate is 0.42 to 0.46 at Go's own 100 percent, 0.47 to 0.52 here
// (docs/performance.md). Once thousands of phones are subscribed, the garbage that was
// waited for leaves holes in the resident memory: 5 KB a socket at a fixed 300
// percent (docs/decisions/transports.md). So the program waits for about the same
// amount of garbage, headroom, whatever is live. This may go when Go's own collector
// has a setting for the smallest heap that is worth collecting.
//
// Those holes come from what begins to live among garbage, as the sockets of phones
// that connect do. While the live heap grows the program therefore waits for half as
// much: that saves 0.5 KB of each of 10,000 sockets (docs/performance.md), and costs less than a
// tenth of the processor time while they connect, and none later.
const (
	headroom   = 32 << 20 // bytes
	minPercent = 100      // Go's default: no server at rest collects more often than without us
	maxPercent = 300

	// growth is by how much more must be live than after any of the last collections. What
	// running requests hold goes up and down.
	growth = 256 << 10 // bytes
)

// interval is how often the live heap is looked at. A look takes a microsecond.
const interval = time.Second

// Percent is the percentage for a live heap of so many bytes, which grows or does not.
func Percent(live uint64, grows bool) int {
	percent := maxPercent
	if live > 0 {
		percent = int(min(max(headroom*100/live, minPercent), maxPercent))
	}
	if grows {
		percent /= 2
	}
	return percent
}

// Tune sets the percentage to the live heap and gives free pages back until ctx ends. Gogc
// is the operator's own GOGC: where it is set, Tune changes nothing.
func Tune(ctx context.Context, gogc string) {
	if gogc != "" {
		return
	}
	debug.SetGCPercent(maxPercent)
	adjust := adjuster(liveBytes, func(percent int) { debug.SetGCPercent(percent) })
	release := releaser(debug.FreeOSMemory)
	background.Every(ctx, interval, func(context.Context) {
		adjust()
		release(readUsage())
	})
}

// usage is what the heap holds at a moment, in bytes.
type usage struct {
	allocated uint64 // since the program began
	live      uint64 // after the last collection
	idle      uint64 // garbage, and free pages that the system has not got back
}

const (
	quietAllocation = 1 << 20  // bytes between two looks
	quietLooks      = 60       // one behind the other
	worthReleasing  = 16 << 20 // bytes
)

// releaser gives a function that collects and gives free pages back when the program has
// been quiet for a while and holds much more than is live. Go itself would collect after
// two minutes, but keep the pages for a heap that grows again: 10,000 phones that have
// connected left 4 KB each. A server that only pings so many does this once a minute at
// the most, which takes a thousandth of a processor; one that is busy never.
func releaser(release func()) func(usage) {
	var allocated uint64
	quiet := 0
	return func(now usage) {
		if quiet++; now.allocated-allocated > quietAllocation {
			quiet = 0
		}
		allocated = now.allocated
		if quiet >= quietLooks && now.idle >= max(worthReleasing, now.live/4) {
			quiet = 0
			release()
		}
	}
}

// adjuster gives a function that sets the percentage if it has changed by more
// than a little: each change stops all goroutines for a moment.
func adjuster(live func() uint64, set func(percent int)) func() {
	last := maxPercent
	var lastLive, highest uint64
	var grows bool
	return func() {
		now := live()
		if now != lastLive { // which it is until the next collection
			grows = now > highest+growth+highest/64
			lastLive, highest = now, max(now, highest-highest/16)
		}
		if percent := Percent(now, grows); differs(percent, last) {
			set(percent)
			last = percent
		}
	}
}

// differs holds for a tenth and more, and for reaching either bound.
func differs(percent, last int) bool {
	if percent == minPercent || percent == maxPercent || percent == minPercent/2 {
		return percent != last
	}
	return max(percent-last, last-percent)*10 >= last
}

// liveBytes is what the last collection left; 0 before the first.
func liveBytes() uint64 { return readMetrics("/gc/heap/live:bytes")[0] }

func readUsage() usage {
	m := readMetrics("/gc/heap/allocs:bytes", "/gc/heap/live:bytes",
		"/memory/classes/heap/objects:bytes", "/memory/classes/heap/free:bytes")
	live, objects, free := m[1], m[2], m[3]
	return usage{allocated: m[0], live: live, idle: max(objects, live) - live + free}
}

// readMetrics gives 0 for what this release of Go doesn't know.
func readMetrics(names ...string) []uint64 {
	samples := make([]metrics.Sample, len(names))
	for i, name := range names {
		samples[i].Name = name
	}
	metrics.Read(samples)
	values := make([]uint64, len(names))
	for i, sample := range samples {
		if sample.Value.Kind() == metrics.KindUint64 {
			values[i] = sample.Value.Uint64()
		}
	}
	return values
}
