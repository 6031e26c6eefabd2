package app_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
)

// readMetrics gives the value of each series of /metrics.
func readMetrics(t *testing.T, s *apptest.Server) map[string]float64 {
	t.Helper()
	response := s.Call(t, http.MethodGet, "/metrics", "", "")
	if response.Status != http.StatusOK {
		t.Fatalf("/metrics: %d", response.Status)
	}
	values := map[string]float64{}
	for line := range strings.Lines(string(response.Body)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(strings.TrimSpace(line[at+1:]), 64)
		if err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		values[line[:at]] = value
	}
	return values
}

// waitForMetric polls until the series has the value.
func waitForMetric(t *testing.T, s *apptest.Server, series string, want float64) {
	t.Helper()
	testutil.WaitFor(t, fmt.Sprintf("%s is %v", series, want), func() bool { return readMetrics(t, s)[series] == want })
}

// TestEachMetricCounts does one thing after another and compares what was counted.
func TestEachMetricCounts(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	signIn := func(email, password string) func() {
		return func() {
			s.Call(t, http.MethodPost, apptest.LUX+"/auth/email/signin", "",
				fmt.Sprintf(`{"username": %q, "password": %q}`, email, password))
		}
	}
	for _, step := range []struct {
		name string
		do   func()
		// moved is by how much each series moves at least.
		moved map[string]float64
	}{
		{
			"a GraphQL operation", func() { run(t, s, token, "home", "Home", nil, &struct{}{}) },
			map[string]float64{
				`luxbff_operation_duration_seconds_count{app="Go-http-client",operation="Home",surface="GraphQL"}`: 1,
				`luxbff_requests_total{app="Go-http-client",route="/graphql",surface="GraphQL",version="1.1"}`:     1,
				// One statement asks who it is and reads the screen.
				`luxbff_sql_statement_duration_seconds_count{kind="read"}`: 1,
			},
		},
		{
			"an operation without a name", func() { s.GraphQL(t, token, `{ me { id } }`, nil) },
			map[string]float64{`luxbff_operation_duration_seconds_count{app="Go-http-client",operation="anonymous",surface="GraphQL"}`: 1},
		},
		{
			"a document that doesn't parse", func() { s.GraphQL(t, token, `query Broken {`, nil) },
			map[string]float64{
				`luxbff_operation_duration_seconds_count{app="Go-http-client",operation="none",surface="GraphQL"}`: 1,
				`luxbff_errors_total{code="GRAPHQL_PARSE_FAILED",surface="GraphQL"}`:                               1,
			},
		},
		{
			"a body that is no JSON", func() { s.Call(t, http.MethodPost, "/graphql", token, "{") },
			map[string]float64{`luxbff_errors_total{code="INVALID_REQUEST_OR_MISSING_PARAMETERS",surface="GraphQL"}`: 1},
		},
		{
			"an error of GraphQL", func() { s.GraphQL(t, "", `{ me { id } }`, nil) },
			map[string]float64{`luxbff_errors_total{code="UNAUTHENTICATED",surface="GraphQL"}`: 1},
		},
		{
			"a REST route", func() { s.Call(t, http.MethodGet, apptest.LUX+"/user/me", token, "") },
			map[string]float64{
				`luxbff_operation_duration_seconds_count{app="Go-http-client",operation="GET /api/v1/lux/user/me",surface="LUX"}`: 1,
				`luxbff_requests_total{app="Go-http-client",route="GET /api/v1/lux/user/me",surface="LUX",version="1.1"}`:         1,
			},
		},
		{
			"an error of REST", func() { s.Call(t, http.MethodGet, apptest.LUX+"/user/me", "", "") },
			map[string]float64{`luxbff_errors_total{code="UNAUTHENTICATED",surface="LUX"}`: 1},
		},
		{
			"a write", func() { upload(t, s, token, 1, 1) },
			map[string]float64{
				`luxbff_sql_statement_duration_seconds_count{kind="write"}`: 2,
				`luxbff_write_wait_seconds_count`:                           1,
				`luxbff_commit_duration_seconds_count`:                      1,
				`luxbff_commit_group_writes_count`:                          1,
				`luxbff_commit_group_writes_sum`:                            1,
			},
		},
		{
			"a wrong password", signIn("parent1@example.com", "wrong-pass-1"),
			map[string]float64{`luxbff_wrong_sign_ins_total{code="PASSWORD_IS_INVALID"}`: 1},
		},
		{
			"an unknown account", signIn("nobody@example.com", "secret123"),
			map[string]float64{`luxbff_wrong_sign_ins_total{code="USER_NOT_FOUND"}`: 1},
		},
	} {
		before := readMetrics(t, s)
		step.do()
		after := readMetrics(t, s)
		for series, least := range step.moved {
			if moved := after[series] - before[series]; moved < least {
				t.Errorf("%s moved %s by %v, want %v", step.name, series, moved, least)
			}
		}
	}
	waitForMetric(t, s, `luxbff_messages_total{channel="sms",outcome="sent"}`, 1)
}

