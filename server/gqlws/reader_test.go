package gqlws_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"luxbff/internal/testutil"
	"luxbff/server/gqlws"
)

// pongs makes the client note the payloads of the pongs it gets.
func (c *client) pongs() <-chan string {
	got := make(chan string, 16)
	c.conn.SetPongHandler(func(payload string) error {
		got <- payload
		return nil
	})
	return got
}

func (c *client) pingFrame(payload string) {
	c.t.Helper()
	if err := c.conn.WriteControl(websocket.PingMessage, []byte(payload), time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
}

func TestPingFramesAreAnswered(t *testing.T) {
	t.Parallel()
	c := setup(t, nil).connect(`{}`)
	got := c.pongs()
	payloads := []string{"", "x", strings.Repeat("y", 125)}
	for _, payload := range payloads {
		c.pingFrame(payload)
	}
	c.play(`
> {"type":"ping"}
< {"type":"pong"}`)
	for _, want := range payloads {
		if pong := <-got; pong != want {
			t.Errorf("pong %q, want %q", pong, want)
		}
	}
}

func TestPingFrameWithinAMessage(t *testing.T) {
	t.Parallel()
	c := setup(t, nil).connect(`{}`)
	got := c.pongs()
	message, err := c.conn.NextWriter(websocket.TextMessage)
	if err != nil {
		t.Fatal(err)
	}
	// More than the client's buffer makes a frame of its own.
	padding := bytes.Repeat([]byte(" "), 10_000)
	if _, err := message.Write(append([]byte(`{"type":`), padding...)); err != nil {
		t.Fatal(err)
	}
	c.pingFrame("within")
	if _, err := message.Write([]byte(`"ping"}`)); err != nil {
		t.Fatal(err)
	}
	if err := message.Close(); err != nil {
		t.Fatal(err)
	}
	c.expect(`{"type":"pong"}`)
	if pong := <-got; pong != "within" {
		t.Errorf("pong %q", pong)
	}
}

// TestPingFrameAfterAMessageLeftUnread: what is left of a binary message must not
// be taken for frames.
func TestPingFrameAfterAMessageLeftUnread(t *testing.T) {
	t.Parallel()
	c := setup(t, nil).dial(legacy)
	got := c.pongs()
	c.send(`{"type":"connection_init"}`)
	c.expect(`{"type":"connection_ack"}`)
	c.expect(`{"type":"ka"}`)
	pings := bytes.Repeat([]byte{0x89, 0x80, 0, 0, 0, 0}, 1000)
	if err := c.conn.WriteMessage(websocket.BinaryMessage, pings); err != nil {
		t.Fatal(err)
	}
	c.pingFrame("own")
	c.expect(`{"type":"connection_error","payload":{"message":"Only text messages are understood"}}`)
	c.send(`{"type":"start","id":"1","payload":{"query":"{ echo(text: \"x\") }"}}`)
	c.expect(`{"type":"data","id":"1","payload":{"data":{"echo":"x"}}}`)
	if pong := <-got; pong != "own" {
		t.Errorf("pong %q", pong)
	}
}

func TestMalformedControlFramesEndTheSocket(t *testing.T) {
	t.Parallel()
	for name, frame := range map[string][]byte{
		"ping without a mask":     {0x89, 0x00},
		"ping in parts":           {0x09, 0x80, 0, 0, 0, 0},
		"ping with an extension":  {0xc9, 0x80, 0, 0, 0, 0},
		"ping that is too long":   {0x89, 0xfe, 0, 200, 0, 0, 0, 0},
		"pong without a mask":     {0x8a, 0x00},
		"control of no known use": {0x8b, 0x80, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := setup(t, nil).connect(`{}`)
			if _, err := c.conn.NetConn().Write(frame); err != nil {
				t.Fatal(err)
			}
			if _, err := c.read(); !websocket.IsCloseError(err, websocket.CloseProtocolError) {
				t.Errorf("ends with %v", err)
			}
		})
	}
}

// TestIdleSocketsWaitOnSmallStacks: no frame leaves an idle socket on the goroutine
// that read it.
func TestIdleSocketsWaitOnSmallStacks(t *testing.T) { //nolint:paralleltest // counts the program's goroutines
	const sockets = 20
	b := setup(t, func(cfg *gqlws.Config) { cfg.PingInterval = time.Second })
	var pinged []chan struct{}
	for range sockets {
		c := b.connect(`{}`)
		c.send(feedFrame)
		answer := c.conn.PingHandler()
		first := make(chan struct{}, 1)
		pinged = append(pinged, first)
		c.conn.SetPingHandler(func(payload string) error {
			select {
			case first <- struct{}{}:
			default:
			}
			return answer(payload)
		})
		go c.drain()
	}
	for _, first := range pinged {
		<-first
	}
	b.await(feeds(sockets))
	testutil.WaitFor(t, "every socket waits for a frame", func() bool {
		return goroutinesIn("gqlws.(*socket).waitForFrame(") == sockets && goroutinesIn("gqlws.(*socket).readLoop(") == 0
	})
}

// drain answers the server's pings until the connection ends.
func (c *client) drain() {
	for {
		if _, _, err := c.conn.ReadMessage(); err != nil {
			return
		}
	}
}

// goroutinesIn counts the goroutines with the function on their stacks.
func goroutinesIn(function string) int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return strings.Count(string(stacks), function)
}
