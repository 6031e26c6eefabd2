package e2e_test

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/processtest"
)

// TestMetricsAndTraces starts the program with the standard OpenTelemetry variables,
// as an operator does, and stops it: the last spans are exported before it ends.
func TestMetricsAndTraces(t *testing.T) {
	t.Parallel()
	collector := apptest.StartCollector(t)
	metrics := processtest.FreeAddr(t)
	serve := command(t, filepath.Join(t.TempDir(), "metrics.db"))
	serve.Env = append(serve.Env, "METRICS_ADDR="+metrics, "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL,
		"OTEL_SERVICE_NAME=phones", "OTEL_TRACES_SAMPLER=always_on")
	s := start(t, serve)
	// Whoever is not signed in names an operation as he likes: its field stands for it.
	s.graphQL(t, "", `query Who { __typename }`, &struct{}{})

	response, err := http.Get("http://" + metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || !strings.Contains(string(page), `luxbff_operation_duration_seconds_count{app="Go-http-client",operation="__typename",surface="GraphQL"} 1`) {
		t.Errorf("the metrics' own listener answers %d %v:\n%s", response.StatusCode, err, page)
	}

	s.Terminate(t)
	s.WaitForExit(t)
	for _, span := range collector.Spans() {
		if span.GetName() == "query __typename" {
			if name := span.Resource["service.name"]; name != "phones" {
				t.Errorf("the service's name is %q", name)
			}
			return
		}
	}
	t.Errorf("the span of the operation is not among the %d that were exported\n%s", len(collector.Spans()), s.Log)
}

func TestMetricsAddressInUse(t *testing.T) {
	t.Parallel()
	serve := command(t, filepath.Join(t.TempDir(), "taken.db"))
	taken := processtest.FreeAddr(t)
	serve.Env = append(serve.Env, "ADDR="+taken, "METRICS_ADDR="+taken)
	if out, err := serve.CombinedOutput(); err == nil || !strings.Contains(string(out), "METRICS_ADDR") {
		t.Errorf("%v %s", err, out)
	}
}
