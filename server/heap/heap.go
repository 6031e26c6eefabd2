// Package heap decides how much garbage the program gathers before it collects.
// While the live heap is small, collecting it over and over costs a tenth of the
// home screen's time (BenchmarkHomeScreen in server/app); once thousands of
// phones are connected, every byte of garbage that was waited for is a hole in
// the resident memory (BenchmarkFeed in test/bench/live). It imports nothing of
// the program.
package heap

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The percent is as GOGC has it: how much the heap may grow over what was live
// after the last collection. Never below Go's own default, so that no server
// collects more than it would without us.
const (
	headroom = 32 << 20 // bytes of garbage that are waited for
	least    = 100
	most     = 300
)

// interval is how often the live heap is looked at, which costs a microsecond.
const interval = time.Second

// Percent is the setting for a live heap of so many bytes.
func Percent(live uint64) int {
	if live == 0 {
		return most
	}
	return int(min(max(headroom*100/live, least), most))
}

// Tune keeps the setting to the live heap until ctx ends. It changes nothing where
// the operator has set GOGC, the environment's variable.
func Tune(ctx context.Context, gogc string) {
	if gogc != "" {
		return
	}
	debug.SetGCPercent(most)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	follow(ctx, ticker.C, live, func(percent int) { debug.SetGCPercent(percent) })
}

// follow sets the percent at each tick at which it is another one: setting it
// stops the program for a moment.
func follow(ctx context.Context, ticks <-chan time.Time, live func() uint64, set func(percent int)) {
	last := most
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
		if percent := Percent(live()); differs(percent, last) {
			set(percent)
			last = percent
		}
	}
}

// differs holds for a tenth and more, and for reaching either bound.
func differs(percent, last int) bool {
	if percent == least || percent == most {
		return percent != last
	}
	return max(percent-last, last-percent)*10 >= last
}

// live is what the last collection left, in bytes; 0 before the first.
func live() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
