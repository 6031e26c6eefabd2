package subscriptiontest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// partEnd stands behind each part of a multipart stream.
const partEnd = "\r\n--graphql"

type stream struct {
	body *bufio.Reader
	cut  context.CancelFunc
	// read waits for one event or part; a heartbeat is neither.
	read func() (e Event, beat bool, err error)
}

func openStream(ctx context.Context, c Call) (*Feed, error) {
	ctx, cut := context.WithCancel(ctx)
	answer, err := ask(ctx, c) //nolint:bodyclose // Cut closes it
	if err != nil {
		cut()
		return nil, err
	}
	s := &stream{body: bufio.NewReader(answer.Body)}
	s.cut = func() {
		cut()
		_ = answer.Body.Close()
	}
	s.read = s.readEvent
	if c.Transport == Multipart {
		s.read = s.readPart
	}
	return &Feed{next: s.next, cut: s.cut}, nil
}

// ask sends the request on a connection of its own.
func ask(ctx context.Context, c Call) (*http.Response, error) {
	body, err := json.Marshal(c.request())
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.Token)
	r.Header.Set("Accept", "text/event-stream")
	if c.Transport == Multipart {
		r.Header.Set("Accept", "multipart/mixed;subscriptionSpec=1.0")
	}
	if c.InstallationID != "" {
		r.Header.Set("X-Installation-Id", c.InstallationID)
	}
	if c.LastEventID != "" {
		r.Header.Set("Last-Event-Id", c.LastEventID)
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err == nil && answer.StatusCode != http.StatusOK {
		_ = answer.Body.Close()
		return nil, fmt.Errorf("the stream is answered by %s", answer.Status)
	}
	return answer, err
}

func (s *stream) next() (Event, error) {
	late := time.AfterFunc(patience, s.cut)
	defer late.Stop()
	for {
		e, beat, err := s.read()
		if beat && err == nil {
			continue
		}
		return e, err
	}
}

// readEvent reads as the EventSource interpretation does.
func (s *stream) readEvent() (e Event, beat bool, err error) {
	fields := map[string]string{}
	for {
		text, err := s.body.ReadString('\n')
		if err != nil {
			return e, false, broken(err)
		}
		if text == "\n" {
			break
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(text, "\n"), ":")
		fields[name] = strings.TrimPrefix(value, " ")
	}
	switch {
	case fields["event"] == "next":
		e, err = result([]byte(fields["data"]))
		e.ID = fields["id"]
		return e, false, err
	case fields["event"] == "complete":
		return e, false, &Ended{Complete: true}
	case fields["retry"] != "":
		return e, false, &Ended{Retry: milliseconds(fields["retry"])}
	}
	return e, true, nil
}

// readPart takes a part as whole when it sees the boundary behind it.
func (s *stream) readPart() (e Event, beat bool, err error) {
	var part []byte
	for !bytes.HasSuffix(part, []byte(partEnd)) {
		b, err := s.body.ReadByte()
		if err != nil {
			return e, false, atEnd(part, err)
		}
		part = append(part, b)
	}
	_, content, _ := strings.Cut(strings.TrimSuffix(string(part), partEnd), "\r\n\r\n")
	var m struct {
		Payload json.RawMessage
		Errors  []problem
	}
	switch err := json.Unmarshal([]byte(content), &m); {
	case content == "" || content == "{}": // what stands before the first boundary, or a heartbeat
		return e, true, nil
	case err != nil:
		return e, false, fmt.Errorf("part %.200q: %w", content, err)
	case len(m.Errors) > 0:
		return e, false, ended(m.Errors)
	}
	e, err = result(m.Payload)
	return e, false, err
}

// atEnd tells a stream that is complete from one that broke off.
func atEnd(rest []byte, err error) error {
	if err == io.EOF && string(rest) == "--\r\n" { //nolint:errorlint // bufio gives it bare
		return &Ended{Complete: true}
	}
	return broken(err)
}

// broken is the error of a line that ended without a word.
func broken(err error) error {
	if err == io.EOF { //nolint:errorlint // bufio gives it bare
		return io.ErrUnexpectedEOF
	}
	return err
}
