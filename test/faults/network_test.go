//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/subscriptiontest"
	"luxbff/server/app"
)

// failingNetwork lets up to so many bytes pass on each connection, stalls every
// fourth one for a while, and then closes it.
func failingNetwork(t *testing.T, s *apptest.Server, most int64) *subscriptiontest.Proxy {
	t.Helper()
	proxy, err := subscriptiontest.NewProxy(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	random := newRandom(t)
	proxy.FailConnections(func() subscriptiontest.Failure {
		failure := subscriptiontest.Failure{Bytes: random.Int64N(most)}
		if random.IntN(4) == 0 {
			failure.Stall = time.Duration(random.IntN(200)) * time.Millisecond
		}
		return failure
	})
	return proxy
}

// TestConnectionsThatFail closes the connections of sixteen phones more than 1,000
// times in all during 5,000 uploads, after a random number of bytes and often after a
// stall.
func TestConnectionsThatFail(t *testing.T) { //nolint:paralleltest // each wants the machine for itself
	const uploads, failures = 5000, 1000
	s := apptest.Start(t)
	f := newFamily(t, s)
	proxy := failingNetwork(t, s, 24<<10)
	phones := follow(t, s, f, proxy.URL(), 2)
	f.uploads(t.Context(), s.URL, 8, uploads)
	if len(f.failed) > 0 || len(f.acknowledged()) != uploads {
		t.Fatalf("%d uploads were acknowledged: %v", len(f.acknowledged()), f.failed)
	}
	phones.checkAll(t, s, f)
	t.Logf("%d connections failed", proxy.Failed.Load())
	if proxy.Failed.Load() < failures {
		t.Errorf("only %d connections failed", proxy.Failed.Load())
	}
	for _, phone := range phones.all {
		if ends := phone.Ends(); len(ends) > 0 {
			t.Errorf("%s: the server ended it: %v", phone.Request.Transport, ends)
		}
	}
}

// TestSlowReader holds that a WebSocket whose client reads nothing is closed with 4410
// once its queue of 256 KB and the kernel's buffers are full, and that no other phone
// waits for it.
func TestSlowReader(t *testing.T) { //nolint:paralleltest // each wants the machine for itself
	for _, transport := range []subscriptiontest.Transport{subscriptiontest.WebSocket, subscriptiontest.LegacyWebSocket} { //nolint:paralleltest // the same
		t.Run(string(transport), func(t *testing.T) {
			s := apptest.Start(t)
			f := newFamily(t, s)
			phones := follow(t, s, f, s.URL, 1)
			s.WaitForSubscribers(t, len(phones.all))
			stalled, err := subscriptiontest.Open(t.Context(), subscriptiontest.Request{
				URL: s.URL, Token: f.Token, Transport: transport, Selection: longSelection(),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer stalled.Close()
			s.WaitForSubscribers(t, len(phones.all)+1)
			ended := func() bool { return s.App.Feed.Subscribers() == len(phones.all) }
			const most = 100 // of 1,000 events each
			for i := 0; !ended(); i++ {
				if i == most {
					t.Fatal("the client that reads nothing is still connected")
				}
				if err := f.upload(t.Context(), s.Client(), s.URL, 1000); err != nil {
					t.Fatal(err)
				}
				newest := f.newestEvent(t, s)
				testutil.WaitFor(t, "the others have the events", func() bool { return ended() || phones.have(newest) })
			}
			// The close frame comes behind what the kernel still holds, and the server waits
			// some seconds for the client to read that.
			if how := endOf(t, stalled); how.Code != 4410 || how.Reason != "Slow reader" {
				t.Errorf("it ends with %v", how)
			}
			phones.checkAll(t, s, f)
		})
	}
}

// longSelection makes an event some 2 KB long. The kernel's buffers take megabytes, and
// should be full long before the server gives up a client that answers no ping. An
// operation may have 30 aliases of one field.
func longSelection() string {
	var fields strings.Builder
	for i := range 30 {
		fmt.Fprintf(&fields, "t%d: __typename a%d: occurredAt ", i, i)
	}
	return fields.String()
}

// endOf reads what is left of a subscription, up to how the server ends it.
func endOf(t *testing.T, feed *subscriptiontest.Subscription) *subscriptiontest.EndError {
	t.Helper()
	for {
		if _, err := feed.Next(); err != nil {
			ended, ok := err.(*subscriptiontest.EndError) //nolint:errorlint // Next gives it bare
			if !ok {
				t.Fatal(err)
			}
			return ended
		}
	}
}

// TestLostNotifications uploads at a replica that notifies no other: the poll finds
// the events, and that a child was deleted. Uploads at the phones' own replica, in
// between, notify as usual.
func TestLostNotifications(t *testing.T) { //nolint:paralleltest // each wants the machine for itself
	s := apptest.Start(t)
	silent := apptest.Start(t, func(cfg *app.Config) { *cfg = s.App.Config })
	f := newFamily(t, s)
	phones := follow(t, s, f, s.URL, 1)
	s.WaitForSubscribers(t, len(phones.all))
	for round := range 2 {
		f.uploads(t.Context(), silent.URL, 4, 100)
		phones.checkAll(t, s, f)
		f.uploads(t.Context(), s.URL, 4, 100)
		phones.checkAll(t, s, f)
		if len(f.failed) > 0 {
			t.Fatalf("round %d: %v", round, f.failed)
		}
	}
	phones.close()
	s.WaitForSubscribers(t, 0)
	ofChild, err := subscriptiontest.Open(t.Context(), subscriptiontest.Request{
		URL: s.URL, Token: f.Token, Transport: subscriptiontest.EventStream, ChildUserID: "1",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer ofChild.Close()
	s.WaitForSubscribers(t, 1)
	body := fmt.Sprintf(`{"query": "mutation { deleteChildUser(input: {childUserId: 1, uniqueId: \"%s\"}) { childUserId } }"}`, f.UniqueID)
	if err := send(t.Context(), silent.Client(), silent.URL, f.Token, body); err != nil {
		t.Fatal(err)
	}
	if how := endOf(t, ofChild); !how.Complete {
		t.Errorf("the subscription of a deleted child ends with %v", how)
	}
}

// TestClockSetBack moves the clock an hour back and forth under running
// subscriptions, over connections that fail.
func TestClockSetBack(t *testing.T) { //nolint:paralleltest // each wants the machine for itself
	s := apptest.Start(t)
	f := newFamily(t, s)
	proxy := failingNetwork(t, s, 16<<10)
	phones := follow(t, s, f, proxy.URL(), 1)
	for _, by := range []time.Duration{-time.Hour, -time.Hour, time.Hour, -time.Minute} {
		ctx, stop := context.WithCancel(t.Context())
		moved := make(chan struct{})
		go func() {
			defer close(moved)
			f.uploads(ctx, s.URL, 4, 200)
		}()
		before := phones.all[0].Newest()
		testutil.WaitFor(t, "the phones have received some of the uploads", func() bool { return phones.all[0].Newest() > before+50 })
		s.Clock.Add(by)
		<-moved
		stop()
		phones.checkAll(t, s, f)
	}
	if len(f.failed) > 0 {
		t.Errorf("uploads failed: %v", f.failed)
	}
	for _, phone := range phones.all {
		if ends := phone.Ends(); len(ends) > 0 {
			t.Errorf("%s: the server ended it: %v", phone.Request.Transport, ends)
		}
	}
}
