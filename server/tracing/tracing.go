// Package tracing makes OpenTelemetry spans of what the program does: the request,
// the GraphQL operation in it, the call of a rule, the write, the SQL statement. It
// sends them to a collector by OTLP over HTTP. A span names what ran and how it
// ended; it holds no value that a client sent or a row keeps, and no error's text.
// The package imports no edge, no rule and no storage.
//
// The SDK reads its own settings from the environment, as OTEL_SERVICE_NAME,
// OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_BSP_* and
// OTEL_EXPORTER_OTLP_HEADERS.
package tracing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// serviceName is what OTEL_SERVICE_NAME replaces.
const serviceName = "luxbff"

// Tracer makes spans. A nil Tracer makes none, and then its methods cost nothing:
// they give back the context that they were given.
type Tracer struct {
	exporter sdktrace.SpanExporter
	sender   sdktrace.SpanProcessor
	tracer   trace.Tracer
	parent   propagation.TraceContext
}

// Start begins to send spans to the collector whose address for traces is
// endpoint, as http://127.0.0.1:4318/v1/traces. An empty endpoint gives nil. A
// collector that isn't there is no error: spans are dropped then.
func Start(ctx context.Context, endpoint string) (*Tracer, error) {
	if endpoint == "" {
		return nil, nil
	}
	if err := CheckAddress(endpoint); err != nil {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	described, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(semconv.ServiceName(serviceName)), resource.WithFromEnv())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("tracing: %w", err), exporter.Shutdown(ctx))
	}
	sender := sdktrace.NewBatchSpanProcessor(exporter)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(sender), sdktrace.WithResource(described))
	return &Tracer{exporter: exporter, sender: sender, tracer: provider.Tracer("luxbff/server/tracing")}, nil
}

// CheckAddress tells what is wrong with a collector's address.
func CheckAddress(endpoint string) error {
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("OTEL_EXPORTER_OTLP_ENDPOINT must be an http:// or https:// address")
	}
	return nil
}

// Close sends what is left, until ctx ends. A second call does nothing.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	// The provider's own Shutdown leaves the sender running if ctx has ended.
	err := t.sender.Shutdown(ctx)
	if err == nil {
		return nil
	}
	// It waits for the exporter, which tries for a minute unless it is stopped.
	return fmt.Errorf("tracing: the last spans: %w", errors.Join(err, t.exporter.Shutdown(context.WithoutCancel(ctx))))
}

// TraceID is by what the trace that ctx belongs to is found; empty without one.
func TraceID(ctx context.Context) string {
	if id := trace.SpanContextFromContext(ctx).TraceID(); id.IsValid() {
		return id.String()
	}
	return ""
}

// Detach gives a context whose work is part of no trace: of what lasts, as a
// subscription does.
func Detach(ctx context.Context) context.Context {
	return trace.ContextWithSpanContext(ctx, trace.SpanContext{})
}

// Request begins the span of a request, within the caller's trace if its header
// has a traceparent (W3C Trace Context). The span ends with the method, the path
// of the route and the status.
func (t *Tracer) Request(ctx context.Context, header http.Header) (context.Context, func(method, route string, status int)) {
	if t == nil {
		return ctx, func(string, string, int) {}
	}
	ctx = t.parent.Extract(ctx, propagation.HeaderCarrier(header))
	ctx, span := t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	return ctx, func(method, route string, status int) {
		method = knownMethod(method)
		span.SetName(method + " " + route)
		span.SetAttributes(semconv.HTTPRequestMethodKey.String(method), semconv.HTTPRoute(route),
			semconv.HTTPResponseStatusCode(status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// knownMethod keeps a text of the client's choice out of the spans.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions:
		return method
	}
	return "_OTHER"
}

// Operation begins the span of a GraphQL operation of a kind, "query" or
// "mutation". It ends with the code of the first error, empty without one.
func (t *Tracer) Operation(ctx context.Context, kind, name string) (context.Context, func(code string)) {
	if t == nil {
		return ctx, func(string) {}
	}
	parent := trace.SpanKindServer // nobody's on a socket
	if trace.SpanContextFromContext(ctx).IsValid() {
		parent = trace.SpanKindInternal
	}
	ctx, span := t.tracer.Start(ctx, kind+" "+name, trace.WithSpanKind(parent), trace.WithAttributes(
		semconv.GraphQLOperationTypeKey.String(kind), semconv.GraphQLOperationName(name)))
	return ctx, ending(span)
}

// Action begins the span of the call of a rule, named by the action: the name of
// its GraphQL field, whichever surface asked.
func (t *Tracer) Action(ctx context.Context, name string) (context.Context, func(code string)) {
	return t.within(ctx, "domain ", name)
}

// Write begins the span of a write, which waits for its turn, runs and commits.
func (t *Tracer) Write(ctx context.Context) (context.Context, func(code string)) {
	return t.within(ctx, "", "write")
}

// within begins a span of a trace; work that belongs to none, as that in the
// background, begins none.
func (t *Tracer) within(ctx context.Context, kind, name string) (context.Context, func(code string)) {
	if t == nil || !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, func(string) {}
	}
	ctx, span := t.tracer.Start(ctx, kind+name)
	return ctx, ending(span)
}

// ending ends a span with the code of an error, as the surfaces tell it.
func ending(span trace.Span) func(code string) {
	return func(code string) {
		if code != "" {
			span.SetStatus(codes.Error, code)
			span.SetAttributes(semconv.ErrorTypeKey.String(code))
		}
		span.End()
	}
}

// Statement makes the span of an SQL statement that has just ended. Of its text it
// keeps the first word and the table.
func (t *Tracer) Statement(ctx context.Context, query string, took time.Duration, failed bool) {
	if t == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return
	}
	ended := time.Now() //nolint:forbidigo // the SDK stamps all other spans with this clock
	verb, table := summary(query)
	_, span := t.tracer.Start(ctx, verb+" "+table, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithTimestamp(ended.Add(-took)),
		trace.WithAttributes(semconv.DBOperationName(verb), semconv.DBCollectionName(table)))
	if failed {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(ended))
}
