//go:build alarms

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"luxbff/internal/testutil/processtest"
)

// client keeps no connection open: the servers that it calls are killed.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// alarmsFile holds the alarms that operators load.
const alarmsFile = "../../docs/alarms.yml"

// alarmNames are the alarms of alarmsFile.
func alarmNames(t *testing.T) []string {
	t.Helper()
	rules, err := os.ReadFile(alarmsFile)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, found := range regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(string(rules), -1) {
		names = append(names, found[1])
	}
	return names
}

// prometheus is a Prometheus of the test's own with the alarms of alarmsFile, for which
// a minute lasts a second.
type prometheus struct {
	*processtest.Process

	// look paces the questions about alarms: asked more often, Prometheus would take the
	// processor from what it watches.
	look *time.Ticker
}

// startPrometheus starts one that reads the metrics of the targets every second.
func startPrometheus(t *testing.T, targets ...string) *prometheus {
	t.Helper()
	rules, err := os.ReadFile(alarmsFile)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	config := filepath.Join(folder, "prometheus.yml")
	for file, content := range map[string]string{
		filepath.Join(folder, "alarms.yml"): hasten(string(rules)),
		config: fmt.Sprintf(`
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [alarms.yml]
scrape_configs: [{ job_name: luxbff, static_configs: [{ targets: [%s] }] }]
`, strings.Join(targets, ", ")),
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	addr := processtest.FreeAddr(t)
	serve := exec.CommandContext(t.Context(), "prometheus", "--config.file="+config, "--web.listen-address="+addr,
		"--storage.tsdb.path="+filepath.Join(folder, "data"), "--log.level=warn")
	serve.Env = []string{"ADDR=" + addr} // where the Process asks
	p := &prometheus{processtest.Launch(t, serve), time.NewTicker(200 * time.Millisecond)}
	t.Cleanup(p.look.Stop)
	p.WaitFor(t, "Prometheus has read every target", func() bool { return len(p.query(t, "up == 1")) == len(targets) })
	return p
}

// hasten shortens what an alarm looks back on, so that a minute lasts a second, and the
// time for which it has to hold to one second. Expressions and thresholds stay as they are.
func hasten(rules string) string {
	rules = regexp.MustCompile(`(?m)^( +for:) \w+$`).ReplaceAllString(rules, "$1 1s")
	rules = regexp.MustCompile(`\[(\d+)m\]`).ReplaceAllString(rules, "[${1}s]")
	return regexp.MustCompile(`\[(\d+)h\]`).ReplaceAllString(rules, "[${1}m]")
}

// get asks the API of Prometheus, and reports whether it has answered.
func (p *prometheus) get(t *testing.T, path string, data any) bool {
	t.Helper()
	response, err := client.Get(p.URL + "/api/v1/" + path)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return false
	}
	if err := json.NewDecoder(response.Body).Decode(&struct{ Data any }{data}); err != nil {
		t.Fatal(err)
	}
	return true
}

// query gives the values of an expression's series.
func (p *prometheus) query(t *testing.T, expression string) (values []string) {
	t.Helper()
	var data struct {
		Result []struct{ Value [2]any }
	}
	if p.get(t, "query?query="+url.QueryEscape(expression), &data) {
		for _, series := range data.Result {
			values = append(values, fmt.Sprint(series.Value[1]))
		}
	}
	return values
}

// firing are the alarms that are raised, each once.
func (p *prometheus) firing(t *testing.T) (names []string) {
	t.Helper()
	<-p.look.C
	var data struct {
		Alerts []struct {
			Labels struct{ Alertname string }
			State  string
		}
	}
	if !p.get(t, "alerts", &data) {
		t.Fatalf("Prometheus doesn't answer:\n%s", p.Log)
	}
	for _, alarm := range data.Alerts {
		if alarm.State == "firing" && !slices.Contains(names, alarm.Labels.Alertname) {
			names = append(names, alarm.Labels.Alertname)
		}
	}
	return names
}
