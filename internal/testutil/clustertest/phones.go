package clustertest

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/subscriptiontest"
)

// Family is an account with one child and its device.
type Family struct {
	RootUserID, ChildUserID, DeviceID int
	UniqueID, Token                   string
}

// Body is the upload of one complete log.
func (of *Family) Body(file int) string {
	return fmt.Sprintf(`{"log_arrays": [{"real_user_id": %d, "device_id": %d, "unique_id": %q, "log_file_id": %d, "detail_data":
		{"treatment_date": "2025-02-14T15:48:49", "finish_flag": 1, "last_intensity": 1, "treatment_time": 60}}]}`,
		of.ChildUserID, of.DeviceID, of.UniqueID, file)
}

// Upload uploads one complete log, and gives why it was not acknowledged.
func (of *Family) Upload(url string, file int) error {
	status, body, err := processtest.Post(url+"/api/v1/lux/device/devlog", of.Token, of.Body(file))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d %s", status, body)
	}
	return err
}

// Uploader is a phone that uploads one log after the other until it is stopped. A
// log that was not acknowledged is sent again.
type Uploader struct {
	Family *Family
	// Failures are why requests were not acknowledged.
	Failures chan error

	acknowledged atomic.Int64
	stopping     chan struct{}
	running      sync.WaitGroup
}

// StartUploader starts the phone of a family. It ends with the test at the latest.
func StartUploader(t testing.TB, url string, of *Family) *Uploader {
	t.Helper()
	u := &Uploader{Family: of, Failures: make(chan error, 10_000), stopping: make(chan struct{})}
	u.running.Go(func() { u.run(url) })
	t.Cleanup(u.Stop)
	return u
}

func (u *Uploader) run(url string) {
	for file := 1; ; {
		select {
		case <-u.stopping:
			return
		default:
		}
		if err := u.Family.Upload(url, file); err != nil {
			u.Failures <- err
			continue
		}
		u.acknowledged.Store(int64(file))
		file++
	}
}

// Acknowledged is the number of the last log that was acknowledged, as were all from 1
// on.
func (u *Uploader) Acknowledged() int { return int(u.acknowledged.Load()) }

// Stop ends the uploads and waits for the last one.
func (u *Uploader) Stop() {
	select {
	case <-u.stopping:
	default:
		close(u.stopping)
	}
	u.running.Wait()
}

// Follower is a phone that follows its feed. From is the last log file that was
// acknowledged before its subscription started: the events after it must come.
type Follower struct {
	*subscriptiontest.Follower
	From int
	// Stop ends the subscription and waits for its end.
	Stop func()
}

// Follow starts the family's phone number n. The phones use the transports in turn,
// and every other one names its installation instead of the cursor at which to
// resume.
func Follow(t testing.TB, url string, n int, of *Family) *Follower {
	t.Helper()
	transports := subscriptiontest.Transports()
	request := subscriptiontest.Request{URL: url, Token: of.Token, Transport: transports[n%len(transports)]}
	if n%2 == 0 {
		request.InstallationID = fmt.Sprint("phone-", n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	phone := &Follower{Follower: &subscriptiontest.Follower{Request: request}}
	var running sync.WaitGroup
	running.Go(func() { phone.Follow(ctx) })
	phone.Stop = func() { cancel(); running.Wait() }
	t.Cleanup(phone.Stop)
	return phone
}

// EndsByServer counts how often a replica itself ended the connection.
func (f *Follower) EndsByServer() (n int) {
	for _, times := range f.Ends() {
		n += times
	}
	return n
}
