package feed_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luxbff/ent"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/feed"
	"luxbff/internal/pubsub"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// watch opens a feed that ends with the test.
func subscribe(t testing.TB, h *domaintest.Home, p feed.SubscribeParams) <-chan *feed.Event {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return subscribeUntil(ctx, t, h, p)
}

func subscribeUntil(ctx context.Context, t testing.TB, h *domaintest.Home, p feed.SubscribeParams) <-chan *feed.Event {
	t.Helper()
	events, err := h.Feed.Subscribe(ctx, h.Parent, p)
	if err != nil {
		t.Fatalf("open the feed: %v", err)
	}
	return events
}

// next waits for an event.
func next(t testing.TB, events <-chan *feed.Event) *feed.Event {
	t.Helper()
	select {
	case e, open := <-events:
		if !open {
			t.Fatal("the feed ended")
		}
		return e
	case <-time.After(patience):
		t.Fatal("no event came")
		return nil
	}
}

// ends waits for the end of a feed that has nothing more to tell.
func ends(t testing.TB, events <-chan *feed.Event) {
	t.Helper()
	select {
	case e, open := <-events:
		if open {
			t.Fatalf("the feed tells %v instead of ending", e)
		}
	case <-time.After(patience):
		t.Fatal("the feed goes on")
	}
}

// told is what an event says, without its cursor.
func told(e *feed.Event) string {
	return fmt.Sprintf("%s %d: %s, %d, device at %d", e.Change, e.Devlog.ChildUserID, domaintest.DescribeLog(e.Devlog), e.Devlog.LastIntensity, e.Device.LastLogFileID)
}

func TestFeedTellsChangesInOrder(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	h.Upload(t, h.Complete("14:00:00", 1)) // before the feed begins
	events := subscribe(t, h, feed.SubscribeParams{})
	step := func(intensity int, r devlog.Record) *ent.Devlog {
		t.Helper()
		h.Clock.Add(time.Second)
		r.LastIntensity = intensity
		return h.Upload(t, r).Devlogs[0]
	}
	of := h.Child.ID
	for _, c := range []struct {
		record    devlog.Record
		intensity int
		want      string
	}{
		{h.Temporary("15:00:30"), 2, fmt.Sprintf("CREATED %d: temporary 15:00:00, 2, device at 1", of)},
		{h.Temporary("15:01:00"), 5, fmt.Sprintf("UPDATED %d: temporary 15:00:30, 5, device at 1", of)},
		{h.Complete("15:00:00", 7), 9, fmt.Sprintf("COMPLETED %d: complete 15:00:00 file 7, 9, device at 7", of)},
		{h.Complete("16:00:00", 6), 1, fmt.Sprintf("COMPLETED %d: complete 16:00:00 file 6, 1, device at 7", of)},
	} {
		stored := step(c.intensity, c.record)
		step(99, h.Complete("14:00:00", 1)) // a replay: not told
		e := next(t, events)
		if got := told(e); got != c.want {
			t.Errorf("told %q, want %q", got, c.want)
		}
		if e.Devlog.ID != stored.ID || e.Devlog.RootUserID != h.Parent.RootUserID() || e.Devlog.TreatmentTime != stored.TreatmentTime ||
			!e.OccurredAt.Equal(stored.UpdatedAt) || !e.Devlog.UpdatedAt.Equal(stored.UpdatedAt) || !e.Devlog.CreatedAt.Equal(stored.CreatedAt) ||
			(e.Devlog.FinishFlag == nil) != (stored.FinishFlag == nil) {
			t.Errorf("told %v at %v of %v", e.Devlog, e.OccurredAt, stored)
		}
		if e.Device != e.Devlog.Edges.Device || *e.Device.ChildUserID != of || *e.Device.UniqueID != *h.Device.UniqueID {
			t.Errorf("told of the device %v", e.Device)
		}
	}
	select {
	case e := <-events:
		t.Errorf("told too much: %v", told(e))
	default:
	}
}

