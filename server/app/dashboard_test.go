package app_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// TestDashboardQueriesExistingMetrics reads docs/grafana.json and looks for each metric
// and label of its queries in a program that has done a little of everything.
func TestDashboardQueriesExistingMetrics(t *testing.T) {
	t.Parallel()
	existing := metricsInUse(t)
	queries := dashboardQueries(t)
	if len(queries) < 30 {
		t.Fatalf("the dashboard has %d queries", len(queries))
	}
	asked := map[string]bool{}
	for _, query := range queries {
		for _, metric := range checkQuery(t, existing, query) {
			asked[metric] = true
		}
	}
	for metric := range existing {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(metric, "_sum"), "_count"), "_bucket")
		if strings.HasPrefix(metric, "luxbff_") && !slices.ContainsFunc(slices.Collect(maps.Keys(asked)), func(one string) bool {
			return strings.HasPrefix(one, base)
		}) {
			t.Errorf("the dashboard doesn't show %s", base)
		}
	}
}

// checkQuery looks for the metrics and labels of a query among those that exist, and gives
// the metrics.
func checkQuery(t *testing.T, existing map[string]map[string]bool, query string) (metrics []string) {
	t.Helper()
	metrics, labels := parsePromQL(query)
	if len(metrics) == 0 {
		t.Errorf("no metric in %s", query)
	}
	for _, metric := range metrics {
		if metric == "up" || metric == "ALERTS" { // which Prometheus makes itself
			continue
		}
		if existing[metric] == nil {
			t.Errorf("no metric %s for %s", metric, query)
		}
		for _, label := range labels {
			if !existing[metric][label] && label != "job" && label != "instance" {
				t.Errorf("%s has no label %s, which %s asks for", metric, label, query)
			}
		}
	}
	return metrics
}

// alarm is one of docs/alarms.yml.
type alarm struct{ name, query, severity, runbook string }

