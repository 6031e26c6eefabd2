package feed_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luxbff/ent/feedposition"
	"luxbff/internal/apperr"
	"luxbff/internal/feed"
	"luxbff/internal/pubsub"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// connection is a feed as a transport serves it: its subscription tells what of the
// events has to be known.
type connection struct {
	t            testing.TB
	subscription *pubsub.Subscription
	events       <-chan *feed.Event
	cut          context.CancelFunc
}

// got is an event as a client of an installation has it.
type got struct {
	file      int
	recovered bool
	// arrived is what the transport calls once the client has it.
	arrived func()
	cursor  string
}

func open(t testing.TB, h *domaintest.Home, p feed.SubscribeParams) (*connection, error) {
	t.Helper()
	ctx, cut := context.WithCancel(context.Background())
	subscription := pubsub.NewSubscription(nil)
	events, err := h.Feed.Subscribe(pubsub.WithSubscription(ctx, subscription), h.Parent, p)
	if err != nil {
		cut()
		return nil, err
	}
	t.Cleanup(cut)
	return &connection{t, subscription, events, cut}, nil
}

// connect opens the feed of the installation "phone".
func connect(t testing.TB, h *domaintest.Home) *connection {
	t.Helper()
	return connectTo(t, h, feed.SubscribeParams{})
}

func connectTo(t testing.TB, h *domaintest.Home, p feed.SubscribeParams) *connection {
	t.Helper()
	p.InstallationID = new("phone")
	l, err := open(t, h, p)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *connection) next() got {
	l.t.Helper()
	e := next(l.t, l.events)
	sent := l.subscription.TakeDelivery()
	if sent.Cursor != e.Cursor {
		l.t.Fatalf("the transport knows the cursor %q, the event's is %q", sent.Cursor, e.Cursor)
	}
	return got{*e.Devlog.LogFileID, sent.Recovered, func() { sent.Ack(sent.Cursor) }, e.Cursor}
}

// wants reads the files in this order, the first of them as told, and gives the
// last event.
func (l *connection) wants(recovered bool, files ...int) (last got) {
	l.t.Helper()
	for i, file := range files {
		last = l.next()
		if last.file != file || last.recovered != (recovered && i == 0) {
			l.t.Fatalf("event %d of %v is %d, recovered: %v", i, files, last.file, last.recovered)
		}
	}
	return last
}

// save stores what was confirmed, as happens all the time beside the requests.
func saveAcks(t testing.TB, h *domaintest.Home) {
	t.Helper()
	if err := h.Feed.SaveAcks(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func countResumePoints(t testing.TB, h *domaintest.Home) int {
	t.Helper()
	n, err := h.Store.Read().FeedPosition.Query().Where(feedposition.RootUserID(h.Parent.RootUserID())).Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestInstallationGoesOnBehindWhatItConfirmed(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	h.Upload(t, h.CompleteSeries(1, 5)...) // before it was ever here
	first := connect(t, h)
	first.cut() // before there was anything to confirm
	h.Upload(t, h.CompleteSeries(6, 3)...)
	second := connect(t, h)
	second.wants(true, 6, 7).arrived()
	second.wants(false, 8)
	saveAcks(t, h)
	second.cut()
	h.Upload(t, h.CompleteSeries(9, 20)...)
	third := connect(t, h)
	third.wants(true, 8, 9, 10)
	other, err := open(t, h, feed.SubscribeParams{InstallationID: new("tablet")})
	if err != nil {
		t.Fatal(err)
	}
	h.Upload(t, h.Complete("20:00:00", 99))
	other.wants(false, 99)
}

func TestPositionNeverFallsButForTheClientsAfter(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	events := connect(t, h)
	h.Upload(t, h.CompleteSeries(1, 5)...)
	one, _, three := events.wants(false, 1), events.wants(false, 2), events.wants(false, 3)
	three.arrived()
	one.arrived()
	saveAcks(t, h)
	one.arrived()
	saveAcks(t, h)
	connect(t, h).wants(true, 4, 5)
	connectTo(t, h, feed.SubscribeParams{After: &one.cursor}).wants(true, 2, 3)
	connect(t, h).wants(true, 2, 3)
}

// TestPositionThatLostEventsIsToldOnce: the first connection gets the error, the
// second goes on from then, and says recovered only after something was
// confirmed again.
func TestPositionThatLostEventsIsToldOnce(t *testing.T) {
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
			connect(t, h).wants(false, 4)
			connect(t, h).wants(false, 4).arrived()
			saveAcks(t, h)
			h.Upload(t, h.Complete("22:00:00", 5))
			connect(t, h).wants(true, 5)
		})
	}
}

