package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"luxbff/internal/testutil/apptest"
)

// client speaks graphql-transport-ws (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md).
type client struct {
	t            *testing.T
	conn         *websocket.Conn
	frameTimeout time.Duration
}

type frame struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

func dial(t *testing.T, s *apptest.Server, token string) *client {
	t.Helper()
	return dialAs(t, s, map[string]any{"Authorization": "Bearer " + token})
}

// dialAs sends these connection parameters.
func dialAs(t *testing.T, s *apptest.Server, parameters map[string]any) *client {
	t.Helper()
	return dialOver(t, s, "graphql-transport-ws", parameters)
}

func dialOver(t *testing.T, s *apptest.Server, protocol string, parameters map[string]any) *client {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{protocol}}
	conn, response, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/graphql", http.Header{})
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	c := &client{t, conn, 20 * time.Second}
	c.send(frame{Type: "connection_init", Payload: raw(t, parameters)})
	return c
}

func raw(t *testing.T, value any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (c *client) send(f frame) {
	c.t.Helper()
	if err := c.conn.WriteJSON(f); err != nil {
		c.t.Fatal(err)
	}
}

// next reads the next frame that is no sign of life.
func (c *client) next() (frame, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(c.frameTimeout)); err != nil {
		return frame{}, err
	}
	for {
		var f frame
		err := c.conn.ReadJSON(&f)
		switch {
		case err == nil && f.Type == "ping":
			c.send(frame{Type: "pong"})
		case err == nil && f.Type == "ka":
		default:
			return f, err
		}
	}
}

func (c *client) want(kind string) frame {
	c.t.Helper()
	f, err := c.next()
	if err != nil || f.Type != kind {
		c.t.Fatalf("got %+v %s, %v; want %s", f, f.Payload, err, kind)
	}
	return f
}

func (c *client) subscribe(query string, variables map[string]any) {
	c.t.Helper()
	c.send(frame{ID: "1", Type: "subscribe", Payload: raw(c.t, map[string]any{"query": query, "variables": variables})})
}

type deviceEvent struct {
	Cursor string
	Change string
	Devlog struct {
		ID     string
		Status string
	}
	Device struct{ LastLogFileID int }
}

func (c *client) event() deviceEvent {
	c.t.Helper()
	var payload struct {
		Data struct{ DevlogStatus deviceEvent }
	}
	if err := json.Unmarshal(c.want("next").Payload, &payload); err != nil {
		c.t.Fatal(err)
	}
	return payload.Data.DevlogStatus
}

func TestSubscriptionReceivesAnUploadAndResumesAfterACut(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	feed := apptest.Sample(t, "subscription").Document

	c := dial(t, s, token)
	c.want("connection_ack")
	c.subscribe(feed, nil)
	s.WaitForSubscribers(t, 1)
	upload(t, s, token, 1, 1)
	first := c.event()
	if first.Change != "COMPLETED" || first.Device.LastLogFileID != 1 {
		t.Errorf("the event of the upload is %+v", first)
	}
	if err := c.conn.Close(); err != nil {
		t.Fatal(err)
	}

	upload(t, s, token, 2, 4) // missed
	again := dial(t, s, token)
	again.want("connection_ack")
	again.subscribe(feed, map[string]any{"after": first.Cursor})
	for file := 2; file <= 4; file++ {
		if e := again.event(); e.Device.LastLogFileID != file {
			t.Errorf("missed event %d is %+v", file, e)
		}
	}
	upload(t, s, token, 5, 5)
	if e := again.event(); e.Device.LastLogFileID != 5 {
		t.Errorf("the live event after the missed ones is %+v", e)
	}
}

func TestSignOutClosesTheSocketWithForbidden(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	c := dial(t, s, token)
	c.want("connection_ack")
	c.subscribe(apptest.Sample(t, "subscription").Document, nil)
	waitForMetric(t, s, "luxbff_feed_subscribers", 1)
	s.Data(t, token, `mutation { signOut { ok } }`, nil, &struct{}{})
	if f, err := c.next(); !websocket.IsCloseError(err, 4403) {
		t.Errorf("after the sign-out: %+v, %v; want close 4403", f, err)
	}
	if code := s.GraphQL(t, token, `{ me { id } }`, nil).Code(); code != "UNAUTHENTICATED" {
		t.Errorf("the access token after the sign-out answers %q", code)
	}
}

