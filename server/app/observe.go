package app

import (
	"context"
	"database/sql"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/ent/message"
	"luxbff/internal/store"
	"luxbff/server/metrics"
)

// watchStore has what the store does counted.
func (a *App) watchStore() store.Watch {
	return store.Watch{
		Elapsed:   a.options.Elapsed,
		Statement: a.countStatement,
		Waited:    a.metrics.Waited,
		Committed: a.metrics.Committed,
	}
}

func (a *App) countStatement(_ context.Context, s store.Statement) {
	kind := "read"
	if s.InWrite {
		kind = "write"
	}
	a.metrics.Statement(kind, s.Took)
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
	name, live := operation.Name, operation.Operation == ast.Subscription
	if name == "" {
		name = anonymous
	}
	request := requestOf(ctx)
	switch {
	case request != nil:
		request.executes(name, live)
		return next(ctx)
	case live:
		return next(ctx)
	}
	began := o.app.options.Elapsed()
	response := next(ctx)
	if response != nil { // nil says that there are no more
		o.app.metrics.Took(surfaceGraphQL, name, metrics.App{Name: onSocket}, o.app.options.Elapsed()-began)
	}
	return response
}
