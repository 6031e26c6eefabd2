package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"pgregory.net/rapid"

	entmessage "luxbff/ent/message"
	"luxbff/graph"
	"luxbff/internal/message"
	"luxbff/internal/store"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/documenttest"
)

// TestNullVariableOnEveryTransport sends null for a variable whose default alone lets it
// stand where null is not allowed.
func TestNullVariableOnEveryTransport(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	family := s.NewFamily(t)
	const subscription = `subscription($v: Boolean = true) {devlogStatus {cursor devlog @include(if: $v) {id}}}`
	answers := map[string]string{}
	for name, query := range map[string]string{
		"field":           `query($v: Boolean = true) {__typename @include(if: $v)}`,
		"spread":          `query($v: Boolean = true) {...F @skip(if: $v)} fragment F on Query {me {id}}`,
		"inline fragment": `query($v: Boolean = true) {... @include(if: $v) {me {id}}}`,
		"argument":        `query($v: ID = 1) {childUser(id: $v) {id}}`,
	} {
		body := nullBody(t, query)
		answers["POST without a token, "+name] = string(s.Call(t, http.MethodPost, "/graphql", "", body).Body)
		answers["POST, "+name] = string(s.Call(t, http.MethodPost, "/graphql", family.Token, body).Body)
		parameters := url.Values{"query": {query}, "variables": {`{"v":null}`}}.Encode()
		answers["GET without a token, "+name] = string(s.Call(t, http.MethodGet, "/graphql?"+parameters, "", "").Body)
	}
	const signUp = `mutation($v: Boolean = true) {signUp(input: {validToken: "", email: "", password: "", firstName: "a",
		lastName: "", birthdate: "1997-01-01", gender: MALE, phone: "", isPushAgree: true, isMarketingAgree: $v, nationalCode: ""
	}) {user {id}}}`
	for name, query := range map[string]string{"event": subscription, "input": signUp} {
		body := nullBody(t, query)
		for _, accept := range []string{"text/event-stream", "multipart/mixed;subscriptionSpec=1.0"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = http.Header{
				"Accept": {accept}, "Content-Type": {"application/json"}, "Authorization": {"Bearer " + family.Token},
			}
			answers[accept+", "+name] = string(s.Do(t, r).Body)
		}
		for protocol, start := range map[string]string{"graphql-transport-ws": "subscribe", "graphql-ws": "start"} {
			answers[protocol+", "+name] = askOverSocket(t, s, family.Token, protocol, start, body)
		}
	}
	for name, answer := range answers {
		if !strings.Contains(answer, `"code":"INVALID_REQUEST_OR_MISSING_PARAMETERS"`) ||
			!strings.Contains(answer, `"field":"v"`) || !strings.Contains(answer, `"status":400`) {
			t.Errorf("%s: got %s", name, answer)
		}
	}
	if log := s.Log.String(); strings.Contains(log, "panic") {
		t.Errorf("logged %s", log)
	}
}

func nullBody(t *testing.T, query string) string {
	t.Helper()
	return string(raw(t, map[string]any{"query": query, "variables": map[string]any{"v": nil}}))
}

// askOverSocket gives the first message about the operation.
func askOverSocket(t *testing.T, s *apptest.Server, token, protocol, start, body string) string {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{protocol}}
	conn, response, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	defer func() { _ = conn.Close() }()
	send := func(f frame) {
		if err := conn.WriteJSON(f); err != nil {
			t.Fatal(err)
		}
	}
	send(frame{Type: "connection_init", Payload: raw(t, map[string]string{"Authorization": "Bearer " + token})})
	for {
		var f frame
		if err := conn.ReadJSON(&f); err != nil {
			t.Fatal(err)
		}
		switch {
		case f.Type == "connection_ack":
			send(frame{ID: "1", Type: start, Payload: json.RawMessage(body)})
		case f.ID == "1":
			return string(f.Payload)
		}
	}
}

// TestRandomDocuments sends documents and variables that are drawn from the schema to the
// whole program, signed in and not. Whatever a client sends is answered with data or with
// an error that is the client's.
func TestRandomDocuments(t *testing.T) {
	t.Parallel()
	rapid.Check(t, newRandomDocuments(t).property(t))
}

// FuzzDocuments draws the same documents under the direction of the fuzzer.
func FuzzDocuments(f *testing.F) {
	documents := newRandomDocuments(f)
	f.Fuzz(func(t *testing.T, input []byte) { rapid.MakeFuzz(documents.property(t))(t, input) })
}

// randomDocuments sends documents to a program that lives as long as the whole test.
type randomDocuments struct {
	server *apptest.Server
	source documenttest.Source
	family apptest.Family
}

func newRandomDocuments(t testing.TB) *randomDocuments {
	t.Helper()
	return &randomDocuments{server: apptest.Start(t), source: documenttest.Source{Schema: graph.Schema(nil).Schema()}}
}

func (d *randomDocuments) property(t testing.TB) func(*rapid.T) {
	t.Helper()
	s := d.server
	return func(rt *rapid.T) {
		// The last document may have deleted the child or the account, or ended the session.
		mine := map[string]any{"id": d.family.Child.ID}
		if s.GraphQL(t, d.family.Token, "query($id: ID!) {childUser(id: $id) {id}}", mine).Code() != "" {
			d.family = s.NewFamily(t)
			d.source.Texts = textsOf(d.family)
		}
		token := rapid.SampledFrom([]string{d.family.Token, d.family.Token, ""}).Draw(rt, "token")
		body, err := json.Marshal(d.source.Draw(rt))
		if err != nil {
			rt.Fatal(err)
		}
		before := len(s.Log.String())
		got := s.Call(t, http.MethodPost, "/graphql", token, string(body))
		var answer apptest.GraphQLResponse
		if err := json.Unmarshal(got.Body, &answer); err != nil {
			rt.Fatalf("%s\n%v in %s", body, err, got.Body)
		}
		isInternal := slices.ContainsFunc(answer.Errors, func(e apptest.GraphQLError) bool {
			return e.Extensions.Code == "INTERNAL" || e.Extensions.Code == ""
		})
		if got.Status >= http.StatusInternalServerError || isInternal || strings.Contains(s.Log.String()[before:], "panic") {
			rt.Fatalf("%s\ngot %d %s\nlogged %s", body, got.Status, got.Body, s.Log.String()[before:])
		}
	}
}

