package subscriptiontest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// reconnectAfter is how long a follower waits before it connects again.
const reconnectAfter = 20 * time.Millisecond

// Follower is a phone that keeps its subscription through lost connections and
// restarts of the server, and checks what it receives: within a connection each
// event has the number after the one before, and a new connection goes on where
// the last one ended or earlier.
//
// A phone whose Request names an installation leaves it to the server where to
// resume; over HTTP it sends the last event's id too, as EventSource does. Any
// other sends the cursor of the last event itself.
type Follower struct {
	Request Request

	mu          sync.Mutex
	cursor      string      // of the newest event
	newest      int64       // its number
	files       map[int]int // how often each log file's event came
	ends        map[string]int
	wrong       []error
	connections int
}

// Follow subscribes again and again until ctx ends.
func (f *Follower) Follow(ctx context.Context) {
	for ctx.Err() == nil {
		wait := reconnectAfter
		subscription, err := Open(ctx, f.nextRequest())
		if err == nil {
			err = f.receive(subscription)
		}
		var end *EndError
		if errors.As(err, &end) {
			f.countEnd(end)
			wait = max(wait, end.Retry)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// nextRequest is what the phone connects with this time.
func (f *Follower) nextRequest() Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.connections++
	request := f.Request
	switch {
	case f.cursor == "":
	case request.InstallationID == "":
		request.After = f.cursor
	case !request.IsWebSocket():
		request.LastEventID = f.cursor
	}
	return request
}

// receive reads one connection to its end.
func (f *Follower) receive(s *Subscription) error {
	defer s.Close()
	before := int64(0)
	for {
		e, err := s.Next()
		if err != nil {
			return err
		}
		if before, err = f.record(e, before); err != nil {
			return err
		}
	}
}

// record checks and keeps an event that came after the one numbered before, which
// is 0 for the first of its connection.
func (f *Follower) record(e Event, before int64) (number int64, err error) {
	number, err = Number(e.Cursor)
	f.mu.Lock()
	defer f.mu.Unlock()
	resumed := f.newest > 0 || f.Request.After != ""
	switch {
	case err != nil:
	case before > 0 && number != before+1:
		err = fmt.Errorf("event %d came after %d", number, before)
	case before == 0 && f.newest > 0 && number > f.newest+1:
		err = fmt.Errorf("a connection resumes at %d after %d", number, f.newest)
	case before == 0 && resumed && !e.Recovered:
		err = fmt.Errorf("a connection resumes at %d without extensions.recovered", number)
	}
	if err != nil {
		f.wrong = append(f.wrong, err)
		return number, err
	}
	if f.files == nil {
		f.files = map[int]int{}
	}
	f.files[e.LogFileID]++
	if number > f.newest {
		f.newest, f.cursor = number, e.Cursor
	}
	return number, nil
}

// Number is the number of the event that a cursor names. Apps don't look into a
// cursor; a test does, to see gaps.
func Number(cursor string) (int64, error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, err
	}
	var root, number int64
	_, err = fmt.Sscanf(string(text), "feed:%d:%d:", &root, &number)
	return number, err
}

func (f *Follower) countEnd(end *EndError) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ends == nil {
		f.ends = map[string]int{}
	}
	switch {
	case end.ErrorCode != "":
		f.ends[end.ErrorCode]++
	case end.Code != 0:
		f.ends[fmt.Sprint(end.Code)]++
	case end.Retry != 0:
		f.ends["retry"]++
	default:
		f.ends["complete"]++
	}
}

// Newest is the greatest number of an event that came.
func (f *Follower) Newest() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.newest
}

// Ends counts how the server ended subscriptions, by close code or error code.
func (f *Follower) Ends() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.ends)
}

// Connections counts how often the phone has tried to connect.
func (f *Follower) Connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.connections
}

// Check gives what was wrong with the events, and which of the log files had none.
func (f *Follower) Check(files []int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	wrong := slices.Clone(f.wrong)
	var missing []int
	for _, file := range files {
		if f.files[file] == 0 {
			missing = append(missing, file)
		}
	}
	if len(missing) > 0 {
		wrong = append(wrong, fmt.Errorf("%d of %d files never came, such as %d", len(missing), len(files), missing[0]))
	}
	return errors.Join(wrong...)
}
