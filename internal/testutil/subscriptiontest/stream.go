package subscriptiontest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// boundary stands behind each part of a multipart stream.
const boundary = "\r\n--graphql"

type stream struct {
	body  *bufio.Reader
	close context.CancelFunc
	// read waits for one event or part, which may be a heartbeat instead.
	read func() (e Event, heartbeat bool, err error)
}

func openStream(ctx context.Context, r Request) (*Subscription, error) {
	ctx, cancel := context.WithCancel(ctx)
	response, err := send(ctx, r)
	if err != nil {
		cancel()
		return nil, err
	}
	s := &stream{body: bufio.NewReader(response.Body)}
	s.close = func() {
		cancel()
		_ = response.Body.Close()
	}
	s.read = s.readEvent
	if r.Transport == Multipart {
		s.read = s.readPart
	}
	return &Subscription{next: s.next, close: s.close}, nil
}

// send sends the operation on a connection of its own, so that closing it ends the
// subscription and nothing else.
func send(ctx context.Context, r Request) (*http.Response, error) {
	request, err := newRequest(ctx, r)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+r.Token)
	request.Header.Set("Accept", "text/event-stream")
	if r.Transport == Multipart {
		request.Header.Set("Accept", "multipart/mixed;subscriptionSpec=1.0")
	}
	if r.InstallationID != "" {
		request.Header.Set("X-Installation-Id", r.InstallationID)
	}
	if r.LastEventID != "" {
		request.Header.Set("Last-Event-Id", r.LastEventID)
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err == nil && response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return nil, fmt.Errorf("the stream is answered by %s", response.Status)
	}
	return response, err
}

func newRequest(ctx context.Context, r Request) (*http.Request, error) {
	operation := r.operation()
	if r.Transport == EventStreamByGet {
		parameters := url.Values{}
		for name, value := range operation {
			text, isText := value.(string)
			if !isText {
				encoded, err := json.Marshal(value)
				if err != nil {
					return nil, err
				}
				text = string(encoded)
			}
			parameters.Set(name, text)
		}
		return http.NewRequestWithContext(ctx, http.MethodGet, r.URL+"/graphql?"+parameters.Encode(), http.NoBody)
	}
	body, err := json.Marshal(operation)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+"/graphql", bytes.NewReader(body))
	if err == nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, err
}

func (s *stream) next() (Event, error) {
	late := time.AfterFunc(patience, s.close)
	defer late.Stop()
	for {
		e, heartbeat, err := s.read()
		if heartbeat && err == nil {
			continue
		}
		return e, err
	}
}

// readEvent reads one server-sent event, as the EventSource interface parses it.
func (s *stream) readEvent() (e Event, heartbeat bool, err error) {
	fields := map[string]string{}
	for {
		line, err := s.body.ReadString('\n')
		if err != nil {
			return e, false, lostConnection(err)
		}
		if line == "\n" {
			break
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		fields[name] = strings.TrimPrefix(value, " ")
	}
	switch {
	case fields["event"] == "next":
		e, err = decodeResult([]byte(fields["data"]))
		e.ID = fields["id"]
		return e, false, err
	case fields["event"] == "complete":
		return e, false, &EndError{Complete: true}
	case fields["retry"] != "":
		return e, false, &EndError{Retry: milliseconds(fields["retry"])}
	}
	return e, true, nil
}

// readPart reads up to the boundary behind the part, without waiting for the part
// that follows: an app shows an event when its closing boundary has come.
func (s *stream) readPart() (e Event, heartbeat bool, err error) {
	var part []byte
	for !bytes.HasSuffix(part, []byte(boundary)) {
		b, err := s.body.ReadByte()
		if err != nil {
			return e, false, endOfParts(part, err)
		}
		part = append(part, b)
	}
	_, content, _ := strings.Cut(strings.TrimSuffix(string(part), boundary), "\r\n\r\n")
	var m struct {
		Payload json.RawMessage
		Errors  []graphQLError
	}
	switch err := json.Unmarshal([]byte(content), &m); {
	case content == "" || content == "{}": // what stands before the first boundary, or a heartbeat
		return e, true, nil
	case err != nil:
		return e, false, fmt.Errorf("part %.200q: %w", content, err)
	case len(m.Errors) > 0:
		return e, false, endError(m.Errors)
	}
	e, err = decodeResult(m.Payload)
	return e, false, err
}

// endOfParts tells a multipart stream that is complete, which ends in "--", from
// one whose connection was lost.
func endOfParts(rest []byte, err error) error {
	if err == io.EOF && string(rest) == "--\r\n" { //nolint:errorlint // bufio gives it bare
		return &EndError{Complete: true}
	}
	return lostConnection(err)
}

// lostConnection is the error of a connection that ended without a closing message.
func lostConnection(err error) error {
	if err == io.EOF { //nolint:errorlint // bufio gives it bare
		return io.ErrUnexpectedEOF
	}
	return err
}
