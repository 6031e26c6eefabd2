package feed_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/feed"
	"luxbff/internal/testutil/domaintest"
)

func TestAcknowledgeMovesTheResumePointOfItsCursor(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	foreign := h.Kit.Home(t)
	all, hers := connect(t, h), connectTo(t, h, feed.SubscribeParams{ChildUserID: &sister.Child.ID})
	h.Upload(t, h.Complete("15:00:00", 1), sister.Complete("15:00:00", 2), sister.Complete("16:00:00", 3))
	two, one := all.want(false, 1, 2), hers.want(false, 2)
	theirs := subscribe(t, foreign, feed.SubscribeParams{})
	foreign.Upload(t, foreign.Complete("15:00:00", 1))
	acknowledge := func(installation, cursor string) {
		t.Helper()
		h.Feed.Acknowledge(t.Context(), h.Parent, installation, cursor)
		saveAcks(t, h)
	}
	for installation, cursor := range map[string]string{
		"phone": next(t, theirs).Cursor, "": two.cursor, "\n": two.cursor, "unknown": two.cursor,
	} {
		acknowledge(installation, cursor)
	}
	acknowledge("phone", "nonsense")
	connect(t, h).want(true, 1, 2, 3)
	acknowledge("phone", one.cursor)
	connect(t, h).want(true, 1, 2, 3)
	connectTo(t, h, feed.SubscribeParams{ChildUserID: &sister.Child.ID}).want(true, 3)
	acknowledge("phone", two.cursor)
	connect(t, h).want(true, 3)
	if n := countResumePoints(t, h); n != 2 {
		t.Errorf("%d resume points, want 2: only a subscription makes one", n)
	}
}

// TestNothingIsAcknowledgedBeforeItIsThere acknowledges an event that the feed does not have
// yet, as a client does whose cursor is of a database that was restored since.
func TestNothingIsAcknowledgedBeforeItIsThere(t *testing.T) {
	t.Parallel()
	h, ahead := domaintest.NewHome(t), domaintest.NewHome(t)
	if h.Parent.RootUserID() != ahead.Parent.RootUserID() {
		t.Fatal("the two databases number their accounts differently")
	}
	connect(t, h)
	future := connect(t, ahead)
	ahead.Upload(t, ahead.CompleteSeries(1, 2)...)
	future.want(false, 1)
	second := future.want(false, 2)
	h.Upload(t, h.Complete("15:00:00", 1))
	h.Feed.Acknowledge(t.Context(), h.Parent, "phone", second.cursor)
	saveAcks(t, h)
	connect(t, h).want(true, 1)
}

// TestInventedInstallationsAreBounded acknowledges for installations that do not exist:
// until the next save an account has no more acks than it may have resume points, what was
// pending goes on, and another account is not concerned.
func TestInventedInstallationsAreBounded(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	other := h.Kit.Home(t)
	events, theirs := connect(t, h), connect(t, other)
	h.Upload(t, h.CompleteSeries(1, 2)...)
	other.Upload(t, other.CompleteSeries(1, 2)...)
	first, second := events.want(false, 1), events.want(false, 2)
	flood := func(count int) {
		for i := range count {
			h.Feed.Acknowledge(t.Context(), h.Parent, fmt.Sprint("invented ", i), first.cursor)
		}
	}
	flood(1000)
	first.ack()
	theirs.want(false, 1).ack()
	saveAcks(t, h)
	connect(t, h).want(true, 1, 2)
	connect(t, other).want(true, 2)

	first.ack()
	flood(1000)
	second.ack()
	saveAcks(t, h)
	h.Upload(t, h.Complete("20:00:00", 3))
	connect(t, h).want(true, 3)
}

// TestCloseSavesAcks closes the service right after the last acknowledgement.
func TestCloseSavesAcks(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	h.Feed.Start(context.Background())
	events := connect(t, h)
	h.Upload(t, h.CompleteSeries(1, 2)...)
	events.want(false, 1).ack()
	h.Feed.Close()
	connect(t, h).want(true, 2)
}

func TestFailedSaveOfAcksLosesNoEvent(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	events := connect(t, h)
	h.Upload(t, h.CompleteSeries(1, 2)...)
	events.want(false, 1).ack()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Feed.SaveAcks(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("saved with %v", err)
	}
	events.cut()
	c := connect(t, h)
	if diff := cmp.Diff(1, c.next().file); diff != "" { // delivered again, not lost
		t.Error(diff)
	}
}
