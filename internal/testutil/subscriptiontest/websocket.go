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

// message is a frame of either WebSocket protocol.
type message struct {
	ID      string `json:"id,omitempty"`
	Type    string `json:"type"`
	Payload any    `json:"payload,omitempty"`
}

type socket struct {
	conn *websocket.Conn
	// stop ends the watch over the context that closes the connection.
	stop func() bool
}

func openWebSocket(ctx context.Context, r Request) (*Subscription, error) {
	dialer := websocket.Dialer{Subprotocols: []string{string(r.Transport)}, HandshakeTimeout: patience}
	conn, response, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(r.URL, "http")+"/graphql", nil)
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	s := &socket{conn: conn}
	s.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if err := s.subscribe(r); err != nil {
		s.close()
		return nil, err
	}
	return &Subscription{next: s.next, close: s.close}, nil
}

// subscribe initialises the connection, waits for the acknowledgement and sends
// the operation.
func (s *socket) subscribe(r Request) error {
	payload := map[string]string{"Authorization": "Bearer " + r.Token}
	if r.InstallationID != "" {
		payload["installationId"] = r.InstallationID
	}
	if err := s.send(message{Type: "connection_init", Payload: payload}); err != nil {
		return err
	}
	for {
		kind, payload, err := s.read()
		switch {
		case err != nil:
			return err
		case kind == "connection_ack":
			start := map[Transport]string{WebSocket: "subscribe", LegacyWebSocket: "start"}[r.Transport]
			return s.send(message{ID: "feed", Type: start, Payload: r.operation()})
		case kind == "connection_error": // the close frame that follows has the code and the reason
		default:
			return fmt.Errorf("%s %s came before the acknowledgement", kind, payload)
		}
	}
}

func (s *socket) next() (Event, error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(patience))
	for {
		kind, payload, err := s.read()
		if err != nil {
			return Event{}, err
		}
		switch kind {
		case "next", "data":
			return decodeResult(payload)
		case "error":
			return Event{}, decodeErrors(payload)
		case "complete":
			return Event{}, &EndError{Complete: true}
		case "ping":
			if err := s.pong(payload); err != nil {
				return Event{}, err
			}
		}
	}
}

// pong sends the ping's payload back, as most clients do.
func (s *socket) pong(payload json.RawMessage) error {
	if len(payload) == 0 {
		return s.send(message{Type: "pong"})
	}
	return s.send(message{Type: "pong", Payload: payload})
}

// decodeErrors reads the payload of an error message, which is a list of errors in
// graphql-transport-ws and a single one in graphql-ws.
func decodeErrors(payload json.RawMessage) error {
	var list []graphQLError
	if json.Unmarshal(payload, &list) == nil {
		return endError(list)
	}
	var single graphQLError
	_ = json.Unmarshal(payload, &single) // what is no error leaves the code empty
	return endError([]graphQLError{single})
}

func (s *socket) send(m message) error {
	_ = s.conn.SetWriteDeadline(time.Now().Add(patience))
	return s.conn.WriteJSON(m)
}

// read waits for a message. A close frame is an *EndError; a connection that is
// lost has none.
func (s *socket) read() (kind string, payload json.RawMessage, err error) {
	var m struct {
		Type    string
		Payload json.RawMessage
	}
	err = s.conn.ReadJSON(&m)
	var closed *websocket.CloseError
	if errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure {
		retry := strings.TrimSuffix(strings.TrimPrefix(closed.Text, "Restarting, retry in "), " ms")
		return "", nil, &EndError{Code: closed.Code, Reason: closed.Text, Retry: milliseconds(retry)}
	}
	return m.Type, m.Payload, err
}

func (s *socket) close() {
	s.stop()
	_ = s.conn.Close()
}
