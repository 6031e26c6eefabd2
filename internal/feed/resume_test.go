package feed_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"luxbff/ent/feedposition"
	"luxbff/internal/apperr"
	"luxbff/internal/feed"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

func TestInstallationResumesBehindWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	h.Upload(t, h.CompleteSeries(1, 5)...) // before its first subscription
	first := connect(t, h)
	first.cut() // before there was anything to acknowledge
	h.Upload(t, h.CompleteSeries(6, 3)...)
	second := connect(t, h)
	second.want(true, 6, 7).ack()
	second.want(false, 8)
	saveAcks(t, h)
	second.cut()
	h.Upload(t, h.CompleteSeries(9, 20)...)
	third := connect(t, h)
	third.want(true, 8, 9, 10)
	other, err := open(t, h, feed.SubscribeParams{InstallationID: new("tablet")})
	if err != nil {
		t.Fatal(err)
	}
	h.Upload(t, h.Complete("20:00:00", 99))
	other.want(false, 99)
}

func TestOnlyAfterMovesAResumePointBack(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	events := connect(t, h)
	h.Upload(t, h.CompleteSeries(1, 5)...)
	one, _, three := events.want(false, 1), events.want(false, 2), events.want(false, 3)
	three.ack()
	one.ack()
	saveAcks(t, h)
	one.ack()
	saveAcks(t, h)
	connect(t, h).want(true, 4, 5)
	connectTo(t, h, feed.SubscribeParams{After: &one.cursor}).want(true, 2, 3)
	connect(t, h).want(true, 2, 3)
}

// TestExpiredResumePointFailsOnce: the first subscription gets the error. The second
// resumes from the time of that error, and says recovered only after something was
// acknowledged again.
func TestExpiredResumePointFailsOnce(t *testing.T) {
	t.Parallel()
	for name, pruned := range map[string]bool{"pruned": true, "not pruned yet": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := domaintest.NewHome(t)
			connect(t, h).cut()
			h.Upload(t, h.CompleteSeries(1, 2)...)
			h.Clock.Add(feed.Retention + time.Millisecond)
			if pruned {
				if _, err := h.Feed.Prune(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			h.Upload(t, h.Complete("20:00:00", 3))
			_, err := open(t, h, feed.SubscribeParams{InstallationID: new("phone")})
			domaintest.WantError(t, err, apperr.CursorExpired, "installationId")
			h.Upload(t, h.Complete("21:00:00", 4))
			connect(t, h).want(false, 4)
			connect(t, h).want(false, 4).ack()
			saveAcks(t, h)
			h.Upload(t, h.Complete("22:00:00", 5))
			connect(t, h).want(true, 5)
		})
	}
}

// TestOldResumePointThatMissedNothingIsValid: neither its age nor what was pruned
// behind it matters.
func TestOldResumePointThatMissedNothingIsValid(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	events := connect(t, h)
	h.Upload(t, h.CompleteSeries(1, 2)...)
	events.want(false, 1, 2).ack()
	saveAcks(t, h)
	events.cut()
	h.Clock.Add(feed.Retention + time.Hour)
	if n, err := h.Feed.Prune(t.Context()); n != 2 || err != nil {
		t.Fatalf("pruned %d, %v", n, err)
	}
	connect(t, h).cut()
	h.Upload(t, h.Complete("20:00:00", 3))
	connect(t, h).want(true, 3)
}

func TestEachFilterHasItsResumePoint(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	hers := feed.SubscribeParams{ChildUserID: &sister.Child.ID}
	all, one := connect(t, h), connectTo(t, h, hers)
	h.Upload(t, h.Complete("15:00:00", 1), sister.Complete("15:00:00", 2), h.Complete("16:00:00", 3), sister.Complete("16:00:00", 4))
	acked := one.want(false, 2)
	acked.ack()
	saveAcks(t, h)
	all.want(false, 1, 2, 3, 4)
	connect(t, h).want(true, 1, 2, 3, 4)
	connectTo(t, h, hers).want(true, 4)
	// The cursor of one child's feed says nothing about the other children's events.
	connectTo(t, h, feed.SubscribeParams{After: &acked.cursor}).want(false, 3, 4)
	connect(t, h).want(false, 3, 4)
	connectTo(t, h, feed.SubscribeParams{After: &acked.cursor, ChildUserID: &sister.Child.ID}).want(true, 4)
	if n := countResumePoints(t, h); n != 2 {
		t.Errorf("%d resume points, want 2", n)
	}
	if err := h.Children.Delete(t.Context(), h.Parent, sister.Child.ID, *sister.Device.UniqueID); err != nil {
		t.Fatal(err)
	}
	if n := countResumePoints(t, h); n != 1 {
		t.Errorf("%d resume points after the child is gone, want 1", n)
	}
}

