package gqlws_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"luxbff/server/gqlstream"
	"luxbff/server/gqlws"
)

// A script is what goes over the wire: "> frame" from the client, "< frame" from
// the server, "b frame" as a binary message, "x code reason" the close.
type script struct {
	name         string
	subprotocols []string
	lines        string
}

const greeting = `
> {"type":"connection_init"}
< {"type":"connection_ack"}`

func modernScripts() []script {
	return []script{
		{"query", nil, greeting + `
> {"id":"1","type":"subscribe","payload":{"query":"{ echo(text: \"<hi>\") }"}}
< {"id":"1","type":"next","payload":{"data":{"echo":"<hi>"}}}
< {"id":"1","type":"complete"}`},
		{"mutation with variables", nil, greeting + `
> {"id":"m","type":"subscribe","payload":{"operationName":"A","query":"mutation A($n: Int!) { add(n: $n) }","variables":{"n":41},"extensions":null}}
< {"id":"m","type":"next","payload":{"data":{"add":42}}}
< {"id":"m","type":"complete"}`},
		{"subscription, then its id again", nil, greeting + `
> {"id":"s","type":"subscribe","payload":{"query":"subscription { count(to: 2) }"}}
< {"id":"s","type":"next","payload":{"data":{"count":1}}}
< {"id":"s","type":"next","payload":{"data":{"count":2}}}
< {"id":"s","type":"complete"}
> {"id":"s","type":"subscribe","payload":{"query":"subscription { count(to: 1) }"}}
< {"id":"s","type":"next","payload":{"data":{"count":1}}}
< {"id":"s","type":"complete"}`},
		{"id again after the client's complete", nil, greeting + `
> {"id":"s","type":"subscribe","payload":{"query":"subscription { feed }"}}
> {"id":"s","type":"complete"}
> {"id":"s","type":"subscribe","payload":{"query":"{ echo(text: \"x\") }"}}
< {"id":"s","type":"next","payload":{"data":{"echo":"x"}}}
< {"id":"s","type":"complete"}`},
		{"operations in parallel", nil, greeting + `
> {"id":"f","type":"subscribe","payload":{"query":"subscription { feed }"}}
> {"id":"w","type":"subscribe","payload":{"query":"{ wait }"}}
> {"id":"q","type":"subscribe","payload":{"query":"{ echo(text: \"x\") }"}}
< {"id":"q","type":"next","payload":{"data":{"echo":"x"}}}
< {"id":"q","type":"complete"}
> {"id":"w","type":"complete"}
> {"id":"unknown","type":"complete"}
> {"type":"ping"}
< {"type":"pong"}`},
		{"validation error", nil, greeting + `
> {"id":"1","type":"subscribe","payload":{"query":"{ nothing }"}}
< {"id":"1","type":"error","payload":[{"message":"Cannot query field \"nothing\" on type \"Query\".","locations":[{"line":1,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED","status":400}}]}
> {"id":"1","type":"subscribe","payload":{"query":"{ echo(text: \"x\") }"}}
< {"id":"1","type":"next","payload":{"data":{"echo":"x"}}}
< {"id":"1","type":"complete"}`},
		{"resolver error, presented", nil, greeting + `
> {"id":"1","type":"subscribe","payload":{"query":"{ refuse }"}}
< {"id":"1","type":"next","payload":{"data":{"refuse":null},"errors":[{"message":"Not Found Device","extensions":{"code":"NOT_FOUND_DEVICE","field":"input.deviceId","status":404}}]}}
< {"id":"1","type":"complete"}`},
		{"subscription refused by its resolver", nil, greeting + `
> {"id":"1","type":"subscribe","payload":{"query":"subscription { refused }"}}
< {"id":"1","type":"next","payload":{"data":null,"errors":[{"message":"Cursor not valid","extensions":{"code":"CURSOR_NOT_VALID","field":"after","status":400}}]}}
< {"id":"1","type":"complete"}`},
		{"panic outside the resolvers", nil, greeting + `
> {"id":"1","type":"subscribe","payload":{"query":"{ panic }"}}
< {"id":"1","type":"error","payload":[{"message":"Internal server error. Please try again later.","extensions":{"code":"INTERNAL","status":500}}]}`},
		{"ack payload", nil, `
> {"type":"connection_init","payload":{"ack":"you"}}
< {"type":"connection_ack","payload":{"hello":"you","path":"/graphql"}}`},
		{"ping and pong at any time", nil, `
> {"type":"ping","payload":{"n":1}}
< {"type":"pong","payload":{"n":1}}
> {"type":"pong"}
> {"type":"connection_init","payload":null}
< {"type":"connection_ack"}
> {"type":"pong","payload":{}}
> {"type":"ping"}
< {"type":"pong"}`},
		{"4400 not JSON", nil, `
> what
x 4400 Message is not a JSON object of the protocol`},
		{"4400 empty", nil, `
> 
x 4400 Message is not a JSON object of the protocol`},
		{"4400 array", nil, `
> [1]
x 4400 Message is not a JSON object of the protocol`},
		{"4400 another case of a member", nil, `
> {"Type":"connection_init"}
x 4400 Message type is unknown`},
		{"4400 another case of the id", nil, greeting + `
> {"ID":"1","type":"subscribe","payload":{"query":"{ refuse }"}}
x 4400 Message needs an id`},
		{"4400 another case of the query", nil, greeting + `
> {"id":"1","type":"subscribe","payload":{"Query":"{ refuse }"}}
x 4400 Message payload needs a query`},
		{"other members", nil, `
> {"TYPE":"ping","type":"connection_init","Payload":1,"more":{"type":"x"}}
< {"type":"connection_ack"}`},
		{"4400 numeric id", nil, greeting + `
> {"id":1,"type":"subscribe","payload":{"query":"{ refuse }"}}
x 4400 Message is not a JSON object of the protocol`},
		{"4400 unknown type", nil, `
> {"type":"start","id":"1"}
x 4400 Message type is unknown`},
		{"4400 no type", nil, `
> {"id":"1"}
x 4400 Message type is unknown`},
		{"4400 no id", nil, greeting + `
> {"type":"subscribe","payload":{"query":"{ refuse }"}}
x 4400 Message needs an id`},
		{"4400 no payload", nil, greeting + `
> {"id":"1","type":"subscribe"}
x 4400 Message payload is malformed`},
		{"4400 no query", nil, greeting + `
> {"id":"1","type":"subscribe","payload":{"variables":{}}}
x 4400 Message payload needs a query`},
		{"4400 variables", nil, greeting + `
> {"id":"1","type":"subscribe","payload":{"query":"{ refuse }","variables":[]}}
x 4400 Message payload has malformed variables`},
		{"4400 init payload", nil, `
> {"type":"connection_init","payload":"token"}
x 4400 Message payload must be an object`},
		{"4400 ping payload", nil, `
> {"type":"ping","payload":1}
x 4400 Message payload must be an object`},
		{"4400 binary", nil, `
b {"type":"connection_init"}
x 4400 Only text messages are understood`},
		{"4401 operation without init", nil, `
> {"id":"1","type":"subscribe","payload":{"query":"{ refuse }"}}
x 4401 Unauthorized`},
		{"4403 refused", nil, `
> {"type":"connection_init","payload":{"as":"nobody"}}
x 4403 Could not validate credentials`},
		{"4403 old token", nil, `
> {"type":"connection_init","payload":{"as":"expired"}}
x 4403 Token is expired`},
		{"1013 for what is not the client's fault", nil, `
> {"type":"connection_init","payload":{"as":"broken"}}
x 1013 Internal server error. Please try again later.`},
		{"1011 panic in a hook", nil, `
> {"type":"connection_init","payload":{"as":"panic"}}
x 1011 Internal server error. Please try again later.`},
		{"4406 none offered", []string{}, `
x 4406 Subprotocol not acceptable`},
		{"the newer of two", []string{legacy, modern}, greeting + `
> {"type":"ping"}
< {"type":"pong"}`},
		{"4409", nil, greeting + `
> {"id":"dup","type":"subscribe","payload":{"query":"subscription { feed }"}}
> {"id":"dup","type":"subscribe","payload":{"query":"{ refuse }"}}
x 4409 Subscriber for dup already exists`},
		{"4409 with a long id", nil, greeting + `
> {"id":"ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé","type":"subscribe","payload":{"query":"subscription { feed }"}}
> {"id":"ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé","type":"subscribe","payload":{"query":"{ refuse }"}}
x 4409 Subscriber for ` + strings.Repeat("é", 54)},
		{"4429", nil, greeting + `
> {"type":"connection_init"}
x 4429 Too many initialisation requests`},
	}
}

