package feed_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"luxbff/ent/feedposition"
	"luxbff/internal/feed"
	"luxbff/internal/pubsub"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// patience bounds how long a test waits for what must come.
const patience = 30 * time.Second

// subscribe subscribes until the end of the test.
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
		t.Fatalf("subscribe: %v", err)
	}
	return events
}

func next(t testing.TB, events <-chan *feed.Event) *feed.Event {
	t.Helper()
	return testutil.Receive(t, "an event", events)
}

// wantEnd waits until the channel is closed, and allows no event before that.
func wantEnd(t testing.TB, events <-chan *feed.Event) {
	t.Helper()
	select {
	case e, open := <-events:
		if open {
			t.Fatalf("the feed delivers %v instead of ending", e)
		}
	case <-time.After(patience):
		t.Fatal("the feed didn't end")
	}
}

// describe writes in one line what an event says, without its cursor.
func describe(e *feed.Event) string {
	return fmt.Sprintf("%s %d: %s, %d, device at %d", e.Change, e.Devlog.ChildUserID, domaintest.DescribeLog(e.Devlog), e.Devlog.LastIntensity, e.Device.LastLogFileID)
}

// connection is a subscription with its transport's side, through which a client
// acknowledges events.
type connection struct {
	t            testing.TB
	subscription *pubsub.Subscription
	events       <-chan *feed.Event
	cut          context.CancelFunc
}

// delivery is an event as a client has it.
type delivery struct {
	file      int
	recovered bool
	ack       func() // as the transport calls it once the client has the event
	cursor    string
}

// open subscribes as a transport does.
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

// connect subscribes as the installation "phone".
func connect(t testing.TB, h *domaintest.Home) *connection {
	t.Helper()
	return connectTo(t, h, feed.SubscribeParams{})
}

func connectTo(t testing.TB, h *domaintest.Home, p feed.SubscribeParams) *connection {
	t.Helper()
	p.InstallationID = new("phone")
	c, err := open(t, h, p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *connection) next() delivery {
	c.t.Helper()
	e := next(c.t, c.events)
	taken := c.subscription.TakeDelivery()
	if taken.Cursor != e.Cursor {
		c.t.Fatalf("the transport knows the cursor %q, the event's is %q", taken.Cursor, e.Cursor)
	}
	return delivery{*e.Devlog.LogFileID, taken.Recovered, func() { taken.Ack(taken.Cursor) }, e.Cursor}
}

// want reads the events of these files in this order and returns the last one. Only
// the first event of a connection can say that it was recovered.
func (c *connection) want(recovered bool, files ...int) (last delivery) {
	c.t.Helper()
	for i, file := range files {
		last = c.next()
		if last.file != file || last.recovered != (recovered && i == 0) {
			c.t.Fatalf("event %d of %v is %d, recovered: %v", i, files, last.file, last.recovered)
		}
	}
	return last
}

// saveAcks saves what was acknowledged, as the background work does in the program.
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