func textsOf(family apptest.Family) []string {
	return []string{
		strconv.Itoa(family.Child.ID), strconv.Itoa(family.DeviceID), family.UniqueID, "+821012345678", "123456", "abcd1234",
	}
}

// TestRandomSubscriptions draws subscriptions, and for each that is not refused uploads a log
// and sends the account a message: its event is answered with data or with an error that is the client's.
func TestRandomSubscriptions(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	family := s.NewFamily(t)
	source := documenttest.Source{
		Schema: graph.Schema(nil).Schema(), Texts: textsOf(family), Kinds: []string{"subscription"},
	}
	socket := dial(t, s, family.Token)
	socket.want("connection_ack")
	numbers := 0
	rapid.Check(t, func(rt *rapid.T) {
		drawn := source.Draw(rt)
		numbers++
		id, barrier := fmt.Sprint("s", numbers), fmt.Sprint("q", numbers)
		socket.send(frame{ID: id, Type: "subscribe", Payload: raw(t, drawn)})
		// The operations of a socket begin in order, so the subscription has begun or was
		// refused when the query after it is answered.
		socket.send(frame{ID: barrier, Type: "subscribe", Payload: raw(t, map[string]any{"query": "{__typename}"})})
		refused := socket.until(barrier, "complete", id)
		if refused == nil {
			uploadComplete(t, s, family, numbers)
			sendTo(t, s, family.RootUserID)
			refused = socket.until(id, "next", id)
			socket.send(frame{ID: id, Type: "complete"})
		}
		if strings.Contains(string(refused), `"INTERNAL"`) || strings.Contains(s.Log.String(), "panic") {
			rt.Fatalf("%s\ngot %s", raw(t, drawn), refused)
		}
	})
}

// sendTo sends an account a message.
func sendTo(t *testing.T, s *apptest.Server, rootUserID int) {
	t.Helper()
	err := s.App.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return s.App.Outbox.Enqueue(ctx, tx, message.Message{
			Channel: entmessage.ChannelPush, Purpose: entmessage.PurposeTest, To: "token", Text: "a test", RootUserID: &rootUserID,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// until reads up to the message of that type about the operation, and gives the payload of
// the last message about the observed one, nil if there was none.
func (c *client) until(operation, kind, observed string) (payload json.RawMessage) {
	c.t.Helper()
	for {
		f, err := c.next()
		if err != nil {
			c.t.Fatal(err)
		}
		if f.ID == observed && len(f.Payload) > 0 {
			payload = f.Payload
		}
		if f.ID == operation && (f.Type == kind || f.Type == "error") {
			return payload
		}
	}
}

func uploadComplete(t *testing.T, s *apptest.Server, family apptest.Family, number int) {
	t.Helper()
	var uploaded json.RawMessage
	s.Data(t, family.Token, `mutation($input: UploadDevlogsInput!) {uploadDevlogs(input: $input) {devlogs {id}}}`,
		map[string]any{"input": map[string]any{"logs": []map[string]any{{
			"childUserId": family.Child.ID, "deviceId": family.DeviceID, "uniqueId": family.UniqueID,
			"treatmentDate": time.Unix(int64(number)*600, 0).UTC().Format("2006-01-02T15:04:05"), "finishFlag": "BUTTON_SHUTDOWN",
			"lastIntensity": 1, "treatmentTime": 1, "logFileId": number,
		}}}}, &uploaded)
}

// TestWholeNumbers uploads numbers in the spellings that JSON has for them.
func TestWholeNumbers(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	family := s.NewFamily(t)
	const query = `mutation($input: UploadDevlogsInput!) {uploadDevlogs(input: $input) {devlogs {treatmentTime lastIntensity logFileId childUser {id}}}}`
	upload := func(treatmentTime string) apptest.Response {
		return s.Call(t, http.MethodPost, "/graphql", family.Token, fmt.Sprintf(`{"query": %q, "variables": {"input": {"logs": {
			"childUserId": %d.0, "deviceId": %d, "uniqueId": %q, "treatmentDate": "2025-02-21T15:48:49", "finishFlag": "BUTTON_SHUTDOWN",
			"treatmentTime": %s, "lastIntensity": 2.5e1, "logFileId": 70e-1}}}}`, query, family.Child.ID, family.DeviceID, family.UniqueID, treatmentTime))
	}
	for _, fraction := range []string{"600.5", "6e-1", "2147483648.0", `"600"`} {
		if got := string(upload(fraction).Body); !strings.Contains(got, `"field":"input.logs[0].treatmentTime"`) {
			t.Errorf("%s: got %s", fraction, got)
		}
	}
	for _, whole := range []string{"600", "600.0", "6e2", "6.00E+2", "60000e-2"} {
		want := fmt.Sprintf(`{"data":{"uploadDevlogs":{"devlogs":[{"treatmentTime":600,"lastIntensity":25,"logFileId":7,"childUser":{"id":"%d"}}]}}}`,
			family.Child.ID)
		if got := string(upload(whole).Body); got != want {
			t.Errorf("%s: got %s", whole, got)
		}
	}
}
