package feed_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"luxbff/internal/apperr"
	"luxbff/internal/feed"
	"luxbff/internal/store"
	"luxbff/internal/testutil/domaintest"
)

func TestPruneKeepsSevenDays(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	h.Upload(t, h.CompleteSeries(1, 1000)...)
	h.Upload(t, h.CompleteSeries(1001, 200)...)
	h.Clock.Add(time.Hour)
	events := subscribe(t, h, feed.SubscribeParams{})
	h.Upload(t, h.Complete("15:00:00", 5001))
	young := next(t, events).Cursor
	h.Clock.Add(feed.Retention - time.Hour + time.Millisecond)
	h.Upload(t, h.Complete("16:00:00", 5002))
	ctx, counter := store.CountStatements(t.Context())
	n, err := h.Feed.Prune(ctx)
	if err != nil || n != 1200 {
		t.Errorf("pruned %d, %v, want 1200", n, err)
	}
	// For 500, 500 and 200 a read, the floor and the deletion; a read for resume points.
	if counter.N() != 10 {
		t.Errorf("1200 events went in %d statements", counter.N())
	}
	if got := h.Count(t); got.Events != 2 || got.Devlogs != 1202 {
		t.Errorf("left are %+v", got)
	}
	if e := next(t, subscribe(t, h, feed.SubscribeParams{After: &young})); *e.Devlog.LogFileID != 5002 {
		t.Errorf("the feed resumes with %s", describe(e))
	}
	if n, err := h.Feed.Prune(t.Context()); n != 0 || err != nil {
		t.Errorf("pruned again %d, %v", n, err)
	}
}

func TestPruneDeletesUnusedResumePoints(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	connect(t, h).cut()
	if _, err := open(t, h, feed.SubscribeParams{InstallationID: new("tablet")}); err != nil {
		t.Fatal(err)
	}
	const month = 30 * 24 * time.Hour
	h.Clock.Add(month - time.Hour)
	connect(t, h).cut() // used again
	h.Clock.Add(2 * time.Hour)
	if _, err := h.Feed.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, err := h.Store.Read().FeedPosition.Query().Only(t.Context())
	if err != nil || left.InstallationID != "phone" {
		t.Errorf("left is %v, %v", left, err)
	}
}

// TestPrunedEventsAreNeverSkippedSilently moves the clock eight days ahead, prunes, and
// sets it back: by the time alone no cursor would look expired.
func TestPrunedEventsAreNeverSkippedSilently(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	running, ofOne := connect(t, h), subscribe(t, h, feed.SubscribeParams{ChildUserID: &h.Child.ID})
	plain := subscribe(t, h, feed.SubscribeParams{})
	h.Upload(t, h.Complete("15:00:00", 1))
	first := running.want(false, 1)
	next(t, ofOne)
	next(t, plain)
	// Uploads of another replica, whose notifications don't reach this one.
	there := *h
	there.Kit = domaintest.New(h.Store)
	there.Upload(t, there.CompleteSeries(2, 3)...)
	h.Clock.Add(feed.Retention + 24*time.Hour)
	if n, err := h.Feed.Prune(t.Context()); n != 4 || err != nil {
		t.Fatalf("pruned %d, %v", n, err)
	}
	h.Clock.Add(-feed.Retention - 25*time.Hour)
	_, err := open(t, h, feed.SubscribeParams{After: &first.cursor})
	domaintest.WantError(t, err, apperr.CursorExpired, "after")
	_, err = open(t, h, feed.SubscribeParams{InstallationID: new("phone")})
	domaintest.WantError(t, err, apperr.CursorExpired, "installationId")
	sister.Upload(t, sister.Complete("16:00:00", 5))
	for _, feed := range []struct {
		events <-chan *feed.Event
		all    []int
	}{{running.events, []int{2, 3, 4, 5}}, {ofOne, []int{2, 3, 4}}, {plain, []int{2, 3, 4, 5}}} {
		wantAllOrEnd(t, feed.events, feed.all)
	}
	if err := running.subscription.Err(); err != nil && !apperr.Is(err, apperr.CursorExpired) {
		t.Errorf("the running feed ends with %v", err)
	}
}

// wantAllOrEnd allows two outcomes: a subscriber that read once more before the events
// were pruned gets all of them, and any other has to end.
func wantAllOrEnd(t *testing.T, events <-chan *feed.Event, all []int) {
	t.Helper()
	for _, file := range all {
		select {
		case e, open := <-events:
			if !open {
				return
			}
			if *e.Devlog.LogFileID != file {
				t.Fatalf("delivered %s, want the file %d or the end", describe(e), file)
			}
		case <-time.After(patience):
			t.Fatalf("neither the file %d nor the end came", file)
		}
	}
}

// TestResumePointOfAChildSurvivesPrunedSiblings: the pruned events were not for it, as
// long as its installation subscribes once a week.
func TestResumePointOfAChildSurvivesPrunedSiblings(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	mine := feed.SubscribeParams{ChildUserID: &h.Child.ID}
	connectTo(t, h, mine).cut()
	for i := range 3 {
		sister.Upload(t, sister.Complete(fmt.Sprintf("15:00:%02d", i), i))
		connectTo(t, h, mine).cut()
		h.Clock.Add(feed.Retention + time.Hour)
		if n, err := h.Feed.Prune(t.Context()); n != 1 || err != nil {
			t.Fatalf("pruned %d, %v", n, err)
		}
	}
	h.Upload(t, h.Complete("16:00:00", 9))
	connectTo(t, h, mine).want(true, 9)
}

// TestPruneRunsBesideUploads prunes 5,000 events while phones upload: an upload
// waits for one batch at most, and none fails.
func TestPruneRunsBesideUploads(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	for i := range 5 {
		h.Upload(t, h.CompleteSeries(1000*i, 1000)...)
	}
	h.Clock.Add(feed.Retention + time.Hour)
	events := subscribe(t, h, feed.SubscribeParams{})
	pruned := make(chan error, 1)
	go func() {
		_, err := h.Feed.Prune(context.Background())
		pruned <- err
	}()
	var seen []int
	for i := range 50 {
		h.Upload(t, h.Complete(fmt.Sprintf("15:%02d:00", i), 10_000+i))
		seen = append(seen, *next(t, events).Devlog.LogFileID)
	}
	if err := <-pruned; err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(seen) || seen[0] != 10_000 || h.Count(t).Events != 50 {
		t.Errorf("delivered %v, %d events are left", seen, h.Count(t).Events)
	}
}
