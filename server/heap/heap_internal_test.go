package heap

import (
	"bytes"
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
		if got := Percent(live, false); got != want {
			t.Errorf("%d bytes: %d %%, want %d", live, got, want)
		}
		if got := Percent(live, true); got != want/2 {
			t.Errorf("%d bytes and growing: %d %%, want %d", live, got, want/2)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		smaller, larger := rapid.Uint64Max(1<<40).Draw(t, "smaller"), rapid.Uint64Max(1<<40).Draw(t, "larger")
		smaller, larger = min(smaller, larger), max(smaller, larger)
		few, many := Percent(smaller, false), Percent(larger, false)
		if few < many || many < minPercent || few > maxPercent {
			t.Errorf("%d bytes: %d %%, %d bytes: %d %%", smaller, few, larger, many)
		}
	})
}

// TestAdjusterFollowsTheLiveHeap holds that the percentage changes with the live
// heap, and not for a little. Between two collections, whose live heap is the same,
// the heap is taken to grow as it did.
func TestAdjusterFollowsTheLiveHeap(t *testing.T) {
	t.Parallel()
	var live uint64
	var set []int
	adjust := adjuster(func() uint64 { return live }, func(percent int) { set = append(set, percent) })
	for _, step := range []struct {
		live uint64
		want []int
	}{
		{256 << 10, nil},
		{headroom / 2, []int{100}},
		{headroom / 2, nil},
		{headroom/2 + 256<<10, []int{196}}, // no longer growing
		{headroom / 2, nil},
		{2 * headroom, []int{50}},
		{2 * headroom, nil},
		{3 * headroom, nil},
		{3*headroom - 1<<20, []int{100}},
		{3*headroom + 1<<19, nil}, // up and down
		{1 << 20, []int{300}},
		{4 << 20, nil}, // less than it was a moment ago
	} {
		set = nil
		live = step.live
		if adjust(); !slices.Equal(set, step.want) {
			t.Errorf("at %d bytes set to %v, want %v", live, set, step.want)
		}
	}
}

// TestReleaserWaitsUntilItIsQuiet holds that pages are given back after a minute in which
// little was allocated, where they are many, and not again before another such minute.
func TestReleaserWaitsUntilItIsQuiet(t *testing.T) {
	t.Parallel()
	released := 0
	release := releaser(func() { released++ })
	now := usage{live: 8 << 20, idle: worthReleasing}
	look := func(times int, allocates uint64) {
		for range times {
			now.allocated += allocates
			release(now)
		}
	}
	expect := func(want int, when string) {
		t.Helper()
		if released != want {
			t.Fatalf("released %d times %s, want %d", released, when, want)
		}
	}
	look(1000, quietAllocation+1)
	expect(0, "by a busy program")
	look(quietLooks-1, quietAllocation)
	expect(0, "before it was quiet for long enough")
	look(1, quietAllocation+1)
	look(quietLooks-1, 0)
	expect(0, "too soon after it was busy")
	look(1, 0)
	expect(1, "by a program that is quiet")
	look(quietLooks-1, 0)
	expect(1, "at once again")
	now.idle--
	look(quietLooks, 0)
	expect(1, "with too little to release")
	now.live, now.idle = 400<<20, 99<<20
	look(quietLooks, 0)
	expect(1, "with little beside what is live")
	now.idle += 1 << 20
	look(1, 0)
	expect(2, "with a quarter of what is live")
}

func TestUsageIsKnown(t *testing.T) {
	t.Parallel()
	runtime.GC()
	if liveBytes() == 0 {
		t.Error("the runtime says nothing of the live heap")
	}
	const garbage = 1 << 20
	if n := len(bytes.Repeat([]byte("x"), garbage)); n != garbage {
		t.Fatal(n)
	}
	if u := readUsage(); u.allocated < garbage || u.live == 0 || u.idle < garbage/2 {
		t.Errorf("the runtime says only %+v", u)
	}
}

func TestTuneEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	Tune(ended, "")
	Tune(t.Context(), "100") // the operator has set GOGC: returns at once
}
