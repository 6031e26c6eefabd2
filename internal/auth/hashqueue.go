package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"luxbff/internal/apperr"
	"luxbff/internal/ratelimit"
	"luxbff/internal/text"
)

// What may wait for a slot. A hash takes a core for some 30 ms, so a full queue is served
// within four seconds, and nobody waits for longer than that.
const (
	// maxWaitingPerSlot bounds all that wait.
	maxWaitingPerSlot = 128
	// maxWaitingPerClient bounds those of one client, by the slot as well: three quarters of
	// the queue are for others.
	maxWaitingPerClient = 32
	// maxWaitingPerAccount leaves room for a family that signs in at once.
	maxWaitingPerAccount = 16
	// hashRetryAfter is when a call that was refused should come again.
	hashRetryAfter = time.Second
)

// HashKey names the account for which a password is hashed, or what is tried in its place.
// Calls with one key are served one after another and bounded together.
type HashKey string

// AccountKey is the key of an account.
func AccountKey(rootUserID int) HashKey { return HashKey(fmt.Sprint("account ", rootUserID)) }

// EmailKey is the key of an e-mail by which no account is found.
func EmailKey(email string) HashKey { return HashKey("email " + text.NormalizeEmail(email)) }

// LocalIDKey is the key of a local id by which no account is found.
func LocalIDKey(localID string) HashKey { return HashKey("local " + strings.ToLower(localID)) }

// PhoneKey is the key of a phone that signs up, given in E.164: its valid_token is good for
// one account, whatever e-mails are tried with it.
func PhoneKey(phone string) HashKey { return HashKey("phone " + phone) }

// HashBound is a bound of what waits for a password to be hashed.
type HashBound string

// The bounds of an account, of a client, and of all together.
const (
	HashesOfAccount HashBound = "hashes-of-account"
	HashesOfClient  HashBound = "hashes-of-client"
	HashesOfAll     HashBound = "hashes"
)

// hashQueue gives out the slots in which passwords are hashed: as many as there are cores,
// and one at a time to an account. Who waits is served in turns, first of the clients and
// then of the accounts, so that a stranger is never behind the calls of one client or of
// one account, however many they are. It holds where RATE_LIMITS is off.
type hashQueue struct {
	slots int

	mu       sync.Mutex
	running  int
	turns    int
	accounts map[HashKey]*share
	clients  map[string]*share
	waiting  []*hashCall // in the order in which they came
}

// share is what one account or one client has of the queue.
type share struct {
	running, waiting int
	// lastTurn is when it was served last, 0 for one that was not since it came.
	lastTurn int
}

// hashCall is a call that runs or waits. Its turn is closed when it may run.
type hashCall struct {
	account HashKey
	client  string
	turn    chan struct{}
}

func newHashQueue(slots int) *hashQueue {
	return &hashQueue{slots: slots, accounts: map[HashKey]*share{}, clients: map[string]*share{}}
}

// enter waits for a slot and gives what frees it. refused says which bound was met, empty
// if none was. Errors: TooManyRequests for one account or client, Unavailable where the
// queue is full, and that of a context that ends.
func (q *hashQueue) enter(ctx context.Context, account HashKey) (leave func(), refused HashBound, err error) {
	call := &hashCall{account: account, client: ratelimit.ClientOf(ctx), turn: make(chan struct{})}
	if refused, err := q.join(call); err != nil {
		return nil, refused, err
	}
	select {
	case <-call.turn:
		return func() { q.leave(call) }, "", nil
	case <-ctx.Done():
		q.giveUp(call)
		return nil, "", ctx.Err()
	}
}

// join has the call run at once where it may, and wait otherwise.
func (q *hashQueue) join(call *hashCall) (HashBound, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	account, client := shareOf(q.accounts, call.account), shareOf(q.clients, call.client)
	// Those that wait while a slot is free wait for their own account.
	if q.running < q.slots && account.running == 0 {
		q.start(call)
		return "", nil
	}
	refused := HashesOfAll
	switch {
	case account.waiting >= maxWaitingPerAccount:
		refused = HashesOfAccount
	case client.waiting >= maxWaitingPerClient*q.slots:
		refused = HashesOfClient
	case len(q.waiting) < maxWaitingPerSlot*q.slots:
		account.waiting++
		client.waiting++
		q.waiting = append(q.waiting, call)
		return "", nil
	}
	q.drop(call)
	if refused == HashesOfAll {
		return refused, apperr.Unavailable.WithRetryAfter(hashRetryAfter)
	}
	return refused, apperr.TooManyRequests.WithRetryAfter(hashRetryAfter)
}

func shareOf[K comparable](all map[K]*share, key K) *share {
	if all[key] == nil {
		all[key] = &share{}
	}
	return all[key]
}

// start gives the call a slot.
func (q *hashQueue) start(call *hashCall) {
	q.running++
	q.turns++
	for _, one := range []*share{q.accounts[call.account], q.clients[call.client]} {
		one.running++
		one.lastTurn = q.turns
	}
	close(call.turn)
}

// leave frees the slot of a call and has the next run.
func (q *hashQueue) leave(call *hashCall) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running--
	q.accounts[call.account].running--
	q.clients[call.client].running--
	q.drop(call)
	for q.running < q.slots {
		next := q.next()
		if next == nil {
			return
		}
		q.stopWaiting(next)
		q.start(next)
	}
}

// next gives the call that is served next, nil if none may run.
func (q *hashQueue) next() *hashCall {
	var best *hashCall
	for _, call := range q.waiting {
		if q.accounts[call.account].running == 0 && (best == nil || q.isBefore(call, best)) {
			best = call
		}
	}
	return best
}

// isBefore compares two calls by how much of the slots their clients have, then by who was
// served longer ago.
func (q *hashQueue) isBefore(a, b *hashCall) bool {
	clientA, clientB := q.clients[a.client], q.clients[b.client]
	if clientA.running != clientB.running {
		return clientA.running < clientB.running
	}
	if clientA.lastTurn != clientB.lastTurn {
		return clientA.lastTurn < clientB.lastTurn
	}
	return q.accounts[a.account].lastTurn < q.accounts[b.account].lastTurn
}

func (q *hashQueue) stopWaiting(call *hashCall) {
	q.waiting = slices.DeleteFunc(q.waiting, func(one *hashCall) bool { return one == call })
	q.accounts[call.account].waiting--
	q.clients[call.client].waiting--
}

// giveUp takes a call away whose context has ended.
func (q *hashQueue) giveUp(call *hashCall) {
	q.mu.Lock()
	select {
	case <-call.turn: // it was given a slot at the same moment
		q.mu.Unlock()
		q.leave(call)
		return
	default:
	}
	defer q.mu.Unlock()
	q.stopWaiting(call)
	q.drop(call)
}

// drop forgets the shares of a call that nobody has a part in any more.
func (q *hashQueue) drop(call *hashCall) {
	if *q.accounts[call.account] == (share{lastTurn: q.accounts[call.account].lastTurn}) {
		delete(q.accounts, call.account)
	}
	if *q.clients[call.client] == (share{lastTurn: q.clients[call.client].lastTurn}) {
		delete(q.clients, call.client)
	}
}

// waitingCalls counts the calls that wait.
func (q *hashQueue) waitingCalls() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}
