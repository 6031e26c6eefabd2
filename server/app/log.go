package app

import (
	"context"
	"log/slog"

	"luxbff/internal/viewer"
	"luxbff/server/tracing"
)

// requestLog adds to whatever is logged while a request runs its id, so that a
// client's X-Request-Id finds the cause, the id of the user who asked, and that of
// the trace.
type requestLog struct{ slog.Handler }

// Handle adds the ids.
func (h requestLog) Handle(ctx context.Context, record slog.Record) error {
	if request := requestOf(ctx); request != nil {
		record.AddAttrs(slog.String("request_id", request.id))
	}
	if id := rootUserID(ctx); id != 0 {
		record.AddAttrs(slog.Int("user_id", id))
	}
	if id := tracing.TraceID(ctx); id != "" {
		record.AddAttrs(slog.String("trace_id", id))
	}
	return h.Handler.Handle(ctx, record)
}

// rootUserID is that of the user who asked, 0 if nobody signed in did.
func rootUserID(ctx context.Context) int {
	if request := requestOf(ctx); request != nil {
		return request.known().rootUserID
	}
	if v, err := viewer.From(ctx); err == nil {
		return v.RootUserID()
	}
	return 0
}

// WithAttrs keeps the wrapping.
func (h requestLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestLog{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the wrapping.
func (h requestLog) WithGroup(name string) slog.Handler {
	return requestLog{h.Handler.WithGroup(name)}
}
