package app

import (
	"context"
	"log/slog"
)

// requestLog adds the id of the request to whatever is logged while it runs, so
// that a client's X-Request-Id finds the cause.
type requestLog struct{ slog.Handler }

// Handle adds the id.
func (h requestLog) Handle(ctx context.Context, record slog.Record) error {
	if request := requestOf(ctx); request != nil {
		record.AddAttrs(slog.String("request_id", request.id))
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs keeps the wrapping.
func (h requestLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestLog{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the wrapping.
func (h requestLog) WithGroup(name string) slog.Handler {
	return requestLog{h.Handler.WithGroup(name)}
}
