package gqlws

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/server/gqlhttp"
	"luxbff/server/gqlstream"
)

// action is what an inbound message asks for, whatever its protocol calls it.
type action uint8

const (
	actionUnknown action = iota
	actionInit
	actionStart
	actionStop
	actionPing
	actionPong
	actionTerminate
)

// protocol is one of the two subprotocols: the names of its messages and the few
// points in which they behave differently.
type protocol struct {
	name    string
	actions map[string]action
	// next, failed and complete are the message types about an operation.
	next, failed, complete string
	// keepAlive is sent at every ping interval, besides a ping frame.
	keepAlive []byte
	// ackPing asks the client to send the number back, which tells that all that
	// was sent before has arrived: a ping message, or a ping frame in the older
	// protocol, which has no such message.
	ackPing func(number uint32) (kind int, data []byte)
	// legacy is how subscriptions-transport-ws differs: malformed messages are
	// answered and then ignored, a refusal is a connection_error before the close,
	// an operation may come before the ack and waits for it, a used id replaces its
	// operation, a stop is answered by a complete, an error is one object, and the
	// ack is followed by a keep-alive.
	legacy bool
}

func transportWS() *protocol {
	return &protocol{
		name: "graphql-transport-ws",
		actions: map[string]action{
			"connection_init": actionInit,
			"subscribe":       actionStart,
			"complete":        actionStop,
			"ping":            actionPing,
			"pong":            actionPong,
		},
		next: "next", failed: "error", complete: "complete",
		keepAlive: []byte(`{"type":"ping"}`),
		ackPing: func(number uint32) (int, []byte) {
			return websocket.TextMessage, fmt.Appendf(nil, `{"type":"ping","payload":{"number":%d}}`, number)
		},
	}
}

func legacyWS() *protocol {
	return &protocol{
		name: "graphql-ws",
		actions: map[string]action{
			"connection_init":      actionInit,
			"start":                actionStart,
			"stop":                 actionStop,
			"connection_terminate": actionTerminate,
		},
		next: "data", failed: "error", complete: "complete",
		keepAlive: []byte(`{"type":"ka"}`),
		ackPing: func(number uint32) (int, []byte) {
			return websocket.PingMessage, strconv.AppendUint(nil, uint64(number), 10)
		},
		legacy: true,
	}
}

// message is an inbound message.
type message struct {
	ID, Type string
	Payload  json.RawMessage
}

const (
	errNotJSON gqlstream.MalformedError = "Message is not a JSON object of the protocol"
	errType    gqlstream.MalformedError = "Message type is unknown"
	errID      gqlstream.MalformedError = "Message needs an id"
	errNotText gqlstream.MalformedError = "Only text messages are understood"
	errObject  gqlstream.MalformedError = "Message payload must be an object"
)

// decode reads a message. Its error is a MalformedError.
func (p *protocol) decode(data []byte) (action, message, error) {
	var m message
	members := map[string]any{"id": &m.ID, "type": &m.Type, "payload": &m.Payload}
	if gqlhttp.DecodeObject(data, members) != nil {
		return actionUnknown, m, errNotJSON
	}
	asked := p.actions[m.Type]
	switch {
	case asked == actionUnknown:
		return asked, m, errType
	case (asked == actionStart || asked == actionStop) && m.ID == "":
		return asked, m, errID
	}
	return asked, m, nil
}

// decodeObject decodes an optional payload that must be an object.
func decodeObject(payload json.RawMessage) (map[string]any, error) {
	if len(payload) == 0 {
		return nil, nil //nolint:nilnil // no payload is no error
	}
	var fields map[string]any
	if json.Unmarshal(payload, &fields) != nil {
		return nil, errObject
	}
	return fields, nil
}

// encodeMessage leaves out a nil payload, and so an empty id. The id comes quoted.
// It puts the parts together by hand for the reason given at
// gqlstream.EncodeResponse.
func encodeMessage(messageType string, quotedID, payload []byte) []byte {
	out := make([]byte, 0, len(messageType)+len(quotedID)+len(payload)+32)
	out = append(out, `{"type":"`...)
	out = append(out, messageType...)
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

// encodeErrors encodes the errors of an operation that was refused.
func (p *protocol) encodeErrors(errs gqlerror.List) ([]byte, error) {
	if p.legacy && len(errs) > 0 {
		return json.Marshal(errs[0])
	}
	return json.Marshal(errs)
}

// encodeExpiry is the payload of the pong that answers a re-authentication.
func encodeExpiry(at time.Time) []byte {
	if at.IsZero() {
		return []byte(`{"expiresAt":null}`)
	}
	return []byte(`{"expiresAt":"` + at.UTC().Format("2006-01-02T15:04:05.000Z07:00") + `"}`)
}

// connectionError tells a client of the older protocol what is wrong.
func connectionError(reason string) []byte {
	payload, _ := json.Marshal(map[string]string{"message": reason}) // strings always encode
	return encodeMessage("connection_error", nil, payload)
}

// quote is text as a JSON string.
func quote(text string) []byte {
	quoted, _ := json.Marshal(text) // a string always encodes
	return quoted
}
