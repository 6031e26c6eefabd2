package metrics_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"luxbff/server/metrics"
)

func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// requestLines are those of the counter of requests.
func requestLines(t *testing.T, m *metrics.Metrics) []string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, request())
	var lines []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "luxbff_requests_total{") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func TestRequestsAreCountedByClientApp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		headers      []string
		app, version string
	}{
		{"Apollo's headers", []string{"Apollographql-Client-Name", "lux-android", "Apollographql-Client-Version", "4.2.0", "User-Agent", "okhttp/5"}, "lux-android", "4.2.0"},
		{"a name alone", []string{"Apollographql-Client-Name", "lux-ios"}, "lux-ios", "unknown"},
		{"the headers of other GraphQL clients", []string{"Graphql-Client-Name", "relay", "Graphql-Client-Version", "1", "User-Agent", "okhttp/5"}, "relay", "1"},
		{"the first product", []string{"User-Agent", "Addnox/3.1 (iPhone; iOS 19.0) CFNetwork/1.0"}, "Addnox", "3.1"},
		{"a product alone", []string{"User-Agent", "curl"}, "curl", "unknown"},
		{"nothing", []string{"User-Agent", ""}, "unknown", "unknown"},
		{"no name", []string{"User-Agent", "\"}/\n1"}, "unknown", "unknown"},
		{"a name that is too long", []string{"User-Agent", strings.Repeat("a", 41) + "/1"}, "unknown", "1"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m := metrics.New()
			for range 2 {
				m.CountRequest("LUX", "GET /me", metrics.ClientAppOf(request(tc.headers...).Header))
			}
			want := fmt.Sprintf(`luxbff_requests_total{app=%q,route="GET /me",surface="LUX",version=%q} 2`, tc.app, tc.version)
			if got := requestLines(t, m); len(got) != 1 || got[0] != want {
				t.Errorf("counted %q, want %q", got, want)
			}
		})
	}
}

func TestNumberOfClientAppsIsLimited(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	for i := range 1000 {
		m.CountRequest("LUX", "GET /me", metrics.ClientApp{Name: fmt.Sprint("app", i), Version: "1"})
	}
	got := requestLines(t, m)
	if len(got) != 201 {
		t.Errorf("%d lines for 1,000 names", len(got))
	}
	if !strings.Contains(strings.Join(got, "\n"), `{app="other",route="GET /me",surface="LUX",version="other"} 800`) {
		t.Error("the names beyond the limit are not counted together")
	}
}

func TestNumberOfOperationsIsLimited(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	const names = 10_000
	for i := range names {
		m.ObserveOperation("GraphQL", fmt.Sprintf("Operation%d", i), metrics.ClientApp{Name: fmt.Sprint("app", i%50)}, time.Millisecond)
	}
	m.ObserveOperation("GraphQL", "Operation0", metrics.ClientApp{Name: "app0"}, time.Millisecond)
	m.ObserveOperation("GraphQL", "no UTF-8 \xff", metrics.ClientApp{Name: "app0"}, time.Millisecond)
	m.ObserveOperation("GraphQL", strings.Repeat("x", 1_000_000), metrics.ClientApp{Name: "app0"}, time.Millisecond)
	families, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	var series int
	var all, late uint64
	for _, family := range families {
		if family.GetName() != "luxbff_operation_duration_seconds" {
			continue
		}
		for _, one := range family.GetMetric() {
			series++
			all += one.GetHistogram().GetSampleCount()
			for _, label := range one.GetLabel() {
				if label.GetName() == "operation" && label.GetValue() == "other" {
					late = one.GetHistogram().GetSampleCount()
				}
			}
		}
	}
	if series != 1001 || all != names+3 || late != names-1000+2 {
		t.Errorf("%d series hold %d responses, %d of them together; want 1001, %d, %d", series, all, late, names+3, names-1000+2)
	}
}

// TestNumberOfUsesIsLimited counts more operations and versions than have a series each.
func TestNumberOfUsesIsLimited(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	for i := range 1_500 {
		m.CountOperation(fmt.Sprintf("Operation%d", i%500), metrics.ClientApp{Name: "app", Version: fmt.Sprint(i / 500)})
	}
	m.CountOperation("Operation0", metrics.ClientApp{Name: "app", Version: "0"})
	m.CountOperation(strings.Repeat("x", 1_000_000), metrics.ClientApp{Name: "app", Version: "0"})
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, request())
	lines := strings.Split(w.Body.String(), "\n")
	isUse := func(line string) bool { return strings.HasPrefix(line, "luxbff_operations_total{") }
	series := len(slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return !isUse(line) }))
	for _, want := range []string{
		`luxbff_operations_total{app="app",operation="Operation0",version="0"} 2`,
		`luxbff_operations_total{app="other",operation="other",version="other"} 501`,
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %s", want)
		}
	}
	if series != 1001 {
		t.Errorf("%d series for 1,500 operations", series)
	}
}

// TestMetricsFollowTheConventions of https://prometheus.io/docs/practices/naming/ as
// promlint knows them, with every metric in use.
func TestMetricsFollowTheConventions(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	app := m.CountRequest("LUX", "GET /me", metrics.ClientApp{Name: "unknown", Version: "unknown"})
	m.CountOperation("Home", app)
	m.ObserveOperation("LUX", "GET /me", app, time.Millisecond)
	m.CountError("LUX", "INTERNAL")
	m.ObserveStatement(false, time.Millisecond)
	m.ObserveStatement(true, time.Millisecond)
	m.ObserveWriteWait(time.Millisecond)
	m.ObserveCommit(3, time.Millisecond)
	m.ObserveFeedLag(-time.Millisecond) // a clock that was set back
	m.CountMessage("sms", "sent")
	m.CountMessageCheck("sms", "delivered")
	m.CountWrongSignIn("PASSWORD_INVALID")
	up := true
	m.ReadStateWith(func(context.Context) metrics.State {
		return metrics.State{
			Pools: map[string]sql.DBStats{"read": {}}, Connections: map[string]metrics.Connections{"sse": {}},
			Outbox: &metrics.Outbox{}, BusUp: &up,
		}
	})
	problems, err := testutil.GatherAndLint(m.Gatherer())
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

// TestScrapesShareOneReading scrapes at once while the database is silent. One of them
// asks it, for less than the five seconds after which the most impatient Prometheus gives
// up, and all answer with what can be known without it.
func TestScrapesShareOneReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := metrics.New()
		var readings atomic.Int32
		m.ReadStateWith(func(ctx context.Context) metrics.State {
			readings.Add(1)
			if deadline, limited := ctx.Deadline(); !limited || time.Until(deadline) >= 5*time.Second {
				t.Errorf("the reading may take until %v, and it is %v", deadline, time.Now())
			}
			<-ctx.Done()
			return metrics.State{Hashes: 7}
		})
		var scrapes sync.WaitGroup
		for range 20 {
			scrapes.Go(func() {
				w := httptest.NewRecorder()
				m.Handler().ServeHTTP(w, request())
				for _, line := range []string{"luxbff_database_up 0", "luxbff_password_hashes_waiting 7", "go_goroutines "} {
					if !strings.Contains(w.Body.String(), line) {
						t.Errorf("no %q in the answer %d", line, w.Code)
					}
				}
			})
		}
		synctest.Wait()
		if n := readings.Load(); n != 1 {
			t.Errorf("%d scrapes ask the database at once", n)
		}
		scrapes.Wait()
	})
}
