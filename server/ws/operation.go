package ws

import (
	"context"
	"errors"
	"runtime/debug"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/fault"
	"luxbff/internal/live"
)

// operation is one query, mutation or subscription that runs on a socket.
type operation struct {
	socket    *socket
	id        string
	ctx       context.Context //nolint:containedctx // the operation's life
	cancel    context.CancelFunc
	responses graphql.ResponseHandler
	stream    *live.Stream // nil unless it is a subscription
	// pending counts the wakes not yet answered, and the dispatch as the first.
	// Whoever raises it from zero runs the operation until it is zero again: so
	// no two ever run it, and no wake is lost.
	pending atomic.Int64
}

// startOperation books the id on the reader's goroutine, so that a stop right
// behind it finds it, and leaves the rest to the operation's own.
func (s *socket) startOperation(m message) {
	params, err := parameters(m.Payload)
	if err != nil {
		s.malformed(err)
		return
	}
	op := &operation{socket: s, id: m.ID}
	op.pending.Store(1)
	s.mu.Lock()
	ready := s.phase == phaseReady
	before, used := s.running[m.ID]
	full := len(s.running) >= s.t.cfg.OperationLimit
	if ready && (!used || s.proto.legacy) {
		if s.running == nil {
			s.running = make(map[string]*operation, 1)
		}
		// The socket cancels its operations one by one. Were they children of its
		// context as well, each would cost an entry in a map.
		op.ctx, op.cancel = context.WithCancel(context.WithoutCancel(s.session.Context))
		s.running[m.ID] = op
	}
	s.mu.Unlock()
	switch {
	case !ready:
		s.Close(CodeUnauthorized, "Unauthorized")
		return
	case used && !s.proto.legacy:
		s.Close(CodeDuplicateID, "Subscriber for "+m.ID+" already exists")
		return
	case used:
		before.cancel()
	}
	go op.run(params, full && !used)
}

// stopOperation ends an operation for its client. An unknown id is one that has
// just completed.
func (s *socket) stopOperation(id string) {
	s.mu.Lock()
	op, ok := s.running[id]
	delete(s.running, id)
	if ok && s.proto.legacy {
		s.append(websocket.TextMessage, frame(s.proto.complete, quote(id), nil))
	}
	s.mu.Unlock()
	if ok {
		op.cancel()
	}
}

// run dispatches the operation and, unless it is woken for each response, stays
// until the last one.
func (op *operation) run(params *graphql.RawParams, refused bool) {
	defer op.recoverPanic()
	if refused {
		op.fail(fault.TooManyRequests.Err())
		return
	}
	if !op.dispatch(params) {
		return
	}
	if op.stream == nil || !op.stream.Woken() {
		for op.step() {
			continue
		}
		return
	}
	op.settle()
}

// dispatch hands the operation to the executor. It is false if that refused it.
func (op *operation) dispatch(params *graphql.RawParams) bool {
	ctx := op.ctx
	if hook := op.socket.t.cfg.Operation; hook != nil {
		allowed, err := hook(ctx)
		if err != nil {
			op.fail(err)
			return false
		}
		ctx = allowed
	}
	exec := op.socket.exec
	ctx = graphql.StartOperationTrace(ctx)
	params.ReadTime = graphql.TraceTiming{Start: graphql.GetStartTime(ctx), End: graphql.GetStartTime(ctx)}
	opCtx, errs := exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		op.refuse(exec.DispatchError(graphql.WithOperationContext(ctx, opCtx), errs))
		return false
	}
	if opCtx.Operation.Operation == ast.Subscription {
		shareText(opCtx)
		op.stream = live.NewStream(op.wake)
		ctx = live.WithStream(ctx, op.stream)
	}
	op.responses, op.ctx = op.subscribe(ctx, opCtx)
	return true
}

// shareText lets go of the client's copy of a query that is in the cache, for a
// subscription keeps it as long as it lives.
func shareText(opCtx *graphql.OperationContext) {
	at := opCtx.Operation.Position
	if at != nil && at.Src != nil && at.Src.Input == opCtx.RawQuery {
		opCtx.RawQuery = at.Src.Input
	}
}

// subscribe dispatches and watches the subscription's resolver: one that took
// the waker and failed all the same wakes nobody, so its answer is fetched as
// that of a subscription without one.
func (op *operation) subscribe(ctx context.Context, opCtx *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	if op.stream == nil {
		return op.socket.exec.DispatchOperation(ctx, opCtx)
	}
	middleware, ok := opCtx.ResolverMiddleware, true
	opCtx.ResolverMiddleware = func(ctx context.Context, next graphql.Resolver) (any, error) {
		ok = false
		result, err := middleware(ctx, next)
		ok = err == nil
		return result, err
	}
	responses, inner := op.socket.exec.DispatchOperation(ctx, opCtx)
	opCtx.ResolverMiddleware = middleware
	if !ok {
		op.stream = live.NewStream(nil)
	}
	return responses, inner
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
		if op.pending.Add(-1) == 0 {
			return
		}
	}
}

// settle ends the dispatch of a woken subscription, and answers the wakes that
// came during it.
func (op *operation) settle() {
	if op.pending.Add(-1) > 0 {
		op.resume()
	}
}

// step sends the next response, or what ends the operation. It is false at the
// end.
func (op *operation) step() bool {
	response := op.responses(op.ctx)
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
		op.cancel()
		return false
	}
	return true
}

// finish ends an operation that has no more responses. One that was stopped
// meanwhile ends without a word.
func (op *operation) finish() {
	if op.stream != nil {
		if err := op.stream.Err(); err != nil {
			op.fail(err)
			return
		}
	}
	op.last(frame(op.socket.proto.complete, quote(op.id), nil))
}

// fail ends the operation with an error that isn't part of a response.
func (op *operation) fail(err error) {
	ctx := op.ctx
	if !graphql.HasOperationContext(ctx) {
		ctx = graphql.WithOperationContext(ctx, &graphql.OperationContext{})
	}
	op.refuse(op.socket.exec.DispatchError(ctx, gqlerror.List{gqlerror.WrapIfUnwrapped(err)}))
}

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
	op.cancel()
}

// recoverPanic keeps a panic outside the resolvers, which the executor
// recovers itself, from ending the program.
func (op *operation) recoverPanic() {
	if cause := recover(); cause != nil {
		op.socket.t.cfg.Logger.Error("operation panicked", "panic", cause, "stack", string(debug.Stack()))
		op.fail(fault.Internal.Because(errPanic))
	}
}

var errPanic = errors.New("operation panicked")
