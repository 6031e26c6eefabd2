// Package subscriptiontest is the phone of a test: it follows an account's feed over each
// of the four transports, as an app does. It is for tests alone and knows the
// program by its protocols only.
package subscriptiontest

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Transport is one of the four.
type Transport string

// The four transports.
const (
	Socket      Transport = "graphql-transport-ws"
	OlderSocket Transport = "graphql-ws"
	EventStream Transport = "sse"
	Multipart   Transport = "multipart"
)

// Transports lists all four.
func Transports() []Transport { return []Transport{Socket, OlderSocket, EventStream, Multipart} }

// IsSocket reports whether the transport is a WebSocket.
func (t Transport) IsSocket() bool { return t == Socket || t == OlderSocket }

// patience is how long a phone waits for what must come.
const patience = 30 * time.Second

// Call is what a phone connects with. What is empty isn't said.
type Call struct {
	URL   string // of the server, without a path
	Token string
	Transport
	InstallationID string
	LastEventID    string // over HTTP
	After          string
	ChildUserID    string
}

// Event is one event of the feed. ID is what an event stream calls it.
type Event struct {
	Cursor, Change, ID string
	LogFileID          int
	Recovered          bool
}

// Ended is how the server ends a feed: a socket by a code and a reason, or
// by the code of an error, or complete. Retry is when to come back to a server
// that stops.
type Ended struct {
	Code      int
	Reason    string
	ErrorCode string
	Complete  bool
	Retry     time.Duration
}

// Error says how.
func (e *Ended) Error() string { return fmt.Sprintf("the feed ended: %+v", *e) }

// Feed is an open feed. It is for one goroutine, but for Cut.
type Feed struct {
	next func() (Event, error)
	cut  func()
}

// Next waits for the next event. The error is an *Ended where the server ended
// the feed, and another where the line was cut.
func (f *Feed) Next() (Event, error) { return f.next() }

// Cut breaks the line without a word.
func (f *Feed) Cut() { f.cut() }

// Open connects, and returns once the subscription was asked for. The feed is cut
// when ctx ends.
func Open(ctx context.Context, c Call) (*Feed, error) {
	if c.IsSocket() {
		return openSocket(ctx, c)
	}
	return openStream(ctx, c)
}

const document = `subscription($childUserId: ID, $after: String) {
	devlogStatus(childUserId: $childUserId, after: $after) { cursor change devlog { logFileId } }
}`

// request is the operation as all transports send it.
func (c Call) request() map[string]any {
	variables := map[string]any{}
	if c.After != "" {
		variables["after"] = c.After
	}
	if c.ChildUserID != "" {
		variables["childUserId"] = c.ChildUserID
	}
	return map[string]any{"query": document, "variables": variables}
}

// result reads an execution result: an event, or the error that ends the feed.
func result(payload []byte) (Event, error) {
	var r struct {
		Data *struct {
			DevlogStatus struct {
				Cursor, Change string
				Devlog         struct{ LogFileID *int }
			}
		}
		Errors     []problem
		Extensions struct{ Recovered bool }
	}
	if err := json.Unmarshal(payload, &r); err != nil {
		return Event{}, fmt.Errorf("result %.200q: %w", payload, err)
	}
	if len(r.Errors) > 0 || r.Data == nil {
		return Event{}, ended(r.Errors)
	}
	told := r.Data.DevlogStatus
	e := Event{Cursor: told.Cursor, Change: told.Change, Recovered: r.Extensions.Recovered}
	if told.Devlog.LogFileID != nil {
		e.LogFileID = *told.Devlog.LogFileID
	}
	return e, nil
}

type problem struct {
	Message    string
	Extensions struct {
		Code         string
		RetryAfterMs json.Number
	}
}

func ended(problems []problem) error {
	e := &Ended{}
	if len(problems) > 0 {
		e.Reason, e.ErrorCode = problems[0].Message, problems[0].Extensions.Code
		e.Retry = milliseconds(problems[0].Extensions.RetryAfterMs.String())
	}
	return e
}

func milliseconds(text string) time.Duration {
	ms, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}