func TestSubscribeRefusesInstallationIDs(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	for _, id := range []string{"", strings.Repeat("x", 65), "a\nb", "a\x7f", "전화", "\xff", "\x00"} {
		_, err := open(t, h, feed.SubscribeParams{InstallationID: &id})
		domaintest.WantError(t, err, apperr.BadRequest, "installationId")
	}
	for _, id := range []string{"x", " ~", strings.Repeat("x", 64)} {
		if _, err := open(t, h, feed.SubscribeParams{InstallationID: &id}); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	gone := -1
	_, err := open(t, h, feed.SubscribeParams{InstallationID: new("x"), ChildUserID: &gone})
	domaintest.WantError(t, err, apperr.RealUserNotFound, "childUserId")
	if n := countResumePoints(t, h); n != 3 {
		t.Errorf("%d resume points, want 3", n)
	}
}

func TestAccountKeepsTheResumePointsUsedLast(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	for i := range 70 {
		h.Clock.Add(time.Second)
		if _, err := open(t, h, feed.SubscribeParams{InstallationID: new(fmt.Sprint(i))}); err != nil {
			t.Fatal(err)
		}
	}
	ids, err := h.Store.Read().FeedPosition.Query().Order(feedposition.ByID()).Select(feedposition.FieldInstallationID).Strings(t.Context())
	if err != nil || len(ids) != 64 || ids[0] != "6" || ids[63] != "69" {
		t.Errorf("kept are %v, %v", ids, err)
	}
}

// TestOneInstallationSubscribesManyTimesAtOnce: they share one resume point, and all
// start there.
func TestOneInstallationSubscribesManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	connections := make([]*connection, 16)
	for _, err := range testutil.Concurrently(len(connections), func(i int) (err error) {
		connections[i], err = open(t, h, feed.SubscribeParams{InstallationID: new("phone")})
		return err
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	h.Upload(t, h.Complete("15:00:00", 1))
	for _, c := range connections {
		if e := c.next(); e.file != 1 {
			t.Errorf("delivered the file %d", e.file)
		}
	}
	if n := countResumePoints(t, h); n != 1 {
		t.Errorf("%d resume points, want 1", n)
	}
}

// TestSubscribingAgainWritesNothing: a phone in a bad network connects often.
func TestSubscribingAgainWritesNothing(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	connect(t, h).cut()
	h.Upload(t, h.Complete("15:00:00", 1))
	before := resumePointUpdatedAt(t, h)
	h.Clock.Add(time.Hour)
	connect(t, h).want(true, 1)
	if after := resumePointUpdatedAt(t, h); after != before {
		t.Errorf("the resume point was written at %v, and again at %v", before, after)
	}
}

func resumePointUpdatedAt(t testing.TB, h *domaintest.Home) time.Time {
	t.Helper()
	p, err := h.Store.Read().FeedPosition.Query().Only(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p.UpdatedAt
}

// TestInstallationLosesNothing has phones connect and disconnect, acknowledge some of
// what they got, and lose the rest: each gets every event since its first connection at
// least once, without a gap between two events of one connection, and never one again
// that it has acknowledged.
func TestInstallationLosesNothing(t *testing.T) {
	t.Parallel()
	kit := domaintest.New(storetest.Open(t))
	rapid.Check(t, func(rt *rapid.T) {
		h := kit.Home(t)
		sent, acked := 0, 0
		connect(t, h).cut()
		for range rapid.IntRange(1, 12).Draw(rt, "connections") {
			n := rapid.IntRange(0, 20).Draw(rt, "uploads before")
			uploadNext(t, h, &sent, n)
			c := connect(t, h)
			n = rapid.IntRange(0, 20).Draw(rt, "uploads during")
			uploadNext(t, h, &sent, n)
			read := rapid.IntRange(0, sent-acked).Draw(rt, "read")
			var received []delivery
			for i := range read {
				e := c.next()
				if e.file != acked+1+i || e.recovered != (i == 0) {
					rt.Fatalf("event %d after %d is %d, recovered: %v", i, acked, e.file, e.recovered)
				}
				received = append(received, e)
			}
			if some := rapid.IntRange(0, len(received)).Draw(rt, "acked"); some > 0 {
				received[some-1].ack()
				acked += some
				saveAcks(t, h)
			}
			c.cut()
		}
	})
}

// uploadNext uploads the next n files, if any.
func uploadNext(t testing.TB, h *domaintest.Home, sent *int, n int) {
	t.Helper()
	if n > 0 {
		h.Upload(t, h.CompleteSeries(*sent+1, n)...)
		*sent += n
	}
}

// TestAResumePointStaysWhileItIsUsed resumes by a cursor at which the resume point stands
// already. That writes nothing, but once in a while it has to, because a resume point that
// nobody uses is deleted.
func TestAResumePointStaysWhileItIsUsed(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	events := connect(t, h)
	h.Upload(t, h.Complete("15:00:00", 1))
	last := events.want(false, 1)
	resume := func() time.Time {
		t.Helper()
		connectTo(t, h, feed.SubscribeParams{After: &last.cursor})
		point, err := h.Store.Read().FeedPosition.Query().Only(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return point.UpdatedAt
	}
	set := resume()
	h.Clock.Add(time.Hour)
	if again := resume(); !again.Equal(set) {
		t.Errorf("an hour later it was written at %v, want %v", again, set)
	}
	h.Clock.Add(48 * time.Hour)
	if again := resume(); !again.Equal(h.Clock.Now()) {
		t.Errorf("two days later it was written at %v, want %v", again, h.Clock.Now())
	}
}
