package middleware

import (
	"context"
	"log/slog"

	"luxbff/internal/apperr"
	"luxbff/internal/viewer"
	"luxbff/server/tracing"
)

// LogHandler adds to each record that is logged with a request's context the id of
// the request, so that a client's X-Request-Id finds the cause of its error, the id
// of the user who asked, and that of the trace. In place of the text of an error it logs
// what [apperr.Describe] says of it, so that no line holds what was sent.
type LogHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h LogHandler) Handle(ctx context.Context, logged slog.Record) error {
	attrs := make([]slog.Attr, 0, 16) // on the stack, for as many as a line has
	logged.Attrs(func(attr slog.Attr) bool {
		attrs = append(attrs, describeErrors(attr))
		return true
	})
	if info := RequestInfoFrom(ctx); info != nil {
		attrs = append(attrs, slog.String("request_id", info.id))
	}
	if id := rootUserID(ctx); id != 0 {
		attrs = append(attrs, slog.Int("user_id", id))
	}
	if id := tracing.TraceID(ctx); id != "" {
		attrs = append(attrs, slog.String("trace_id", id))
	}
	record := slog.NewRecord(logged.Time, logged.Level, logged.Message, logged.PC)
	record.AddAttrs(attrs...)
	return h.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h LogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	described := make([]slog.Attr, len(attrs))
	for i, attr := range attrs {
		described[i] = describeErrors(attr)
	}
	return LogHandler{h.Handler.WithAttrs(described)}
}

// WithGroup implements slog.Handler.
func (h LogHandler) WithGroup(name string) slog.Handler {
	return LogHandler{h.Handler.WithGroup(name)}
}

// describeErrors gives the attribute with descriptions in place of its errors.
func describeErrors(attr slog.Attr) slog.Attr {
	attr.Value = attr.Value.Resolve()
	switch attr.Value.Kind() {
	case slog.KindGroup:
		members := attr.Value.Group()
		described := make([]slog.Attr, len(members))
		for i, member := range members {
			described[i] = describeErrors(member)
		}
		attr.Value = slog.GroupValue(described...)
	case slog.KindAny:
		if err, isError := attr.Value.Any().(error); isError {
			attr.Value = slog.StringValue(apperr.Describe(err))
		}
	}
	return attr
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
