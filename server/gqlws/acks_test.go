package gqlws_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"luxbff/internal/testutil/schematest"
	"luxbff/server/gqlws"
)

const resumedFrame = `{"id":"f","type":"subscribe","payload":{"query":"subscription { feed(resumed: true) }"}}`

// pingSoon has values acknowledged almost at once.
func pingSoon(cfg *gqlws.Config) { cfg.AckDelay = time.Millisecond }

// resumed is a socket with a feed that wants acknowledgements; its first value has
// been read.
func (b *bench) resumed() *client {
	b.t.Helper()
	c := b.connect(`{}`)
	c.send(resumedFrame)
	b.await(feeds(1))
	b.schema.Board.Publish("a")
	c.expect(`{"id":"f","type":"next","payload":{"data":{"feed":"a"},"extensions":{"recovered":true}}}`)
	return c
}

// next publishes a value and reads it with the ping that follows.
func (c *client) next(b *bench, text string, ping int) {
	b.t.Helper()
	b.schema.Board.Publish(text)
	c.expect(fmt.Sprintf(`{"id":"f","type":"next","payload":{"data":{"feed":%q}}}`, text))
	c.expectPing(ping)
}

func (c *client) expectPing(number int) {
	c.t.Helper()
	c.expect(fmt.Sprintf(`{"type":"ping","payload":{"number":%d}}`, number))
}

// awaitPong makes sure that the server has taken in all that was sent.
func (c *client) awaitPong() {
	c.t.Helper()
	c.send(`{"type":"ping","payload":{"all":"read"}}`)
	c.expect(`{"type":"pong","payload":{"all":"read"}}`)
}

func (b *bench) expectAcked(want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.schema.Board.Acked()); diff != "" {
		b.t.Fatalf("acknowledged (-want +got):\n%s", diff)
	}
}

