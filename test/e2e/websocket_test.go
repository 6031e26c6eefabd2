package e2e_test

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// frame is a message of graphql-transport-ws.
type frame struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// resume opens a subscription on a WebSocket. It doesn't wait until the subscription
// has started, which one that resumes at a cursor doesn't need.
func (s *server) resume(t *testing.T, token, document string) *websocket.Conn {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, NetDial: net.Dial}
	conn, response, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	sendMessage(t, conn, "connection_init", "", map[string]string{"Authorization": "Bearer " + token})
	expectMessage(t, conn, "connection_ack")
	sendMessage(t, conn, "subscribe", "1", map[string]string{"query": document})
	return conn
}

// subscribe opens a subscription on a WebSocket and waits until it has started. The
// operations of a socket start in the order in which they come, so that the response
// to a query behind the subscription says so.
func (s *server) subscribe(t *testing.T, token, document string) *websocket.Conn {
	t.Helper()
	conn := s.resume(t, token, document)
	sendMessage(t, conn, "subscribe", "2", map[string]string{"query": "{ me { id } }"})
	expectMessage(t, conn, "next")
	expectMessage(t, conn, "complete")
	return conn
}

func sendMessage(t *testing.T, conn *websocket.Conn, kind, id string, payload any) {
	t.Helper()
	raw, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.WriteJSON(frame{kind, id, raw}); err != nil {
		t.Fatal(err)
	}
}

func expectMessage(t *testing.T, conn *websocket.Conn, kind string) frame {
	t.Helper()
	var f frame
	if err := conn.ReadJSON(&f); err != nil || f.Type != kind {
		t.Fatalf("got %s %s, %v; want %s", f.Type, f.Payload, err, kind)
	}
	return f
}