// TestSignOutEndsALongLivedToken: who signs out wants the token to stop, whatever kind it
// is. A session of the same account has its own sign-out.
func TestSignOutEndsALongLivedToken(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	long := registerLocal(t, s)
	session := accessToken(t, s, "", "signInLocal", `localId: "abcd1234", password: "abcd1234"`)
	ends, stays := startSubscription(t, s, long), startSubscription(t, s, session)
	// SNUTT's own logout drops a phone and keeps the token (snutt.md).
	if out := s.Call(t, http.MethodPost, "/auth/logout", long, `{"registration_id": ""}`); out.Status != http.StatusOK {
		t.Errorf("SNUTT's logout: %d %s", out.Status, out.Body)
	}
	s.Data(t, long, `{ me { id } }`, nil, &struct{}{})
	s.Data(t, long, `mutation { signOut { ok } }`, nil, &struct{}{})
	ends.expectForbidden()
	if code := s.GraphQL(t, long, `{ me { id } }`, nil).Code(); code != "UNAUTHENTICATED" {
		t.Errorf("the token after its sign-out answers %q", code)
	}
	stays.send(frame{Type: "ping"})
	stays.want("pong")
	signedIn := s.Call(t, http.MethodPost, "/auth/login_local", "", `{"id": "abcd1234", "password": "abcd1234"}`)
	if again := signedIn.JSON(t).(map[string]any)["token"]; signedIn.Status != http.StatusOK || again == long {
		t.Errorf("a new sign-in gives %d %s", signedIn.Status, signedIn.Body)
	}
}

func TestSocketWithoutATokenIsForbidden(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := dial(t, s, "nonsense")
	if f, err := c.next(); !websocket.IsCloseError(err, 4403) {
		t.Errorf("%+v, %v; want close 4403", f, err)
	}
}

// TestErrorWithinAnEventOfTheFeed: the log of an event must not be null, so the data of
// an event whose child can't be shown is null, and the feed goes on.
func TestErrorWithinAnEventOfTheFeed(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	c := dial(t, s, token)
	c.want("connection_ack")
	c.subscribe(`subscription { log: devlogStatus { devlog { child: childUser { old: devlogs(after: "x") { edges { cursor } } } } } }`, nil)
	s.WaitForSubscribers(t, 1)
	for file := range 2 {
		upload(t, s, token, file+1, file+1)
		const want = `{"errors":[{"message":"Cursor not valid","path":["log","devlog","child","old"],"locations":[{"line":1,"column":64}],` +
			`"extensions":{"code":"CURSOR_NOT_VALID","field":"after","status":400}}],"data":null}`
		if got := string(c.want("next").Payload); got != want {
			t.Errorf("event %d is\n%s, want\n%s", file, got, want)
		}
	}
}

// TestDocumentsThatAreNotValid: subscriptions are refused as any other document is, and a
// socket refuses what a POST does.
func TestDocumentsThatAreNotValid(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	c := dial(t, s, token)
	c.want("connection_ack")
	for _, query := range []string{
		`subscription { a: devlogStatus { cursor } b: devlogStatus { cursor } }`,
		`subscription { devlogStatus @skip(if: false) { cursor } }`,
		`subscription { ... @include(if: true) { devlogStatus { cursor } } }`,
		`subscription { __typename }`,
		`subscription { devlogStatus { ... @defer { cursor } } }`,
		`{ childUsers { ... @defer(if: false, label: "x") { id } } }`,
		`{ childUsers { ...F @defer } } fragment F on ChildUser { id }`,
	} {
		c.subscribe(query, nil)
		if refused := c.want("error"); !strings.Contains(string(refused.Payload), `"code":"GRAPHQL_VALIDATION_FAILED","status":400`) {
			t.Errorf("%s is answered by %s", query, refused.Payload)
		}
		if code := s.GraphQL(t, token, query, nil).Code(); code != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("%s by POST is answered by %s", query, code)
		}
	}
}

// TestIncrementalDeliveryIsNotAnnounced: a client that asks the schema finds no @defer.
func TestIncrementalDeliveryIsNotAnnounced(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	response := s.GraphQL(t, "", `{ __schema { directives { name } } }`, nil)
	if got := string(response.Data); !strings.Contains(got, `"include"`) || strings.Contains(got, `"defer"`) {
		t.Errorf("the directives are %s", got)
	}
}
