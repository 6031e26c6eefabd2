package feed_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luxbff/ent"
	"luxbff/internal/apperr"
	"luxbff/internal/feed"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// TestCursorResumesWithoutLossOrRepetition ends a subscription at random places, while
// phones upload, and subscribes again after the last event received: every event comes
// once, in order.
func TestCursorResumesWithoutLossOrRepetition(t *testing.T) {
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
		reader := interruptedReader{home: h, after: next(t, first).Cursor}
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

// interruptedReader reads a feed over several subscriptions.
type interruptedReader struct {
	home    *domaintest.Home
	childID *int
	after   string
	seen    []string
}

func (r *interruptedReader) read(t *testing.T, n int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events := subscribeUntil(ctx, t, r.home, feed.SubscribeParams{ChildUserID: r.childID, After: &r.after})
	for range n {
		e := next(t, events)
		r.after, r.seen = e.Cursor, append(r.seen, fmt.Sprint(e.Devlog.ID, " of ", e.Devlog.ChildUserID))
	}
}

// compare compares what was read with the stored events but the first.
func (r *interruptedReader) compare(t *testing.T, rt *rapid.T) {
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

// TestReplayedEventsAreAsTheyWere: a replayed event shows what the log was at that
// time, not what it has become since.
func TestReplayedEventsAreAsTheyWere(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	events := subscribe(t, h, feed.SubscribeParams{})
	h.Upload(t, h.Complete("14:00:00", 1))
	start := next(t, events).Cursor
	h.Upload(t, h.Temporary("15:00:30"), h.Temporary("15:01:00"), h.Complete("15:00:00", 2))
	var want []string
	for range 3 {
		want = append(want, describe(next(t, events)))
	}
	resumed := subscribe(t, h, feed.SubscribeParams{After: &start})
	for i := range want {
		if got := describe(next(t, resumed)); got != want[i] {
			t.Errorf("replayed as %q, first delivered as %q", got, want[i])
		}
	}
}

func TestReplayHidesTheNewOwnerOfADevice(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	foreign := h.Kit.Home(t)
	events := subscribe(t, h, feed.SubscribeParams{})
	h.Upload(t, h.Complete("14:00:00", 1))
	start := next(t, events).Cursor
	h.Upload(t, h.Complete("15:00:00", 41))
	h.MoveDevice(t, foreign)
	if _, err := h.Children.UpdateDeviceAlias(t.Context(), foreign.Parent, foreign.Child.ID, h.Device.ID, "theirs"); err != nil {
		t.Fatal(err)
	}
	foreign.With(h).Upload(t, foreign.With(h).Complete("16:00:00", 99))
	e := next(t, subscribe(t, h, feed.SubscribeParams{After: &start}))
	domaintest.WantCatalogueOnly(t, e.Device, nil)
	if e.Device.ID != h.Device.ID || e.Device.LastLogFileID != 41 {
		t.Errorf("delivered %s of %v", describe(e), e.Device)
	}
}

func TestSubscribeRefusesCursors(t *testing.T) {
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
		t.Errorf("at the last moment the feed resumes with %s", describe(e))
	}
	h.Clock.Add(time.Millisecond)
	_, err := h.Feed.Subscribe(t.Context(), h.Parent, feed.SubscribeParams{After: &old})
	domaintest.WantError(t, err, apperr.CursorExpired, "after")
	if n, err := h.Feed.Prune(t.Context()); n != 2 || err != nil {
		t.Errorf("pruned %d, %v, want 2", n, err)
	}
}

// FuzzFeedCursor checks that a cursor is either refused by an error of its own or names
// an event of the account.
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
				t.Errorf("resumes with %s", describe(e))
			}
		}
	})
}
