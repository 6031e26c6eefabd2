package gqlhttp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/apperr"
)

// variableRoot is what gqlparser starts the path of a bad variable with.
const variableRoot = ast.PathName("variable")

// presenter is the one place where errors become GraphQL errors:
//
//   - a *apperr.Error has its detail as message, and code, status and field as
//     extensions;
//   - a bad variable or argument is apperr.BadRequest, with the input path as
//     field and what is wrong with it as reason;
//   - an error that carries a code already, as those of parsing and validation,
//     keeps it and its message;
//   - anything else is apperr.Internal, and its cause goes to the log.
type presenter struct {
	log   *slog.Logger
	count func(code string)
}

// present implements graphql.ErrorPresenterFunc. Each error comes by here once.
func (p presenter) present(ctx context.Context, err error) *gqlerror.Error {
	presented := p.translate(ctx, err)
	if code, ok := presented.Extensions["code"].(string); ok {
		p.count(code)
	}
	return presented
}

func (p presenter) translate(ctx context.Context, err error) *gqlerror.Error {
	located := locate(ctx, err)
	presented := &gqlerror.Error{Message: located.Message, Path: located.Path, Locations: located.Locations}
	var known *apperr.Error
	code, _ := located.Extensions["code"].(string)
	switch {
	case errors.As(err, &known):
		p.logCause(ctx, known, located.Path)
	case code == errcode.ValidationFailed && len(located.Path) > 1 && located.Path[0] == variableRoot:
		presented.Path = nil
		return describe(presented, apperr.BadRequest.WithField(located.Path[1:].String()), located.Message)
	case code != "":
		presented.Extensions = withStatus(located.Extensions)
		return presented
	default:
		if field, input := inputPath(ctx, located.Path); input != nil {
			presented.Path = field
			return describe(presented, apperr.BadRequest.WithField(input.String()), located.Message)
		}
		known = apperr.Internal.Wrap(causeOf(located))
		p.logCause(ctx, known, located.Path)
	}
	return describe(presented, known, "")
}

func locate(ctx context.Context, err error) *gqlerror.Error {
	var located *gqlerror.Error
	if errors.As(err, &located) {
		return located
	}
	return gqlerror.WrapPath(graphql.GetPath(ctx), err)
}

func causeOf(located *gqlerror.Error) error {
	if located.Err != nil {
		return located.Err
	}
	return located
}

// inputPath splits the path of an argument that could not be read: gqlgen hangs
// the path into the argument onto that of the field.
func inputPath(ctx context.Context, path ast.Path) (field, input ast.Path) {
	current := graphql.GetFieldContext(ctx)
	if current == nil {
		return nil, nil
	}
	field = current.Path()
	if len(field) == 0 || len(path) <= len(field) {
		return nil, nil
	}
	for i, element := range field {
		if path[i] != element {
			return nil, nil
		}
	}
	return field, path[len(field):]
}

func describe(presented *gqlerror.Error, known *apperr.Error, reason string) *gqlerror.Error {
	presented.Message = known.Detail()
	presented.Extensions = extensionsOf(known, reason)
	return presented
}

func extensionsOf(known *apperr.Error, reason string) map[string]any {
	extensions := map[string]any{"code": known.Code(), "status": known.Status()}
	if wait := known.RetryAfter(); wait > 0 {
		extensions["retryAfterMs"] = wait.Milliseconds()
	}
	if known.Field != "" {
		extensions["field"] = known.Field
	}
	if reason != "" {
		extensions["reason"] = reason
	}
	return extensions
}

// withStatus completes an error that has a code and no status; that of an APQ
// miss is no error of HTTP.
func withStatus(extensions map[string]any) map[string]any {
	completed := map[string]any{"status": http.StatusBadRequest}
	if extensions["code"] == codePersistedQueryNotFound {
		completed["status"] = http.StatusOK
	}
	for name, value := range extensions {
		completed[name] = value
	}
	return completed
}

// logCause writes what the client is not told. A request whose client is gone
// fails for that alone and is no fault of ours.
func (p presenter) logCause(ctx context.Context, known *apperr.Error, path ast.Path) {
	cause := known.Unwrap()
	if cause == nil {
		return
	}
	level := slog.LevelWarn
	if known.Status() >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if ctx.Err() != nil && errors.Is(cause, context.Canceled) {
		level = slog.LevelDebug
	}
	p.log.LogAttrs(ctx, level, "graphql: refused", append(p.about(ctx),
		slog.String("detail", known.Detail()), slog.String("path", bounded(path.String())), slog.Any("cause", cause))...)
}

// recovered implements graphql.RecoverFunc: the stack goes to the log at once.
// Of a panic value that is neither text nor an error only the type is written,
// because it may hold a row.
func (p presenter) recovered(ctx context.Context, value any) error {
	text := fmt.Sprintf("%T", value)
	switch value.(type) {
	case error, string:
		text = fmt.Sprint(value)
	}
	p.log.LogAttrs(ctx, slog.LevelError, "graphql: panic", append(p.about(ctx),
		slog.String("panic", text), slog.String("stack", string(debug.Stack())))...)
	return apperr.Internal.New()
}

func (p presenter) about(ctx context.Context) []slog.Attr {
	operation := ""
	if graphql.HasOperationContext(ctx) {
		operation = graphql.GetOperationContext(ctx).OperationName
	}
	return []slog.Attr{
		slog.String("operation", bounded(operation)),
	}
}

// bounded cuts what a client named: operations and the aliases of a path.
func bounded(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return text[:most]
}

// refusal is why a request never became an operation.
type refusal struct {
	status        int
	code, message string
	field, reason string
	// allow lists the methods that would do.
	allow string
}

func (r *refusal) error() *gqlerror.Error {
	extensions := map[string]any{"code": r.code, "status": r.status}
	if r.field != "" {
		extensions["field"] = r.field
	}
	if r.reason != "" {
		extensions["reason"] = r.reason
	}
	return &gqlerror.Error{Message: r.message, Extensions: extensions}
}

func refusalOf(known *apperr.Error) *refusal {
	return &refusal{status: known.Status(), code: known.Code(), message: known.Detail(), field: known.Field}
}

func badRequest(reason string) *refusal {
	refused := refusalOf(apperr.BadRequest.New())
	refused.reason = reason
	return refused
}

func methodNotAllowed(allow, reason string) *refusal {
	refused := refusalOf(apperr.MethodNotAllowed.New())
	refused.allow, refused.reason = allow, reason
	return refused
}

func tooLarge(limit int64) *refusal {
	return &refusal{
		status: http.StatusRequestEntityTooLarge, code: "PAYLOAD_TOO_LARGE", message: "Payload too large",
		reason: fmt.Sprintf("A body has at most %d bytes.", limit),
	}
}

func unsupported(reason string) *refusal {
	return &refusal{
		status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE",
		message: "Unsupported media type", reason: reason,
	}
}

func notAcceptable() *refusal {
	return &refusal{
		status: http.StatusNotAcceptable, code: "NOT_ACCEPTABLE", message: "Not acceptable",
		reason: "The answer is application/json or application/graphql-response+json.",
	}
}

// invalid is a bad input that is found before the operation runs.
func invalid(field, reason string) *gqlerror.Error {
	return describe(&gqlerror.Error{}, apperr.BadRequest.WithField(field), reason)
}
