package heap

import (
	"context"
	"runtime"
	"slices"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPercentFallsWithTheLiveHeap(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{
		0: maxPercent, 1: maxPercent, 4 << 20: maxPercent, headroom / 3: maxPercent,
		headroom / 2: 200, headroom: 100, 4 * headroom: minPercent, 1 << 50: minPercent,
	} {
		if got := Percent(live); got != want {
			t.Errorf("%d bytes: %d %%, want %d", live, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		smaller, larger := rapid.Uint64Max(1<<40).Draw(t, "smaller"), rapid.Uint64Max(1<<40).Draw(t, "larger")
		smaller, larger = min(smaller, larger), max(smaller, larger)
		if Percent(smaller) < Percent(larger) || Percent(larger) < minPercent || Percent(smaller) > maxPercent {
			t.Errorf("%d bytes: %d %%, %d bytes: %d %%", smaller, Percent(smaller), larger, Percent(larger))
		}
	})
}

// TestAdjusterFollowsTheLiveHeap holds that the percentage changes with the live
// heap, and not for a little.
func TestAdjusterFollowsTheLiveHeap(t *testing.T) {
	t.Parallel()
	var live uint64
	var set []int
	adjust := adjuster(func() uint64 { return live }, func(percent int) { set = append(set, percent) })
	for _, live = range []uint64{1 << 20, headroom / 2, headroom/2 + 1<<20, headroom, 2 * headroom, 1 << 20, 1 << 20} {
		adjust()
	}
	if want := []int{200, 100, 300}; !slices.Equal(set, want) {
		t.Errorf("set to %v, want %v", set, want)
	}
}

func TestLiveHeapIsKnown(t *testing.T) {
	t.Parallel()
	runtime.GC()
	if liveBytes() == 0 {
		t.Error("the runtime says nothing of the live heap")
	}
}

func TestTuneEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	Tune(ended, "")
	Tune(t.Context(), "100") // the operator has set GOGC: returns at once
}