// TestOldPositionThatMissedNothingGoesOn: neither its age nor what was pruned
// behind it matters.
func TestOldPositionThatMissedNothingGoesOn(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	events := connect(t, h)
	h.Upload(t, h.CompleteSeries(1, 2)...)
	events.wants(false, 1, 2).arrived()
	saveAcks(t, h)
	events.cut()
	h.Clock.Add(feed.Retention + time.Hour)
	if n, err := h.Feed.Prune(t.Context()); n != 2 || err != nil {
		t.Fatalf("pruned %d, %v", n, err)
	}
	connect(t, h).cut()
	h.Upload(t, h.Complete("20:00:00", 3))
	connect(t, h).wants(true, 3)
}

// TestPrunedEventsAreNeverPassedOver moves the clock eight days ahead, prunes, and
// sets it back: by the time alone nothing would look old.
func TestPrunedEventsAreNeverPassedOver(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	running, ofOne := connect(t, h), subscribe(t, h, feed.SubscribeParams{ChildUserID: &h.Child.ID})
	plain := subscribe(t, h, feed.SubscribeParams{})
	h.Upload(t, h.Complete("15:00:00", 1))
	first := running.wants(false, 1)
	next(t, ofOne)
	next(t, plain)
	// Another replica's uploads, whose bell is not heard here.
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
		endsOrTellsAll(t, feed.events, feed.all)
	}
	if err := running.subscription.Err(); err != nil && !apperr.Is(err, apperr.CursorExpired) {
		t.Errorf("the running feed ends with %v", err)
	}
}

// endsOrTellsAll: a feed that looked once more before the events were pruned has
// missed nothing; any other has to end.
func endsOrTellsAll(t *testing.T, events <-chan *feed.Event, all []int) {
	t.Helper()
	for _, file := range all {
		select {
		case e, open := <-events:
			if !open {
				return
			}
			if *e.Devlog.LogFileID != file {
				t.Fatalf("told %s, want the file %d or the end", told(e), file)
			}
		case <-time.After(patience):
			t.Fatalf("neither the file %d nor the end came", file)
		}
	}
}

// TestFeedOfAChildOutlivesPrunedSiblings: what is gone was not for it, where its
// installation comes by once a week.
func TestFeedOfAChildOutlivesPrunedSiblings(t *testing.T) {
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
	connectTo(t, h, mine).wants(true, 9)
}

func TestEachFilterHasItsPosition(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	hers := feed.SubscribeParams{ChildUserID: &sister.Child.ID}
	all, one := connect(t, h), connectTo(t, h, hers)
	h.Upload(t, h.Complete("15:00:00", 1), sister.Complete("15:00:00", 2), h.Complete("16:00:00", 3), sister.Complete("16:00:00", 4))
	confirmed := one.wants(false, 2)
	confirmed.arrived()
	saveAcks(t, h)
	all.wants(false, 1, 2, 3, 4)
	connect(t, h).wants(true, 1, 2, 3, 4)
	connectTo(t, h, hers).wants(true, 4)
	// The cursor of one child's feed says nothing of the others'.
	connectTo(t, h, feed.SubscribeParams{After: &confirmed.cursor}).wants(false, 3, 4)
	connect(t, h).wants(false, 3, 4)
	connectTo(t, h, feed.SubscribeParams{After: &confirmed.cursor, ChildUserID: &sister.Child.ID}).wants(true, 4)
	if n := countResumePoints(t, h); n != 2 {
		t.Errorf("%d positions, want 2", n)
	}
	if err := h.Children.Delete(t.Context(), h.Parent, sister.Child.ID, *sister.Device.UniqueID); err != nil {
		t.Fatal(err)
	}
	if n := countResumePoints(t, h); n != 1 {
		t.Errorf("%d positions after the child is gone, want 1", n)
	}
}

func TestRequestConfirmsWhatItNames(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	foreign := h.Kit.Home(t)
	all, hers := connect(t, h), connectTo(t, h, feed.SubscribeParams{ChildUserID: &sister.Child.ID})
	h.Upload(t, h.Complete("15:00:00", 1), sister.Complete("15:00:00", 2), sister.Complete("16:00:00", 3))
	two, one := all.wants(false, 1, 2), hers.wants(false, 2)
	theirs := subscribe(t, foreign, feed.SubscribeParams{})
	foreign.Upload(t, foreign.Complete("15:00:00", 1))
	confirm := func(installation, cursor string) {
		t.Helper()
		h.Feed.Acknowledge(t.Context(), h.Parent, installation, cursor)
		saveAcks(t, h)
	}
	for installation, cursor := range map[string]string{
		"phone": next(t, theirs).Cursor, "": two.cursor, "\n": two.cursor, "unknown": two.cursor,
	} {
		confirm(installation, cursor)
	}
	confirm("phone", "nonsense")
	connect(t, h).wants(true, 1, 2, 3)
	confirm("phone", one.cursor)
	connect(t, h).wants(true, 1, 2, 3)
	connectTo(t, h, feed.SubscribeParams{ChildUserID: &sister.Child.ID}).wants(true, 3)
	confirm("phone", two.cursor)
	connect(t, h).wants(true, 3)
	if n := countResumePoints(t, h); n != 2 {
		t.Errorf("%d positions, want 2: only a feed makes one", n)
	}
}

