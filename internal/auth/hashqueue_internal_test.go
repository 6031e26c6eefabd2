package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"luxbff/internal/apperr"
	"luxbff/internal/ratelimit"
)

// crowd is many calls at one queue, each of which holds its slot until it is let go.
type crowd struct {
	t       *testing.T
	queue   *hashQueue
	running []string      // the names of those that have a slot, in the order in which they got it
	letGo   chan struct{} // takes one of them out, the oldest first
	refused map[HashBound]int
}

// send has a call come, and returns when it runs, waits or is refused.
func (c *crowd) send(ctx context.Context, name string, account HashKey) {
	go func() {
		leave, refused, err := c.queue.enter(ctx, account)
		if err != nil {
			if refused != "" {
				c.refused[refused]++
				if known := apperr.From(err); known.RetryAfter() <= 0 {
					c.t.Errorf("%s: %v doesn't say when to come again", name, err)
				}
			}
			return
		}
		c.running = append(c.running, name)
		<-c.letGo
		leave()
	}()
	synctest.Wait()
}

// finish ends one hash, the one that has run for the longest time.
func (c *crowd) finish() {
	c.running = c.running[1:]
	c.letGo <- struct{}{}
	synctest.Wait()
}

func clientContext(n int) context.Context {
	return ratelimit.WithClient(context.Background(), netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}))
}

// TestAStrangerIsNotBehindOneAccount has 250 calls come at once, and then a stranger's: it
// takes a slot at once where one is free of that account, and the next in any case.
func TestAStrangerIsNotBehindOneAccount(t *testing.T) {
	t.Parallel()
	const calls = 250
	for name, tc := range map[string]struct {
		slots    int
		client   func(int) int
		account  func(int) HashKey
		stranger int // the client of the stranger
		turns    int // hashes that end before the stranger's begins
	}{
		"one account on two cores":    {2, one, sameAccount, 99, 0},
		"one account on one core":     {1, one, sameAccount, 99, 1},
		"the stranger beside it":      {1, one, sameAccount, 1, 1},
		"one account of many clients": {2, itself, sameAccount, 999, 0},
		"many accounts of one client": {2, one, ownAccount, 99, 1},
		"many names of three clients": {2, func(i int) int { return i % 3 }, ownAccount, 99, 2}, // each client has its turn
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &crowd{t: t, queue: newHashQueue(tc.slots), letGo: make(chan struct{}), refused: map[HashBound]int{}}
				for i := range calls {
					c.send(clientContext(tc.client(i)), fmt.Sprint(i), tc.account(i))
				}
				c.send(clientContext(tc.stranger), "stranger", "stranger")
				for turn := range tc.turns {
					if slices.Contains(c.running, "stranger") {
						t.Errorf("the stranger runs after %d", turn)
					}
					c.finish()
				}
				if !slices.Contains(c.running, "stranger") {
					t.Errorf("%v are served before the stranger", c.running)
				}
				for len(c.running) > 0 {
					c.finish()
				}
				expectEmpty(t, c.queue)
			})
		})
	}
}

func one(int) int              { return 1 }
func itself(i int) int         { return i }
func sameAccount(int) HashKey  { return "account 1" }
func ownAccount(i int) HashKey { return HashKey(fmt.Sprint("email ", i)) }

func expectEmpty(t *testing.T, q *hashQueue) {
	t.Helper()
	if q.running != 0 || len(q.waiting) != 0 || len(q.accounts) != 0 || len(q.clients) != 0 {
		t.Errorf("%d run, %d wait, %d accounts and %d clients are remembered", q.running, len(q.waiting), len(q.accounts), len(q.clients))
	}
}

// TestTheQueueOfHashesIsBounded counts what waits for one account, of one client, and in
// all.
func TestTheQueueOfHashesIsBounded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		client  func(int) int
		account func(int) HashKey
		bound   HashBound
		kind    apperr.Kind
		joined  int
	}{
		"one account": {itself, sameAccount, HashesOfAccount, apperr.TooManyRequests, 1 + 16},
		"one client":  {one, ownAccount, HashesOfClient, apperr.TooManyRequests, 2 + 64},
		"everybody":   {itself, ownAccount, HashesOfAll, apperr.Unavailable, 2 + 256},
	} {
		q := newHashQueue(2)
		var calls []*hashCall
		for i := range 300 {
			call := newCall(tc.account(i), ratelimit.ClientOf(clientContext(tc.client(i))))
			bound, err := q.join(call)
			if err == nil {
				calls = append(calls, call)
				continue
			}
			if known := apperr.From(err); bound != tc.bound || known.Kind != tc.kind || known.RetryAfter() <= 0 {
				t.Errorf("%s: %s, %v", name, bound, err)
			}
		}
		if len(calls) != tc.joined || q.waitingCalls() != tc.joined-q.running {
			t.Errorf("%s: %d were let in and %d wait", name, len(calls), q.waitingCalls())
		}
		for _, call := range calls {
			q.giveUp(call)
		}
		expectEmpty(t, q)
	}
}

// TestAnImpatientCallLeavesTheQueue, which goes on without it.
func TestAnImpatientCallLeavesTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{t: t, queue: newHashQueue(1), letGo: make(chan struct{}), refused: map[HashBound]int{}}
		c.send(t.Context(), "first", "account 1")
		ctx, hangUp := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, _, err := c.queue.enter(ctx, "account 2")
			ended <- err
		}()
		synctest.Wait()
		c.send(t.Context(), "third", "account 3")
		hangUp()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		c.finish()
		if !slices.Equal(c.running, []string{"third"}) {
			t.Errorf("%v run", c.running)
		}
		c.finish()
		expectEmpty(t, c.queue)
	})
}

// TestNoSlotIsIdle draws calls that come, end and hang up, and holds the rules of the queue
// after each.
func TestNoSlotIsIdle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		q := newHashQueue(rapid.IntRange(1, 3).Draw(r, "slots"))
		var joined []*hashCall
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			if len(joined) == 0 || rapid.Bool().Draw(r, "comes") {
				call := newCall(HashKey(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(r, "account")), rapid.SampledFrom([]string{"", "1", "2"}).Draw(r, "client"))
				if _, err := q.join(call); err == nil {
					joined = append(joined, call)
				}
			} else {
				i := rapid.IntRange(0, len(joined)-1).Draw(r, "call")
				q.giveUp(joined[i]) // frees the slot of one that runs
				joined = slices.Delete(joined, i, i+1)
			}
			running := map[HashKey]int{}
			for _, call := range joined {
				select {
				case <-call.turn:
					running[call.account]++
				default:
				}
			}
			total := 0
			for account, n := range running {
				if total += n; n > 1 {
					r.Fatalf("%d hashes of %s run at once", n, account)
				}
			}
			if total != q.running || total > q.slots || total+len(q.waiting) != len(joined) {
				r.Fatalf("%d run of %d, %d wait of %d calls", total, q.slots, len(q.waiting), len(joined))
			}
			for _, call := range q.waiting {
				if total < q.slots && running[call.account] == 0 {
					r.Fatalf("%s waits while a slot is free", call.account)
				}
			}
		}
		for _, call := range joined {
			q.giveUp(call)
		}
		expectEmpty(t, q)
	})
}
