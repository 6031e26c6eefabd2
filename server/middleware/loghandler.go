package middleware

import (
	"context"
	"log/slog"

	"luxbff/internal/viewer"
	"luxbff/server/tracing"
)

// LogHandler adds to each record that is logged with a request's context the id of
// the request, so that a client's X-Request-Id finds the cause of its error, the id
// of the user who asked, and that of the trace.
type LogHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h LogHandler) Handle(ctx context.Context, record slog.Record) error {
	if info := RequestInfoFrom(ctx); info != nil {
		record.AddAttrs(slog.String("request_id", info.id))
	}
	if id := rootUserID(ctx); id != 0 {
		record.AddAttrs(slog.Int("user_id", id))
	}
	if id := tracing.TraceID(ctx); id != "" {
		record.AddAttrs(slog.String("trace_id", id))
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h LogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return LogHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h LogHandler) WithGroup(name string) slog.Handler {
	return LogHandler{h.Handler.WithGroup(name)}
}

// rootUserID is that of the user who asked, 0 if nobody signed in did. The info
// comes first because it is also there when the context is the outer one, from
// before authentication.
func rootUserID(ctx context.Context) int {
	if info := RequestInfoFrom(ctx); info != nil {
		return info.read().rootUserID
	}
	if v, err := viewer.From(ctx); err == nil {
		return v.RootUserID()
	}
	return 0
}
