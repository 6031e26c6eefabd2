package apptest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector stands in for a collector of traces: it takes spans by OTLP over HTTP.
type Collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*Span
}

// Span is a span with the resource attributes of the process that sent it.
type Span struct {
	*trace.Span
	Resource map[string]string
}

// StartCollector starts a collector that ends with the test.
func StartCollector(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &sent) != nil {
			t.Errorf("%s is no export of spans: %q, %v", r.URL.Path, body, err)
		}
		c.add(&sent)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *Collector) add(sent *collector.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, from := range sent.GetResourceSpans() {
		resource := map[string]string{}
		for _, attribute := range from.GetResource().GetAttributes() {
			resource[attribute.GetKey()] = attribute.GetValue().GetStringValue()
		}
		for _, scope := range from.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans = append(c.spans, &Span{span, resource})
			}
		}
	}
}

// Spans are those that were received so far.
func (c *Collector) Spans() []*Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// Path gives the names of a span and of all its ancestors, innermost first.
func (c *Collector) Path(span *Span) []string {
	var names []string
	all := c.Spans()
	for at := span; at != nil; {
		names = append(names, at.GetName())
		parent := slices.IndexFunc(all, func(one *Span) bool {
			return string(one.GetSpanId()) == string(at.GetParentSpanId()) && string(one.GetTraceId()) == string(at.GetTraceId())
		})
		if parent < 0 {
			return names
		}
		at = all[parent]
	}
	return names
}
