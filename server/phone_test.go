//go:build replicas

package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// family is an account with one child and its device.
type family struct {
	id, child, device int
	uniqueID, token   string
}

// newFamily signs one up. Serial is a number that no other family has.
func (f *fleet) newFamily(t *testing.T, serial int) *family {
	t.Helper()
	token, id := f.home.Parent(t)
	code, mac, uniqueID := fmt.Sprintf("SL%08d", serial), fmt.Sprintf("00:80:E1:27:00:%02X", serial), fmt.Sprint("unique", serial)
	f.home.Catalogue(t, code+","+mac)
	var data struct {
		CreateChildUser struct {
			ChildUser struct {
				ID     int `json:",string"`
				Device struct {
					ID int `json:",string"`
				}
			}
		}
	}
	f.home.Data(t, token, `mutation($input: CreateChildUserInput!) { createChildUser(input: $input) { childUser { id device { id } } } }`,
		map[string]any{"input": map[string]any{
			"firstName": "test", "lastName": "", "birthdate": "1997-01-01", "gender": "FEMALE",
			"serialCode": code, "macId": mac, "uniqueId": uniqueID,
		}}, &data)
	child := data.CreateChildUser.ChildUser
	return &family{id, child.ID, child.Device.ID, uniqueID, token}
}

// log is the body by which a complete log is uploaded.
func (of *family) log(file int) string {
	return fmt.Sprintf(`{"log_arrays": [{"real_user_id": %d, "device_id": %d, "unique_id": %q, "log_file_id": %d, "detail_data":
		{"treatment_date": "2025-02-14T15:48:49", "finish_flag": 1, "last_intensity": 1, "treatment_time": 60}}]}`,
		of.child, of.device, of.uniqueID, file)
}

// upload sends one complete log and gives why it was not acknowledged.
func (of *family) upload(url string, file int) error {
	status, body, err := post(url+"/api/v1/lux/device/devlog", of.token, of.log(file))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d %s", status, body)
	}
	return err
}

// uploader is a phone that uploads one log after the other until it is told to
// stop. A log that was not acknowledged is sent again.
type uploader struct {
	of       *family
	acked    atomic.Int64 // logs 1 to acked are
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

// follower is a phone that follows the feed and, whenever its socket ends, comes
// back for what is after the last event.
type follower struct {
	of      *family
	url     string
	mu      sync.Mutex
	events  []event
	conn    *websocket.Conn
	stopped bool
	closes  map[int]int // close codes it met; 0 is a cut
	refused []error     // why it could not come back
	running sync.WaitGroup
}

type event struct {
	Cursor string
	Devlog struct{ LogFileID int }
	at     time.Time
}

func startFollower(t *testing.T, url string, of *family) *follower {
	t.Helper()
	f := &follower{of: of, url: url, closes: map[int]int{}}
	f.running.Go(func() {
		for !f.isStopped() {
			f.follow()
		}
	})
	t.Cleanup(f.stop)
	return f
}

// follow is one socket's life.
func (f *follower) follow() {
	conn, err := f.dial()
	if err != nil {
		f.note(func() { f.refused = append(f.refused, err) })
		return
	}
	defer func() { _ = conn.Close() }()
	for {
		var message frame
		if err := conn.ReadJSON(&message); err != nil {
			f.note(func() { f.lost(err) })
			return
		}
		f.hear(conn, message)
	}
}

func (f *follower) dial() (*websocket.Conn, error) {
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, NetDial: net.Dial}
	conn, answer, err := dialer.Dial("ws"+strings.TrimPrefix(f.url, "http")+"/graphql", nil)
	if err != nil {
		if answer != nil {
			err = fmt.Errorf("%w: %s", err, answer.Status)
		}
		return nil, err
	}
	f.note(func() { f.conn = conn })
	if f.isStopped() {
		_ = conn.Close()
	}
	return conn, conn.WriteJSON(map[string]any{"type": "connection_init", "payload": map[string]string{"accessToken": f.of.token}})
}

func (f *follower) hear(conn *websocket.Conn, message frame) {
	switch message.Type {
	case "connection_ack":
		_ = conn.WriteJSON(map[string]any{"type": "subscribe", "id": "1", "payload": map[string]any{
			"query":     `subscription($after: String) { devlogStatus(after: $after) { cursor devlog { logFileId } } }`,
			"variables": map[string]any{"after": f.after()},
		}})
	case "ping":
		_ = conn.WriteJSON(map[string]string{"type": "pong"})
	case "next":
		var payload struct{ Data struct{ DevlogStatus event } }
		if err := json.Unmarshal(message.Payload, &payload); err != nil {
			f.note(func() { f.refused = append(f.refused, err) })
			return
		}
		heard := payload.Data.DevlogStatus
		heard.at = time.Now()
		f.note(func() { f.events = append(f.events, heard) })
	case "error":
		f.note(func() { f.refused = append(f.refused, fmt.Errorf("refused: %s", message.Payload)) })
	}
}

// after is the last cursor, null before the first event.
func (f *follower) after() *string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == 0 {
		return nil
	}
	return &f.events[len(f.events)-1].Cursor
}

func (f *follower) note(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// heard are the log files it was told of, in the order of telling.
func (f *follower) heard() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	files := make([]int, len(f.events))
	for i, e := range f.events {
		files[i] = e.Devlog.LogFileID
	}
	return files
}

func (f *follower) isStopped() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stopped
}

func (f *follower) stop() {
	f.note(func() {
		f.stopped = true
		if f.conn != nil {
			_ = f.conn.Close()
		}
	})
	f.running.Wait()
}

// lost counts the end of a socket that it didn't end itself.
func (f *follower) lost(err error) {
	var closed *websocket.CloseError
	switch {
	case f.stopped:
	case errors.As(err, &closed):
		f.closes[closed.Code]++
	default:
		f.closes[0]++
	}
}
