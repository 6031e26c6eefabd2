package heap

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPercentFallsWithTheLiveHeap(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{
		0: most, 1: most, 4 << 20: most, headroom / 3: most,
		headroom / 2: 200, headroom: 100, 4 * headroom: least, 1 << 50: least,
	} {
		if got := Percent(live); got != want {
			t.Errorf("%d bytes: %d %%, want %d", live, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		smaller, larger := rapid.Uint64Max(1<<40).Draw(t, "smaller"), rapid.Uint64Max(1<<40).Draw(t, "larger")
		smaller, larger = min(smaller, larger), max(smaller, larger)
		if Percent(smaller) < Percent(larger) || Percent(larger) < least || Percent(smaller) > most {
			t.Errorf("%d bytes: %d %%, %d bytes: %d %%", smaller, Percent(smaller), larger, Percent(larger))
		}
	})
}

// TestFollow: the setting changes with the live heap, and not for a little.
func TestFollow(t *testing.T) {
	t.Parallel()
	heaps := []uint64{1 << 20, headroom / 2, headroom/2 + 1<<20, headroom, 2 * headroom, 1 << 20, 1 << 20}
	ctx, cancel := context.WithCancel(t.Context())
	ticks := make(chan time.Time)
	go func() {
		for range heaps {
			ticks <- time.Time{}
		}
		cancel()
	}()
	at := 0
	var set []int
	follow(ctx, ticks, func() uint64 {
		at++
		return heaps[at-1]
	}, func(percent int) { set = append(set, percent) })
	if want := []int{200, 100, 300}; !slices.Equal(set, want) {
		t.Errorf("set to %v, want %v", set, want)
	}
}

func TestLiveHeapIsKnown(t *testing.T) {
	t.Parallel()
	runtime.GC()
	if live() == 0 {
		t.Error("the runtime tells nothing of the live heap")
	}
}

func TestTuneEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	Tune(ended, "")
	Tune(t.Context(), "100") // the operator's: nothing is to be done
}