// TestCountersOfAlarmsStartAtZero looks at a server that nobody has called yet. An
// alarm asks by how much a counter rose, so it has to be there before it is first raised.
func TestCountersOfAlarmsStartAtZero(t *testing.T) {
	t.Parallel()
	values := readMetrics(t, apptest.Start(t))
	series := []string{
		`luxbff_rate_limited_total{limit="device"}`, `luxbff_rate_limited_total{limit="device-account"}`,
		`luxbff_rate_limited_total{limit="unique-id"}`, `luxbff_connections_refused_total`,
	}
	for _, surface := range []string{"GraphQL", "LUX", "Addnox", "Withnox", "SNUTT", "SNUTT v1"} {
		for _, code := range []string{"INTERNAL", "UNAVAILABLE"} {
			series = append(series, fmt.Sprintf("luxbff_errors_total{code=%q,surface=%q}", code, surface))
		}
	}
	for _, one := range series {
		if count, found := values[one]; !found || count != 0 {
			t.Errorf("%s is %v, there: %v", one, count, found)
		}
	}
}

// TestLongWriteIsNoOutage scrapes while a write keeps the writer busy: the database is
// neither away nor read-only.
func TestLongWriteIsNoOutage(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	begun, release, ended := make(chan bool, 1), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- s.App.Store.Write(context.Background(), func(context.Context, *store.Tx) error {
			begun <- true
			<-release
			return nil
		})
	}()
	testutil.Receive(t, "a write that has begun", begun)
	values := readMetrics(t, s)
	close(release)
	if err := testutil.Receive(t, "the end of the write", ended); err != nil {
		t.Error(err)
	}
	for _, series := range []string{"luxbff_database_up", "luxbff_database_writable"} {
		if values[series] != 1 {
			t.Errorf("%s is %v during a long write", series, values[series])
		}
	}
}

