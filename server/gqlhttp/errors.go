package gqlhttp

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/apperr"
)

// variableRoot is the first element of the path that gqlparser gives a bad variable.
const variableRoot = ast.PathName("variable")

// presenter is the one place where errors become GraphQL errors, whatever the transport:
//
//   - A [*apperr.Error] has its detail as message, and its code, status and field as
//     extensions.
//   - A bad variable or argument becomes [apperr.BadRequest], with the input path as field
//     and what is wrong with it as reason.
//   - An error that has a code already, as those of parsing and validation, keeps code and
//     message.
//   - Any other error becomes [apperr.Internal], and its text is only logged.
type presenter struct {
	log *slog.Logger
	// count is called with the code of each error, unless the client hung up before it.
	count func(code string)
}

// present implements graphql.ErrorPresenterFunc. gqlgen calls it once for each error.
func (p presenter) present(ctx context.Context, err error) *gqlerror.Error {
	presented := p.translate(ctx, err)
	if code, ok := presented.Extensions["code"].(string); ok && !apperr.IsHungUp(ctx, err) {
		p.count(code)
	}
	return presented
}

func (p presenter) translate(ctx context.Context, err error) *gqlerror.Error {
	located := withLocation(ctx, err)
	presented := &gqlerror.Error{Message: located.Message, Path: located.Path, Locations: located.Locations}
	var known *apperr.Error
	code, _ := located.Extensions["code"].(string)
	switch {
	case errors.As(err, &known):
		p.logCause(ctx, known)
	case code == errcode.ValidationFailed && len(located.Path) > 1 && located.Path[0] == variableRoot:
		// The path is one of the input, which is no path of the response.
		presented.Path = nil
		return fill(presented, apperr.BadRequest.WithField(located.Path[1:].String()), located.Message)
	case code != "":
		presented.Extensions = withStatus(located.Extensions)
		return presented
	default:
		if field, input := splitInputPath(ctx, located.Path); input != nil {
			presented.Path = field
			return fill(presented, apperr.BadRequest.WithField(input.String()), located.Message)
		}
		known = apperr.Internal.Wrap(causeOf(located))
		p.logCause(ctx, known)
	}
	return fill(presented, known, "")
}

// withLocation gives the GraphQL error in err, or wraps err with the path of the field
// that is being resolved.
func withLocation(ctx context.Context, err error) *gqlerror.Error {
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

// splitInputPath splits the path of an argument that could not be decoded into the path
// of its field and the path into the argument, because gqlgen appends the one to the
// other. The input is nil for any other error.
func splitInputPath(ctx context.Context, path ast.Path) (field, input ast.Path) {
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

// fill gives a GraphQL error the message and the extensions of a documented error. The
// reason is for developers of apps; an empty one leaves that of the error, if it has one.
func fill(presented *gqlerror.Error, known *apperr.Error, reason string) *gqlerror.Error {
	presented.Message = known.Detail()
	presented.Extensions = map[string]any{"code": known.Code(), "status": known.Status()}
	if wait := known.RetryAfter(); wait > 0 {
		presented.Extensions["retryAfterMs"] = wait.Milliseconds()
	}
	if known.Field != "" {
		presented.Extensions["field"] = known.Field
	}
	if reason = cmp.Or(reason, known.Reason); reason != "" {
		presented.Extensions["reason"] = reason
	}
	return presented
}

// invalidInput is a bad input that is found before the operation runs.
func invalidInput(field, reason string) *gqlerror.Error {
	return fill(&gqlerror.Error{}, apperr.BadRequest.WithField(field), reason)
}

// withStatus completes the extensions of an error that has a code and no status. That a
// persisted query is not known is no error of HTTP: the client sends the text next.
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

// logCause logs what the client does not learn.
func (p presenter) logCause(ctx context.Context, known *apperr.Error) {
	cause := known.Unwrap()
	if cause == nil {
		return
	}
	p.log.LogAttrs(ctx, known.LogLevel(ctx), "graphql: refused", fieldAttr(ctx),
		slog.String("detail", known.Detail()), slog.Any("cause", cause))
}

// recovered implements graphql.RecoverFunc. It logs the panic with its stack, which is
// gone later.
func (p presenter) recovered(ctx context.Context, value any) error {
	p.log.LogAttrs(ctx, slog.LevelError, "graphql: panic", fieldAttr(ctx),
		slog.String("panic", apperr.DescribePanic(value)), slog.String("stack", string(debug.Stack())))
	return apperr.Internal.New()
}

// fieldAttr names the field that is being resolved as the schema does: the path of the
// response and the operation have names that the client chose.
func fieldAttr(ctx context.Context) slog.Attr {
	name := ""
	if field := graphql.GetFieldContext(ctx); field != nil {
		name = field.Object + "." + field.Field.Name
	}
	return slog.String("field", name)
}