func TestFeedTellsOneUploadInItsOrder(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	events := subscribe(t, h, feed.SubscribeParams{})
	h.Upload(t, h.CompleteSeries(1, 50)...) // more than the feed reads at once
	for i := range 50 {
		if e := next(t, events); *e.Devlog.LogFileID != i+1 || e.Device.LastLogFileID != i+1 {
			t.Fatalf("event %d is %s", i+1, told(e))
		}
	}
}

func TestFeedIsTheAccountsAlone(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister, foreign := h.Sister(t), h.Kit.Home(t)
	all, hers := subscribe(t, h, feed.SubscribeParams{}), subscribe(t, h, feed.SubscribeParams{ChildUserID: &sister.Child.ID})
	foreign.Upload(t, foreign.Complete("15:00:00", 1))
	h.Upload(t, h.Complete("15:00:00", 2), sister.Complete("15:00:00", 3), h.Complete("16:00:00", 4), sister.Temporary("16:00:30", 5))
	var got, gotHers []int
	for range 4 {
		got = append(got, *next(t, all).Devlog.LogFileID)
	}
	for range 2 {
		gotHers = append(gotHers, *next(t, hers).Devlog.LogFileID)
	}
	if diff := cmp.Diff([]int{2, 3, 4, 5}, got); diff != "" {
		t.Errorf("all children (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{3, 5}, gotHers); diff != "" {
		t.Errorf("one child (-want +got):\n%s", diff)
	}
}

func TestFeedOfAChildAsksWhoseItIs(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	foreign := h.Kit.Home(t)
	_, err := h.Feed.Subscribe(t.Context(), h.Parent, feed.SubscribeParams{ChildUserID: &foreign.Child.ID})
	domaintest.WantError(t, err, apperr.NotAuthorizedUser, "")
	_, err = h.Feed.Subscribe(t.Context(), h.Parent, feed.SubscribeParams{ChildUserID: new(-1)})
	domaintest.WantError(t, err, apperr.RealUserNotFound, "")
	if n := h.Hub.Subscribers(); n != 0 {
		t.Errorf("%d watchers after refused feeds", n)
	}
}

func TestDeletedChildEndsItsFeed(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	all, hers := subscribe(t, h, feed.SubscribeParams{}), subscribe(t, h, feed.SubscribeParams{ChildUserID: &sister.Child.ID})
	mine := subscribe(t, h, feed.SubscribeParams{ChildUserID: &h.Child.ID})
	sister.Upload(t, sister.Complete("15:00:00", 1))
	next(t, all)
	next(t, hers)
	if err := h.Children.Delete(t.Context(), h.Parent, sister.Child.ID, *sister.Device.UniqueID); err != nil {
		t.Fatal(err)
	}
	ends(t, hers)
	h.Upload(t, h.Complete("15:00:00", 2))
	for _, events := range []<-chan *feed.Event{all, mine} {
		if e := next(t, events); *e.Devlog.LogFileID != 2 {
			t.Errorf("the others go on with %s", told(e))
		}
	}
	_, err := h.Feed.Subscribe(t.Context(), h.Parent, feed.SubscribeParams{ChildUserID: &sister.Child.ID})
	domaintest.WantError(t, err, apperr.RealUserNotFound, "")
}

// TestFeedResumes cuts a feed at random places, while phones upload, and takes it
// up after the last event received: every event comes once, in order.
func TestFeedResumes(t *testing.T) {
	t.Parallel()
	kit := domaintest.New(storetest.Open(t))
	rapid.Check(t, func(rt *rapid.T) {
		h := kit.Home(t)
		sister := h.Sister(t)
		filter := rapid.Bool().Draw(rt, "one child")
		uploads := rapid.SliceOfN(rapid.IntRange(1, 20), 1, 5).Draw(rt, "uploads")
		cuts := rapid.SliceOfN(rapid.IntRange(1, 30), 0, 5).Draw(rt, "cuts")

		first := subscribe(t, h, feed.SubscribeParams{})
		h.Upload(t, h.Complete("15:00:00", 0))
		reader := cutReader{home: h, after: next(t, first).Cursor}
		if filter {
			reader.childID = &h.Child.ID
		}
		done := make(chan struct{})
		total := 0
		for _, n := range uploads {
			total += n
		}
		go func() {
			defer close(done)
			file := 1
			for _, n := range uploads {
				h.UploadAsync(t, append(h.CompleteSeries(file, n), sister.CompleteSeries(file, n)...)...)
				file += n
			}
		}()
		defer func() { <-done }()
		want := total * 2
		if filter {
			want = total
		}
		for _, n := range cuts {
			reader.read(t, min(n, want-len(reader.seen)))
		}
		reader.read(t, want-len(reader.seen))
		<-done
		reader.compare(t, rt)
	})
}

// cutReader reads a feed in pieces.
type cutReader struct {
	home    *domaintest.Home
	childID *int
	after   string
	seen    []string
}

func (r *cutReader) read(t *testing.T, n int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events := subscribeUntil(ctx, t, r.home, feed.SubscribeParams{ChildUserID: r.childID, After: &r.after})
	for range n {
		e := next(t, events)
		r.after, r.seen = e.Cursor, append(r.seen, fmt.Sprint(e.Devlog.ID, " of ", e.Devlog.ChildUserID))
	}
}

// compare holds what was read against the stored events but the first.
func (r *cutReader) compare(t *testing.T, rt *rapid.T) {
	stored, err := r.home.Store.Read().User.QueryDevlogEvents(r.home.Parent.User).Order(ent.Asc("seq")).All(t.Context())
	if err != nil {
		rt.Fatal(err)
	}
	var want []string
	for _, e := range stored[1:] {
		if r.childID == nil || e.ChildUserID == *r.childID {
			want = append(want, fmt.Sprint(e.DevlogID, " of ", e.ChildUserID))
		}
	}
	if diff := cmp.Diff(want, r.seen); diff != "" {
		rt.Fatalf("events (-stored +received):\n%s", diff)
	}
}

// TestResumedFeedTellsTheSameStory: what a log was, not what it became since.
func TestResumedFeedTellsTheSameStory(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	events := subscribe(t, h, feed.SubscribeParams{})
	h.Upload(t, h.Complete("14:00:00", 1))
	start := next(t, events).Cursor
	h.Upload(t, h.Temporary("15:00:30"), h.Temporary("15:01:00"), h.Complete("15:00:00", 2))
	var want []string
	for range 3 {
		want = append(want, told(next(t, events)))
	}
	resumed := subscribe(t, h, feed.SubscribeParams{After: &start})
	for i := range want {
		if got := told(next(t, resumed)); got != want[i] {
			t.Errorf("resumed with %q, live it was %q", got, want[i])
		}
	}
}

func TestFeedOfMovedDevice(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	foreign := h.Kit.Home(t)
	events := subscribe(t, h, feed.SubscribeParams{})
	h.Upload(t, h.Complete("14:00:00", 1))
	start := next(t, events).Cursor
	h.Upload(t, h.Complete("15:00:00", 41))
	h.MoveDevice(t, foreign)
	if _, err := h.Children.Rename(t.Context(), foreign.Parent, foreign.Child.ID, h.Device.ID, "theirs"); err != nil {
		t.Fatal(err)
	}
	foreign.With(h).Upload(t, foreign.With(h).Complete("16:00:00", 99))
	e := next(t, subscribe(t, h, feed.SubscribeParams{After: &start}))
	domaintest.WantCatalogueOnly(t, e.Device, nil)
	if e.Device.ID != h.Device.ID || e.Device.LastLogFileID != 41 {
		t.Errorf("told %s of %v", told(e), e.Device)
	}
}

func TestFeedRefusesCursors(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	foreign, ahead := h.Kit.Home(t), domaintest.NewHome(t)
	theirs, future := subscribe(t, foreign, feed.SubscribeParams{}), subscribe(t, ahead, feed.SubscribeParams{})
	if h.Parent.RootUserID() != ahead.Parent.RootUserID() {
		t.Fatal("the two databases number their accounts differently")
	}
	foreign.Upload(t, foreign.Complete("15:00:00", 1))
	ahead.Upload(t, ahead.Complete("15:00:00", 1), ahead.Complete("16:00:00", 2))
	h.Upload(t, h.Complete("15:00:00", 1))
	next(t, future)
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for name, cursor := range map[string]string{
		"another account's": next(t, theirs).Cursor,
		"a future one":      next(t, future).Cursor,
		"an empty one":      "",
		"no base64":         "§§§",
		"base64 of nothing": encode("feed"),
		"a history's":       encode("devlog:1"),
		"padded":            encode("feed:1:1:1") + "=",
		"with more":         encode("feed:1:1:1:1:1"),
		"of child 0":        encode("feed:1:1:1:0"),
		"of no child":       encode("feed:1:1:1:"),
		"of a child below":  encode("feed:1:1:1:-1"),
		"a number below 0":  encode("feed:1:-1:1"),
		"number 0":          encode("feed:1:0:1"),
		"a plus":            encode("feed:1:+1:1"),
		"too great":         encode("feed:1:99999999999999999999:1"),
		"a line":            encode("feed:1:1:1\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := h.Feed.Subscribe(t.Context(), h.Parent, feed.SubscribeParams{After: &cursor})
			domaintest.WantError(t, err, apperr.CursorNotValid, "after")
			_, err = h.Feed.Subscribe(t.Context(), h.Parent, feed.SubscribeParams{After: &cursor, ChildUserID: &h.Child.ID})
			domaintest.WantError(t, err, apperr.CursorNotValid, "after")
		})
	}
	t.Cleanup(func() {
		if n := h.Hub.Subscribers(); n != 1 { // the foreign account's
			t.Errorf("%d subscribers after refused subscriptions", n)
		}
	})
}

