package pubsub_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"luxbff/internal/pubsub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNotifyReachesSubscribersOfTheAccountAlone(t *testing.T) {
	t.Parallel()
	hub := pubsub.NewHub(pubsub.Feed)
	var first, second, other int
	unsubscribeFirst := hub.Subscribe(7, func() { first++ })
	unsubscribeSecond := hub.Subscribe(7, func() { second++ })
	unsubscribeOther := hub.Subscribe(8, func() { other++ })
	hub.Notify(7)
	hub.Notify(9) // nobody has subscribed
	if first != 1 || second != 1 || other != 0 || hub.Subscribers() != 3 {
		t.Errorf("%d subscribers are notified %d, %d and %d times, want 1, 1 and 0", hub.Subscribers(), first, second, other)
	}
	unsubscribeFirst()
	unsubscribeFirst() // a second call does no harm
	hub.Notify(7)
	if first != 1 || second != 2 {
		t.Errorf("notified %d and %d times, want 1 and 2", first, second)
	}
	unsubscribeSecond()
	hub.Notify(7)
	hub.Notify(8)
	if second != 2 || other != 1 || hub.Subscribers() != 1 {
		t.Errorf("%d subscribers are left, notified %d and %d times, want 2 and 1", hub.Subscribers(), second, other)
	}
	unsubscribeOther()
	if hub.Subscribers() != 0 {
		t.Errorf("%d subscribers after all left", hub.Subscribers())
	}
}

func TestOneFunctionMaySubscribeTwice(t *testing.T) {
	t.Parallel()
	hub := pubsub.NewHub(pubsub.Feed)
	calls := 0
	notify := func() { calls++ }
	unsubscribe := hub.Subscribe(1, notify)
	defer hub.Subscribe(1, notify)()
	hub.Notify(1)
	unsubscribe()
	hub.Notify(1)
	if calls != 3 {
		t.Errorf("notified %d times, want 3", calls)
	}
}

// TestNoNotificationIsLost notifies from many goroutines while others subscribe and
// unsubscribe.
func TestNoNotificationIsLost(t *testing.T) {
	t.Parallel()
	const notifiers, notifications = 8, 200
	hub := pubsub.NewHub(pubsub.Feed)
	var received, others atomic.Int64
	defer hub.Subscribe(1, func() { received.Add(1) })()
	var running sync.WaitGroup
	for range notifiers {
		running.Go(func() {
			for range notifications {
				hub.Notify(1)
			}
		})
		running.Go(func() {
			for range notifications {
				hub.Subscribe(1, func() { others.Add(1) })()
				hub.Subscribers()
			}
		})
	}
	running.Wait()
	if received.Load() != notifiers*notifications || hub.Subscribers() != 1 {
		t.Errorf("received %d of %d notifications, %d subscribers are left", received.Load(), notifiers*notifications, hub.Subscribers())
	}
}
