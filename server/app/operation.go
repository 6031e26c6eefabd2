package app

import (
	"cmp"
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/usage"
	"luxbff/internal/viewer"
	"luxbff/server/metrics"
	"luxbff/server/middleware"
	"luxbff/server/tracing"
)

const (
	// anonymous is the name of an operation that has none.
	anonymous = "anonymous"
	// onSocket is the app of an operation on a socket: the headers that name the app
	// are not kept as long as the socket lives.
	onSocket = "socket"
)

// operationObserver names the GraphQL operation to the request that carries it and
// makes its span. It counts each operation by the app that asked, and the duration of what a
// socket carries, which belongs to no request.
type operationObserver struct {
	metrics *metrics.Metrics
	usage   *usage.Service
	tracer  *tracing.Tracer
	elapsed func() time.Duration
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationInterceptor
	graphql.ResponseInterceptor
} = operationObserver{}

// ExtensionName implements graphql.HandlerExtension.
func (operationObserver) ExtensionName() string { return "OperationObserver" }

// Validate implements graphql.HandlerExtension.
func (operationObserver) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation implements graphql.OperationInterceptor. It counts a subscription once it
// has begun: its responses come later, if any.
func (o operationObserver) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	operation := graphql.GetOperationContext(ctx).Operation
	responses := next(ctx)
	if operation.Operation == ast.Subscription {
		o.countUse(ctx, operationName(ctx, operation))
	}
	return responses
}

// countUse counts an operation of the app that asks.
func (o operationObserver) countUse(ctx context.Context, name string) {
	app := clientApp(viewer.ClientFrom(ctx))
	_, err := viewer.From(ctx)
	o.metrics.CountOperation(name, app)
	o.usage.Count(usage.Use{Surface: middleware.SurfaceGraphQL, Name: name, App: app.Name, Version: app.Version}, err == nil)
}

// clientApp is what a client says of itself, on whichever transport.
func clientApp(said viewer.Client) metrics.ClientApp {
	return metrics.NewClientApp(said.AppName, said.AppVersion, said.UserAgent)
}

// InterceptResponse implements graphql.ResponseInterceptor.
func (o operationObserver) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	operation := graphql.GetOperationContext(ctx).Operation
	if operation == nil {
		return next(ctx)
	}
	name := operationName(ctx, operation)
	request := middleware.RequestInfoFrom(ctx)
	isSubscription := operation.Operation == ast.Subscription
	request.SetOperation(name, isSubscription)
	// A subscription has no duration to measure, and its span would never end. That to the
	// feed checks its token only now.
	if isSubscription {
		response := next(ctx)
		nameViewer(ctx, request)
		return response
	}
	nameViewer(ctx, request)
	began := o.elapsed()
	ctx, endSpan := o.tracer.StartOperation(ctx, string(operation.Operation), name)
	response := next(ctx)
	if response == nil {
		// The transport asks until there is no more. A span that doesn't end is never
		// sent.
		return nil
	}
	endSpan(firstCode(response.Errors))
	o.countUse(ctx, name)
	if request == nil {
		o.metrics.ObserveOperation(middleware.SurfaceGraphQL, name, metrics.ClientApp{Name: onSocket}, o.elapsed()-began)
	}
	return response
}

// nameViewer names to the request who asks.
func nameViewer(ctx context.Context, request *middleware.RequestInfo) {
	if v, err := viewer.From(ctx); err == nil {
		request.SetRootUser(v.RootUserID())
	}
}

// operationName is the name under which an operation is logged, counted and traced. Of
// somebody who is not signed in nothing is repeated that he could choose: his operation
// has the name of its first root field, such as signIn.
func operationName(ctx context.Context, operation *ast.OperationDefinition) string {
	if _, err := viewer.From(ctx); err == nil {
		return cmp.Or(middleware.TruncateName(operation.Name), anonymous)
	}
	if field, isField := operation.SelectionSet[0].(*ast.Field); isField {
		return field.Name
	}
	return anonymous
}

// firstCode is that of the first error; empty without one.
func firstCode(errs gqlerror.List) string {
	if len(errs) == 0 {
		return ""
	}
	code, _ := errs[0].Extensions["code"].(string)
	return code
}

// resolverTracer traces the resolvers, each of which makes one call of the domain.
// It is installed only where there is a tracer: gqlgen calls a field interceptor
// for every field of a response.
type resolverTracer struct{ tracer *tracing.Tracer }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationInterceptor
	graphql.FieldInterceptor
} = resolverTracer{}

// ExtensionName implements graphql.HandlerExtension.
func (resolverTracer) ExtensionName() string { return "ResolverTracer" }

// Validate implements graphql.HandlerExtension.
func (resolverTracer) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation implements graphql.OperationInterceptor. A subscription lasts,
// so its work belongs to no trace of a request.
func (resolverTracer) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription {
		ctx = tracing.Detach(ctx)
	}
	return next(ctx)
}

// InterceptField implements graphql.FieldInterceptor.
func (t resolverTracer) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	field := graphql.GetFieldContext(ctx)
	if !field.IsResolver {
		return next(ctx)
	}
	ctx, endSpan := t.tracer.StartAction(ctx, field.Field.Name)
	result, err := next(ctx)
	endSpan(errorCode(err))
	return result, err
}
