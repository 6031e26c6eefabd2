package app_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

func startTraced(t *testing.T) (*apptest.Server, *apptest.Collector) {
	t.Helper()
	collector := apptest.StartCollector(t)
	return apptest.Start(t, func(c *app.Config) { c.OTLP = collector.URL }), collector
}

// wantPath looks for a span that is within these, innermost first.
func wantPath(t *testing.T, c *apptest.Collector, path ...string) {
	t.Helper()
	var found []string
	for _, span := range c.Spans() {
		got := c.Path(span)
		if slices.Equal(got, path) {
			return
		}
		found = append(found, strings.Join(got, " < "))
	}
	slices.Sort(found)
	t.Errorf("no span %s among\n%s", strings.Join(path, " < "), strings.Join(slices.Compact(found), "\n"))
}

func TestTraceGoesFromTheRequestToTheStatement(t *testing.T) {
	t.Parallel()
	s, collector := startTraced(t)
	token, id := s.Parent(t)
	grow(t, s, token, 0, 1)
	const caller = "0af7651916cd43dd8448eb211c80319c"
	body, err := json.Marshal(map[string]string{"query": apptest.Sample(t, "home").Document})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Traceparent", "00-"+caller+"-b7ad6b7169203331-01")
	response, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	s.Call(t, http.MethodPost, apptest.LUX+"/device/devlog", token,
		`{"log_arrays": [{"real_user_id": 1, "device_id": 1, "unique_id": "unique0", "log_file_id": 1, "detail_data":
		{"treatment_date": "2025-02-14T15:48:49", "finish_flag": 2, "last_intensity": 25, "treatment_time": 500000}}]}`)
	s.GraphQL(t, token, `query Missing { childUser(id: 99) { id } }`, nil)
	s.Call(t, http.MethodGet, "/readyz", "", "")
	s.App.FlushTraces(context.Background())

	wantPath(t, collector, "SELECT users", "POST /graphql")
	wantPath(t, collector, "SELECT child_users", "domain childUser", "query Missing", "POST /graphql")
	wantPath(t, collector, "domain childUsers", "query Home", "POST /graphql")
	wantPath(t, collector, "domain me", "query Home", "POST /graphql")
	wantPath(t, collector, "INSERT devlogs", "write", "domain uploadDevlogs", "POST /api/v1/lux/device/devlog")
	for _, span := range collector.Spans() {
		switch span.GetName() {
		case "query Home":
			if got := hex.EncodeToString(span.GetTraceId()); got != caller {
				t.Errorf("the trace is %s, not the caller's", got)
			}
			if span.Resource["service.name"] != "luxbff" {
				t.Errorf("the process is %v", span.Resource)
			}
		case "query Missing":
			if span.GetStatus().GetCode() != trace.Status_STATUS_CODE_ERROR || span.GetStatus().GetMessage() != "REAL_USER_IS_NOT_FOUND" {
				t.Errorf("an error of GraphQL is traced as %v", span.GetStatus())
			}
		}
		if strings.Contains(span.GetName(), "readyz") {
			t.Error("a probe is traced")
		}
		if span.GetStartTimeUnixNano() > span.GetEndTimeUnixNano() {
			t.Errorf("%s ends before it begins", span.GetName())
		}
	}
	if line := logLine(s, "request", caller); !strings.Contains(line, fmt.Sprintf(`"user_id":%d`, id)) || !strings.Contains(line, `"operation":"Home"`) {
		t.Errorf("the log line of the traced request is %s", line)
	}
}

// logLine is the first line of the log with the message and the text.
func logLine(s *apptest.Server, message, text string) string {
	for line := range strings.Lines(s.Log.String()) {
		if strings.Contains(line, `"msg":"`+message+`"`) && strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

// TestTraceOfASocket follows a query on a socket, which no request carries. The
// subscription beside it isn't traced: it lasts.
func TestTraceOfASocket(t *testing.T) {
	t.Parallel()
	s, collector := startTraced(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	c := dial(t, s, token)
	c.want("connection_ack")
	c.subscribe(apptest.Sample(t, "subscription").Document, nil)
	waitForMetric(t, s, "luxbff_feed_subscribers", 1)
	upload(t, s, token, 1, 1)
	c.event()
	c.send(frame{ID: "2", Type: "subscribe", Payload: raw(t, map[string]any{"query": "query Who { childUsers { id } }"})})
	c.want("next")
	c.want("complete")
	s.App.FlushTraces(context.Background())
	wantPath(t, collector, "SELECT child_users", "domain childUsers", "query Who")
	for _, span := range collector.Spans() {
		if strings.Contains(span.GetName(), "devlog_events") && collector.Path(span)[1] != "write" {
			t.Errorf("the feed's own work is traced: %v", collector.Path(span))
		}
	}
}

// TestTraceHoldsNoPersonalData does what TestLogHoldsNoPersonalData does.
func TestTraceHoldsNoPersonalData(t *testing.T) {
	t.Parallel()
	s, collector := startTraced(t)
	secrets := usePersonalData(t, s)
	s.App.FlushTraces(context.Background())
	if len(collector.Spans()) < 20 {
		t.Fatalf("only %d spans came", len(collector.Spans()))
	}
	for _, span := range collector.Spans() {
		text := protojson.Format(span) + fmt.Sprint(span.Resource)
		for what, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("a span holds the %s:\n%s", what, text)
			}
		}
	}
}

// TestProgramServesWithoutItsCollector holds that only spans are lost.
func TestProgramServesWithoutItsCollector(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *app.Config) { c.OTLPTraces = "http://127.0.0.1:1/v1/traces" })
	token, _ := s.Parent(t)
	s.Data(t, token, `{ me { id } }`, nil, &struct{}{})
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	s.App.FlushTraces(ended)
	if logLine(s, "spans are lost", "") == "" {
		t.Error("the log doesn't say that spans are lost")
	}
}

func TestCollectorAddressMustBeAURL(t *testing.T) {
	t.Parallel()
	_, err := app.New(t.Context(), app.Config{OTLPTraces: "127.0.0.1:4318"}, app.Options{})
	if err == nil || !strings.Contains(err.Error(), "http://") {
		t.Errorf("error %v", err)
	}
}