func TestOldCursorExpires(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	events := subscribe(t, h, feed.SubscribeParams{})
	h.Upload(t, h.Complete("15:00:00", 1))
	old := next(t, events).Cursor
	h.Upload(t, h.Complete("16:00:00", 2))
	h.Clock.Add(feed.Retention)
	if n, err := h.Feed.Prune(t.Context()); n != 0 || err != nil {
		t.Fatalf("pruned %d, %v", n, err)
	}
	if e := next(t, subscribe(t, h, feed.SubscribeParams{After: &old})); *e.Devlog.LogFileID != 2 {
		t.Errorf("at the last moment the feed goes on with %s", told(e))
	}
	h.Clock.Add(time.Millisecond)
	_, err := h.Feed.Subscribe(t.Context(), h.Parent, feed.SubscribeParams{After: &old})
	domaintest.WantError(t, err, apperr.CursorExpired, "after")
	if n, err := h.Feed.Prune(t.Context()); n != 2 || err != nil {
		t.Errorf("pruned %d, %v, want 2", n, err)
	}
}

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
	// For 500, 500 and 200 a read, the floor and the deletion; a read for positions.
	if counter.N() != 10 {
		t.Errorf("1200 events went in %d statements", counter.N())
	}
	if got := h.Count(t); got.Events != 2 || got.Devlogs != 1202 {
		t.Errorf("left are %+v", got)
	}
	if e := next(t, subscribe(t, h, feed.SubscribeParams{After: &young})); *e.Devlog.LogFileID != 5002 {
		t.Errorf("the feed goes on with %s", told(e))
	}
	if n, err := h.Feed.Prune(t.Context()); n != 0 || err != nil {
		t.Errorf("pruned again %d, %v", n, err)
	}
}