// TestMetricsOfTheFeed follows connections, subscriptions and the lag of an event.
func TestMetricsOfTheFeed(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	upload(t, s, token, 1, 1)
	c := dial(t, s, token)
	c.want("connection_ack")
	waitForMetric(t, s, `luxbff_live_connections{protocol="graphql-transport-ws"}`, 1)
	c.subscribe(apptest.Sample(t, "subscription").Document, nil)
	waitForMetric(t, s, "luxbff_feed_subscribers", 1)
	waitForMetric(t, s, `luxbff_live_pending_responses{protocol="graphql-transport-ws"}`, 0)
	upload(t, s, token, 2, 3)
	second := c.event()
	c.event()
	waitForMetric(t, s, "luxbff_feed_lag_seconds_count", 2)
	s.Clock.Add(time.Minute)
	again := dial(t, s, token)
	again.want("connection_ack")
	again.subscribe(apptest.Sample(t, "subscription").Document, map[string]any{"after": second.Cursor})
	again.event() // an event that it missed a minute ago counts as no lag
	upload(t, s, token, 4, 4)
	again.event()
	waitForMetric(t, s, "luxbff_feed_lag_seconds_count", 4)
	if sum := readMetrics(t, s)["luxbff_feed_lag_seconds_sum"]; sum != 0 {
		t.Errorf("the lag is %v although the clock did not move between change and event", sum)
	}
	if err := again.conn.Close(); err != nil {
		t.Fatal(err)
	}
	c.send(frame{ID: "2", Type: "subscribe", Payload: raw(t, map[string]any{"query": "query Who { me { id } }"})})
	c.want("next")
	waitForMetric(t, s, `luxbff_operation_duration_seconds_count{app="socket",operation="Who",surface="GraphQL"}`, 1)
	if err := c.conn.Close(); err != nil {
		t.Fatal(err)
	}
	waitForMetric(t, s, `luxbff_live_connections{protocol="graphql-transport-ws"}`, 0)
	waitForMetric(t, s, "luxbff_feed_subscribers", 0)
	for series := range readMetrics(t, s) {
		if strings.HasPrefix(series, "luxbff_operation_duration") && strings.Contains(series, `operation="DevlogStatus"`) {
			t.Errorf("a subscription, which lasts, is among the durations: %s", series)
		}
	}
}

func TestMetricsCountRefusalsOfTheLimits(t *testing.T) {
	t.Parallel()
	s := startLimited(t, "")
	exhaust(t, s, somebody, "")
	sendFrom(s, somebody, "", "/graphql", `{"query": "mutation { signIn(input: {email: \"a@b.example\", password: \"x\"}) { user { id } } }"}`)
	got := readMetrics(t, s)
	for _, surface := range []string{"LUX", "GraphQL"} {
		if n := got[`luxbff_errors_total{code="TOO_MANY_REQUESTS",surface="`+surface+`"}`]; n != 1 {
			t.Errorf("%s counts %v refusals, want 1", surface, n)
		}
	}
}

// TestMetricsWithoutTheDatabase holds that /metrics still answers, without what only
// the database knows.
func TestMetricsWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	if up := readMetrics(t, s)["luxbff_database_up"]; up != 1 {
		t.Errorf("up is %v while the database is there", up)
	}
	if err := s.App.Store.Close(); err != nil {
		t.Fatal(err)
	}
	got := readMetrics(t, s)
	if up, known := got["luxbff_database_up"]; up != 0 || !known {
		t.Errorf("up is %v while the database is away", up)
	}
	if writable, known := got["luxbff_database_writable"]; writable != 0 || !known {
		t.Errorf("writable is %v while the database is away", writable)
	}
	if _, known := got[`luxbff_outbox_messages{state="pending"}`]; known {
		t.Error("the outbox is shown although it couldn't be read")
	}
}

// TestMetricsAreNotPublic holds that the public handler has them in development alone.
func TestMetricsAreNotPublic(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Production)
	if response := s.Call(t, http.MethodGet, "/metrics", "", ""); response.Status != http.StatusNotFound {
		t.Errorf("/metrics answers %d in production", response.Status)
	}
	for path, want := range map[string]int{"/metrics": http.StatusOK, "/graphql": http.StatusNotFound} {
		w := httptest.NewRecorder()
		s.App.MetricsHandler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s on the listener of the metrics answers %d, want %d", path, w.Code, want)
		}
	}
}

// TestVersionIsNotPublic looks for the version of Go, which is known in every build.
func TestVersionIsNotPublic(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Production)
	for _, path := range []string{"/", "/docs", "/docs/rest", "/docs/api", "/docs/collection.json", "/openapi.json", "/healthz", "/readyz", "/metrics", "/graphql", "/graphiql/config.json", apptest.LUX + "/user/me", "/nothing"} {
		response := s.Call(t, http.MethodGet, path, "", "")
		if strings.Contains(fmt.Sprint(response.Header, string(response.Body)), runtime.Version()) {
			t.Errorf("%s shows the version: %v %s", path, response.Header, response.Body)
		}
	}
}
