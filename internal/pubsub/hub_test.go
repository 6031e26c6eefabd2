package pubsub_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"luxbff/internal/pubsub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRingWakesWhoWatchesTheAccount(t *testing.T) {
	t.Parallel()
	hub := pubsub.NewHub()
	var first, second, other int
	stopFirst := hub.Watch(7, func() { first++ })
	stopSecond := hub.Watch(7, func() { second++ })
	stopOther := hub.Watch(8, func() { other++ })
	hub.Ring(7)
	hub.Ring(9) // nobody watches
	if first != 1 || second != 1 || other != 0 {
		t.Errorf("woken %d, %d and %d times, want 1, 1 and 0", first, second, other)
	}
	watched := hub.Watched()
	slices.Sort(watched)
	if !slices.Equal(watched, []int{7, 8}) || hub.Watchers() != 3 {
		t.Errorf("watched are %v by %d", watched, hub.Watchers())
	}
	stopFirst()
	stopFirst() // once is enough, twice no harm
	hub.Ring(7)
	if first != 1 || second != 2 {
		t.Errorf("woken %d and %d times, want 1 and 2", first, second)
	}
	stopSecond()
	stopOther()
	if len(hub.Watched()) != 0 || hub.Watchers() != 0 {
		t.Errorf("watched are %v by %d after all left", hub.Watched(), hub.Watchers())
	}
}

func TestOneFunctionMayWatchTwice(t *testing.T) {
	t.Parallel()
	hub := pubsub.NewHub()
	rung := 0
	wake := func() { rung++ }
	stop := hub.Watch(1, wake)
	defer hub.Watch(1, wake)()
	hub.Ring(1)
	stop()
	hub.Ring(1)
	if rung != 3 {
		t.Errorf("woken %d times, want 3", rung)
	}
}

// TestEveryRingIsHeard rings from many goroutines while others come and go.
func TestEveryRingIsHeard(t *testing.T) {
	t.Parallel()
	const ringers, rings = 8, 200
	hub := pubsub.NewHub()
	var heard, others atomic.Int64
	defer hub.Watch(1, func() { heard.Add(1) })()
	var running sync.WaitGroup
	for range ringers {
		running.Go(func() {
			for range rings {
				hub.Ring(1)
			}
		})
		running.Go(func() {
			for range rings {
				hub.Watch(1, func() { others.Add(1) })()
				hub.Watched()
				hub.Watchers()
			}
		})
	}
	running.Wait()
	if heard.Load() != ringers*rings || hub.Watchers() != 1 {
		t.Errorf("heard %d of %d rings, %d watchers left", heard.Load(), ringers*rings, hub.Watchers())
	}
}
