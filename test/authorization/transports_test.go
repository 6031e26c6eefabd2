package authorization_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"luxbff/internal/testutil/subscriptiontest"
	"luxbff/server/rest"
)

// TestRefusedOnEveryTransport sends what the table refuses over each transport that
// takes queries and mutations: the verdict is the same, and no row changes.
func TestRefusedOnEveryTransport(t *testing.T) {
	t.Parallel()
	m := &matrix{program: start(t), schema: schema(), document: rest.Describe(rest.Surfaces())}
	m.prepare(t, row{})
	before := m.Dump(t)
	for _, r := range readTable(t) {
		if r.surface != graphQL || !r.is("query") && !r.is("mutation") || len(r.steps) > 0 {
			continue
		}
		kind, name, _ := strings.Cut(r.name, " ")
		m.victim.values["caller-child"] = m.other.values["child"]
		field := m.schema.Mutation.Fields.ForName(name)
		if kind == "query" {
			field = m.schema.Query.Fields.ForName(name)
		}
		document := writer{m.schema, m.victim, r, t}.root(kind, field)
		for _, caller := range []string{nobody, expired, deleted, stranger} {
			if r.isServed(caller) {
				continue
			}
			for transport, send := range map[string]func(*testing.T, string, string) answer{
				"GET": m.byGet, "server-sent events": m.byEvents, "multipart": m.byParts,
				"graphql-transport-ws": m.bySocket(subscriptiontest.WebSocket), "graphql-ws": m.bySocket(subscriptiontest.LegacyWebSocket),
			} {
				if transport == "GET" && kind == "mutation" {
					continue // which GET doesn't take
				}
				got := send(t, m.token(caller), document)
				if got.verdict != r.wanted(caller) {
					t.Errorf("%s, caller %s, over %s: %q: %.300s", r, caller, transport, got.verdict, got.body)
				}
				checkPrivate(t, r.String(), got.body, m.victim.private())
			}
		}
	}
	if diff := cmp.Diff(before, m.Dump(t)); diff != "" {
		t.Errorf("all were refused, and yet rows have changed:\n%s", diff)
	}
}

func (m *matrix) byGet(t *testing.T, token, document string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.URL+"/graphql", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	query := r.URL.Query()
	query.Set("query", document)
	r.URL.RawQuery = query.Encode()
	r.Header.Set("Content-Type", "application/json") // no page sends that without asking first
	return m.read(t, r, token)
}

func (m *matrix) byEvents(t *testing.T, token, document string) answer {
	t.Helper()
	return m.read(t, m.post(t, document, "text/event-stream"), token)
}

func (m *matrix) byParts(t *testing.T, token, document string) answer {
	t.Helper()
	return m.read(t, m.post(t, document, "multipart/mixed;subscriptionSpec=1.0, application/json"), token)
}

func (m *matrix) post(t *testing.T, document, accept string) *http.Request {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	return r
}

// read reads the result in a response: the whole of it, an event's data, or a part.
func (m *matrix) read(t *testing.T, r *http.Request, token string) answer {
	t.Helper()
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	text := string(m.Do(t, r).Body)
	if begin, end := strings.Index(text, "{"), strings.LastIndex(text, "}"); begin >= 0 && end > begin {
		text = text[begin : end+1]
	}
	return resultVerdict(t, []byte(text))
}

// resultVerdict reads the code of the first error of a result or of a list of errors.
func resultVerdict(t *testing.T, body []byte) answer {
	t.Helper()
	type failure struct{ Extensions struct{ Code string } }
	var result struct {
		Errors  []failure
		Payload struct{ Errors []failure }
	}
	var list []failure
	if json.Unmarshal(body, &list) != nil {
		_ = json.Unmarshal(body, &result) // what is neither has no error, and fails the comparison
		list = slices.Concat(result.Errors, result.Payload.Errors)
	}
	if len(list) == 0 {
		return answer{"ok", body}
	}
	return answer{list[0].Extensions.Code, body}
}

// bySocket sends the operation over one of the socket protocols.
func (m *matrix) bySocket(protocol subscriptiontest.Transport) func(*testing.T, string, string) answer {
	return func(t *testing.T, token, document string) answer {
		t.Helper()
		dialer := websocket.Dialer{Subprotocols: []string{string(protocol)}}
		conn, response, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(m.URL, "http")+"/graphql", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		defer func() { _ = conn.Close() }()
		start := map[subscriptiontest.Transport]string{subscriptiontest.WebSocket: "subscribe", subscriptiontest.LegacyWebSocket: "start"}[protocol]
		if err := conn.WriteJSON(map[string]any{"type": "connection_init", "payload": map[string]string{"Authorization": "Bearer " + token}}); err != nil {
			t.Fatal(err)
		}
		for {
			var message struct {
				Type    string
				Payload json.RawMessage
			}
			if err := conn.ReadJSON(&message); err != nil {
				return answer{verdict: closeVerdict(err)}
			}
			switch message.Type {
			case "connection_ack":
				if err := conn.WriteJSON(map[string]any{"id": "1", "type": start, "payload": map[string]string{"query": document}}); err != nil {
					t.Fatal(err)
				}
			case "next", "data", "error":
				return resultVerdict(t, message.Payload)
			}
		}
	}
}
