package app

import (
	"context"
	"database/sql"

	"luxbff/ent/message"
	"luxbff/internal/apperr"
	"luxbff/internal/background"
	outbox "luxbff/internal/message"
	"luxbff/internal/store"
	"luxbff/server/metrics"
	"luxbff/server/middleware"
	"luxbff/server/rest"
	"luxbff/server/tracing"
)

// storeHooks have what the store does counted and traced. Without a tracer there is
// no hook around a write, so that it costs nothing.
func storeHooks(m *metrics.Metrics, tracer *tracing.Tracer, o Options) store.Hooks {
	hooks := store.Hooks{
		Elapsed: o.Elapsed,
		OnStatement: func(ctx context.Context, s store.Statement) {
			tracer.RecordStatement(ctx, s.Query, s.Took, s.Err != nil)
			m.ObserveStatement(s.InWrite, s.Took)
			if o.OnStatement != nil {
				o.OnStatement(s)
			}
		},
		OnWriteBegun: m.ObserveWriteWait,
		OnCommit:     m.ObserveCommit,
	}
	if tracer != nil {
		hooks.OnWrite = func(ctx context.Context) (context.Context, func(error)) {
			ctx, endSpan := tracer.StartWrite(ctx)
			return ctx, func(err error) { endSpan(errorCode(err)) }
		}
	}
	return hooks
}

// traceAction makes the span of an action of REST. It is nil where nothing is
// traced.
func traceAction(tracer *tracing.Tracer) func(context.Context, string) (context.Context, func(error)) {
	if tracer == nil {
		return nil
	}
	return func(ctx context.Context, action string) (context.Context, func(error)) {
		ctx, endSpan := tracer.StartAction(ctx, action)
		return ctx, func(err error) { endSpan(errorCode(err)) }
	}
}

// errorCode is the code by which a span names an error; empty without one.
func errorCode(err error) string {
	if err == nil {
		return ""
	}
	return apperr.From(err).Code()
}

// surfaceNames are those by which requests and errors are counted.
func surfaceNames() []string {
	names := []string{middleware.SurfaceGraphQL}
	for _, surface := range rest.Surfaces() {
		if surface.Name != "" { // the one that answers 404 has none
			names = append(names, surface.Name)
		}
	}
	return names
}

// inBackground is the surface of errors that no client was answered.
const inBackground = "background"

// onPanic logs a panic in the background, as the middleware does one in a request, and
// counts it among the internal errors.
func (a *App) onPanic(ctx context.Context, p *background.Panic) {
	a.options.Log.ErrorContext(ctx, "panic", "error", apperr.DescribePanic(p.Value), "stack", string(p.Stack))
	a.metrics.CountError(inBackground, apperr.Internal.New().Code())
}

// countMessage counts a try to send a message by what became of it.
func countMessage(m *metrics.Metrics) func(message.Channel, message.State) {
	return func(channel message.Channel, state message.State) {
		outcome := state.String()
		if state == message.StatePending { // it has failed and will be tried again
			outcome = "retry"
		}
		m.CountMessage(channel.String(), outcome)
	}
}

// countCheck counts a question to a provider what became of a message.
func countCheck(m *metrics.Metrics) func(message.Channel, outbox.Outcome) {
	return func(channel message.Channel, outcome outbox.Outcome) {
		m.CountMessageCheck(channel.String(), string(outcome))
	}
}

// readState is called when Prometheus asks. A database that doesn't answer must not
// hide the other metrics, which are needed most then: only the outbox is left out.
func (a *App) readState(ctx context.Context) metrics.State {
	stats := a.Store.Stats()
	state := metrics.State{
		Pools:       map[string]sql.DBStats{"read": stats.Read, "write": stats.Write},
		Writes:      stats.Writes,
		Connections: map[string]metrics.Connections{},
		Subscribers: a.hub.Subscribers(),
		Hashes:      a.Auth.Passwords.Waiting(),
	}
	for protocol, open := range a.sockets.Stats() {
		state.Connections[protocol] = metrics.Connections{
			Open: open.Connections, QueuedBytes: open.QueuedBytes, PendingResponses: open.PendingResponses,
		}
	}
	if a.Config.NATSURL != "" {
		up := a.bus.Connected()
		state.BusUp = &up
	}
	state.Writable = a.Store.CheckWritable(ctx) == nil
	backlog, err := a.Outbox.Backlog(ctx)
	if err != nil {
		a.options.Log.WarnContext(ctx, "read the outbox for metrics", "error", err)
		state.Writable = false // whatever a write has shown a moment ago
		return state
	}
	state.Outbox = &metrics.Outbox{Pending: backlog.Pending, Dead: backlog.Dead, Oldest: backlog.Oldest}
	return state
}
