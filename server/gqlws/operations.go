package gqlws

import (
	"context"
	"slices"
	"sync"

	"github.com/gorilla/websocket"
)

// operations are those that run on one socket, and the order in which they are
// dispatched.
type operations struct {
	mu sync.Mutex
	// base is the context of the session, nil before the ack: operations that come
	// before it wait.
	base context.Context //nolint:containedctx // its values are those of each operation
	// running is a slice because there are few, most often one: of one a slice has
	// 8 bytes, a map 256.
	running []*operation
	// lastDispatched is closed when the operation that came last is dispatched, nil
	// if it is.
	lastDispatched chan struct{}
	// undispatched counts those that wait to be dispatched, also the ones that the
	// client has stopped meanwhile, which running doesn't know any more.
	undispatched int
	// finishing is set when only the queries and mutations that are there are still
	// to be answered.
	finishing bool
	closed    bool
}

// add books an operation under its id, so that a stop right behind it finds it, and
// launches it once the socket has its ack. It gives the operation that has the id
// already; only with replace the new one then takes its place.
func (o *operations) add(op *operation, replace bool) (before *operation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.finishing {
		return nil
	}
	before = o.find(op.id)
	if before != nil && !replace {
		return before
	}
	o.remove(before)
	o.running = append(o.running, op)
	limit := op.socket.cfg.OperationLimit
	op.refused = len(o.running) > limit || o.undispatched >= 2*limit
	if o.base != nil {
		o.launch(op)
	}
	return before
}

// open launches the operations that waited for the ack.
func (o *operations) open(base context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.base = base
	for _, op := range o.running {
		o.launch(op) //nolint:contextcheck // an operation's context is its session's
	}
}

// setBase is for a session that was renewed: operations that come later run in it.
func (o *operations) setBase(base context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.base = base
}

// launch needs the mutex. Operations are dispatched one behind the other, as they
// came, and then run side by side: what a client asks behind a subscription is
// answered when that has its start point, so that no event is missed between the
// two.
func (o *operations) launch(op *operation) {
	// The socket cancels its operations one by one. Were they children of the
	// session's context, it would keep a map of them: 0.35 KB for a socket of one
	// subscription in BenchmarkFeed.
	ctx, cancel := context.WithCancel(context.WithoutCancel(o.base))
	op.execution.Context, op.cancel = ctx, cancel
	params := op.params
	op.params = nil
	if op.refused {
		go op.refuseOverLimit()
		return
	}
	o.undispatched++
	previous, dispatched := o.lastDispatched, make(chan struct{})
	o.lastDispatched = dispatched
	go op.run(params, previous, dispatched)
}

// markDispatched lets the operation behind be dispatched. Where there is none, the
// socket keeps no channel.
func (o *operations) markDispatched(dispatched chan struct{}) {
	o.mu.Lock()
	o.undispatched--
	if o.lastDispatched == dispatched {
		o.lastDispatched = nil
	}
	o.mu.Unlock()
	close(dispatched)
}

// stop takes an operation out, and queues the message that says so, nil for none.
// Both happen under one lock, so that no frame of the operation follows. It gives
// nil for an unknown id, which is one that has just completed.
func (o *operations) stop(id string, stopped []byte) *operation {
	o.mu.Lock()
	defer o.mu.Unlock()
	op := o.find(id)
	if op == nil {
		return nil
	}
	o.remove(op)
	if stopped != nil {
		op.socket.outbox.pushAlways(websocket.TextMessage, stopped)
	}
	return op
}

// enqueue puts a frame of an operation into the outbox if there is room; if not, it
// gives a channel that is closed when there may be. With last the operation is
// over, and its id free, as soon as the frame is queued. For an operation that has
// been stopped, room is nil and ok false.
func (o *operations) enqueue(op *operation, data []byte, last bool) (room <-chan struct{}, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.find(op.id) != op {
		return nil, false
	}
	room, ok = op.socket.outbox.pushIfRoom(data)
	if ok && last {
		o.remove(op)
	}
	return room, ok
}

// pending counts the responses that are still waited for.
func (o *operations) pending() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, op := range o.running {
		n += int(op.pending.Load())
	}
	return n
}

// finish takes no operation any more and takes the subscriptions out, for the caller
// to end. An operation that turns out to be one later is taken out by refuseLate.
func (o *operations) finish() (subscriptions []*operation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.finishing = true
	for _, op := range o.running {
		if op.execution.IsSubscription() {
			subscriptions = append(subscriptions, op)
		}
	}
	for _, op := range subscriptions {
		o.remove(op)
	}
	return subscriptions
}

// refuseLate takes out a subscription that began while the others were taken out.
func (o *operations) refuseLate(op *operation) (refused bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.finishing || !op.execution.IsSubscription() {
		return false
	}
	o.remove(op)
	return true
}

// idle reports whether nothing is still to be answered.
func (o *operations) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.running) == 0
}

// close takes all operations out, for the caller to end.
func (o *operations) close() []*operation {
	o.mu.Lock()
	defer o.mu.Unlock()
	running := o.running
	o.running, o.closed = nil, true
	return running
}

// find needs the mutex. It gives nil for an id that isn't in use.
func (o *operations) find(id string) *operation {
	for _, op := range o.running {
		if op.id == id {
			return op
		}
	}
	return nil
}

// remove needs the mutex.
func (o *operations) remove(gone *operation) {
	o.running = slices.DeleteFunc(o.running, func(op *operation) bool { return op == gone })
}
