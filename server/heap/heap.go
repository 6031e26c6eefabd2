// Package heap sets Go's garbage collector to the size of the live heap and to the
// memory that the container has. Of the program it imports internal/background alone.
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
const (
	headroom   = 32 << 20 // bytes
	minPercent = 100      // Go's default: no server collects more often than without us
	maxPercent = 300
)

// interval is how often the live heap is looked at. A look takes a microsecond.
const interval = time.Second

// Percent is the percentage for a live heap of so many bytes.
func Percent(live uint64) int {
	if live == 0 {
		return maxPercent
	}
	return int(min(max(headroom*100/live, minPercent), maxPercent))
}

// Tune sets the percentage to the live heap until ctx ends. Gogc is the operator's
// own GOGC: where it is set, Tune changes nothing.
func Tune(ctx context.Context, gogc string) {
	if gogc != "" {
		return
	}
	debug.SetGCPercent(maxPercent)
	adjust := adjuster(liveBytes, func(percent int) { debug.SetGCPercent(percent) })
	background.Every(ctx, interval, func(context.Context) { adjust() })
}

// adjuster gives a function that sets the percentage if it has changed by more
// than a little: each change stops all goroutines for a moment.
func adjuster(live func() uint64, set func(percent int)) func() {
	last := maxPercent
	return func() {
		if percent := Percent(live()); differs(percent, last) {
			set(percent)
			last = percent
		}
	}
}

// differs holds for a tenth and more, and for reaching either bound.
func differs(percent, last int) bool {
	if percent == minPercent || percent == maxPercent {
		return percent != last
	}
	return max(percent-last, last-percent)*10 >= last
}

// liveBytes is what the last collection left; 0 before the first.
func liveBytes() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
