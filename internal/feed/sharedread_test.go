package feed_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"luxbff/internal/feed"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// TestAccountsShareNoRead holds that a read serves the sockets of its own account alone:
// while one account's takes its time, an event of another account at the same number is
// read and delivered, and each gets its own.
func TestAccountsShareNoRead(t *testing.T) {
	t.Parallel()
	var holdNext atomic.Bool
	held, release := make(chan struct{}, 1), make(chan struct{})
	cfg := storetest.Config(storetest.URL(t))
	cfg.Hooks = store.Hooks{Elapsed: func() time.Duration { return 0 }, OnStatement: func(_ context.Context, s store.Statement) {
		isOfTheFeed := strings.HasPrefix(s.Query, "SELECT") && strings.Contains(s.Query, "devlog_events")
		if !s.InWrite && isOfTheFeed && holdNext.CompareAndSwap(true, false) {
			held <- struct{}{}
			<-release
		}
	}}
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	kit := domaintest.New(db)
	slow, other := kit.Home(t), kit.Home(t)
	events, more, others := subscribe(t, slow, feed.SubscribeParams{}), subscribe(t, slow, feed.SubscribeParams{}), subscribe(t, other, feed.SubscribeParams{})

	holdNext.Store(true)
	slow.Upload(t, slow.Complete("15:00:00", 1))
	testutil.Receive(t, "a read that is held", held)
	other.Upload(t, other.Complete("16:00:00", 1))
	got := next(t, others)
	close(release)
	if got.Devlog.ChildUserID != other.Child.ID {
		t.Errorf("the other account got the event of child %d, want %d", got.Devlog.ChildUserID, other.Child.ID)
	}
	for _, sockets := range []<-chan *feed.Event{events, more} {
		if got := next(t, sockets); got.Devlog.ChildUserID != slow.Child.ID {
			t.Errorf("got the event of child %d, want %d", got.Devlog.ChildUserID, slow.Child.ID)
		}
	}
}
