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

// retryAfter is how long a follower waits for a server that is away.
const retryAfter = 20 * time.Millisecond

// Follower is a phone that keeps its feed open through cuts and restarts, and
// checks what comes: each event of a connection follows on the one before, and
// each connection on what came before it.
//
// A phone whose Call names an installation leaves it to the server where to go
// on; over HTTP it says what came last, as the protocol has it. Any other says
// itself after which event.
type Follower struct {
	Call Call

	mu      sync.Mutex
	last    string      // the cursor of the newest event
	newest  int64       // its number
	files   map[int]int // how often each log file was told
	ends    map[string]int
	wrong   []error
	connect int
}

// Follow connects again and again until ctx ends.
func (f *Follower) Follow(ctx context.Context) {
	for ctx.Err() == nil {
		wait := retryAfter
		feed, err := Open(ctx, f.next())
		if err == nil {
			err = f.follow(feed)
		}
		var ended *Ended
		if errors.As(err, &ended) {
			f.note(ended)
			wait = max(wait, ended.Retry)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// next is what the phone connects with this time.
func (f *Follower) next() Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.connect++
	call := f.Call
	switch {
	case f.last == "":
	case call.InstallationID == "":
		call.After = f.last
	case !call.IsSocket():
		call.LastEventID = f.last
	}
	return call
}

// follow reads one connection to its end.
func (f *Follower) follow(feed *Feed) error {
	defer feed.Cut()
	before := int64(0)
	for {
		e, err := feed.Next()
		if err != nil {
			return err
		}
		if before, err = f.take(e, before); err != nil {
			return err
		}
	}
}

// take files an event that came behind the one numbered before, 0 for the first
// of its connection.
func (f *Follower) take(e Event, before int64) (number int64, err error) {
	number, err = Number(e.Cursor)
	f.mu.Lock()
	defer f.mu.Unlock()
	resumed := f.newest > 0 || f.Call.After != ""
	switch {
	case err != nil:
	case before > 0 && number != before+1:
		err = fmt.Errorf("event %d came behind %d", number, before)
	case before == 0 && f.newest > 0 && number > f.newest+1:
		err = fmt.Errorf("a connection goes on with %d after %d", number, f.newest)
	case before == 0 && resumed && !e.Recovered:
		err = fmt.Errorf("a connection goes on with %d and doesn't say so", number)
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
		f.newest, f.last = number, e.Cursor
	}
	return number, nil
}

// Number is the number of the event that a cursor names. Cursors are opaque to
// apps.
func Number(cursor string) (int64, error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, err
	}
	var root, number int64
	_, err = fmt.Sscanf(string(text), "feed:%d:%d:", &root, &number)
	return number, err
}

func (f *Follower) note(how *Ended) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ends == nil {
		f.ends = map[string]int{}
	}
	switch {
	case how.ErrorCode != "":
		f.ends[how.ErrorCode]++
	case how.Code != 0:
		f.ends[fmt.Sprint(how.Code)]++
	case how.Retry != 0:
		f.ends["retry"]++
	default:
		f.ends["complete"]++
	}
}

// Newest is the greatest number that came.
func (f *Follower) Newest() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.newest
}

// Ends counts how the server ended connections, by close code or error code.
func (f *Follower) Ends() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.ends)
}

// Connections counts how often it tried to connect.
func (f *Follower) Connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.connect
}

// Check gives what was wrong, and which of the log files never came.
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
		wrong = append(wrong, fmt.Errorf("%d of %d files never came, as %d", len(missing), len(files), missing[0]))
	}
	return errors.Join(wrong...)
}
