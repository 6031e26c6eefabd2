package subscriptiontest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// message is a frame of either socket protocol.
type message struct {
	ID      string `json:"id,omitempty"`
	Type    string `json:"type"`
	Payload any    `json:"payload,omitempty"`
}

type socket struct {
	conn *websocket.Conn
	stop func() bool
}

func openSocket(ctx context.Context, c Call) (*Feed, error) {
	dialer := websocket.Dialer{Subprotocols: []string{string(c.Transport)}, HandshakeTimeout: patience}
	conn, answer, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(c.URL, "http")+"/graphql", nil)
	if err != nil {
		return nil, err
	}
	_ = answer.Body.Close()
	s := &socket{conn: conn}
	s.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if err := s.begin(c); err != nil {
		s.cut()
		return nil, err
	}
	return &Feed{next: s.next, cut: s.cut}, nil
}

// begin greets, waits for the ack, and subscribes.
func (s *socket) begin(c Call) error {
	payload := map[string]string{"Authorization": "Bearer " + c.Token}
	if c.InstallationID != "" {
		payload["installationId"] = c.InstallationID
	}
	if err := s.send(message{Type: "connection_init", Payload: payload}); err != nil {
		return err
	}
	for {
		kind, refused, err := s.read()
		switch {
		case err != nil:
			return err
		case kind == "connection_ack":
			start := map[Transport]string{Socket: "subscribe", OlderSocket: "start"}[c.Transport]
			return s.send(message{ID: "feed", Type: start, Payload: c.request()})
		case kind == "connection_error": // the close frame that follows says why
		default:
			return fmt.Errorf("%s %s came before the ack", kind, refused)
		}
	}
}

func (s *socket) next() (Event, error) {
	for {
		kind, payload, err := s.read()
		if err != nil {
			return Event{}, err
		}
		switch kind {
		case "next", "data":
			return result(payload)
		case "error":
			return Event{}, refusal(payload)
		case "complete":
			return Event{}, &Ended{Complete: true}
		case "ping":
			if err := s.pong(payload); err != nil {
				return Event{}, err
			}
		}
	}
}

// pong answers with what the ping carried, as most clients do.
func (s *socket) pong(payload json.RawMessage) error {
	if len(payload) == 0 {
		return s.send(message{Type: "pong"})
	}
	return s.send(message{Type: "pong", Payload: payload})
}

// refusal is an error message: of a list in the newer protocol, of one in the
// older.
func refusal(payload json.RawMessage) error {
	var many []problem
	if json.Unmarshal(payload, &many) == nil {
		return ended(many)
	}
	var one problem
	_ = json.Unmarshal(payload, &one) // what is no problem has no code
	return ended([]problem{one})
}

func (s *socket) send(m message) error {
	_ = s.conn.SetWriteDeadline(time.Now().Add(patience))
	return s.conn.WriteJSON(m)
}

func (s *socket) read() (kind string, payload json.RawMessage, err error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(patience))
	var m struct {
		Type    string
		Payload json.RawMessage
	}
	err = s.conn.ReadJSON(&m)
	var closed *websocket.CloseError
	if errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure {
		retry := strings.TrimSuffix(strings.TrimPrefix(closed.Text, "Restarting, retry in "), " ms")
		return "", nil, &Ended{Code: closed.Code, Reason: closed.Text, Retry: milliseconds(retry)}
	}
	return m.Type, m.Payload, err
}

func (s *socket) cut() {
	s.stop()
	_ = s.conn.Close()
}
