package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"luxbff/internal/testutil/apptest"
)

// TestMutationThatEndsTheSessionIsAnswered: the new tokens stand in the answer, so it
// comes first, and the end of the connection after it.
func TestMutationThatEndsTheSessionIsAnswered(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ mutation, want string }{
		"changePassword": {
			`changePassword(input: {oldPassword: "secret123", newPassword: "another1"}) { tokens { tokenType } user { firstName } }`,
			`{"tokens":{"tokenType":"bearer"},"user":{"firstName":"james"}}`,
		},
		"resetPassword":     {`resetPassword(input: {token: "TOKEN", newPassword: "fourth 123"}) { ok }`, `{"ok":true}`},
		"revertEmail":       {`revertEmail(input: {token: "REVERT"}) { ok }`, `{"ok":true}`},
		"signOut":           {`signOut { ok }`, `{"ok":true}`},
		"endSession":        {`endSession(input: {sessionId: 1}) { ok }`, `{"ok":true}`},
		"signOutEverywhere": {`signOutEverywhere { ok }`, `{"ok":true}`},
		"deleteAccount":     {`deleteAccount { ok }`, `{"ok":true}`},
	} {
		for _, transport := range []string{"graphql-transport-ws", "graphql-ws", "text/event-stream", "multipart/mixed;subscriptionSpec=1.0"} {
			t.Run(name+" over "+transport, func(t *testing.T) {
				t.Parallel()
				s := apptest.Start(t)
				token, _ := s.Parent(t)
				mutation := "mutation { " + strings.Replace(tc.mutation, "TOKEN", resetToken(t, s, "parent1@example.com"), 1) + " }"
				if name == "revertEmail" { // which ends the reset link
					mutation = strings.Replace(mutation, "REVERT", revertToken(t, s, token, "parent1@example.com"), 1)
				}
				want := `{"data":{"` + name + `":` + tc.want + `}}`
				if strings.Contains(transport, "/") {
					expectStreamed(t, s, token, transport, mutation, want)
				} else {
					expectOnSocket(t, s, token, transport, mutation, want)
				}
			})
		}
	}
}

func resetToken(t *testing.T, s *apptest.Server, email string) string {
	t.Helper()
	expectPayload(t, s, "", "requestPasswordReset", `email: "`+email+`"`, "ok", `{"ok": true}`)
	return mailedToken(t, s, email, "/reset-password")
}

// revertToken changes the e-mail of an account and gives the token of the link that takes
// it back.
func revertToken(t *testing.T, s *apptest.Server, token, email string) string {
	t.Helper()
	expectPayload(t, s, token, "updateUser", `email: "new@example.com"`, "user { email }", `{"user": {"email": "new@example.com"}}`)
	return mailedToken(t, s, email, "/revert-email")
}

// mailedToken is the token of the newest link to a page that was mailed to the address.
func mailedToken(t *testing.T, s *apptest.Server, email, page string) string {
	t.Helper()
	sent, err := s.App.Outbox.Recent(t.Context(), email, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range sent {
		if _, token, found := strings.Cut(one.Text, page+"?token="); found {
			return token
		}
	}
	t.Fatalf("no link to %s", email)
	return ""
}

func expectStreamed(t *testing.T, s *apptest.Server, token, accept, mutation, want string) {
	t.Helper()
	body := string(raw(t, map[string]string{"query": mutation}))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", accept)
	r.Header.Set("Content-Type", "application/json")
	got := string(s.Do(t, r).Body)
	stream := ":\n\nevent: next\ndata: " + want + "\n\nevent: complete\ndata: \n\n"
	if accept != "text/event-stream" {
		const head = "\r\nContent-Type: application/json\r\n\r\n"
		stream = "--graphql" + head + "{}\r\n--graphql" + head + `{"payload":` + want + "}\r\n--graphql--\r\n"
	}
	if got != stream {
		t.Errorf("got %q, want %q", got, stream)
	}
}

func expectOnSocket(t *testing.T, s *apptest.Server, token, protocol, mutation, want string) {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{protocol}}
	conn, response, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	start, next := "subscribe", "next"
	if protocol == "graphql-ws" {
		start, next = "start", "data"
	}
	c := &client{t, conn, 20 * time.Second}
	c.send(frame{Type: "connection_init", Payload: raw(t, map[string]string{"accessToken": token})})
	c.want("connection_ack")
	c.send(frame{ID: "1", Type: start, Payload: raw(t, map[string]string{"query": mutation})})
	var kinds []string
	for {
		f, err := c.next()
		if websocket.IsCloseError(err, 4403) {
			break
		}
		if err != nil {
			t.Fatalf("after %v: %v", kinds, err)
		}
		if f.Type == next && string(f.Payload) != want {
			t.Errorf("answered %s, want %s", f.Payload, want)
		}
		if f.Type != "ka" {
			kinds = append(kinds, f.Type)
		}
	}
	if got := strings.Join(kinds, " "); got != next+" complete" {
		t.Errorf("before the close came %s", got)
	}
}
