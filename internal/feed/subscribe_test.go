package feed_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

func TestSubscriberGetsChangesInOrder(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	h.Upload(t, h.Complete("14:00:00", 1)) // before the subscription
	events := subscribe(t, h, feed.SubscribeParams{})
	step := func(intensity int, r devlog.Record) *ent.Devlog {
		t.Helper()
		h.Clock.Add(time.Second)
		r.LastIntensity = intensity
		return h.Upload(t, r).Devlogs()[0]
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
		step(99, h.Complete("14:00:00", 1)) // a replay gives no event
		e := next(t, events)
		if got := describe(e); got != c.want {
			t.Errorf("delivered %q, want %q", got, c.want)
		}
		if e.Devlog.ID != stored.ID || e.Devlog.RootUserID != h.Parent.RootUserID() || e.Devlog.TreatmentTime != stored.TreatmentTime ||
			!e.OccurredAt.Equal(stored.UpdatedAt) || !e.Devlog.UpdatedAt.Equal(stored.UpdatedAt) || !e.Devlog.CreatedAt.Equal(stored.CreatedAt) ||
			(e.Devlog.FinishFlag == nil) != (stored.FinishFlag == nil) || e.Devlog.ChangeSeq != stored.ChangeSeq {
			t.Errorf("delivered %v at %v for %v", e.Devlog, e.OccurredAt, stored)
		}
		if e.Device != e.Devlog.Edges.Device || *e.Device.ChildUserID != of || *e.Device.UniqueID != *h.Device.UniqueID {
			t.Errorf("delivered with the device %v", e.Device)
		}
	}
	select {
	case e := <-events:
		t.Errorf("delivered without a change: %v", describe(e))
	default:
	}
}

func TestSubscriberGetsAnUploadInItsOrder(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	events := subscribe(t, h, feed.SubscribeParams{})
	h.Upload(t, h.CompleteSeries(1, 50)...) // more than the feed reads at once
	for i := range 50 {
		if e := next(t, events); *e.Devlog.LogFileID != i+1 || e.Device.LastLogFileID != i+1 {
			t.Fatalf("event %d is %s", i+1, describe(e))
		}
	}
}

// TestParallelUploadsAreDeliveredWithoutGap has phones of several children upload at
// once while one subscriber listens: the numbers rise by one, and each event comes
// once, in their order.
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
	var delivered []int
	for range uploads * records {
		delivered = append(delivered, *next(t, events).Devlog.LogFileID)
	}
	for upload := range slices.Chunk(delivered, records) {
		for i, file := range upload {
			if file != upload[0]+i {
				t.Fatalf("the events of one upload are torn: %v", delivered)
			}
		}
	}
	slices.Sort(delivered)
	for i, file := range delivered {
		if file != i {
			t.Fatalf("delivered the files %v", delivered)
		}
	}
}

