package gqlstream

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/apperr"
	"luxbff/internal/pubsub"
)

// Execution is one operation in the hands of gqlgen's executor, whatever transport
// it came by. Executor and Context are set before any method is called; the rest is
// ready for use as it is. Only Close and IsSubscription may be called while another
// method runs.
type Execution struct {
	Executor graphql.GraphExecutor
	// Context ends the operation. Start derives the one that the responses need and
	// puts it here.
	Context context.Context //nolint:containedctx // the operation's life

	responses graphql.ResponseHandler
	// subscription is what the feed and the transport share; it is here by value,
	// so that it costs no allocation.
	subscription pubsub.Subscription
	// subscribed is true for a subscription whose resolver has not failed.
	subscribed     bool
	isSubscription atomic.Bool
}

// Start reads the operation, asks the hook, where there is one, and dispatches it. It
// gives the response with the errors if one of them refused it. The feed of a
// subscription calls notify when one more response can be had without waiting, if
// NotifyEnabled is true afterwards. A nil notify is for transports that keep a
// goroutine in Next.
func (x *Execution) Start(hook OperationHook, params *graphql.RawParams, notify func()) (refused *graphql.Response) {
	ctx := graphql.StartOperationTrace(x.Context)
	params.ReadTime = graphql.TraceTiming{Start: graphql.GetStartTime(ctx), End: graphql.GetStartTime(ctx)}
	operation, errs := x.Executor.CreateOperationContext(ctx, params)
	return x.start(ctx, hook, operation, errs, notify)
}

// StartRead is Start for an operation that was read already, with the errors that were
// found in it.
func (x *Execution) StartRead(hook OperationHook, operation *graphql.OperationContext, errs gqlerror.List) (refused *graphql.Response) {
	return x.start(graphql.StartOperationTrace(x.Context), hook, operation, errs, nil)
}

// start asks the hook first: who has no right learns that, and not what is wrong with his
// document.
func (x *Execution) start(
	ctx context.Context, hook OperationHook, opCtx *graphql.OperationContext, errs gqlerror.List, notify func(),
) (refused *graphql.Response) {
	if hook != nil {
		operation := opCtx.Operation
		if len(errs) > 0 {
			operation = nil
		}
		allowed, err := hook(ctx, operation)
		if err != nil {
			return x.ErrorResponse(err) //nolint:contextcheck // the execution has a context of its own
		}
		ctx = allowed
	}
	if len(errs) > 0 {
		return x.Executor.DispatchError(graphql.WithOperationContext(ctx, opCtx), errs)
	}
	if opCtx.Operation.Operation != ast.Subscription {
		x.responses, x.Context = x.Executor.DispatchOperation(ctx, opCtx)
		return nil
	}
	x.isSubscription.Store(true)
	shareQueryText(opCtx)
	x.subscription.SetNotify(notify)
	return x.subscribe(pubsub.WithSubscription(ctx, &x.subscription), opCtx)
}

// shareQueryText replaces the client's copy of a query by the equal one that the
// query cache holds. A subscription keeps its OperationContext as long as it lives,
// and with it the text of its query, of which each subscriber would have a copy: in
// BenchmarkFeed 0.16 KB, the length of the query. It may go when gqlgen itself
// takes the text from its cache.
func shareQueryText(opCtx *graphql.OperationContext) {
	at := opCtx.Operation.Position
	if at != nil && at.Src != nil && at.Src.Input == opCtx.RawQuery {
		opCtx.RawQuery = at.Src.Input
	}
}

