package feed_test

import (
	"context"
	"testing"

	"luxbff/internal/feed"
	"luxbff/internal/store"
	"luxbff/internal/testutil/domaintest"
)

// TestPollDeliversAfterALostNotification uploads at another replica, whose
// notifications don't reach this one.
func TestPollDeliversAfterALostNotification(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	there := *h
	there.Kit = domaintest.New(h.Store)
	seen := h.Feed.Poll(t.Context(), 0)
	if seen != 0 {
		t.Errorf("a poll without subscribers sees %d", seen)
	}
	events := subscribe(t, h, feed.SubscribeParams{})
	for i := range 3 {
		there.Upload(t, there.CompleteSeries(10*i, 2)...)
		newest := h.Feed.Poll(t.Context(), seen)
		if newest <= seen {
			t.Fatalf("the poll after %d sees %d", seen, newest)
		}
		seen = newest
		for j := range 2 {
			if e := next(t, events); *e.Devlog.LogFileID != 10*i+j {
				t.Errorf("delivered %s", describe(e))
			}
		}
	}
	if again := h.Feed.Poll(t.Context(), seen); again != seen {
		t.Errorf("with nothing new the poll sees %d after %d", again, seen)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if again := h.Feed.Poll(ctx, seen); again != seen {
		t.Errorf("a poll that fails sees %d", again)
	}
}

func TestPollIsOneStatementForAllAccounts(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	ctx, counter := store.CountStatements(t.Context())
	h.Feed.Poll(ctx, 0)
	if counter.N() != 0 {
		t.Errorf("a poll without subscribers costs %d statements", counter.N())
	}
	for range 5 {
		other := h.Kit.Home(t)
		subscribe(t, other, feed.SubscribeParams{})
		other.Upload(t, other.CompleteSeries(1, 3)...)
	}
	h.Feed.Poll(ctx, 0)
	if counter.N() != 1 {
		t.Errorf("a poll for five accounts costs %d statements", counter.N())
	}
}

// TestPollCompletesSubscriptionsToADeletedChild: the notification of the deletion was
// lost, and no event comes after it.
func TestPollCompletesSubscriptionsToADeletedChild(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	hers, all := subscribe(t, h, feed.SubscribeParams{ChildUserID: &sister.Child.ID}), subscribe(t, h, feed.SubscribeParams{})
	h.Write(t, func(ctx context.Context, tx *store.Tx) error {
		return tx.ChildUser.DeleteOneID(sister.Child.ID).Exec(ctx)
	})
	h.Feed.Poll(t.Context(), 0)
	wantEnd(t, hers)
	h.Upload(t, h.Complete("15:00:00", 1))
	next(t, all)
}
