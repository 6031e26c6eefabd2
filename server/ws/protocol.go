package ws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// verb is what an inbound message asks for, whatever its protocol calls it.
type verb uint8

const (
	verbUnknown verb = iota
	verbInit
	verbStart
	verbStop
	verbPing
	verbPong
	verbTerminate
)

// protocol is one of the two subprotocols: the names of its messages and the
// few points in which they behave differently.
type protocol struct {
	name  string
	verbs map[string]verb
	// next, failed and complete are the message types about an operation.
	next, failed, complete string
	// keepAlive is sent at every ping interval, besides a ping frame.
	keepAlive []byte
	// question asks the client to answer with the number, which tells that all
	// that was sent before has arrived: a ping message, or a ping frame in the
	// older protocol, which has no such message.
	question func(number uint32) (kind int, data []byte)
	// legacy is how subscriptions-transport-ws differs: malformed messages are
	// answered and then ignored, a refusal is a connection_error before the
	// close, an operation may come before the ack and waits for it, a used id
	// replaces its operation, a stop is answered by a complete, an error is one
	// object, and the ack is followed by a keep-alive.
	legacy bool
}

func transportWS() *protocol {
	return &protocol{
		name: "graphql-transport-ws",
		verbs: map[string]verb{
			"connection_init": verbInit,
			"subscribe":       verbStart,
			"complete":        verbStop,
			"ping":            verbPing,
			"pong":            verbPong,
		},
		next: "next", failed: "error", complete: "complete",
		keepAlive: []byte(`{"type":"ping"}`),
		question: func(number uint32) (int, []byte) {
			return websocket.TextMessage, fmt.Appendf(nil, `{"type":"ping","payload":{"number":%d}}`, number)
		},
	}
}

func legacyWS() *protocol {
	return &protocol{
		name: "graphql-ws",
		verbs: map[string]verb{
			"connection_init":      verbInit,
			"start":                verbStart,
			"stop":                 verbStop,
			"connection_terminate": verbTerminate,
		},
		next: "data", failed: "error", complete: "complete",
		keepAlive: []byte(`{"type":"ka"}`),
		question: func(number uint32) (int, []byte) {
			return websocket.PingMessage, strconv.AppendUint(nil, uint64(number), 10)
		},
		legacy: true,
	}
}

// message is an inbound frame.
type message struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// badMessage is why a message can't be understood: the reason for 4400.
type badMessage string

func (m badMessage) Error() string { return string(m) }

const (
	errNotJSON   badMessage = "Message is not a JSON object of the protocol"
	errType      badMessage = "Message type is unknown"
	errID        badMessage = "Message needs an id"
	errPayload   badMessage = "Message payload is malformed"
	errNotText   badMessage = "Only text messages are understood"
	errQuery     badMessage = "Message payload needs a query"
	errObject    badMessage = "Message payload must be an object"
	errVariables badMessage = "Message payload has malformed variables"
)

// decode reads a frame. Its error is a badMessage.
func (p *protocol) decode(frame []byte) (verb, message, error) {
	var m message
	if len(bytes.TrimSpace(frame)) == 0 || json.Unmarshal(frame, &m) != nil {
		return verbUnknown, m, errNotJSON
	}
	kind := p.verbs[m.Type]
	switch {
	case kind == verbUnknown:
		return kind, m, errType
	case (kind == verbStart || kind == verbStop) && m.ID == "":
		return kind, m, errID
	}
	return kind, m, nil
}

// object decodes an optional payload that must be an object.
func object(payload json.RawMessage) (map[string]any, error) {
	if len(payload) == 0 {
		return nil, nil //nolint:nilnil // no payload is no error
	}
	var fields map[string]any
	if json.Unmarshal(payload, &fields) != nil {
		return nil, errObject
	}
	return fields, nil
}

// parameters decodes the payload of an operation. A query may be missing only
// where extensions can name a persisted one.
func parameters(payload json.RawMessage) (*graphql.RawParams, error) {
	params := &graphql.RawParams{}
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	if err := decoder.Decode(params); err != nil {
		var mismatch *json.UnmarshalTypeError
		if errors.As(err, &mismatch) && mismatch.Field == "variables" {
			return nil, errVariables
		}
		return nil, errPayload
	}
	if params.Query == "" && params.Extensions == nil {
		return nil, errQuery
	}
	return params, nil
}

// frame encodes a message; a nil payload is left out, and so is an empty id.
// The id comes quoted.
func frame(kind string, quotedID, payload []byte) []byte {
	out := make([]byte, 0, len(kind)+len(quotedID)+len(payload)+32)
	out = append(out, `{"type":"`...)
	out = append(out, kind...)
	out = append(out, '"')
	if len(quotedID) > 0 {
		out = append(out, `,"id":`...)
		out = append(out, quotedID...)
	}
	if payload != nil {
		out = append(out, `,"payload":`...)
		out = append(out, payload...)
	}
	return append(out, '}')
}

// encode gives a response as JSON. The executor's data is valid JSON already,
// so the usual response isn't walked through a second time.
func encode(r *graphql.Response) ([]byte, error) {
	if len(r.Errors) > 0 || len(r.Extensions) > 0 || r.HasNext != nil || r.Label != "" || len(r.Path) > 0 || r.Data == nil {
		return json.Marshal(r)
	}
	out := make([]byte, 0, len(r.Data)+len(`{"data":}`))
	out = append(out, `{"data":`...)
	out = append(out, r.Data...)
	return append(out, '}'), nil
}

// failure encodes the errors of an operation that was refused.
func (p *protocol) failure(errs gqlerror.List) ([]byte, error) {
	if p.legacy && len(errs) > 0 {
		return json.Marshal(errs[0])
	}
	return json.Marshal(errs)
}

// quote is text as a JSON string.
func quote(text string) []byte {
	quoted, _ := json.Marshal(text) // a string always encodes
	return quoted
}
