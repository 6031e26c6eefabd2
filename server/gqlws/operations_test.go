package gqlws_test

import (
	"fmt"
	"strings"
	"testing"

	"luxbff/server/gqlws"
)

// TestOperationsBehindASubscription: what a client asks behind a subscription is
// answered when that has its start point. A client that subscribes and then reads
// its screens misses nothing between the two.
func TestOperationsBehindASubscription(t *testing.T) {
	t.Parallel()
	const rounds = 200
	for protocol, words := range map[string]struct{ start, next, complete, stop string }{
		modern: {"subscribe", "next", "complete", "complete"},
		legacy: {"start", "data", "complete", "stop"},
	} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			c := b.dial(protocol)
			c.send(`{"type":"connection_init"}`)
			c.expect(`{"type":"connection_ack"}`)
			if protocol == legacy {
				c.expect(`{"type":"ka"}`)
			}
			for i := range rounds {
				c.send(fmt.Sprintf(`{"id":"f%d","type":%q,"payload":{"query":"subscription { feed }"}}`, i, words.start))
				c.send(fmt.Sprintf(`{"id":"q%d","type":%q,"payload":{"query":"{ feeds }"}}`, i, words.start))
				c.expect(fmt.Sprintf(`{"id":"q%d","type":%q,"payload":{"data":{"feeds":1}}}`, i, words.next))
				c.expect(fmt.Sprintf(`{"id":"q%d","type":%q}`, i, words.complete))
				c.send(fmt.Sprintf(`{"id":"f%d","type":%q}`, i, words.stop))
				if protocol == legacy {
					c.expect(fmt.Sprintf(`{"id":"f%d","type":"complete"}`, i))
				}
				b.await(feeds(0))
			}
		})
	}
}

// TestUndispatchedLimit: behind a subscription that is slow to start, as many
// operations wait as may run, and as many more that the client has stopped.
func TestUndispatchedLimit(t *testing.T) {
	t.Parallel()
	const limit = 3
	b := setup(t, func(cfg *gqlws.Config) { cfg.OperationLimit = limit })
	c := b.connect(`{}`)
	c.send(`{"id":"slow","type":"subscribe","payload":{"query":"subscription { slow }"}}`)
	b.await(waits(1))
	for i := range 2*limit - 1 {
		c.send(fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":{"query":"{ echo(text: \"x\") }"}}`, i))
		c.send(fmt.Sprintf(`{"id":"%d","type":"complete"}`, i))
	}
	c.play(`
> {"id":"more","type":"subscribe","payload":{"query":"{ echo(text: \"x\") }"}}
< {"id":"more","type":"error","payload":[{"message":"Too many requests","extensions":{"code":"TOO_MANY_REQUESTS","status":429}}]}
> {"id":"slow","type":"complete"}`)
	for i := 0; ; i++ { // until those that wait are through
		c.send(fmt.Sprintf(`{"id":"again%d","type":"subscribe","payload":{"query":"{ echo(text: \"x\") }"}}`, i))
		got, err := c.read()
		if err != nil || !strings.Contains(got, `"error"`) {
			if want := fmt.Sprintf(`{"type":"next","id":"again%d","payload":{"data":{"echo":"x"}}}`, i); got != want {
				t.Errorf("got %s, %v; want %s", got, err, want)
			}
			return
		}
	}
}
