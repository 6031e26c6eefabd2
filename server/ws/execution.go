package ws

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/apperr"
	"luxbff/internal/pubsub"
)

// execution is one operation in the executor's hands, whatever transport it
// came by.
type execution struct {
	exec      graphql.GraphExecutor
	ctx       context.Context //nolint:containedctx // the operation's life
	responses graphql.ResponseHandler
	// subscription is what the feed and the transport share; it is here by value,
	// so that it costs no allocation.
	subscription pubsub.Subscription
	// subscribed is true for a subscription whose resolver has not failed.
	subscribed bool
}

// start asks the hook, where there is one, and dispatches the operation. It
// gives the response with the errors if one of them refused it. A nil notify is
// for transports that wait for each response.
func (x *execution) start(
	hook func(context.Context) (context.Context, error), params *graphql.RawParams, notify func(),
) (refused *graphql.Response) {
	ctx := x.ctx
	if hook != nil {
		allowed, err := hook(ctx)
		if err != nil {
			return x.present(err)
		}
		ctx = allowed
	}
	ctx = graphql.StartOperationTrace(ctx)
	params.ReadTime = graphql.TraceTiming{Start: graphql.GetStartTime(ctx), End: graphql.GetStartTime(ctx)}
	opCtx, errs := x.exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		return x.exec.DispatchError(graphql.WithOperationContext(ctx, opCtx), errs)
	}
	if opCtx.Operation.Operation != ast.Subscription {
		x.responses, x.ctx = x.exec.DispatchOperation(ctx, opCtx)
		return nil
	}
	shareText(opCtx)
	x.subscription.SetNotify(notify)
	x.subscribe(pubsub.WithSubscription(ctx, &x.subscription), opCtx)
	return nil
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
func (x *execution) subscribe(ctx context.Context, opCtx *graphql.OperationContext) {
	middleware := opCtx.ResolverMiddleware
	x.subscribed = true
	opCtx.ResolverMiddleware = func(ctx context.Context, next graphql.Resolver) (any, error) {
		x.subscribed = false
		result, err := middleware(ctx, next)
		x.subscribed = err == nil
		if field := graphql.GetFieldContext(ctx); field != nil {
			field.Args = nil // a map that would be kept for nobody
		}
		return result, err
	}
	x.responses, x.ctx = x.exec.DispatchOperation(ctx, opCtx)
	opCtx.ResolverMiddleware = middleware
	if !x.subscribed {
		x.subscription.Close()
	}
}

// forget drops what the executor remembers of the fields it has collected, for
// that is kept as long as the subscription and made again in no time. Nothing of
// the operation may run meanwhile.
func (x *execution) forget() {
	opCtx := graphql.GetOperationContext(x.ctx)
	*opCtx = graphql.OperationContext{
		RawQuery: opCtx.RawQuery, Variables: opCtx.Variables, OperationName: opCtx.OperationName,
		Doc: opCtx.Doc, Extensions: opCtx.Extensions, Headers: opCtx.Headers, Operation: opCtx.Operation,
		DisableIntrospection: opCtx.DisableIntrospection, RecoverFunc: opCtx.RecoverFunc,
		ResolverMiddleware: opCtx.ResolverMiddleware, RootResolverMiddleware: opCtx.RootResolverMiddleware,
		Stats: opCtx.Stats,
	}
}

// next waits for the next response and tells what of it has to be known; nil
// when there are no more.
func (x *execution) next() (*graphql.Response, pubsub.Delivery) {
	response := x.responses(x.ctx)
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

// woken reports whether responses are to be fetched only after a wake.
func (x *execution) woken() bool { return x.subscribed && x.subscription.NotifyEnabled() }

// err is why a subscription that has no more responses ended, nil if it is
// simply done.
func (x *execution) err() error {
	if !x.subscribed {
		return nil
	}
	return x.subscription.Err()
}

// present gives the response for an error that isn't part of one.
func (x *execution) present(err error) *graphql.Response {
	ctx := x.ctx
	if !graphql.HasOperationContext(ctx) {
		ctx = graphql.WithOperationContext(ctx, &graphql.OperationContext{})
	}
	return x.exec.DispatchError(ctx, gqlerror.List{gqlerror.WrapIfUnwrapped(err)})
}

var errPanic = errors.New("operation panicked")

// panicked logs a recovered panic and gives the error that is told of it.
func panicked(log *slog.Logger, cause any) error {
	log.Error("operation panicked", "panic", cause, "stack", string(debug.Stack()))
	return apperr.Internal.Wrap(errPanic)
}
