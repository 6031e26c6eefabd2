package e2e_test

import (
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/processtest"
)

// TestOperatorSeesMetricsAndTraces starts the program as an operator would, with
// the standard variables, and stops it: the last spans come before it ends.
func TestOperatorSeesMetricsAndTraces(t *testing.T) {
	t.Parallel()
	collector := apptest.StartCollector(t)
	metrics := processtest.FreeAddr(t)
	serve := command(t, filepath.Join(t.TempDir(), "seen.db"))
	serve.Env = append(serve.Env, "METRICS_ADDR="+metrics, "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL,
		"OTEL_SERVICE_NAME=phones", "OTEL_TRACES_SAMPLER=always_on")
	b := startCommand(t, serve)
	b.graphQL(t, "", `query Who { __typename }`, &struct{}{})

	answer, err := http.Get("http://" + metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || !strings.Contains(string(page), `luxbff_operation_duration_seconds_count{app="Go-http-client",operation="Who",surface="GraphQL"} 1`) {
		t.Errorf("the metrics' own listener answers %d %v:\n%s", answer.StatusCode, err, page)
	}

	b.Terminate(t)
	b.WaitForExit(t)
	for _, span := range collector.Spans() {
		if span.GetName() == "query Who" {
			if name := span.Resource["service.name"]; name != "phones" {
				t.Errorf("the service's name is %q", name)
			}
			return
		}
	}
	t.Errorf("the span of the operation is not among the %d that came\n%s", len(collector.Spans()), b.Log)
}

// TestVersion holds that `server version` and the log of a start name the version
// of the build and that of Go.
func TestVersion(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "version.db")
	if out, err := command(t, file, "version").Output(); err != nil ||
		!strings.HasPrefix(string(out), "luxbff ") || !strings.HasSuffix(string(out), ", "+runtime.Version()+"\n") {
		t.Errorf("%v %q", err, out)
	}
	if b := startBinary(t, file); !strings.Contains(b.Log.String(), "go="+runtime.Version()) {
		t.Errorf("the log doesn't name the version:\n%s", b.Log)
	}
}

func TestRefusesAMetricsAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	serve := command(t, filepath.Join(t.TempDir(), "taken.db"))
	taken := processtest.FreeAddr(t)
	serve.Env = append(serve.Env, "ADDR="+taken, "METRICS_ADDR="+taken)
	if out, err := serve.CombinedOutput(); err == nil || !strings.Contains(string(out), "METRICS_ADDR") {
		t.Errorf("%v %s", err, out)
	}
}
