package ws

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"

	"luxbff/internal/apperr"
)

// operation is one query, mutation or subscription that runs on a socket.
type operation struct {
	execution
	socket  *socket
	id      string
	params  *graphql.RawParams // until it is launched
	refused bool               // over a limit of the socket
	cancel  context.CancelFunc
	// pending counts the wakes not yet answered, and the dispatch as the first.
	// Whoever raises it from zero runs the operation until it is zero again: so
	// no two ever run it, and no wake is lost.
	pending atomic.Int64
}

// operations are those that run on a socket. There are few, most often one, and
// a map would cost more memory than all else that the socket knows of them.
type operations []*operation

// find gives nil for an id that isn't in use.
func (o operations) find(id string) *operation {
	for _, op := range o {
		if op.id == id {
			return op
		}
	}
	return nil
}

func (o operations) without(gone *operation) operations {
	return slices.DeleteFunc(o, func(op *operation) bool { return op == gone })
}

// startOperation books the id on the reader's goroutine, so that a stop right
// behind it finds it, and leaves the rest to the operation's own.
func (s *socket) startOperation(m message) {
	params, err := parameters(m.Payload)
	if err != nil {
		s.malformed(err)
		return
	}
	op := &operation{execution: execution{exec: s.exec}, socket: s, id: m.ID, params: params}
	op.pending.Store(1)
	s.mu.Lock()
	// Clients of the older protocol don't wait for the ack.
	allowed := s.phase == phaseReady || (s.phase == phaseGreeting && s.proto.legacy)
	before := s.running.find(m.ID)
	if allowed && (before == nil || s.proto.legacy) {
		s.running = append(s.running.without(before), op)
		op.refused = len(s.running) > s.t.cfg.OperationLimit || s.undispatched >= 2*s.t.cfg.OperationLimit
		if s.phase == phaseReady {
			s.launch(op)
		}
	}
	s.mu.Unlock()
	switch {
	case !allowed:
		s.close(CodeUnauthorized, "Unauthorized")
	case before != nil && !s.proto.legacy:
		s.close(CodeDuplicateID, "Subscriber for "+m.ID+" already exists")
	case before != nil:
		before.leave()
	}
}

// launch needs the mutex, and a session. Operations are dispatched one behind the
// other, as they came, and then run side by side: what a client asks behind a
// subscription is answered when that has its place, so that no event is missed
// between the two.
func (s *socket) launch(op *operation) {
	// The socket cancels its operations one by one. Were they children of its
	// context as well, each would cost an entry in a map.
	op.ctx, op.cancel = context.WithCancel(context.WithoutCancel(s.session.Context))
	params := op.params
	op.params = nil
	if op.refused {
		go op.fail(apperr.TooManyRequests.New())
		return
	}
	s.undispatched++
	before, dispatched := s.dispatched, make(chan struct{})
	s.dispatched = dispatched
	go op.run(params, before, dispatched)
}

// leave ends an operation that is done, or that the socket has forgotten. One
// that waited for the ack has nothing to cancel.
func (op *operation) leave() {
	if op.cancel != nil {
		op.cancel()
	}
	op.subscription.Close()
}

// stopOperation ends an operation for its client. An unknown id is one that has
// just completed.
func (s *socket) stopOperation(id string) {
	s.mu.Lock()
	op := s.running.find(id)
	s.running = s.running.without(op)
	if op != nil && s.proto.legacy {
		s.append(websocket.TextMessage, frame(s.proto.complete, quote(id), nil))
	}
	s.mu.Unlock()
	if op != nil {
		op.leave()
	}
}

// run dispatches the operation and, unless it is woken for each response, stays
// until the last one.
func (op *operation) run(params *graphql.RawParams, before <-chan struct{}, dispatched chan struct{}) {
	defer op.recoverPanic()
	if !op.dispatchBehind(before, dispatched, params) {
		return
	}
	if !op.woken() {
		for op.step() {
			continue
		}
		return
	}
	op.settle()
}

// dispatchBehind dispatches once the operation before is, nil for none, and lets
// the next one.
func (op *operation) dispatchBehind(before <-chan struct{}, dispatched chan struct{}, params *graphql.RawParams) bool {
	defer op.socket.passOn(dispatched)
	if before != nil {
		<-before
	}
	return op.dispatch(params)
}

// passOn lets the operation behind be dispatched. Where there is none, the socket
// keeps no channel.
func (s *socket) passOn(dispatched chan struct{}) {
	s.mu.Lock()
	s.undispatched--
	if s.dispatched == dispatched {
		s.dispatched = nil
	}
	s.mu.Unlock()
	close(dispatched)
}

// dispatch hands the operation to the executor. It is false if it was refused.
func (op *operation) dispatch(params *graphql.RawParams) bool {
	refused := op.start(op.socket.t.cfg.Operation, params, op.wake)
	if refused != nil {
		op.refuse(refused)
	}
	return refused == nil
}

// wake tells that one more response can be had without waiting.
func (op *operation) wake() {
	if op.pending.Add(1) == 1 {
		go op.resume()
	}
}

func (op *operation) resume() {
	defer op.recoverPanic()
	for op.step() {
		if op.idle() {
			return
		}
	}
}

// settle ends the dispatch of a woken subscription, and answers the wakes that
// came during it.
func (op *operation) settle() {
	if !op.idle() {
		op.resume()
	}
}

// idle counts one wake as answered, and tells whether it was the last. From then
// on the operation may run on another goroutine.
func (op *operation) idle() bool {
	if op.pending.Load() == 1 {
		op.forget()
	}
	return op.pending.Add(-1) == 0
}

// step sends the next response, or what ends the operation. It is false at the
// end.
func (op *operation) step() bool {
	response, sent := op.next()
	if response == nil {
		op.finish()
		return false
	}
	s := op.socket
	payload, err := encode(response)
	if err != nil {
		op.fail(err)
		return false
	}
	if !s.send(op, frame(s.proto.next, quote(op.id), payload), false) {
		op.leave()
		return false
	}
	s.await(receipt{op, sent})
	return true
}

// finish ends an operation that has no more responses. One that was stopped
// meanwhile ends without a word.
func (op *operation) finish() {
	if err := op.err(); err != nil {
		op.fail(err)
		return
	}
	op.last(frame(op.socket.proto.complete, quote(op.id), nil))
}

// fail ends the operation with an error that isn't part of a response.
func (op *operation) fail(err error) { op.refuse(op.present(err)) }

// refuse ends the operation with errors that the presenter has seen.
func (op *operation) refuse(response *graphql.Response) {
	proto := op.socket.proto
	payload, err := proto.failure(response.Errors)
	if err != nil {
		op.socket.t.cfg.Logger.Error("errors can't be encoded", "error", err)
		payload = []byte("[]")
	}
	op.last(frame(proto.failed, quote(op.id), payload))
}

func (op *operation) last(data []byte) {
	op.socket.send(op, data, true)
	op.leave()
}

// recoverPanic keeps a panic outside the resolvers, which the executor
// recovers itself, from ending the program.
func (op *operation) recoverPanic() {
	if cause := recover(); cause != nil {
		op.fail(panicked(op.socket.t.cfg.Logger, cause))
	}
}