func legacyScripts() []script {
	const greeting = `
> {"type":"connection_init","payload":{}}
< {"type":"connection_ack"}
< {"type":"ka"}`
	return []script{
		{"query", nil, greeting + `
> {"id":"1","type":"start","payload":{"query":"{ echo(text: \"hi\") }"}}
< {"id":"1","type":"data","payload":{"data":{"echo":"hi"}}}
< {"id":"1","type":"complete"}`},
		{"subscription", nil, greeting + `
> {"id":"s","type":"start","payload":{"query":"subscription { count(to: 2) }"}}
< {"id":"s","type":"data","payload":{"data":{"count":1}}}
< {"id":"s","type":"data","payload":{"data":{"count":2}}}
< {"id":"s","type":"complete"}`},
		{"stop is answered", nil, greeting + `
> {"id":"s","type":"start","payload":{"query":"subscription { feed }"}}
> {"id":"s","type":"stop"}
< {"id":"s","type":"complete"}
> {"id":"s","type":"stop"}
> {"id":"s","type":"start","payload":{"query":"{ echo(text: \"x\") }"}}
< {"id":"s","type":"data","payload":{"data":{"echo":"x"}}}
< {"id":"s","type":"complete"}`},
		{"a used id replaces", nil, greeting + `
> {"id":"s","type":"start","payload":{"query":"subscription { feed }"}}
> {"id":"s","type":"start","payload":{"query":"{ echo(text: \"x\") }"}}
< {"id":"s","type":"data","payload":{"data":{"echo":"x"}}}
< {"id":"s","type":"complete"}`},
		{"validation error is one object", nil, greeting + `
> {"id":"1","type":"start","payload":{"query":"{"}}
< {"id":"1","type":"error","payload":{"message":"Expected Name, found <EOF>","locations":[{"line":1,"column":2}],"extensions":{"code":"GRAPHQL_PARSE_FAILED","status":400}}}`},
		{"resolver error", nil, greeting + `
> {"id":"1","type":"start","payload":{"query":"{ refuse }"}}
< {"id":"1","type":"data","payload":{"data":{"refuse":null},"errors":[{"message":"Not Found Device","extensions":{"code":"NOT_FOUND_DEVICE","field":"input.deviceId","status":404}}]}}
< {"id":"1","type":"complete"}`},
		{"malformed is answered and ignored", nil, `
> what
< {"type":"connection_error","payload":{"message":"Message is not a JSON object of the protocol"}}
> {"type":"subscribe"}
< {"type":"connection_error","payload":{"message":"Message type is unknown"}}
b {}
< {"type":"connection_error","payload":{"message":"Only text messages are understood"}}` + greeting + `
> {"type":"start","payload":{}}
< {"type":"connection_error","payload":{"message":"Message needs an id"}}`},
		{"refused", nil, `
> {"type":"connection_init","payload":{"as":"nobody"}}
< {"type":"connection_error","payload":{"message":"Could not validate credentials"}}
x 4403 Could not validate credentials`},
		{"4401", nil, `
> {"id":"1","type":"start","payload":{"query":"{ refuse }"}}
x 4401 Unauthorized`},
		{"4429", nil, greeting + `
> {"type":"connection_init"}
x 4429 Too many initialisation requests`},
		{"terminate", nil, greeting + `
> {"type":"connection_terminate"}
x 1000 `},
	}
}

