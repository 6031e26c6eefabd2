package gqlws_test

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"luxbff/internal/apperr"
	"luxbff/server/gqlws"
)

// TestRandomClients lets clients of both protocols send valid frames in random
// order while the board publishes and sessions end. Nothing may be left of them: no
// connection, no feed, and (TestMain) no goroutine.
func TestRandomClients(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gqlws.Config) { cfg.OperationLimit = 4 })
	stop := make(chan struct{})
	var publisher, clients sync.WaitGroup
	publisher.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			b.schema.Board.Publish(strconv.Itoa(i))
			switch i % 50 {
			case 10:
				b.registry.CloseSession("u1", "s", apperr.Unauthenticated.New())
			case 20:
				b.schema.Board.Finish(apperr.CursorExpired.New())
			case 30:
				b.registry.CloseAccount("u2", apperr.UserIsDeleted.New())
			}
		}
	})
	for n := range 8 {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 1))
			for range 12 {
				b.runRandomClient(random)
			}
		})
	}
	clients.Wait()
	close(stop)
	publisher.Wait()
	b.awaitLen(0)
	b.await(feeds(0))
}

// runRandomClient sends random frames, valid ones in a random order, and leaves.
func (b *bench) runRandomClient(random *rand.Rand) {
	subprotocol, start, end := modern, "subscribe", "complete"
	if random.IntN(2) == 0 {
		subprotocol, start, end = legacy, "start", "stop"
	}
	dialer := websocket.Dialer{Subprotocols: []string{subprotocol}, HandshakeTimeout: patience}
	conn, answer, err := dialer.Dial("ws"+b.server.URL[len("http"):], nil)
	if err != nil {
		b.t.Error(err)
		return
	}
	_ = answer.Body.Close()
	defer func() { _ = conn.Close() }()
	user := "u" + strconv.Itoa(random.IntN(3))
	frames := []string{`{"type":"connection_init","payload":{"user":"` + user + `","session":"s"}}`}
	for range random.IntN(30) {
		frames = append(frames, randomFrame(random, start, end))
	}
	go func() {
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				return
			}
		}
	}()
	for _, frame := range frames {
		if conn.WriteMessage(websocket.TextMessage, []byte(frame)) != nil {
			return
		}
	}
}

func randomFrame(random *rand.Rand, start, end string) string {
	id := strconv.Itoa(random.IntN(6))
	queries := []string{"{ echo(text: \\\"x\\\") }", "{ wait }", "{ panic }", "{", "subscription { feed }", "subscription { feed(ends: true) }", "subscription { refused }", "subscription { count(to: 3) }"}
	switch pick := random.IntN(20); {
	case pick < 10:
		return `{"type":"` + start + `","id":"` + id + `","payload":{"query":"` + queries[random.IntN(len(queries))] + `"}}`
	case pick < 16:
		return `{"type":"` + end + `","id":"` + id + `"}`
	case pick < 19:
		return `{"type":"ping","payload":{"p":1}}`
	}
	return `{"type":"connection_init"}`
}
