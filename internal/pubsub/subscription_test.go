package pubsub_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"luxbff/internal/pubsub"
)

// subscribe makes a subscription as the transport and as the feed see it.
func subscribe(ctx context.Context, notify func()) (transport, feed *pubsub.Subscription) {
	transport = pubsub.NewSubscription(notify)
	return transport, pubsub.SubscriptionFrom(pubsub.WithSubscription(ctx, transport))
}

func TestNotifyReachesTheTransport(t *testing.T) {
	t.Parallel()
	notified := 0
	transport, feed := subscribe(t.Context(), func() { notified++ })
	if transport.NotifyEnabled() {
		t.Error("notifying is enabled before the feed enabled it")
	}
	if !feed.EnableNotify() || !transport.NotifyEnabled() {
		t.Fatal("notifying can't be enabled, or the transport doesn't know of it")
	}
	feed.Notify()
	feed.Notify()
	if notified != 2 {
		t.Errorf("notified %d times, want 2", notified)
	}
}

func TestNobodyIsNotifiedWithoutTransport(t *testing.T) {
	t.Parallel()
	_, nilNotify := subscribe(t.Context(), nil)
	for name, feed := range map[string]*pubsub.Subscription{
		"a bare context":   pubsub.SubscriptionFrom(t.Context()),
		"a nil notify":     nilNotify,
		"the zero value's": {},
	} {
		if feed.EnableNotify() || feed.NotifyEnabled() {
			t.Errorf("%s subscription can be notified", name)
		}
		feed.Notify() // and no harm is done
	}
}

func TestSetNotify(t *testing.T) {
	t.Parallel()
	var transport pubsub.Subscription
	feed := pubsub.SubscriptionFrom(pubsub.WithSubscription(t.Context(), &transport))
	if feed.EnableNotify() {
		t.Error("the zero subscription can be notified")
	}
	notified := false
	transport.SetNotify(func() { notified = true })
	if !feed.EnableNotify() || !transport.NotifyEnabled() {
		t.Error("notifying can't be enabled")
	}
	feed.Notify()
	if !notified {
		t.Error("the function that was set isn't called")
	}
}

func TestCursorsComeInTheirOrder(t *testing.T) {
	t.Parallel()
	transport, feed := subscribe(t.Context(), nil)
	var acked []string
	feed.OnAck(func(cursor string) { acked = append(acked, cursor) })
	feed.MarkRecovered()
	feed.SetNextCursor("a")
	feed.SetNextCursor("b")
	first, second := transport.TakeDelivery(), transport.TakeDelivery()
	if first.Cursor != "a" || !first.Recovered || second.Cursor != "b" || second.Recovered {
		t.Errorf("taken %+v and %+v", first, second)
	}
	feed.SetNextCursor("c")
	third := transport.TakeDelivery()
	third.Ack(third.Cursor)
	if third.Cursor != "c" || !slices.Equal(acked, []string{"c"}) {
		t.Errorf("taken %+v, acknowledged %v", third, acked)
	}
}

func TestValuesWithoutCursors(t *testing.T) {
	t.Parallel()
	transport, feed := subscribe(t.Context(), nil)
	if d := transport.TakeDelivery(); d.Cursor != "" || d.Recovered || d.Ack != nil {
		t.Errorf("of a plain value is known %+v", d)
	}
	feed.SetNextCursor("a") // nobody asks what arrives
	if d := transport.TakeDelivery(); d.Cursor != "a" || d.Ack != nil {
		t.Errorf("taken %+v", d)
	}
	if d := transport.TakeDelivery(); d.Cursor != "" {
		t.Errorf("taken twice: %+v", d)
	}
}

func TestNothingIsKeptWithoutTransport(t *testing.T) {
	t.Parallel()
	feed := pubsub.SubscriptionFrom(t.Context())
	feed.SetNextCursor("a")
	feed.MarkRecovered()
	feed.OnAck(func(string) { t.Error("acknowledged by nobody") })
	if d := feed.TakeDelivery(); d.Cursor != "" || d.Recovered || d.Ack != nil {
		t.Errorf("kept %+v", d)
	}
}

func TestFirstErrorEndsTheSubscription(t *testing.T) {
	t.Parallel()
	transport, feed := subscribe(t.Context(), nil)
	if transport.Err() != nil {
		t.Errorf("a new subscription has ended with %v", transport.Err())
	}
	feed.Fail(io.EOF)
	feed.Fail(io.ErrClosedPipe)
	if !errors.Is(transport.Err(), io.EOF) {
		t.Errorf("ended with %v", transport.Err())
	}
}

func TestOnClose(t *testing.T) {
	t.Parallel()
	transport, feed := subscribe(t.Context(), nil)
	closed := 0
	feed.OnClose(func() { closed++ })
	if closed != 0 {
		t.Error("called before the end")
	}
	transport.Close()
	transport.Close()
	if closed != 1 {
		t.Errorf("called %d times at the end, want once", closed)
	}
	feed.OnClose(func() { closed = 10 })
	if closed != 10 {
		t.Error("not called after the end")
	}
}

func TestOnCloseWithoutTransport(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	closed := make(chan struct{})
	pubsub.SubscriptionFrom(ctx).OnClose(func() { close(closed) })
	cancel()
	<-closed
}
