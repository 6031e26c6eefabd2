package app

import (
	"context"
	"database/sql"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/ent/message"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/server/metrics"
	"luxbff/server/tracing"
)

// watchStore has what the store does counted and traced.
func (a *App) watchStore() store.Hooks {
	watch := store.Hooks{
		Elapsed:   a.options.Elapsed,
		Statement: a.countStatement,
		Waited:    a.metrics.Waited,
		Committed: a.metrics.Committed,
	}
	if a.tracer != nil {
		watch.Write = func(ctx context.Context) (context.Context, func(error)) {
			ctx, end := a.tracer.Write(ctx)
			return ctx, func(err error) { end(codeOf(err)) }
		}
	}
	return watch
}

// codeOf is the code by which a span names an error; empty without one.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return apperr.From(err).Code()
}

// traceAction is nil when nothing is traced.
func (a *App) traceAction() func(context.Context, string) (context.Context, func(error)) {
	if a.tracer == nil {
		return nil
	}
	return func(ctx context.Context, action string) (context.Context, func(error)) {
		ctx, end := a.tracer.Action(ctx, action)
		return ctx, func(err error) { end(codeOf(err)) }
	}
}

func (a *App) countStatement(ctx context.Context, s store.Statement) {
	a.tracer.Statement(ctx, s.Query, s.Took, s.Err != nil)
	a.metrics.Statement(s.InWrite, s.Took)
}

func (a *App) countTry(channel message.Channel, became message.State) {
	outcome := became.String()
	if became == message.StatePending {
		outcome = "retry"
	}
	a.metrics.Message(channel.String(), outcome)
}

// state is read when Prometheus asks.
func (a *App) state(ctx context.Context) metrics.State {
	stats := a.Store.Stats()
	state := metrics.State{
		Pools:       map[string]sql.DBStats{"read": stats.Read, "write": stats.Write},
		Writes:      stats.Writes,
		Connections: map[string]metrics.Connections{},
		Subscribers: a.hub.Watchers(),
	}
	for protocol, live := range a.sockets.Stats() {
		state.Connections[protocol] = metrics.Connections{
			Open: live.Connections, QueuedBytes: live.QueuedBytes, PendingResponses: live.PendingResponses,
		}
	}
	if a.Config.NATSURL != "" {
		up := a.bus.Up()
		state.BusUp = &up
	}
	backlog, err := a.Outbox.Backlog(ctx)
	if err != nil {
		a.options.Log.WarnContext(ctx, "read the outbox for metrics", "error", err)
		return state
	}
	state.Outbox = &metrics.Outbox{Pending: backlog.Pending, Dead: backlog.Dead, Oldest: backlog.Oldest}
	return state
}

// observer tells the request which GraphQL operation it carries. What a socket
// carries has no request and is counted here.
type observer struct{ app *App }

var _ interface {
	graphql.HandlerExtension
	graphql.ResponseInterceptor
} = observer{}

// ExtensionName implements graphql.HandlerExtension.
func (observer) ExtensionName() string { return "Observer" }

// Validate implements graphql.HandlerExtension.
func (observer) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse implements graphql.ResponseInterceptor.
func (o observer) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	operation := graphql.GetOperationContext(ctx).Operation
	if operation == nil {
		return next(ctx)
	}
	name, live := bounded(operation.Name), operation.Operation == ast.Subscription
	if name == "" {
		name = anonymous
	}
	request := requestOf(ctx)
	if request != nil {
		request.executes(name, live)
	}
	if live {
		return next(ctx)
	}
	began := o.app.options.Elapsed()
	ctx, end := o.app.tracer.Operation(ctx, string(operation.Operation), name)
	response := next(ctx)
	if response == nil { // there are no more: a span that doesn't end is not told
		return nil
	}
	end(firstCode(response.Errors))
	if request == nil {
		o.app.metrics.Took(surfaceGraphQL, name, metrics.App{Name: onSocket}, o.app.options.Elapsed()-began)
	}
	return response
}

// firstCode is that of the first error; empty without one.
func firstCode(errs gqlerror.List) string {
	if len(errs) == 0 {
		return ""
	}
	code, _ := errs[0].Extensions["code"].(string)
	return code
}

// actions traces the resolvers, each of which makes one call of the domain. It is
// used only when there is a tracer.
type actions struct{ app *App }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationInterceptor
	graphql.FieldInterceptor
} = actions{}

// ExtensionName implements graphql.HandlerExtension.
func (actions) ExtensionName() string { return "Actions" }

// Validate implements graphql.HandlerExtension.
func (actions) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation implements graphql.OperationInterceptor.
func (actions) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription {
		ctx = tracing.Detach(ctx)
	}
	return next(ctx)
}

// InterceptField implements graphql.FieldInterceptor.
func (x actions) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	field := graphql.GetFieldContext(ctx)
	if !field.IsResolver {
		return next(ctx)
	}
	ctx, end := x.app.tracer.Action(ctx, field.Field.Name)
	result, err := next(ctx)
	end(codeOf(err))
	return result, err
}
