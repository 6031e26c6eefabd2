// Package subscriptiontest is the phone of a test: it subscribes to an account's
// feed over each of the four transports, as an app does. It is for tests alone,
// knows the program by its protocols only, and imports nothing of it, so that a
// mistake in the program's own encoding can't hide behind the same mistake here.
package subscriptiontest

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Transport is one of the ways to subscribe.
type Transport string

// The two WebSocket protocols by their subprotocols' names, and over HTTP server-sent
// events, by POST and by the GET of an EventSource, and multipart.
const (
	WebSocket        Transport = "graphql-transport-ws"
	LegacyWebSocket  Transport = "graphql-ws"
	EventStream      Transport = "sse"
	EventStreamByGet Transport = "sse-get"
	Multipart        Transport = "multipart"
)

// Transports lists all of them.
func Transports() []Transport {
	return []Transport{WebSocket, LegacyWebSocket, EventStream, EventStreamByGet, Multipart}
}

// IsWebSocket reports whether the transport is one of the two WebSocket protocols.
func (t Transport) IsWebSocket() bool { return t == WebSocket || t == LegacyWebSocket }

// patience is how long a subscription waits for the next event. Heartbeats don't make it
// wait longer, so that an event that never comes fails its test and does not hang it.
const patience = 30 * time.Second

// Request is what a phone subscribes with. Empty fields are not sent.
type Request struct {
	URL   string // of the server, without a path
	Token string
	Transport
	InstallationID string
	LastEventID    string // over HTTP
	After          string
	ChildUserID    string
	// Selection are further fields of the event, to make it longer.
	Selection string
	// Document is another subscription in place of the feed. Of its events Status alone is set.
	Document string
	// DocumentID is sent in place of a document.
	DocumentID string
}

// Event is one event of the feed. ID is the id that an event stream gives it. Status is
// the whole of it as it came, with what the request's Selection asks for.
type Event struct {
	Cursor, Change, ID string
	LogFileID          int
	Recovered          bool
	Status             string
}

// EndError is the end of a subscription by the server: over a WebSocket a close
// code with its reason, the code of a GraphQL error, or a completion. Retry is how
// long a server that shuts down asks its clients to wait before they reconnect.
type EndError struct {
	Code      int
	Reason    string
	ErrorCode string
	Complete  bool
	Retry     time.Duration
}

// Error shows all fields.
func (e *EndError) Error() string { return fmt.Sprintf("the server ended the subscription: %+v", *e) }

// Subscription is an open subscription. It is for one goroutine, except for Close.
type Subscription struct {
	next  func() (Event, error)
	close func()
}

// Next waits for the next event. The error is an *EndError if the server ended the
// subscription, and any other if the connection was lost.
func (s *Subscription) Next() (Event, error) { return s.next() }

// Close closes the connection without a closing message, as a phone does that
// loses its network.
func (s *Subscription) Close() { s.close() }

// Open connects, and returns once the subscription was asked for. The connection is
// closed when ctx ends.
func Open(ctx context.Context, r Request) (*Subscription, error) {
	if r.IsWebSocket() {
		return openWebSocket(ctx, r)
	}
	return openStream(ctx, r)
}

const document = `subscription($childUserId: ID, $after: String) {
	devlogStatus(childUserId: $childUserId, after: $after) { cursor change devlog { logFileId } %s }
}`

// operation is the GraphQL request, which all transports send alike.
func (r Request) operation() map[string]any {
	if r.DocumentID != "" {
		return map[string]any{"documentId": r.DocumentID}
	}
	if r.Document != "" {
		return map[string]any{"query": r.Document}
	}
	variables := map[string]any{}
	if r.After != "" {
		variables["after"] = r.After
	}
	if r.ChildUserID != "" {
		variables["childUserId"] = r.ChildUserID
	}
	return map[string]any{"query": fmt.Sprintf(document, r.Selection), "variables": variables}
}

// decodeResult reads an execution result: an event, or the error that ends the
// subscription.
func decodeResult(payload []byte) (Event, error) {
	var result struct {
		Data       map[string]json.RawMessage
		Errors     []graphQLError
		Extensions struct{ Recovered bool }
	}
	if err := json.Unmarshal(payload, &result); err != nil {
		return Event{}, fmt.Errorf("result %.200q: %w", payload, err)
	}
	if len(result.Errors) > 0 || result.Data == nil {
		return Event{}, endError(result.Errors)
	}
	fed, isFeed := result.Data["devlogStatus"]
	if !isFeed {
		for _, other := range result.Data {
			return Event{Status: string(other)}, nil
		}
	}
	var status struct {
		Cursor, Change string
		Devlog         struct{ LogFileID *int }
	}
	if err := json.Unmarshal(fed, &status); err != nil {
		return Event{}, fmt.Errorf("event %.200q: %w", payload, err)
	}
	e := Event{
		Cursor: status.Cursor, Change: status.Change, Recovered: result.Extensions.Recovered,
		Status: string(fed),
	}
	if status.Devlog.LogFileID != nil {
		e.LogFileID = *status.Devlog.LogFileID
	}
	return e, nil
}

type graphQLError struct {
	Message    string
	Extensions struct {
		Code         string
		RetryAfterMs json.Number
	}
}

// endError is the end by the first of the errors.
func endError(errs []graphQLError) error {
	e := &EndError{}
	if len(errs) > 0 {
		e.Reason, e.ErrorCode = errs[0].Message, errs[0].Extensions.Code
		e.Retry = milliseconds(errs[0].Extensions.RetryAfterMs.String())
	}
	return e
}

// milliseconds reads a number of milliseconds; what is none is 0.
func milliseconds(text string) time.Duration {
	ms, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}
