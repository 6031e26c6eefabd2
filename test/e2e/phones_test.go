//go:build replicas

package e2e_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/clustertest"
	"luxbff/internal/testutil/subscriptiontest"
)

// newFamily signs up a family at the replica inside the test.
func (c *cluster) newFamily(t *testing.T) *clustertest.Family {
	t.Helper()
	made := c.home.NewFamily(t)
	return &clustertest.Family{
		RootUserID: made.RootUserID, Token: made.Token, ChildUserID: made.Child.ID, DeviceID: made.DeviceID, UniqueID: made.UniqueID,
	}
}

// listener is a subscription at one replica, with the time at which each event came.
type listener struct {
	feed     *subscriptiontest.Subscription
	arrivals chan arrival
}

type arrival struct {
	file int
	at   time.Time
}

func listen(t *testing.T, url string, of *clustertest.Family) *listener {
	t.Helper()
	feed, err := subscriptiontest.Open(t.Context(), subscriptiontest.Request{URL: url, Token: of.Token, Transport: subscriptiontest.WebSocket})
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{feed, make(chan arrival, 10_000)}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			event, err := feed.Next()
			if err != nil {
				close(l.arrivals)
				return
			}
			l.arrivals <- arrival{event.LogFileID, time.Now()}
		}
	})
	t.Cleanup(func() { feed.Close(); running.Wait() })
	return l
}

// waitFor waits for the event of a log file, and gives when it came.
func (l *listener) waitFor(t *testing.T, file int) time.Time {
	t.Helper()
	for {
		if a := testutil.Receive(t, fmt.Sprintf("the event of log file %d", file), l.arrivals); a.file == file {
			return a.at
		}
	}
}
