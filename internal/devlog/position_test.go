package devlog_test

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
	"luxbff/internal/devlog"
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
	events       <-chan *devlog.Event
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

func (h *home) open(t testing.TB, p devlog.FeedParams) (*connection, error) {
	t.Helper()
	ctx, cut := context.WithCancel(context.Background())
	subscription := pubsub.NewSubscription(nil)
	events, err := h.Devlogs.Feed(pubsub.WithSubscription(ctx, subscription), h.parent, p)
	if err != nil {
		cut()
		return nil, err
	}
	t.Cleanup(cut)
	return &connection{t, subscription, events, cut}, nil
}

// connect opens the feed of the installation "phone".
func (h *home) connect(t testing.TB) *connection {
	t.Helper()
	return h.connectTo(t, devlog.FeedParams{})
}

func (h *home) connectTo(t testing.TB, p devlog.FeedParams) *connection {
	t.Helper()
	p.InstallationID = ptr("phone")
	l, err := h.open(t, p)
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
func (h *home) save(t testing.TB) {
	t.Helper()
	if err := h.Devlogs.SavePositions(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (h *home) positions(t testing.TB) int {
	t.Helper()
	n, err := h.Store.Read().FeedPosition.Query().Where(feedposition.RootUserID(h.parent.RootUserID())).Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestInstallationGoesOnBehindWhatItConfirmed(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.upload(t, h.uses(1, 5)...) // before it was ever here
	first := h.connect(t)
	first.cut() // before there was anything to confirm
	h.upload(t, h.uses(6, 3)...)
	second := h.connect(t)
	second.wants(true, 6, 7).arrived()
	second.wants(false, 8)
	h.save(t)
	second.cut()
	h.upload(t, h.uses(9, 20)...)
	third := h.connect(t)
	third.wants(true, 8, 9, 10)
	other, err := h.open(t, devlog.FeedParams{InstallationID: ptr("tablet")})
	if err != nil {
		t.Fatal(err)
	}
	h.upload(t, h.ended("20:00:00", 99))
	other.wants(false, 99)
}

func TestPositionNeverFallsButForTheClientsAfter(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	events := h.connect(t)
	h.upload(t, h.uses(1, 5)...)
	one, _, three := events.wants(false, 1), events.wants(false, 2), events.wants(false, 3)
	three.arrived()
	one.arrived()
	h.save(t)
	one.arrived()
	h.save(t)
	h.connect(t).wants(true, 4, 5)
	h.connectTo(t, devlog.FeedParams{After: &one.cursor}).wants(true, 2, 3)
	h.connect(t).wants(true, 2, 3)
}

// TestPositionThatLostEventsIsToldOnce: the first connection gets the error, the
// second goes on from then, and says recovered only after something was
// confirmed again.
func TestPositionThatLostEventsIsToldOnce(t *testing.T) {
	t.Parallel()
	for name, pruned := range map[string]bool{"pruned": true, "not pruned yet": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.connect(t).cut()
			h.upload(t, h.uses(1, 2)...)
			h.Clock.Add(devlog.Kept + time.Millisecond)
			if pruned {
				if _, err := h.Devlogs.Prune(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			h.upload(t, h.ended("20:00:00", 3))
			_, err := h.open(t, devlog.FeedParams{InstallationID: ptr("phone")})
			domaintest.WantError(t, err, apperr.CursorExpired, "installationId")
			h.upload(t, h.ended("21:00:00", 4))
			h.connect(t).wants(false, 4)
			h.connect(t).wants(false, 4).arrived()
			h.save(t)
			h.upload(t, h.ended("22:00:00", 5))
			h.connect(t).wants(true, 5)
		})
	}
}

// TestOldPositionThatMissedNothingGoesOn: neither its age nor what was pruned
// behind it matters.
func TestOldPositionThatMissedNothingGoesOn(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	events := h.connect(t)
	h.upload(t, h.uses(1, 2)...)
	events.wants(false, 1, 2).arrived()
	h.save(t)
	events.cut()
	h.Clock.Add(devlog.Kept + time.Hour)
	if n, err := h.Devlogs.Prune(t.Context()); n != 2 || err != nil {
		t.Fatalf("pruned %d, %v", n, err)
	}
	h.connect(t).cut()
	h.upload(t, h.ended("20:00:00", 3))
	h.connect(t).wants(true, 3)
}

// TestPrunedEventsAreNeverPassedOver moves the clock eight days ahead, prunes, and
// sets it back: by the time alone nothing would look old.
func TestPrunedEventsAreNeverPassedOver(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	sister := h.sister(t)
	running, ofOne := h.connect(t), h.watch(t, devlog.FeedParams{ChildUserID: &h.child.ID})
	plain := h.watch(t, devlog.FeedParams{})
	h.upload(t, h.ended("15:00:00", 1))
	first := running.wants(false, 1)
	next(t, ofOne)
	next(t, plain)
	// Another replica's uploads, whose bell is not heard here.
	there := *h
	there.Kit = domaintest.New(h.Store)
	there.upload(t, there.uses(2, 3)...)
	h.Clock.Add(devlog.Kept + 24*time.Hour)
	if n, err := h.Devlogs.Prune(t.Context()); n != 4 || err != nil {
		t.Fatalf("pruned %d, %v", n, err)
	}
	h.Clock.Add(-devlog.Kept - 25*time.Hour)
	_, err := h.open(t, devlog.FeedParams{After: &first.cursor})
	domaintest.WantError(t, err, apperr.CursorExpired, "after")
	_, err = h.open(t, devlog.FeedParams{InstallationID: ptr("phone")})
	domaintest.WantError(t, err, apperr.CursorExpired, "installationId")
	sister.upload(t, sister.ended("16:00:00", 5))
	for _, feed := range []struct {
		events <-chan *devlog.Event
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
func endsOrTellsAll(t *testing.T, events <-chan *devlog.Event, all []int) {
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
	h := newHome(t)
	sister := h.sister(t)
	mine := devlog.FeedParams{ChildUserID: &h.child.ID}
	h.connectTo(t, mine).cut()
	for i := range 3 {
		sister.upload(t, sister.ended(fmt.Sprintf("15:00:%02d", i), i))
		h.connectTo(t, mine).cut()
		h.Clock.Add(devlog.Kept + time.Hour)
		if n, err := h.Devlogs.Prune(t.Context()); n != 1 || err != nil {
			t.Fatalf("pruned %d, %v", n, err)
		}
	}
	h.upload(t, h.ended("16:00:00", 9))
	h.connectTo(t, mine).wants(true, 9)
}

func TestEachFilterHasItsPosition(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	sister := h.sister(t)
	hers := devlog.FeedParams{ChildUserID: &sister.child.ID}
	all, one := h.connect(t), h.connectTo(t, hers)
	h.upload(t, h.ended("15:00:00", 1), sister.ended("15:00:00", 2), h.ended("16:00:00", 3), sister.ended("16:00:00", 4))
	confirmed := one.wants(false, 2)
	confirmed.arrived()
	h.save(t)
	all.wants(false, 1, 2, 3, 4)
	h.connect(t).wants(true, 1, 2, 3, 4)
	h.connectTo(t, hers).wants(true, 4)
	// The cursor of one child's feed says nothing of the others'.
	h.connectTo(t, devlog.FeedParams{After: &confirmed.cursor}).wants(false, 3, 4)
	h.connect(t).wants(false, 3, 4)
	h.connectTo(t, devlog.FeedParams{After: &confirmed.cursor, ChildUserID: &sister.child.ID}).wants(true, 4)
	if n := h.positions(t); n != 2 {
		t.Errorf("%d positions, want 2", n)
	}
	if err := h.Children.Delete(t.Context(), h.parent, sister.child.ID, *sister.device.UniqueID); err != nil {
		t.Fatal(err)
	}
	if n := h.positions(t); n != 1 {
		t.Errorf("%d positions after the child is gone, want 1", n)
	}
}

func TestRequestConfirmsWhatItNames(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	sister := h.sister(t)
	foreign := homeIn(t, h.Kit)
	all, hers := h.connect(t), h.connectTo(t, devlog.FeedParams{ChildUserID: &sister.child.ID})
	h.upload(t, h.ended("15:00:00", 1), sister.ended("15:00:00", 2), sister.ended("16:00:00", 3))
	two, one := all.wants(false, 1, 2), hers.wants(false, 2)
	theirs := foreign.watch(t, devlog.FeedParams{})
	foreign.upload(t, foreign.ended("15:00:00", 1))
	confirm := func(installation, cursor string) {
		t.Helper()
		h.Devlogs.Confirm(t.Context(), h.parent, installation, cursor)
		h.save(t)
	}
	for installation, cursor := range map[string]string{
		"phone": next(t, theirs).Cursor, "": two.cursor, "\n": two.cursor, "unknown": two.cursor,
	} {
		confirm(installation, cursor)
	}
	confirm("phone", "nonsense")
	h.connect(t).wants(true, 1, 2, 3)
	confirm("phone", one.cursor)
	h.connect(t).wants(true, 1, 2, 3)
	h.connectTo(t, devlog.FeedParams{ChildUserID: &sister.child.ID}).wants(true, 3)
	confirm("phone", two.cursor)
	h.connect(t).wants(true, 3)
	if n := h.positions(t); n != 2 {
		t.Errorf("%d positions, want 2: only a feed makes one", n)
	}
}

func TestInstallationsThatAreRefused(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for _, id := range []string{"", strings.Repeat("x", 65), "a\nb", "a\x7f", "전화", "\xff", "\x00"} {
		_, err := h.open(t, devlog.FeedParams{InstallationID: &id})
		domaintest.WantError(t, err, apperr.BadRequest, "installationId")
	}
	for _, id := range []string{"x", " ~", strings.Repeat("x", 64)} {
		if _, err := h.open(t, devlog.FeedParams{InstallationID: &id}); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	gone := -1
	_, err := h.open(t, devlog.FeedParams{InstallationID: ptr("x"), ChildUserID: &gone})
	domaintest.WantError(t, err, apperr.RealUserNotFound, "")
	if n := h.positions(t); n != 3 {
		t.Errorf("%d positions, want 3", n)
	}
}

func TestAccountKeepsTheLastPositions(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for i := range 70 {
		h.Clock.Add(time.Second)
		if _, err := h.open(t, devlog.FeedParams{InstallationID: ptr(fmt.Sprint(i))}); err != nil {
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
	h := newHome(t)
	h.connect(t).cut()
	if _, err := h.open(t, devlog.FeedParams{InstallationID: ptr("tablet")}); err != nil {
		t.Fatal(err)
	}
	const month = 30 * 24 * time.Hour
	h.Clock.Add(month - time.Hour)
	h.connect(t).cut() // used again
	h.Clock.Add(2 * time.Hour)
	if _, err := h.Devlogs.Prune(t.Context()); err != nil {
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
	h := newHome(t)
	lines := make([]*connection, 16)
	for _, err := range testutil.Concurrently(len(lines), func(i int) (err error) {
		lines[i], err = h.open(t, devlog.FeedParams{InstallationID: ptr("phone")})
		return err
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	h.upload(t, h.ended("15:00:00", 1))
	for _, l := range lines {
		if e := l.next(); e.file != 1 {
			t.Errorf("told %d", e.file)
		}
	}
	if n := h.positions(t); n != 1 {
		t.Errorf("%d positions, want 1", n)
	}
}

// TestConnectingAgainWritesNothing: a phone in a bad network connects often.
func TestConnectingAgainWritesNothing(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.connect(t).cut()
	h.upload(t, h.ended("15:00:00", 1))
	before := h.stamp(t)
	h.Clock.Add(time.Hour)
	h.connect(t).wants(true, 1)
	if after := h.stamp(t); after != before {
		t.Errorf("the position was written at %v, and again at %v", before, after)
	}
}

func (h *home) stamp(t testing.TB) time.Time {
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
	h := newHome(t)
	h.Devlogs.Start(context.Background())
	events := h.connect(t)
	h.upload(t, h.uses(1, 2)...)
	events.wants(false, 1).arrived()
	h.Devlogs.Close()
	h.connect(t).wants(true, 2)
}

// TestInstallationLosesNothing has phones come and go, confirm some of what they
// got, and lose the rest: each gets every event since it first came, at least
// once, with no hole between two events of one connection, and never behind what
// it confirmed.
func TestInstallationLosesNothing(t *testing.T) {
	t.Parallel()
	kit := domaintest.New(storetest.Open(t))
	rapid.Check(t, func(rt *rapid.T) {
		h := homeIn(t, kit)
		sent, confirmed := 0, 0
		h.connect(t).cut()
		for range rapid.IntRange(1, 12).Draw(rt, "connections") {
			n := rapid.IntRange(0, 20).Draw(rt, "uploads before")
			h.uploadNext(t, &sent, n)
			l := h.connect(t)
			n = rapid.IntRange(0, 20).Draw(rt, "uploads during")
			h.uploadNext(t, &sent, n)
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
				h.save(t)
			}
			l.cut()
		}
	})
}

// uploadNext uploads the next n files, if any.
func (h *home) uploadNext(t testing.TB, sent *int, n int) {
	t.Helper()
	if n > 0 {
		h.upload(t, h.uses(*sent+1, n)...)
		*sent += n
	}
}

// TestPollEndsTheFeedOfADeletedChild: the bell of the deletion was lost, and no
// event comes after it.
func TestPollEndsTheFeedOfADeletedChild(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	sister := h.sister(t)
	hers, all := h.watch(t, devlog.FeedParams{ChildUserID: &sister.child.ID}), h.watch(t, devlog.FeedParams{})
	h.Write(t, func(ctx context.Context, tx *store.Tx) error {
		return tx.ChildUser.DeleteOneID(sister.child.ID).Exec(ctx)
	})
	h.Devlogs.Poll(t.Context(), 0)
	ends(t, hers)
	h.upload(t, h.ended("15:00:00", 1))
	next(t, all)
}

// TestPruneGoesOnBesideUploads prunes 5,000 events while phones upload: an upload
// waits for one small step at most, and none fails.
func TestPruneGoesOnBesideUploads(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for i := range 5 {
		h.upload(t, h.uses(1000*i, 1000)...)
	}
	h.Clock.Add(devlog.Kept + time.Hour)
	events := h.watch(t, devlog.FeedParams{})
	pruned := make(chan error, 1)
	go func() {
		_, err := h.Devlogs.Prune(context.Background())
		pruned <- err
	}()
	var seen []int
	for i := range 50 {
		h.upload(t, h.ended(fmt.Sprintf("15:%02d:00", i), 10_000+i))
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
	h := newHome(t)
	events := h.connect(t)
	h.upload(t, h.uses(1, 2)...)
	events.wants(false, 1).arrived()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Devlogs.SavePositions(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("saved with %v", err)
	}
	events.cut()
	l := h.connect(t)
	if diff := cmp.Diff(1, l.next().file); diff != "" { // told again, not lost
		t.Error(diff)
	}
}