// subscribe dispatches the operation and observes whether its resolver fails. A
// resolver that called EnableNotify and failed all the same never notifies, so its
// answer must be fetched as that of a subscription without. One that found that its
// client has lost its right answers as the hook would have.
func (x *Execution) subscribe(ctx context.Context, opCtx *graphql.OperationContext) (refused *graphql.Response) {
	middleware := opCtx.ResolverMiddleware
	x.subscribed = true
	opCtx.ResolverMiddleware = func(ctx context.Context, next graphql.Resolver) (any, error) {
		x.subscribed = false
		result, err := middleware(ctx, next)
		x.subscribed = err == nil
		// The field's context lives as long as the subscription, and only the
		// resolver reads its arguments: a map, which is 336 bytes even for one
		// argument.
		if field := graphql.GetFieldContext(ctx); field != nil {
			field.Args = nil
		}
		return result, err
	}
	x.responses, x.Context = x.Executor.DispatchOperation(ctx, opCtx)
	opCtx.ResolverMiddleware = middleware
	if x.subscribed {
		return nil
	}
	x.subscription.Close()
	if err := x.subscription.Refusal(); err != nil {
		return x.ErrorResponse(err) //nolint:contextcheck // the execution has a context of its own
	}
	return nil
}

// ForgetCollectedFields makes the executor forget which fields it has collected.
// They stand in an unexported cache of the OperationContext, which a subscription
// would keep while it waits: in BenchmarkFeed 0.5 KB of 6.2 KB of live objects, for
// what the next event makes again at once. The cache cannot be emptied from
// outside, so all exported fields are copied to a new OperationContext (a test
// looks whether a release of gqlgen has a new one). It may go when gqlgen lets the
// cache be emptied. Nothing of the operation may run meanwhile.
func (x *Execution) ForgetCollectedFields() {
	opCtx := graphql.GetOperationContext(x.Context)
	*opCtx = graphql.OperationContext{
		RawQuery: opCtx.RawQuery, Variables: opCtx.Variables, OperationName: opCtx.OperationName,
		Doc: opCtx.Doc, Extensions: opCtx.Extensions, Headers: opCtx.Headers, Operation: opCtx.Operation,
		DisableIntrospection: opCtx.DisableIntrospection, RecoverFunc: opCtx.RecoverFunc,
		ResolverMiddleware: opCtx.ResolverMiddleware, RootResolverMiddleware: opCtx.RootResolverMiddleware,
		Stats: opCtx.Stats,
	}
}

// IsSubscription reports whether the operation is a subscription that has begun.
func (x *Execution) IsSubscription() bool { return x.isSubscription.Load() }

// Next waits for the next response, nil when there are no more, and gives what has
// to be known of its delivery.
func (x *Execution) Next() (*graphql.Response, pubsub.Delivery) {
	response := x.responses(x.Context)
	if response == nil || !x.subscribed {
		return response, pubsub.Delivery{}
	}
	delivery := x.subscription.TakeDelivery()
	if delivery.Recovered {
		if response.Extensions == nil {
			response.Extensions = map[string]any{}
		}
		response.Extensions["recovered"] = true
	}
	return response, delivery
}

// NotifyEnabled reports whether Next is to be called only after a notification.
func (x *Execution) NotifyEnabled() bool { return x.subscribed && x.subscription.NotifyEnabled() }

// Err is why a subscription that has no more responses ended, nil if it is simply
// complete.
func (x *Execution) Err() error {
	if !x.subscribed {
		return nil
	}
	return x.subscription.Err()
}

// Close tells the feed that the operation has ended. It may be called twice.
func (x *Execution) Close() { x.subscription.Close() }

// ErrorResponse gives the response for an error that isn't part of one.
func (x *Execution) ErrorResponse(err error) *graphql.Response {
	ctx := x.Context
	if !graphql.HasOperationContext(ctx) {
		ctx = graphql.WithOperationContext(ctx, &graphql.OperationContext{})
	}
	return x.Executor.DispatchError(ctx, gqlerror.List{gqlerror.WrapIfUnwrapped(err)})
}

var errPanic = apperr.Text("operation panicked")

// LogPanic logs what was recovered from a panic and gives the error that the client
// gets instead.
func LogPanic(log *slog.Logger, cause any) error {
	log.Error("operation panicked", "panic", apperr.DescribePanic(cause), "stack", string(debug.Stack()))
	return apperr.Internal.Wrap(errPanic)
}