func TestInstallationsThatAreRefused(t *testing.T) {
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
	domaintest.WantError(t, err, apperr.RealUserNotFound, "")
	if n := countResumePoints(t, h); n != 3 {
		t.Errorf("%d positions, want 3", n)
	}
}

func TestAccountKeepsTheLastPositions(t *testing.T) {
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

func TestPruneForgetsPositionsThatNobodyUses(t *testing.T) {
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

// TestOneInstallationConnectsManyTimesAtOnce: one row, and all begin there.
func TestOneInstallationConnectsManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	lines := make([]*connection, 16)
	for _, err := range testutil.Concurrently(len(lines), func(i int) (err error) {
		lines[i], err = open(t, h, feed.SubscribeParams{InstallationID: new("phone")})
		return err
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	h.Upload(t, h.Complete("15:00:00", 1))
	for _, l := range lines {
		if e := l.next(); e.file != 1 {
			t.Errorf("told %d", e.file)
		}
	}
	if n := countResumePoints(t, h); n != 1 {
		t.Errorf("%d positions, want 1", n)
	}
}

// TestConnectingAgainWritesNothing: a phone in a bad network connects often.
func TestConnectingAgainWritesNothing(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	connect(t, h).cut()
	h.Upload(t, h.Complete("15:00:00", 1))
	before := resumePointUpdatedAt(t, h)
	h.Clock.Add(time.Hour)
	connect(t, h).wants(true, 1)
	if after := resumePointUpdatedAt(t, h); after != before {
		t.Errorf("the position was written at %v, and again at %v", before, after)
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

// TestConfirmedPositionsAreSavedAtTheEnd stops what runs beside the requests
// right after the last confirmation.
func TestConfirmedPositionsAreSavedAtTheEnd(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	h.Feed.Start(context.Background())
	events := connect(t, h)
	h.Upload(t, h.CompleteSeries(1, 2)...)
	events.wants(false, 1).arrived()
	h.Feed.Close()
	connect(t, h).wants(true, 2)
}

// TestInstallationLosesNothing has phones come and go, confirm some of what they
// got, and lose the rest: each gets every event since it first came, at least
// once, with no hole between two events of one connection, and never behind what
// it confirmed.
func TestInstallationLosesNothing(t *testing.T) {
	t.Parallel()
	kit := domaintest.New(storetest.Open(t))
	rapid.Check(t, func(rt *rapid.T) {
		h := kit.Home(t)
		sent, confirmed := 0, 0
		connect(t, h).cut()
		for range rapid.IntRange(1, 12).Draw(rt, "connections") {
			n := rapid.IntRange(0, 20).Draw(rt, "uploads before")
			uploadNext(t, h, &sent, n)
			l := connect(t, h)
			n = rapid.IntRange(0, 20).Draw(rt, "uploads during")
			uploadNext(t, h, &sent, n)
			read := rapid.IntRange(0, sent-confirmed).Draw(rt, "read")
			var received []got
			for i := range read {
				e := l.next()
				if e.file != confirmed+1+i || e.recovered != (i == 0) {
					rt.Fatalf("event %d after %d is %d, recovered: %v", i, confirmed, e.file, e.recovered)
				}
				received = append(received, e)
			}
			if some := rapid.IntRange(0, len(received)).Draw(rt, "confirmed"); some > 0 {
				received[some-1].arrived()
				confirmed += some
				saveAcks(t, h)
			}
			l.cut()
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

// TestPollEndsTheFeedOfADeletedChild: the bell of the deletion was lost, and no
// event comes after it.
func TestPollEndsTheFeedOfADeletedChild(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	hers, all := subscribe(t, h, feed.SubscribeParams{ChildUserID: &sister.Child.ID}), subscribe(t, h, feed.SubscribeParams{})
	h.Write(t, func(ctx context.Context, tx *store.Tx) error {
		return tx.ChildUser.DeleteOneID(sister.Child.ID).Exec(ctx)
	})
	h.Feed.Poll(t.Context(), 0)
	ends(t, hers)
	h.Upload(t, h.Complete("15:00:00", 1))
	next(t, all)
}

// TestPruneGoesOnBesideUploads prunes 5,000 events while phones upload: an upload
// waits for one small step at most, and none fails.
func TestPruneGoesOnBesideUploads(t *testing.T) {
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
		t.Errorf("told %v, %d events are left", seen, h.Count(t).Events)
	}
}

func TestSaveThatFailsKeepsTheFeed(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	events := connect(t, h)
	h.Upload(t, h.CompleteSeries(1, 2)...)
	events.wants(false, 1).arrived()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Feed.SaveAcks(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("saved with %v", err)
	}
	events.cut()
	l := connect(t, h)
	if diff := cmp.Diff(1, l.next().file); diff != "" { // told again, not lost
		t.Error(diff)
	}
}
