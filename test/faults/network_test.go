//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/subscriptiontest"
	"luxbff/server/app"
)

// doomed is a network that lets a random number of bytes pass on each line, then
// often nothing for a while, and cuts.
func doomed(t *testing.T, s *apptest.Server, most int64) *subscriptiontest.Proxy {
	t.Helper()
	proxy, err := subscriptiontest.NewProxy(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	random := chance(t)
	proxy.FailConnections(func() subscriptiontest.Failure {
		fate := subscriptiontest.Failure{Bytes: random.Int64N(most)}
		if random.IntN(4) == 0 {
			fate.Stall = time.Duration(random.IntN(200)) * time.Millisecond
		}
		return fate
	})
	return proxy
}

// TestLinesThatAreCut cuts the lines of sixteen phones more than 1,000 times in
// all during 5,000 uploads, at random bytes, many of them after a stall.
func TestLinesThatAreCut(t *testing.T) { //nolint:paralleltest // each wants the machine for itself
	const uploads, cuts = 5000, 1000
	s := apptest.Start(t)
	f := newFamily(t, s)
	proxy := doomed(t, s, 24<<10)
	phones := follow(t, s, f, proxy.URL(), 2)
	f.uploads(t.Context(), s.URL, 8, uploads)
	if len(f.failed) > 0 || len(f.acknowledged()) != uploads {
		t.Fatalf("%d uploads were acknowledged: %v", len(f.acknowledged()), f.failed)
	}
	phones.drain(t, s, f)
	t.Logf("%d cuts", proxy.Failed.Load())
	if proxy.Failed.Load() < cuts {
		t.Errorf("only %d cuts", proxy.Failed.Load())
	}
	for _, one := range phones.all {
		if ends := one.Ends(); len(ends) > 0 {
			t.Errorf("%s: the server ended it: %v", one.Request.Transport, ends)
		}
	}
}

// TestReaderThatStalls: a socket that reads nothing is closed with 4410, once
// 256 KB and what the kernel holds wait for it, and nobody waits with it.
func TestReaderThatStalls(t *testing.T) { //nolint:paralleltest // each wants the machine for itself
	for _, transport := range []subscriptiontest.Transport{subscriptiontest.WebSocket, subscriptiontest.LegacyWebSocket} { //nolint:paralleltest // the same
		t.Run(string(transport), func(t *testing.T) {
			s := apptest.Start(t)
			f := newFamily(t, s)
			phones := follow(t, s, f, s.URL, 1)
			s.WaitForSubscribers(t, len(phones.all))
			stalled, err := subscriptiontest.Open(t.Context(), subscriptiontest.Request{URL: s.URL, Token: f.token, Transport: transport})
			if err != nil {
				t.Fatal(err)
			}
			defer stalled.Close()
			s.WaitForSubscribers(t, len(phones.all)+1)
			const most = 100 // of 1,000 events each
			for i := 0; s.App.Feed.Subscribers() > len(phones.all); i++ {
				if i == most {
					t.Fatal("a reader that reads nothing is kept")
				}
				if err := f.upload(t.Context(), s.Client(), s.URL, 1000); err != nil {
					t.Fatal(err)
				}
				phones.drain(t, s, f)
			}
			if how := endOf(t, stalled); how.Code != 4410 || how.Reason != "Slow reader" {
				t.Errorf("it is told %v", how)
			}
		})
	}
}

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

// TestBellThatIsLost uploads at a replica whose bell nobody hears: the poll finds
// the events, and that a child is gone. Then the bell is heard again.
func TestBellThatIsLost(t *testing.T) { //nolint:paralleltest // each wants the machine for itself
	s := apptest.Start(t)
	deaf := apptest.Start(t, func(cfg *app.Config) { *cfg = s.App.Config })
	f := newFamily(t, s)
	phones := follow(t, s, f, s.URL, 1)
	s.WaitForSubscribers(t, len(phones.all))
	for round := range 2 {
		f.uploads(t.Context(), deaf.URL, 4, 100)
		phones.drain(t, s, f)
		f.uploads(t.Context(), s.URL, 4, 100)
		phones.drain(t, s, f)
		if len(f.failed) > 0 {
			t.Fatalf("round %d: %v", round, f.failed)
		}
	}
	phones.end()
	s.WaitForSubscribers(t, 0)
	ofChild, err := subscriptiontest.Open(t.Context(), subscriptiontest.Request{
		URL: s.URL, Token: f.token, Transport: subscriptiontest.EventStream, ChildUserID: "1",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer ofChild.Close()
	s.WaitForSubscribers(t, 1)
	body := fmt.Sprintf(`{"query": "mutation { deleteChildUser(input: {childUserId: 1, uniqueId: \"SL%08d\"}) { childUserId } }"}`, families.Load())
	if err := send(t.Context(), deaf.Client(), deaf.URL, f.token, body); err != nil {
		t.Fatal(err)
	}
	if how := endOf(t, ofChild); !how.Complete {
		t.Errorf("the feed of a child that is gone ends with %v", how)
	}
}

// TestClockThatIsSetBack moves the clock an hour back and forth under running
// feeds, over lines that are cut.
func TestClockThatIsSetBack(t *testing.T) { //nolint:paralleltest // each wants the machine for itself
	s := apptest.Start(t)
	f := newFamily(t, s)
	proxy := doomed(t, s, 16<<10)
	phones := follow(t, s, f, proxy.URL(), 1)
	for _, by := range []time.Duration{-time.Hour, -time.Hour, time.Hour, -time.Minute} {
		ctx, stop := context.WithCancel(t.Context())
		moved := make(chan struct{})
		go func() {
			defer close(moved)
			f.uploads(ctx, s.URL, 4, 200)
		}()
		before := phones.all[0].Newest()
		testutil.WaitFor(t, "the phones are in the middle", func() bool { return phones.all[0].Newest() > before+50 })
		s.Clock.Add(by)
		<-moved
		stop()
		phones.drain(t, s, f)
	}
	if len(f.failed) > 0 {
		t.Errorf("uploads failed: %v", f.failed)
	}
	for _, one := range phones.all {
		if ends := one.Ends(); len(ends) > 0 {
			t.Errorf("%s: the server ended it: %v", one.Request.Transport, ends)
		}
	}
}