func TestModernProtocol(t *testing.T) {
	t.Parallel()
	play(t, modern, modernScripts())
}

func TestLegacyProtocol(t *testing.T) {
	t.Parallel()
	play(t, legacy, legacyScripts())
}

func play(t *testing.T, subprotocol string, scripts []script) {
	t.Helper()
	b := setup(t, nil)
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			offered := s.subprotocols
			if offered == nil {
				offered = []string{subprotocol}
			}
			one := *b
			one.t = t
			one.dial(offered...).play(s.lines)
		})
	}
}

func (c *client) play(lines string) {
	c.t.Helper()
	for line := range strings.SplitSeq(strings.TrimPrefix(lines, "\n"), "\n") {
		mark, rest, _ := strings.Cut(line, " ")
		switch mark {
		case ">":
			c.send(rest)
		case "b":
			if err := c.conn.WriteMessage(websocket.BinaryMessage, []byte(rest)); err != nil {
				c.t.Fatal(err)
			}
		case "<":
			c.expect(rest)
		case "x":
			code, reason, _ := strings.Cut(rest, " ")
			number, err := strconv.Atoi(code)
			if err != nil {
				c.t.Fatal(err)
			}
			c.expectClose(number, reason)
		default:
			c.t.Fatalf("unknown line %q", line)
		}
	}
}

