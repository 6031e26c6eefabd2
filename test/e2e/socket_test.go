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

// resume opens a subscription on a socket; one with a cursor needs no waiting.
func (b *binary) resume(t *testing.T, token, document string) *websocket.Conn {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, NetDial: net.Dial}
	conn, answer, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(b.URL, "http")+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	say(t, conn, "connection_init", "", map[string]string{"Authorization": "Bearer " + token})
	hear(t, conn, "connection_ack")
	say(t, conn, "subscribe", "1", map[string]string{"query": document})
	return conn
}

// subscribe opens a subscription on a socket and waits until it stands.
func (b *binary) subscribe(t *testing.T, token, document string) *websocket.Conn {
	t.Helper()
	conn := b.resume(t, token, document)
	say(t, conn, "subscribe", "2", map[string]string{"query": "{ me { id } }"})
	hear(t, conn, "next")
	hear(t, conn, "complete")
	return conn
}

func say(t *testing.T, conn *websocket.Conn, kind, id string, payload any) {
	t.Helper()
	raw, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.WriteJSON(frame{kind, id, raw}); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, conn *websocket.Conn, kind string) frame {
	t.Helper()
	var f frame
	if err := conn.ReadJSON(&f); err != nil || f.Type != kind {
		t.Fatalf("got %s %s, %v; want %s", f.Type, f.Payload, err, kind)
	}
	return f
}