func TestPongAcknowledgesWhatWasSentBeforeItsPing(t *testing.T) {
	t.Parallel()
	for name, pong := range map[string]string{
		"with our payload": `{"type":"pong","payload":{"number":%d}}`,
		"bare":             `{"type":"pong"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, pingSoon)
			c := b.resumed()
			c.expectPing(1)
			c.next(b, "b", 2)
			c.next(b, "c", 3)
			b.expectAcked()
			for i, want := range [][]string{{"a"}, {"a", "b"}, {"a", "b", "c"}} {
				c.send(strings.ReplaceAll(pong, "%d", fmt.Sprint(i+1)))
				c.awaitPong()
				b.expectAcked(want...)
			}
		})
	}
}

func TestOnePingForManyValues(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gqlws.Config) { cfg.AckDelay = 3 * time.Second })
	c := b.resumed()
	for _, text := range []string{"b", "c"} {
		b.schema.Board.Publish(text)
		c.expect(fmt.Sprintf(`{"id":"f","type":"next","payload":{"data":{"feed":%q}}}`, text))
	}
	c.expectPing(1)
	c.send(`{"type":"pong","payload":{"number":1}}`)
	c.awaitPong()
	b.expectAcked("c")
}

// TestPingFollowsManyValuesAtOnce: where many values come, none waits for the
// delay.
func TestPingFollowsManyValuesAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gqlws.Config) { cfg.AckDelay = time.Hour })
	c := b.resumed()
	for i := range 15 {
		b.schema.Board.Publish(fmt.Sprint(i))
		c.expect(fmt.Sprintf(`{"id":"f","type":"next","payload":{"data":{"feed":"%d"}}}`, i))
	}
	c.expectPing(1)
	c.send(`{"type":"pong","payload":{"number":1}}`)
	c.awaitPong()
	b.expectAcked("14")
}

func TestPongsThatAcknowledgeNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, pingSoon)
	c := b.connect(`{}`)
	c.send(`{"type":"pong"}`) // a heartbeat before there was a ping
	c.send(resumedFrame)
	b.await(feeds(1))
	b.schema.Board.Publish("a")
	c.expect(`{"id":"f","type":"next","payload":{"data":{"feed":"a"},"extensions":{"recovered":true}}}`)
	c.expectPing(1)
	for _, number := range []string{"2", "-1", "1e99"} { // which we never asked with
		c.send(`{"type":"pong","payload":{"number":` + number + `}}`)
	}
	c.awaitPong()
	b.expectAcked()
	for _, number := range []string{`"1"`, "null"} { // no numbers: such a pong counts as bare
		c.send(`{"type":"pong","payload":{"number":` + number + `}}`)
	}
	c.awaitPong()
	b.expectAcked("a")
	c.next(b, "b", 2)
	c.send(`{"type":"pong","payload":{"number":2}}`)
	c.next(b, "c", 3)
	// This client sends our payload back: its bare pongs are heartbeats.
	c.send(`{"type":"pong"}`)
	c.awaitPong()
	b.expectAcked("a", "b")
	c.send(`{"type":"pong","payload":{"number":3}}`)
	c.awaitPong()
	b.expectAcked("a", "b", "c")
}

// TestPongFrameAcknowledgesInTheOlderProtocol: the client library answers ping
// frames by itself, with the data they had.
func TestPongFrameAcknowledgesInTheOlderProtocol(t *testing.T) {
	t.Parallel()
	b := setup(t, pingSoon)
	c := b.dial(legacy)
	pinged := make(chan string, 10)
	c.conn.SetPingHandler(func(data string) error {
		pinged <- data
		return nil
	})
	go func() { // control frames are met while messages are read
		for {
			if _, err := c.read(); err != nil {
				return
			}
		}
	}()
	pong := func(data string) {
		if err := c.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(patience)); err != nil {
			t.Error(err)
		}
	}
	c.send(`{"type":"connection_init"}`)
	c.send(strings.Replace(resumedFrame, "subscribe", "start", 1))
	b.await(feeds(1))
	b.schema.Board.Publish("a")
	first := <-pinged
	b.schema.Board.Publish("b")
	second := <-pinged
	for _, nonsense := range []string{"", "x", "-1", "99", "99999999999"} {
		pong(nonsense)
	}
	pong(first)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	acked := func(want ...string) func(schematest.State) bool {
		return func(s schematest.State) bool { return slices.Equal(s.Acked, want) }
	}
	if err := b.schema.Board.Await(ctx, acked("a")); err != nil {
		b.expectAcked("a")
	}
	pong(second)
	if err := b.schema.Board.Await(ctx, acked("a", "b")); err != nil {
		b.expectAcked("a", "b")
	}
}

// TestClientThatAnswersNoPing makes the server remember eight pings and no more;
// after the next pong it pings again.
func TestClientThatAnswersNoPing(t *testing.T) {
	t.Parallel()
	b := setup(t, pingSoon)
	c := b.resumed()
	c.expectPing(1)
	for i := 2; i <= 8; i++ {
		c.next(b, fmt.Sprint(i), i)
	}
	for _, text := range []string{"9", "10", "11"} {
		b.schema.Board.Publish(text)
		c.expect(fmt.Sprintf(`{"id":"f","type":"next","payload":{"data":{"feed":%q}}}`, text))
	}
	c.awaitPong() // and no ping came before
	c.send(`{"type":"pong","payload":{"number":8}}`)
	c.expectPing(9)
	b.expectAcked("a", "2", "3", "4", "5", "6", "7", "8")
	c.send(`{"type":"pong","payload":{"number":9}}`)
	c.awaitPong()
	b.expectAcked("a", "2", "3", "4", "5", "6", "7", "8", "11")
}

func TestStoppedFeedIsAcknowledgedToo(t *testing.T) {
	t.Parallel()
	b := setup(t, pingSoon)
	c := b.resumed()
	c.expectPing(1)
	c.send(`{"type":"complete","id":"f"}`)
	b.await(feeds(0))
	c.send(`{"type":"pong","payload":{"number":1}}`)
	c.awaitPong()
	b.expectAcked("a")
}