// readAlarms reads docs/alarms.yml, whose expressions stand on one line each.
func readAlarms(t *testing.T) (alarms []alarm) {
	t.Helper()
	for rule := range strings.SplitSeq(readPage(t, "alarms.yml"), "- alert: ") {
		name, rest, _ := strings.Cut(rule, "\n")
		field := func(pattern string) string {
			found := regexp.MustCompile(pattern).FindStringSubmatch(rest)
			if found == nil {
				return ""
			}
			return found[1]
		}
		if strings.HasPrefix(name, "Luxbff") {
			alarms = append(alarms, alarm{name, field(`(?m)^ +expr: (.+)$`), field(`severity: (\w+)`), field(`runbook: docs/(.+)`)})
		}
	}
	if len(alarms) < 15 {
		t.Fatalf("found %d alarms", len(alarms))
	}
	return alarms
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// TestAlarmsQueryExistingMetrics looks for each metric and label of the alarms in the
// program, and for the chapter to which each leads.
func TestAlarmsQueryExistingMetrics(t *testing.T) {
	t.Parallel()
	existing := metricsInUse(t)
	chapters := map[string]bool{}
	for _, title := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(readPage(t, "metrics.md"), -1) {
		chapters["metrics.md#"+strings.ReplaceAll(strings.ToLower(title[1]), " ", "-")] = true
	}
	for _, a := range readAlarms(t) {
		// Each side of an operator has labels of its own.
		for _, side := range regexp.MustCompile(` (?:and|or|>=?)(?: on \([^)]*\))? `).Split(a.query, -1) {
			if _, err := strconv.ParseFloat(side, 64); err != nil { // a threshold otherwise
				checkQuery(t, existing, side)
			}
		}
		if !chapters[a.runbook] {
			t.Errorf("%s leads to %q, and docs/metrics.md has no such chapter", a.name, a.runbook)
		}
	}
}

// TestEachAlarmIsDocumented compares the alarms with the table of docs/operating.md, both
// ways.
func TestEachAlarmIsDocumented(t *testing.T) {
	t.Parallel()
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(Luxbff\\w+)` \\| (\\w+) \\|").FindAllStringSubmatch(readPage(t, "operating.md"), -1) {
		documented[row[1]] = row[2]
	}
	for _, a := range readAlarms(t) {
		if a.severity == "" || documented[a.name] != a.severity {
			t.Errorf("%s has the severity %q, and in docs/operating.md %q", a.name, a.severity, documented[a.name])
		}
		delete(documented, a.name)
	}
	for name := range documented {
		t.Errorf("docs/operating.md explains %s, which isn't there", name)
	}
}

// TestEachMetricIsDocumented compares our metrics with docs/metrics.md, both ways.
func TestEachMetricIsDocumented(t *testing.T) {
	t.Parallel()
	page := readPage(t, "metrics.md")
	known := metricsInUse(t)
	for metric := range known {
		base := regexp.MustCompile(`_(sum|count|bucket)$`).ReplaceAllString(metric, "")
		if strings.HasPrefix(metric, "luxbff_") && !strings.Contains(page, "`"+base+"`") {
			t.Errorf("docs/metrics.md doesn't explain %s", base)
		}
	}
	for _, name := range regexp.MustCompile("`(luxbff_\\w+)`").FindAllStringSubmatch(page, -1) {
		if known[name[1]] == nil && known[name[1]+"_count"] == nil {
			t.Errorf("docs/metrics.md explains %s, which isn't there", name[1])
		}
	}
}

// metricsInUse has a program do a little of everything and gives the labels of every
// metric.
func metricsInUse(t *testing.T) map[string]map[string]bool {
	t.Helper()
	// NATS isn't there, so that the metric of the bus is shown as well.
	s := apptest.Start(t, func(c *app.Config) { c.NATSURL, c.RateLimits = "nats://127.0.0.1:1", "on" })
	usePersonalData(t, s)
	exhaust(t, s, somebody, "")
	token, _ := s.Parent(t)
	c := dial(t, s, token)
	c.want("connection_ack")
	c.subscribe(apptest.Sample(t, "subscription").Document, nil)
	waitForMetric(t, s, "luxbff_feed_subscribers", 1)
	waitForMetric(t, s, `luxbff_messages_total{channel="sms",outcome="sent"}`, 2)
	labels := map[string]map[string]bool{}
	for series := range readMetrics(t, s) {
		name, rest, _ := strings.Cut(series, "{")
		if labels[name] == nil {
			labels[name] = map[string]bool{}
		}
		for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(rest, -1) {
			labels[name][label[1]] = true
		}
	}
	return labels
}

// dashboardQueries are all expressions of the dashboard's panels and annotations.
func dashboardQueries(t *testing.T) []string {
	t.Helper()
	var dashboard struct {
		Annotations struct{ List []struct{ Expr string } }

		Panels []struct {
			ID                       int
			Type, Title, Description string
			Targets                  []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(readPage(t, "grafana.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, annotation := range dashboard.Annotations.List {
		queries = append(queries, annotation.Expr)
	}
	ids := map[int]bool{}
	for _, panel := range dashboard.Panels {
		if ids[panel.ID] {
			t.Errorf("two panels have the id %d", panel.ID)
		}
		ids[panel.ID] = true
		if panel.Type != "row" && (panel.Description == "" || len(panel.Targets) == 0) {
			t.Errorf("the panel %q has no description or no query", panel.Title)
		}
		for _, target := range panel.Targets {
			queries = append(queries, target.Expr)
		}
	}
	return queries
}

var (
	quoted    = regexp.MustCompile(`"[^"]*"`)
	selector  = regexp.MustCompile(`\{[^}]*\}`)
	grouping  = regexp.MustCompile(`\b(?:by|on) \(([^)]*)\)`)
	matched   = regexp.MustCompile(`(\w+)(=~|!~|!=|=)`)
	ranged    = regexp.MustCompile(`\[[^\]]*\]`)
	word      = regexp.MustCompile(`[a-zA-Z_:][\w:]*\s*\(?`)
	operators = []string{"or", "and", "unless"}
)

// parsePromQL gives the metrics and labels of a PromQL expression.
func parsePromQL(query string) (metrics, labels []string) {
	rest := quoted.ReplaceAllString(query, "")
	for _, found := range selector.FindAllString(rest, -1) {
		for _, label := range matched.FindAllStringSubmatch(found, -1) {
			labels = append(labels, label[1])
		}
	}
	for _, found := range grouping.FindAllStringSubmatch(rest, -1) {
		for label := range strings.SplitSeq(found[1], ",") {
			labels = append(labels, strings.TrimSpace(label))
		}
	}
	for _, pattern := range []*regexp.Regexp{selector, grouping, ranged} {
		rest = pattern.ReplaceAllString(rest, "")
	}
	for _, found := range word.FindAllString(rest, -1) {
		name := strings.TrimSpace(found)
		if !strings.HasSuffix(name, "(") && !slices.Contains(operators, name) {
			metrics = append(metrics, name)
		}
	}
	return metrics, labels
}