// TestKeeperEnds starts what runs beside the requests. A start prunes nothing:
// that is for the ticks.
func TestKeeperEnds(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	h.Upload(t, h.CompleteSeries(1, 3)...)
	h.Clock.Add(feed.Retention + time.Hour)
	h.Feed.Start(context.Background())
	h.Feed.Close()
	if n := h.Count(t).Events; n != 3 {
		t.Errorf("%d events are left of 3", n)
	}
	domaintest.NewHome(t).Feed.Close() // what never started ends at once
}

// until polls for what happens on another goroutine.
func until(t testing.TB, what string, happened func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("in vain: %s", what)
		}
	}
}

// TestPollFindsALostBell uploads at another replica, whose bell is not heard.
func TestPollFindsALostBell(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	there := *h
	there.Kit = domaintest.New(h.Store)
	seen := h.Feed.Poll(t.Context(), 0)
	if seen != 0 {
		t.Errorf("a poll for nobody sees %d", seen)
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
				t.Errorf("told %s", told(e))
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
		t.Errorf("a poll for nobody costs %d statements", counter.N())
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

func TestEndedFeedLeavesTheHub(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	subscribeUntil(ctx, t, h, feed.SubscribeParams{})
	slow := subscribeUntil(ctx, t, h, feed.SubscribeParams{ChildUserID: &h.Child.ID})
	h.Upload(t, h.CompleteSeries(1, 100)...) // more than a reader that doesn't read can hold
	next(t, slow)
	if n := h.Hub.Subscribers(); n != 2 {
		t.Errorf("%d watchers, want 2", n)
	}
	cancel()
	until(t, "both left", func() bool { return h.Hub.Subscribers() == 0 })
	h.Upload(t, h.Complete("15:00:00", 1000))
}

// TestOneNotificationForEachValue reads as the transports that own no goroutine do:
// only when notified, one value a notification, never waiting.
func TestOneNotificationForEachValue(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	notified := make(chan struct{}, 10_000)
	var calls atomic.Int64
	subscription := pubsub.NewSubscription(func() {
		calls.Add(1)
		notified <- struct{}{}
	})
	context.AfterFunc(ctx, subscription.Close)
	events := subscribeUntil(pubsub.WithSubscription(ctx, subscription), t, h, feed.SubscribeParams{ChildUserID: &h.Child.ID})
	const rounds, records = 30, 7
	go func() {
		for i := range rounds {
			h.UploadAsync(t, append(h.CompleteSeries(i*records, records), sister.CompleteSeries(i*records, records)...)...)
		}
		if err := h.Children.Delete(context.Background(), h.Parent, h.Child.ID, *h.Device.UniqueID); err != nil {
			t.Error(err)
		}
	}()
	file := 0
	for open := true; open; {
		select {
		case <-notified:
		case <-time.After(patience):
			t.Fatalf("not notified after %d values", file)
		}
		select {
		case e, more := <-events:
			if open = more; more && *e.Devlog.LogFileID != file {
				t.Fatalf("value %d is %s", file, told(e))
			}
			file++
		default:
			t.Fatal("woken for no value")
		}
	}
	// The deletion may take with it what was not told yet.
	if n := calls.Load(); int(n) != file || file > rounds*records+1 {
		t.Errorf("%d wakes for %d values and the end", n, file)
	}
}

// FuzzFeedCursor holds that a cursor is refused by a fault, or takes the feed up
// at a place of the account's own.
func FuzzFeedCursor(f *testing.F) {
	h := domaintest.NewHome(f)
	ctx, cancel := context.WithCancel(context.Background())
	events := subscribeUntil(ctx, f, h, feed.SubscribeParams{})
	h.Upload(f, h.Complete("15:00:00", 1))
	good := next(f, events).Cursor
	cancel()
	h.Upload(f, h.Complete("16:00:00", 2))
	for _, seed := range []string{
		good, "", good + "A", good[:8], "ZmVlZDoxOjE6MQ", "ZmVlZDoxOjE6OTk5OTk5OTk5OTk5OTk5OTk5", "ZmVlZDotMTotMTotMQ",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		events, err := h.Feed.Subscribe(ctx, h.Parent, feed.SubscribeParams{After: &cursor})
		var known *apperr.Error
		if errors.As(err, &known) {
			if known.Kind != apperr.CursorNotValid && known.Kind != apperr.CursorExpired || known.Field != "after" {
				t.Errorf("%q: %v on %q", cursor, known, known.Field)
			}
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", cursor, err)
		}
		decoded, err := base64.RawURLEncoding.DecodeString(cursor)
		if own := fmt.Sprintf("feed:%d:", h.Parent.RootUserID()); err != nil || string(decoded[:len(own)]) != own {
			t.Errorf("%q is taken for %q", cursor, decoded)
		}
		if cursor == good {
			if e := next(t, events); *e.Devlog.LogFileID != 2 {
				t.Errorf("goes on with %s", told(e))
			}
		}
	})
}

func TestFeedAfterAccountsChildrenAreGone(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	events := subscribe(t, h, feed.SubscribeParams{ChildUserID: &h.Child.ID})
	h.Write(t, func(ctx context.Context, tx *store.Tx) error {
		tx.AfterCommit(func() { h.Hub.Notify(h.Parent.RootUserID()) })
		return child.RemoveAll(ctx, tx, h.Parent.RootUserID())
	})
	ends(t, events)
}

// failures signals each message of a log.
type failures struct {
	slog.Handler
	seen chan struct{}
}

func (f failures) Handle(context.Context, slog.Record) error {
	f.seen <- struct{}{}
	return nil
}

func (f failures) Enabled(context.Context, slog.Level) bool { return true }

// TestFeedOutlivesAFailedRead hides the table of events for a while: the next
// bell after it is back tells what happened meanwhile.
func TestFeedOutlivesAFailedRead(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	seen := make(chan struct{}, 100)
	h.Feed = feed.New(feed.Config{
		Store: h.Store, Hub: h.Hub, Children: h.Children, Clock: h.Clock.Now,
		Log: slog.New(failures{slog.DiscardHandler, seen}),
	})
	rename := func(from, to string) {
		h.Write(t, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, "ALTER TABLE "+from+" RENAME TO "+to)
			return err
		})
	}
	h.Upload(t, h.Complete("14:00:00", 0))
	events := subscribe(t, h, feed.SubscribeParams{})
	there := *h
	there.Kit = domaintest.New(h.Store) // whose bell is not heard here
	there.Upload(t, there.Complete("15:00:00", 1))
	rename("devlog_events", "hidden")
	h.Hub.Notify(h.Parent.RootUserID())
	select {
	case <-seen:
	case <-time.After(patience):
		t.Fatal("the failure isn't logged")
	}
	rename("hidden", "devlog_events")
	h.Upload(t, h.Complete("16:00:00", 2))
	for want := 1; want <= 2; want++ {
		if e := next(t, events); *e.Devlog.LogFileID != want {
			t.Errorf("told %s, want the file %d", told(e), want)
		}
	}
}

