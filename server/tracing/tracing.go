// Package tracing makes OpenTelemetry spans of what the program does: the request,
// the GraphQL operation in it, the action of the domain, the write, the SQL
// statement. It sends them to a collector by OTLP over HTTP. A span names what ran
// and how it ended. It holds no value that a client sent or a row keeps, and no
// error's text, because collectors are read by more people than the database. The
// package imports no transport, no rule and no storage.
//
// The SDK reads its own settings from the environment, as OTEL_SERVICE_NAME,
// OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and OTEL_BSP_*. What OTEL_EXPORTER_OTLP_*
// says is read here.
package tracing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// serviceName is the default of OTEL_SERVICE_NAME.
const serviceName = "luxbff"

// Tracer makes spans. A nil Tracer makes none: its methods then allocate nothing
// and give back the context that they were given.
type Tracer struct {
	exporter sdktrace.SpanExporter
	sender   sdktrace.SpanProcessor
	tracer   trace.Tracer
	parent   propagation.TraceContext
}

// Start begins to send spans to the collector whose address for traces is
// endpoint, as http://127.0.0.1:4318/v1/traces. An empty endpoint gives a nil
// Tracer. A collector that doesn't answer is no error: its spans are dropped.
func Start(ctx context.Context, endpoint string) (*Tracer, error) {
	if endpoint == "" {
		return nil, nil
	}
	if err := CheckAddress(endpoint); err != nil {
		return nil, err
	}
	read, err := readSettings(os.Getenv) //nolint:forbidigo // the SDK's standard variables, as it reads them itself
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	exporter, err := otlptrace.New(ctx, newCollectorClient(endpoint, read))
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

// CheckAddress gives an error for what can't be a collector's address.
func CheckAddress(endpoint string) error {
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("OTEL_EXPORTER_OTLP_ENDPOINT must be an http:// or https:// address")
	}
	return nil
}

// Close sends the spans that are left, until ctx ends. A second call does nothing.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	// The sender is closed and not the provider, whose Shutdown leaves the sender's
	// goroutine running if ctx has ended.
	err := t.sender.Shutdown(ctx)
	if err == nil {
		return nil
	}
	// The goroutine still waits for the exporter, which tries for a minute unless it
	// is stopped.
	return fmt.Errorf("tracing: the last spans: %w", errors.Join(err, t.exporter.Shutdown(context.WithoutCancel(ctx))))
}

// TraceID is the id of the trace that ctx belongs to, in hex; empty without one.
func TraceID(ctx context.Context) string {
	if id := trace.SpanContextFromContext(ctx).TraceID(); id.IsValid() {
		return id.String()
	}
	return ""
}

// Detach gives a context whose work is part of no trace. A subscription needs it:
// its trace would never be complete.
func Detach(ctx context.Context) context.Context {
	return trace.ContextWithSpanContext(ctx, trace.SpanContext{})
}

// StartRequest starts the span of a request, within the caller's trace if the header
// has a traceparent (W3C Trace Context). The span ends with the method, the path
// of the route and the status.
func (t *Tracer) StartRequest(ctx context.Context, header http.Header) (context.Context, func(method, route string, status int)) {
	if t == nil {
		return ctx, func(string, string, int) {}
	}
	ctx = t.parent.Extract(ctx, propagation.MapCarrier{"traceparent": header.Get("Traceparent")})
	ctx, span := t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	return ctx, func(method, route string, status int) {
		method = KnownMethod(method)
		span.SetName(method + " " + route)
		span.SetAttributes(semconv.HTTPRequestMethodKey.String(method), semconv.HTTPRoute(route),
			semconv.HTTPResponseStatusCode(status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// KnownMethod keeps what a client made up out of the spans.
func KnownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions:
		return method
	}
	return "_OTHER"
}

// StartOperation starts the span of a GraphQL operation of a kind, "query" or
// "mutation". The span ends with the code of the first error, empty without one.
func (t *Tracer) StartOperation(ctx context.Context, kind, name string) (context.Context, func(code string)) {
	if t == nil {
		return ctx, func(string) {}
	}
	// On a socket no request carries the operation, so its span is the outermost.
	spanKind := trace.SpanKindServer
	if trace.SpanContextFromContext(ctx).IsValid() {
		spanKind = trace.SpanKindInternal
	}
	ctx, span := t.tracer.Start(ctx, kind+" "+name, trace.WithSpanKind(spanKind), trace.WithAttributes(
		semconv.GraphQLOperationTypeKey.String(kind), semconv.GraphQLOperationName(name)))
	return ctx, endWithCode(span)
}

// StartAction starts the span of one call of the domain. Its name is that of the
// GraphQL field, whichever surface asked.
func (t *Tracer) StartAction(ctx context.Context, name string) (context.Context, func(code string)) {
	return t.startChild(ctx, "domain ", name)
}

// StartWrite starts the span of a write, which waits for its turn, runs and commits.
func (t *Tracer) StartWrite(ctx context.Context) (context.Context, func(code string)) {
	return t.startChild(ctx, "", "write")
}

// startChild starts a span within the trace of ctx. What runs in the background
// belongs to no trace and gets no span: it repeats every few seconds and would bury
// the others. Prefix and name are joined only where there is a tracer.
func (t *Tracer) startChild(ctx context.Context, prefix, name string) (context.Context, func(code string)) {
	if t == nil || !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, func(string) {}
	}
	ctx, span := t.tracer.Start(ctx, prefix+name)
	return ctx, endWithCode(span)
}

// endWithCode gives a function that ends the span with the code of an error, empty
// without one.
func endWithCode(span trace.Span) func(code string) {
	return func(code string) {
		if code != "" {
			span.SetStatus(codes.Error, code)
			span.SetAttributes(semconv.ErrorTypeKey.String(code))
		}
		span.End()
	}
}

// RecordStatement makes the span of an SQL statement that has just ended. Of its
// text it keeps the verb and the table.
func (t *Tracer) RecordStatement(ctx context.Context, query string, took time.Duration, failed bool) {
	if t == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return
	}
	ended := time.Now() //nolint:forbidigo // the SDK stamps all other spans with this clock
	verb, table := summarize(query)
	_, span := t.tracer.Start(ctx, verb+" "+table, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithTimestamp(ended.Add(-took)),
		trace.WithAttributes(semconv.DBOperationName(verb), semconv.DBCollectionName(table)))
	if failed {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(ended))
}
