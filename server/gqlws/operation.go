package gqlws

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"luxbff/internal/apperr"
	"luxbff/server/gqlstream"
)

// operation is one query, mutation or subscription that runs on a socket.
type operation struct {
	execution gqlstream.Execution
	socket    *socket
	id        string
	params    *graphql.RawParams // until it is launched
	refused   bool               // over a limit of the socket
	cancel    context.CancelFunc
	// pending counts the notifications that have not been answered with a response,
	// and the dispatch as the first. Whoever raises it from zero runs the operation
	// until it is zero again: so no two goroutines ever run it, and no notification
	// is lost.
	pending atomic.Int64
}

func newOperation(s *socket, id string, params *graphql.RawParams) *operation {
	op := &operation{socket: s, id: id, params: params}
	op.execution.Executor = s.executor
	op.pending.Store(1)
	return op
}

// run dispatches the operation and, unless its feed notifies, stays until the last
// response.
func (op *operation) run(params *graphql.RawParams, previous <-chan struct{}, dispatched chan struct{}) {
	defer op.recoverPanic()
	if !op.dispatch(params, previous, dispatched) {
		return
	}
	if op.socket.operations.refuseLate(op) {
		op.end()
		return
	}
	if !op.execution.NotifyEnabled() {
		for op.sendNext() {
			continue
		}
		return
	}
	// Notifications that came during the dispatch are answered here.
	if !op.releaseOne() {
		op.sendPending()
	}
}

// dispatch waits until the previous operation, nil for none, has been dispatched,
// hands this one to the executor, and lets the next one be dispatched. It is false
// if the operation was refused.
func (op *operation) dispatch(params *graphql.RawParams, previous <-chan struct{}, dispatched chan struct{}) bool {
	defer op.socket.operations.markDispatched(dispatched)
	if previous != nil {
		<-previous
	}
	refused := op.execution.Start(op.socket.cfg.Operation, params, op.notify)
	if refused != nil {
		op.refuse(refused)
	}
	return refused == nil
}

// notify counts one more response that can be had without waiting, and starts a
// goroutine where none sends. It never blocks, because the feed calls it.
func (op *operation) notify() {
	if op.pending.Add(1) == 1 {
		go op.sendPending()
	}
}

// sendPending sends a response for each notification.
func (op *operation) sendPending() {
	defer op.recoverPanic()
	for op.sendNext() {
		if op.releaseOne() {
			return
		}
	}
}

// releaseOne counts one notification, or the dispatch, as answered, and reports
// whether it was the last. From then on the operation may run on another goroutine.
func (op *operation) releaseOne() (last bool) {
	if op.pending.Load() == 1 {
		op.execution.ForgetCollectedFields()
	}
	return op.pending.Add(-1) == 0
}

// sendNext sends the next response, or what ends the operation. It is false at the
// end.
func (op *operation) sendNext() bool {
	response, delivery := op.execution.Next()
	if response == nil {
		op.complete()
		return false
	}
	s := op.socket
	payload, err := gqlstream.EncodeResponse(response)
	if err != nil {
		op.fail(err)
		return false
	}
	if !op.send(encodeMessage(s.protocol.next, quote(op.id), payload), false) {
		op.end()
		return false
	}
	s.acks.track(sentValue{op, delivery})
	return true
}

// send queues a frame of the operation. While the queue is full it waits, for
// SlowTimeout at most; then the peer is a slow reader. With last the operation is
// over and its id free as soon as the frame is queued. It is false once the
// operation or the socket has ended.
func (op *operation) send(data []byte, last bool) bool {
	var slow *time.Timer
	for {
		room, ok := op.socket.operations.enqueue(op, data, last)
		if room == nil {
			return ok
		}
		if slow == nil {
			slow = time.NewTimer(op.socket.cfg.SlowTimeout)
			defer slow.Stop()
		}
		select {
		case <-room:
		case <-op.execution.Context.Done():
			return false
		case <-slow.C:
			op.socket.closeSlowReader()
			return false
		}
	}
}

// complete ends an operation that has no more responses. One that was stopped
// meanwhile ends without a message, because send finds it gone.
func (op *operation) complete() {
	if err := op.execution.Err(); err != nil {
		op.fail(err)
		return
	}
	op.sendLast(encodeMessage(op.socket.protocol.complete, quote(op.id), nil))
}

// refuseOverLimit answers an operation that was never dispatched.
func (op *operation) refuseOverLimit() { op.fail(apperr.TooManyRequests.New()) }

// fail ends the operation with an error that isn't part of a response.
func (op *operation) fail(err error) { op.refuse(op.execution.ErrorResponse(err)) }

// refuse ends the operation with errors that went through the error presenter.
func (op *operation) refuse(response *graphql.Response) {
	protocol := op.socket.protocol
	payload, err := protocol.encodeErrors(response.Errors)
	if err != nil {
		op.socket.cfg.Logger.Error("errors can't be encoded", "error", err)
		payload = []byte("[]")
	}
	op.sendLast(encodeMessage(protocol.failed, quote(op.id), payload))
}

func (op *operation) sendLast(data []byte) {
	op.send(data, true)
	op.end()
}

// end cancels an operation that is over, or that the socket has taken out. One that
// waited for the ack has nothing to cancel. A socket that waits for the last answer is
// closed.
func (op *operation) end() {
	if op.cancel != nil {
		op.cancel()
	}
	op.execution.Close()
	op.socket.closeIfAnswered()
}

// recoverPanic keeps a panic outside the resolvers, which the executor recovers
// itself, from ending the program.
func (op *operation) recoverPanic() {
	if cause := recover(); cause != nil {
		op.fail(gqlstream.LogPanic(op.socket.cfg.Logger, cause))
	}
}
