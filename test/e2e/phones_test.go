//go:build replicas

package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/subscriptiontest"
)

// family is an account with one child and its device.
type family struct{ apptest.Family }

// newFamily signs up a family at the replica inside the test.
func (c *cluster) newFamily(t *testing.T) *family {
	t.Helper()
	return &family{c.home.NewFamily(t)}
}

// body is the upload of one complete log.
func (of *family) body(file int) string {
	return fmt.Sprintf(`{"log_arrays": [{"real_user_id": %d, "device_id": %d, "unique_id": %q, "log_file_id": %d, "detail_data":
		{"treatment_date": "2025-02-14T15:48:49", "finish_flag": 1, "last_intensity": 1, "treatment_time": 60}}]}`,
		of.Child.ID, of.DeviceID, of.UniqueID, file)
}

// upload uploads one complete log, and gives why it was not acknowledged.
func (of *family) upload(url string, file int) error {
	status, body, err := post(url+uploadPath, of.Token, of.body(file))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d %s", status, body)
	}
	return err
}

// uploader is a phone that uploads one log after the other until it is stopped. A
// log that was not acknowledged is sent again.
type uploader struct {
	of       *family
	acked    atomic.Int64 // logs 1 to acked were acknowledged
	failures chan error
	stopping chan struct{}
	running  sync.WaitGroup
}

func startUploader(t *testing.T, url string, of *family) *uploader {
	t.Helper()
	u := &uploader{of: of, failures: make(chan error, 10_000), stopping: make(chan struct{})}
	u.running.Go(func() { u.run(url) })
	t.Cleanup(u.stop)
	return u
}

func (u *uploader) run(url string) {
	for file := 1; ; {
		select {
		case <-u.stopping:
			return
		default:
		}
		if err := u.of.upload(url, file); err != nil {
			u.failures <- err
			continue
		}
		u.acked.Store(int64(file))
		file++
	}
}

func (u *uploader) stop() {
	select {
	case <-u.stopping:
	default:
		close(u.stopping)
	}
	u.running.Wait()
}

// follower is a phone that follows its feed through the balancer. From is the last
// log file that was acknowledged before its subscription started: the events after
// it must come.
type follower struct {
	*subscriptiontest.Follower
	from int
	stop func()
}

// follow starts the family's phone number n. The phones use the transports in turn,
// and every other one names its installation instead of the cursor at which to
// resume.
func (c *cluster) follow(t *testing.T, n int, of *family) *follower {
	t.Helper()
	transports := subscriptiontest.Transports()
	call := subscriptiontest.Request{URL: c.balancer.URL, Token: of.Token, Transport: transports[n%len(transports)]}
	if n%2 == 0 {
		call.InstallationID = fmt.Sprint("phone-", n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	phone := &follower{Follower: &subscriptiontest.Follower{Request: call}}
	var running sync.WaitGroup
	running.Go(func() { phone.Follow(ctx) })
	phone.stop = func() { cancel(); running.Wait() }
	t.Cleanup(phone.stop)
	return phone
}

// ends counts how often a replica itself ended the connection.
func (f *follower) ends() (n int) {
	for _, times := range f.Ends() {
		n += times
	}
	return n
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

func listen(t *testing.T, url string, of *family) *listener {
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
