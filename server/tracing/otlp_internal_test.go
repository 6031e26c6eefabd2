package tracing

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

func someSpans() []*tracepb.ResourceSpans {
	return []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{Name: "POST /graphql"}}}}}}
}

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// answers is a collector that gives these statuses in turn.
type answers struct {
	statuses   []int
	retryAfter string
	body       []byte
	times      []time.Time
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	a.times = append(a.times, time.Now())
	status := a.statuses[min(len(a.times), len(a.statuses))-1]
	header := http.Header{"Content-Type": {"application/x-protobuf"}, "Retry-After": {a.retryAfter}}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(a.body))}, nil
}

func clientOf(a *answers) *collectorClient {
	return newCollectorClient("http://collector.example/v1/traces", settings{transport: a, headers: http.Header{}})
}

// TestSpansAreWhatACollectorReads sends to a server that reads the request with the
// collector's own package, which the program is built without.
func TestSpansAreWhatACollectorReads(t *testing.T) {
	t.Parallel()
	var got http.Header
	var request collectorpb.ExportTraceServiceRequest
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r.Header
		body, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		content, err := io.ReadAll(body)
		if err := errors.Join(err, proto.Unmarshal(content, &request)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	read, err := readSettings(environment(map[string]string{
		"OTEL_EXPORTER_OTLP_HEADERS": "x-other=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": " api-key = a%20b , x-team=lux,",
		"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_TIMEOUT": "1500",
	}))
	if err != nil {
		t.Fatal(err)
	}
	client := newCollectorClient(server.URL, read)
	if err := errors.Join(client.UploadTraces(t.Context(), someSpans()), client.Stop(t.Context())); err != nil {
		t.Fatal(err)
	}
	server.Close() // all that it read is there
	if want := (&collectorpb.ExportTraceServiceRequest{ResourceSpans: someSpans()}); !proto.Equal(&request, want) {
		t.Errorf("got %v, want %v", &request, want)
	}
	if got.Get("Api-Key") != "a b" || got.Get("X-Team") != "lux" || got.Get("X-Other") != "" || got.Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("headers: %v", got)
	}
	if read.timeout != 1500*time.Millisecond {
		t.Errorf("timeout: %v", read.timeout)
	}
}

func TestRefusesSettingsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing.pem")
	for name, value := range map[string]string{
		"HEADERS": "key", "TRACES_HEADERS": "=secret", "TIMEOUT": "10s", "CERTIFICATE": missing, "CLIENT_KEY": missing,
	} {
		_, err := readSettings(environment(map[string]string{"OTEL_EXPORTER_OTLP_" + name: value}))
		if err == nil || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}

// TestSendsAgainWhenTheCollectorAsksForIt waits as long as the collector wants, and longer
// with each refusal where it does not say.
func TestSendsAgainWhenTheCollectorAsksForIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asking := &answers{statuses: []int{503, 429, 200}, retryAfter: "40"}
		if err := clientOf(asking).UploadTraces(t.Context(), someSpans()); err != nil {
			t.Error(err)
		}
		if len(asking.times) != 3 || asking.times[1].Sub(asking.times[0]) != 40*time.Second {
			t.Errorf("sent at %v", asking.times)
		}
		silent := &answers{statuses: []int{502, 504, 502, 504, 200}}
		if err := clientOf(silent).UploadTraces(t.Context(), someSpans()); err != nil {
			t.Error(err)
		}
		if len(silent.times) != 5 {
			t.Fatalf("sent at %v", silent.times)
		}
		for i, longest := range []time.Duration{firstRetry, 2 * firstRetry, 4 * firstRetry, longestRetry} {
			if waited := silent.times[i+1].Sub(silent.times[i]); waited < longest/2 || waited > longest {
				t.Errorf("waited %v before attempt %d, want up to %v", waited, i+2, longest)
			}
		}
	})
}

func TestGivesUpWhatTheCollectorRefuses(t *testing.T) {
	t.Parallel()
	refusing := &answers{statuses: []int{400}}
	if err := clientOf(refusing).UploadTraces(t.Context(), someSpans()); err == nil || len(refusing.times) != 1 {
		t.Errorf("%v after %d attempts", err, len(refusing.times))
	}
}

// TestStopEndsTheWaitForACollector ends an upload that would go on for as long as its
// context does.
func TestStopEndsTheWaitForACollector(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away := &answers{statuses: []int{503}}
		client := clientOf(away)
		ended := make(chan error, 1)
		go func() { ended <- client.UploadTraces(context.WithoutCancel(t.Context()), someSpans()) }()
		synctest.Wait() // until it waits
		if err := client.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-ended; err == nil || len(away.times) != 1 {
			t.Errorf("%v after %d attempts", err, len(away.times))
		}
	})
}

func TestSaysHowManySpansTheCollectorLeftOut(t *testing.T) {
	t.Parallel()
	partial := func(p *collectorpb.ExportTracePartialSuccess) []byte {
		body, err := proto.Marshal(&collectorpb.ExportTraceServiceResponse{PartialSuccess: p})
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	for _, c := range []struct {
		body []byte
		want string
	}{
		{nil, ""},
		{partial(&collectorpb.ExportTracePartialSuccess{}), ""},
		{partial(&collectorpb.ExportTracePartialSuccess{RejectedSpans: 3, ErrorMessage: "too old"}), `left out 3 spans: "too old"`},
		{partial(&collectorpb.ExportTracePartialSuccess{ErrorMessage: "soon full"}), `left out 0 spans: "soon full"`},
		{[]byte{0x0a, 0x7f}, ""}, // cut off
	} {
		err := clientOf(&answers{statuses: []int{200}, body: c.body}).UploadTraces(t.Context(), someSpans())
		if got := err != nil; got != (c.want != "") || got && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%x: %v, want %q", c.body, err, c.want)
		}
	}
}