func TestLegacyClientsDoNotWaitForTheAck(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	b := setup(t, func(cfg *gqlws.Config) {
		cfg.Init = func(context.Context, gqlstream.InitPayload, *http.Request) (gqlstream.Session, error) {
			<-release
			return gqlstream.Session{}, nil
		}
	})
	c := b.dial(legacy)
	c.play(`
> {"type":"connection_init"}
> {"id":"1","type":"start","payload":{"query":"{ echo(text: \"x\") }"}}
> {"id":"2","type":"start","payload":{"query":"subscription { feed }"}}
> {"id":"3","type":"start","payload":{"query":"subscription { feed }"}}
> {"id":"3","type":"start","payload":{"query":"{ wait }"}}
> {"id":"2","type":"stop"}
< {"id":"2","type":"complete"}`)
	close(release)
	c.play(`
< {"type":"connection_ack"}
< {"type":"ka"}
< {"id":"1","type":"data","payload":{"data":{"echo":"x"}}}
< {"id":"1","type":"complete"}`)
	b.await(waits(1))
	b.await(feeds(0))
}

func TestInitTimeout(t *testing.T) {
	t.Parallel()
	for _, subprotocol := range []string{modern, legacy} {
		b := setup(t, func(cfg *gqlws.Config) { cfg.InitTimeout = 1 })
		b.dial(subprotocol).expectClose(4408, "Connection initialisation timeout")
	}
}

func TestMessageLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gqlws.Config) { cfg.MessageLimit = 1000 })
	b.dial(modern).play(fmt.Sprintf(`> {"type":"ping","payload":{"p":%q}}`, strings.Repeat("x", 1000)) + "\nx 1009 Message is too big")
	c := b.connect(`{}`)
	c.send(fmt.Sprintf(`{"type":"ping","payload":{"p":%q}}`, strings.Repeat("x", 900)))
	if _, err := c.read(); err != nil {
		t.Fatalf("a message within the limit: %v", err)
	}
	c.send(fmt.Sprintf(`{"type":"ping","payload":{"p":%q}}`, strings.Repeat("x", 1000)))
	c.expectClose(1009, "Message is too big")
}

func TestMessageLimitBeforeTheAck(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	long := strings.Repeat("x", 64<<10)
	b.dial(modern).play(fmt.Sprintf(`> {"type":"ping","payload":{"p":%q}}`, long) + "\nx 1009 Message is too big")
	c := b.connect(`{}`)
	c.send(fmt.Sprintf(`{"type":"ping","payload":{"p":%q}}`, long))
	if _, err := c.read(); err != nil {
		t.Fatalf("the same after the ack: %v", err)
	}
}
