package gqlws_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"luxbff/internal/apperr"
)

const feedFrame = `{"id":"f","type":"subscribe","payload":{"query":"subscription { feed }"}}`

func TestNotifiedFeedLosesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	const readers, events = 8, 1000
	var wg sync.WaitGroup
	for range readers {
		c := b.connect(`{}`)
		c.send(feedFrame)
		wg.Go(func() {
			for i := range events {
				want := fmt.Sprintf(`{"type":"next","id":"f","payload":{"data":{"feed":"%d"}}}`, i)
				if got, err := c.read(); err != nil || got != want {
					t.Errorf("event %d: got %s, %v", i, got, err)
					return
				}
			}
		})
	}
	b.await(feeds(readers))
	for i := range events {
		b.schema.Board.Publish(fmt.Sprint(i))
	}
	wg.Wait()
}

func TestFeedNotifiesBeforeItIsDispatched(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.connect(`{}`)
	for round := range 200 {
		b.schema.Board.Preload(fmt.Sprint(round))
		c.send(feedFrame)
		c.expect(fmt.Sprintf(`{"type":"next","id":"f","payload":{"data":{"feed":"%d"}}}`, round))
		c.send(`{"type":"complete","id":"f"}`)
	}
}

func TestFeedCompletes(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.connect(`{}`)
	c.send(feedFrame)
	b.await(feeds(1))
	b.schema.Board.Publish("last")
	b.schema.Board.Finish(nil)
	c.expect(`{"type":"next","id":"f","payload":{"data":{"feed":"last"}}}`)
	c.expect(`{"type":"complete","id":"f"}`)
}

func TestFeedEndsWithAnError(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.connect(`{}`)
	c.send(strings.Replace(feedFrame, "feed", "feed(ends: true)", 1))
	b.await(feeds(1))
	b.schema.Board.Publish("last")
	b.schema.Board.Finish(apperr.CursorExpired.New())
	c.expect(`{"type":"next","id":"f","payload":{"data":{"feed":"last"}}}`)
	c.expect(`{"type":"error","id":"f","payload":[{"message":"Cursor expired","extensions":{"code":"CURSOR_EXPIRED","status":410}}]}`)
	c.send(`{"type":"ping"}`)
	c.expect(`{"type":"pong"}`)
}

func TestStoppedFeedIsSilent(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.connect(`{}`)
	c.send(feedFrame)
	b.await(feeds(1))
	c.send(`{"type":"complete","id":"f"}`)
	b.await(feeds(0))
	b.schema.Board.Publish("too late")
	c.send(`{"type":"ping"}`)
	c.expect(`{"type":"pong"}`)
}

func TestFeedsEndWithTheirSocket(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.connect(`{}`)
	c.send(feedFrame)
	c.send(`{"id":"w","type":"subscribe","payload":{"query":"{ wait }"}}`)
	b.await(feeds(1))
	b.await(waits(1))
	_ = c.conn.Close()
	b.await(feeds(0))
}