// TestParallelUploadsAreDeliveredWithoutGap lets phones of several children upload at
// once while one subscriber listens: the numbers rise by one, and each event
// comes once, in their order.
func TestParallelUploadsAreDeliveredWithoutGap(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	homes := []*domaintest.Home{h, h.Sister(t), h.Sister(t), h.Sister(t)}
	events := subscribe(t, h, feed.SubscribeParams{})
	const uploads, records = 16, 5
	for _, err := range testutil.Concurrently(uploads, func(i int) error {
		_, err := h.Devlogs.Upload(t.Context(), h.Parent, homes[i%len(homes)].CompleteSeries(i*records, records))
		return err
	}) {
		if err != nil {
			t.Errorf("upload: %v", err)
		}
	}
	if n := len(h.Changes(t)); n != uploads*records {
		t.Errorf("%d events stored, want %d", n, uploads*records)
	}
	var told []int
	for range uploads * records {
		told = append(told, *next(t, events).Devlog.LogFileID)
	}
	for upload := range slices.Chunk(told, records) {
		for i, file := range upload {
			if file != upload[0]+i {
				t.Fatalf("the events of one upload are torn: %v", told)
			}
		}
	}
	slices.Sort(told)
	for i, file := range told {
		if file != i {
			t.Fatalf("told of the files %v", told)
		}
	}
}
