package gqlws_test

import (
	"context"
	"testing"
	"time"

	"luxbff/internal/apperr"
	"luxbff/internal/testutil"
	"luxbff/server/gqlws"
)

// patiently never closes a connection before everything is answered.
func patiently(cfg *gqlws.Config) { cfg.AnswerTimeout = time.Hour }

// TestMutationThatEndsItsSessionIsAnswered: its connection is closed before the mutation
// has its answer, which comes all the same, and then the end.
func TestMutationThatEndsItsSessionIsAnswered(t *testing.T) {
	t.Parallel()
	for _, how := range []struct {
		name string
		end  func(*bench)
	}{
		{"the session", func(b *bench) { b.registry.CloseSession("a", "1", apperr.Unauthenticated.New()) }},
		{"the account", func(b *bench) { b.registry.CloseAccount("a", apperr.Unauthenticated.New()) }},
		{"both, and the server", func(b *bench) {
			b.registry.CloseSession("a", "1", apperr.Unauthenticated.New())
			b.registry.CloseAccount("a", apperr.UserIsDeleted.New())
			go func() { _ = b.registry.Shutdown(context.Background()) }()
			testutil.WaitFor(b.t, "the server stops", b.registry.Draining)
		}},
	} {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			overAll(t, patiently, func(b *bench, w transport) {
				b.schema.OnSignOut = func() { how.end(b) }
				next, leave := w.open(b, login{user: "a", session: "1"}, `mutation { signOut }`)
				b.expect(next, data(`{"signOut":true}`), complete())
				leave()
				b.awaitLen(0)
			})
		})
	}
}

// TestSocketClosesBehindTheAnswer: what else runs is answered as well, feeds end at
// once, and nothing begins any more.
func TestSocketClosesBehindTheAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t, patiently)
	b.schema.OnSignOut = func() { b.registry.CloseSession("a", "1", apperr.Unauthenticated.New()) }
	for _, s := range []struct{ subprotocol, start, next, stop, stopped string }{
		{modern, "subscribe", "next", "complete", ""},
		{legacy, "start", "data", "stop", "\n" + `< {"id":"w","type":"complete"}`},
	} {
		c := b.dial(s.subprotocol)
		c.play(`
> {"type":"connection_init","payload":{"user":"a","session":"1"}}
< {"type":"connection_ack"}`)
		if s.subprotocol == legacy {
			c.expect(`{"type":"ka"}`)
		}
		c.send(`{"id":"f","type":"` + s.start + `","payload":{"query":"subscription { feed }"}}`)
		b.await(feeds(1))
		before := b.schema.Board.Waits()
		c.send(`{"id":"w","type":"` + s.start + `","payload":{"query":"{ wait }"}}`)
		b.await(waits(before + 1))
		c.play(`
> {"id":"m","type":"` + s.start + `","payload":{"query":"mutation { signOut }"}}
< {"id":"m","type":"` + s.next + `","payload":{"data":{"signOut":true}}}
< {"id":"m","type":"complete"}`)
		b.await(feeds(0))
		c.play(`
> {"id":"late","type":"` + s.start + `","payload":{"query":"mutation { add(n: 1) }"}}
> {"id":"w","type":"` + s.stop + `"}` + s.stopped + `
x 4403 Could not validate credentials`)
	}
}

// TestCloseDoesNotWaitForever: a query that does not come to its end is given up.
func TestCloseDoesNotWaitForever(t *testing.T) {
	t.Parallel()
	hastily := func(cfg *gqlws.Config) { cfg.AnswerTimeout = 1 }
	overAll(t, hastily, func(b *bench, w transport) {
		next, _ := w.open(b, login{user: "a", session: "1"}, `{ wait }`)
		b.await(waits(1))
		b.registry.CloseSession("a", "1", apperr.Unauthenticated.New())
		b.expect(next, failed("Could not validate credentials"))
		b.awaitLen(0)
	})
}

// TestSubscriptionThatBeginsMeanwhileEnds: one whose resolver runs when the session ends
// is not waited for.
func TestSubscriptionThatBeginsMeanwhileEnds(t *testing.T) {
	t.Parallel()
	b := setup(t, patiently)
	for i, subprotocol := range []string{modern, legacy} {
		start := map[string]string{modern: "subscribe", legacy: "start"}[subprotocol]
		next, _ := overSocket(subprotocol, start)(b, login{user: "a", session: "1"}, `subscription { slow }`)
		b.await(waits(i + 1))
		b.registry.CloseSession("a", "1", apperr.Unauthenticated.New())
		b.expect(next, failed("Could not validate credentials"))
	}
}