func TestSubscriberGetsOnlyItsAccountsEvents(t *testing.T) {
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

func TestSubscribeToAChildChecksWhoseItIs(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	foreign := h.Kit.Home(t)
	_, err := h.Feed.Subscribe(t.Context(), h.Parent, feed.SubscribeParams{ChildUserID: &foreign.Child.ID})
	domaintest.WantError(t, err, apperr.NotAuthorizedUser, "childUserId")
	_, err = h.Feed.Subscribe(t.Context(), h.Parent, feed.SubscribeParams{ChildUserID: new(-1)})
	domaintest.WantError(t, err, apperr.RealUserNotFound, "childUserId")
	if n := h.Hub.Subscribers(); n != 0 {
		t.Errorf("%d subscribers after refused subscriptions", n)
	}
}

func TestDeletedChildCompletesItsSubscription(t *testing.T) {
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
	wantEnd(t, hers)
	h.Upload(t, h.Complete("15:00:00", 2))
	for _, events := range []<-chan *feed.Event{all, mine} {
		if e := next(t, events); *e.Devlog.LogFileID != 2 {
			t.Errorf("the others continue with %s", describe(e))
		}
	}
	_, err := h.Feed.Subscribe(t.Context(), h.Parent, feed.SubscribeParams{ChildUserID: &sister.Child.ID})
	domaintest.WantError(t, err, apperr.RealUserNotFound, "childUserId")
}

// TestEventOfAChildThatIsDeletedMeanwhileIsLeftOut deletes a child between the two reads
// behind an event. The events of the others come all the same, whether the subscriber
// listened or resumes.
func TestEventOfAChildThatIsDeletedMeanwhileIsLeftOut(t *testing.T) {
	t.Parallel()
	var deleteChild atomic.Pointer[func()]
	cfg := storetest.Config(storetest.URL(t))
	cfg.Hooks = store.Hooks{Elapsed: func() time.Duration { return 0 }, OnStatement: func(_ context.Context, s store.Statement) {
		if s.InWrite || !strings.Contains(s.Query, "devlog_events") {
			return
		}
		if now := deleteChild.Swap(nil); now != nil {
			(*now)()
		}
	}}
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h := domaintest.New(db).Home(t)
	events := subscribe(t, h, feed.SubscribeParams{})
	h.Upload(t, h.Complete("14:00:00", 0))
	start := next(t, events)
	armed := func() {
		sister := h.Sister(t)
		now := func() {
			if err := h.Children.Delete(context.Background(), h.Parent, sister.Child.ID, *sister.Device.UniqueID); err != nil {
				t.Error(err)
			}
		}
		deleteChild.Store(&now)
		h.Upload(t, sister.Complete("15:00:00", 1), h.Complete("15:00:00", 2), sister.Complete("16:00:00", 3), h.Complete("16:00:00", 4))
	}
	armed()
	for _, file := range []int{2, 4} {
		if e := next(t, events); *e.Devlog.LogFileID != file || e.Devlog.Edges.ChildUser == nil {
			t.Errorf("delivered %s, want file %d", describe(e), file)
		}
	}
	if deleteChild.Load() != nil {
		t.Fatal("the child was not deleted")
	}
	resumed := subscribe(t, h, feed.SubscribeParams{After: &start.Cursor})
	for _, file := range []int{2, 4} {
		if e := next(t, resumed); *e.Devlog.LogFileID != file {
			t.Errorf("resumed with %s, want file %d", describe(e), file)
		}
	}
}

// TestEventLeadsToChildAndDevice: an event has all that can be asked of it, wherever the
// device is by then, for a subscriber to all children and to one. What belongs together
// leads to each other, and the device has the number of the event on every way.
func TestEventLeadsToChildAndDevice(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister, foreign := h.Sister(t), h.Kit.Home(t)
	h.Upload(t, h.Complete("14:00:00", 1))
	feeds := []<-chan *feed.Event{subscribe(t, h, feed.SubscribeParams{}), subscribe(t, h, feed.SubscribeParams{ChildUserID: &h.Child.ID})}
	h.Upload(t, h.Complete("15:00:00", 2), h.Complete("16:00:00", 3))
	var start []*feed.Event
	for _, events := range feeds {
		start = append(start, next(t, events))
	}
	check := func(owner *ent.ChildUser) {
		t.Helper()
		for i, p := range []feed.SubscribeParams{{}, {ChildUserID: &h.Child.ID}} {
			p.After = &start[i].Cursor
			e := next(t, subscribe(t, h, p))
			c, d := e.Devlog.Edges.ChildUser, e.Device
			if c == nil || c.ID != h.Child.ID || e.Devlog.Edges.Device != d || d.ID != h.Device.ID || d.LastLogFileID != 3 ||
				len(c.Edges.Devlogs) != 1 || c.Edges.Devlogs[0] != e.Devlog {
				t.Fatalf("the event leads to %v and %v", c, d)
			}
			if own := c.Edges.Device; own != nil && own.Edges.ChildUser != c {
				t.Errorf("the child's device leads to %v", own.Edges.ChildUser)
			}
			switch got := d.Edges.ChildUser; {
			case owner == nil:
				if got != nil || d.ChildUserID != nil {
					t.Errorf("the device is of %v", got)
				}
			case got == nil || got.ID != owner.ID || got.Edges.Device != d || (owner.ID == c.ID) != (got == c):
				t.Errorf("the device is of %v, not of %d", got, owner.ID)
			}
		}
	}
	check(h.Child)
	h.MoveDevice(t, sister)
	check(sister.Child)
	p := child.DeviceParams{SerialCode: sister.Device.SerialCode, MacID: sister.Device.MACID, UniqueID: sister.Device.UniqueID}
	if _, err := h.Children.RegisterDevice(t.Context(), h.Parent, h.Child.ID, p); err != nil {
		t.Fatal(err)
	}
	check(sister.Child) // the child has another device
	h.UnregisterDevice(t, h.Parent, sister.Child.ID)
	check(nil)
	h.UnregisterDevice(t, foreign.Parent, foreign.Child.ID)
	p = child.DeviceParams{SerialCode: h.Device.SerialCode, MacID: h.Device.MACID, UniqueID: h.Device.UniqueID}
	if _, err := h.Children.RegisterDevice(t.Context(), foreign.Parent, foreign.Child.ID, p); err != nil {
		t.Fatal(err)
	}
	check(nil)
}

func TestDeletedAccountCompletesSubscriptionsToItsChildren(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	events := subscribe(t, h, feed.SubscribeParams{ChildUserID: &h.Child.ID})
	h.Write(t, func(ctx context.Context, tx *store.Tx) error {
		tx.AfterCommit(func() { h.Hub.Notify(h.Parent.RootUserID()) })
		return child.DeleteAllOfAccount(ctx, tx, h.Parent.RootUserID())
	})
	wantEnd(t, events)
}

func TestEndedSubscriptionLeavesTheHub(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	subscribeUntil(ctx, t, h, feed.SubscribeParams{})
	slow := subscribeUntil(ctx, t, h, feed.SubscribeParams{ChildUserID: &h.Child.ID})
	h.Upload(t, h.CompleteSeries(1, 100)...) // more than a reader that doesn't read can hold
	next(t, slow)
	if n := h.Hub.Subscribers(); n != 2 {
		t.Errorf("%d subscribers, want 2", n)
	}
	cancel()
	testutil.WaitFor(t, "both have left", func() bool { return h.Hub.Subscribers() == 0 })
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
				t.Fatalf("value %d is %s", file, describe(e))
			}
			file++
		default:
			t.Fatal("notified of no value")
		}
	}
	// The deletion may remove events that were not delivered yet.
	if n := calls.Load(); int(n) != file || file > rounds*records+1 {
		t.Errorf("%d notifications of %d values and the end", n, file)
	}
}

// failures signals each message that is logged.
type failures struct {
	slog.Handler
	seen chan struct{}
}

func (f failures) Handle(context.Context, slog.Record) error {
	f.seen <- struct{}{}
	return nil
}

func (f failures) Enabled(context.Context, slog.Level) bool { return true }

// TestSubscriptionContinuesAfterAFailedRead hides the table of events for a while: the
// next notification after it is back delivers what happened meanwhile.
func TestSubscriptionContinuesAfterAFailedRead(t *testing.T) {
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
	there.Kit = domaintest.New(h.Store) // another replica, whose notifications don't reach this one
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
			t.Errorf("delivered %s, want the file %d", describe(e), want)
		}
	}
}

// TestBackgroundWorkEnds also checks that a start alone prunes nothing.
func TestBackgroundWorkEnds(t *testing.T) {
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
