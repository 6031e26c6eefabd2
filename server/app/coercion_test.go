package app_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"pgregory.net/rapid"

	"luxbff/graph"
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
	rapid.Check(t, randomDocuments(t))
}

// FuzzDocuments draws the same documents under the direction of the fuzzer.
func FuzzDocuments(f *testing.F) { f.Fuzz(rapid.MakeFuzz(randomDocuments(f))) }

func randomDocuments(t testing.TB) func(*rapid.T) {
	t.Helper()
	s := apptest.Start(t)
	source := documenttest.Source{Schema: graph.Schema(nil).Schema()}
	var family apptest.Family
	return func(rt *rapid.T) {
		// The last document may have deleted the account or ended its session.
		if s.GraphQL(t, family.Token, "{me {id}}", nil).Code() != "" {
			family = s.NewFamily(t)
			source.Texts = []string{
				strconv.Itoa(family.Child.ID), strconv.Itoa(family.DeviceID), family.UniqueID, "+821012345678", "123456", "abcd1234",
			}
		}
		token := rapid.SampledFrom([]string{family.Token, family.Token, ""}).Draw(rt, "token")
		body, err := json.Marshal(source.Draw(rt))
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
