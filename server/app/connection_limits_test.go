package app_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"luxbff/internal/testutil/apptest"
)

// TestConnectionLimitOfAnAccount holds that an account has 32 connections, over
// whatever transports.
func TestConnectionLimitOfAnAccount(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	for range 32 {
		dial(t, s, token).want("connection_ack")
	}
	for _, accept := range []string{"text/event-stream", "multipart/mixed;subscriptionSpec=1.0"} {
		if body := readStream(t, s, token, accept); !strings.Contains(body, `"TOO_MANY_REQUESTS"`) {
			t.Errorf("stream of %s after 32 connections: %s", accept, body)
		}
	}
	if f, err := dial(t, s, token).next(); !websocket.IsCloseError(err, 4411) {
		t.Errorf("socket after 32 connections: %+v, %v; want close 4411", f, err)
	}
	stranger, _ := s.Parent(t)
	dial(t, s, stranger).want("connection_ack")
}

// readStream gives all that a subscription over HTTP sends before it ends.
func readStream(t *testing.T, s *apptest.Server, token, accept string) string {
	t.Helper()
	body := raw(t, map[string]any{"query": `subscription { devlogStatus { cursor } }`})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", accept)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := s.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	received, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(received)
}

// TestOperationLimitOfASocket holds that 64 operations run at once.
func TestOperationLimitOfASocket(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	c := dial(t, s, token)
	c.want("connection_ack")
	subscription := raw(t, map[string]any{"query": `subscription { devlogStatus { cursor } }`})
	const limit = 64
	for i := range limit + 1 {
		c.send(frame{ID: fmt.Sprint(i), Type: "subscribe", Payload: subscription})
	}
	refused := c.want("error")
	if refused.ID != fmt.Sprint(limit) || !strings.Contains(string(refused.Payload), `"TOO_MANY_REQUESTS"`) {
		t.Errorf("refused: %s %s", refused.ID, refused.Payload)
	}
	c.send(frame{ID: "0", Type: "complete"})
	c.send(frame{ID: "again", Type: "subscribe", Payload: raw(t, map[string]any{"query": `{ me { id } }`})})
	if next := c.want("next"); next.ID != "again" {
		t.Errorf("next: %s %s", next.ID, next.Payload)
	}
}
