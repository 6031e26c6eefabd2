package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/usage"
	"luxbff/server/app"
)

// askAs sends a request with further headers, a list of names and values.
func askAs(t *testing.T, s *apptest.Server, method, path, token, body string, headers ...string) apptest.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return s.Do(t, r)
}

// uses is what an operator is shown of an app, by surface, name, app and version.
func uses(t *testing.T, s *apptest.Server, app string) map[string]int {
	t.Helper()
	if err := s.App.Usage.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	listed, err := usage.NewOperator(s.App.Store).List(t.Context(), usage.Filter{App: app, Since: s.Clock.Now().Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, one := range listed {
		found[strings.Join([]string{one.Surface, one.Name, one.App, one.Version}, "|")] = one.Requests
	}
	return found
}

// TestUsageOfEverySurfaceAndTransport uses each of them as an app that says its name in each
// way that there is, and holds what an operator sees of it.
func TestUsageOfEverySurfaceAndTransport(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	long := registerLocal(t, s)
	apollo := []string{"Apollographql-Client-Name", "lux", "Apollographql-Client-Version", "2.1.0", "User-Agent", "okhttp/5"}
	graphQL := func(query, token string, headers ...string) {
		t.Helper()
		body := `{"query":` + string(raw(t, query)) + `}`
		if got := askAs(t, s, http.MethodPost, "/graphql", token, body, headers...); got.Status != http.StatusOK {
			t.Fatalf("%s: %d %s", query, got.Status, got.Body)
		}
	}
	graphQL(`query Home { me { id } }`, token, apollo...)
	graphQL(`query Home { me { id } }`, token, apollo...)
	graphQL(`query Home { me { id } }`, token, "Graphql-Client-Name", "lux", "Graphql-Client-Version", "2.2")
	graphQL(`{ me { id } }`, token, "User-Agent", "lux/1.0 (iPhone)")
	graphQL(`query Chosen { me { id } }`, "", apollo...)
	graphQL(`query Broken { nothing }`, token, apollo...)
	graphQL(`query Stream { me { id } }`, token, append(apollo, "Accept", "text/event-stream")...)
	graphQL(`query Parts { me { id } }`, token, append(apollo, "Accept", "multipart/mixed;subscriptionSpec=1.0")...)
	if got := askAs(t, s, http.MethodGet, "/graphql?query=query%20Get%7Bme%7Bid%7D%7D", token, "", apollo...); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	for i, protocol := range []string{"graphql-transport-ws", "graphql-ws"} {
		c := dialOver(t, s, protocol, map[string]any{
			"Authorization": "Bearer " + token, "apollographql-client-name": "lux", "apollographql-client-version": fmt.Sprint(i),
		})
		c.want("connection_ack")
		start := []string{"subscribe", "start"}[i]
		c.send(frame{ID: "1", Type: start, Payload: raw(t, map[string]any{"query": "subscription Feed { devlogStatus { cursor } }"})})
		c.send(frame{ID: "2", Type: start, Payload: raw(t, map[string]any{"query": "query Socket { me { id } }"})})
		c.want([]string{"next", "data"}[i])
		c.want("complete")
	}
	for _, path := range []string{"/api/v1/lux/user/me", "/api/v1/addnox/user/me", "/api/v1/withnox/user/me", "/api/v1/lux/nothing"} {
		askAs(t, s, http.MethodGet, path, token, "", "User-Agent", "lux/3.1 CFNetwork/1.0")
	}
	for _, path := range []string{"/user/info", "/v1/user/info"} {
		askAs(t, s, http.MethodGet, path, long, "", apollo...)
	}
	askAs(t, s, http.MethodOptions, "/api/v1/lux/user/me", "", "", apollo...)
	askAs(t, s, http.MethodGet, "/api/v1/lux/user/real-user/77", token, "", apollo...)
	for _, path := range []string{"/healthz", "/openapi.json", "/"} {
		askAs(t, s, http.MethodGet, path, "", "", apollo...)
	}
	want := map[string]int{
		"GraphQL|Home|lux|2.1.0":                            2,
		"GraphQL|Home|lux|2.2":                              1,
		"GraphQL|anonymous|lux|1.0":                         1,
		"GraphQL|me|lux|2.1.0":                              1,
		"GraphQL|Stream|lux|2.1.0":                          1,
		"GraphQL|Parts|lux|2.1.0":                           1,
		"GraphQL|Get|lux|2.1.0":                             1,
		"GraphQL|Feed|lux|0":                                1,
		"GraphQL|Feed|lux|1":                                1,
		"GraphQL|Socket|lux|0":                              1,
		"GraphQL|Socket|lux|1":                              1,
		"SNUTT|GET /user/info|lux|2.1.0":                    1,
		"SNUTT v1|GET /v1/user/info|lux|2.1.0":              1,
		"LUX|GET /api/v1/lux/user/me|lux|3.1":               1,
		"LUX|GET /api/v1/lux/user/real-user/{id}|lux|2.1.0": 1,
		"Addnox|GET /api/v1/addnox/user/me|lux|3.1":         1,
		"Withnox|GET /api/v1/withnox/user/me|lux|3.1":       1,
	}
	if diff := cmp.Diff(want, uses(t, s, "lux")); diff != "" {
		t.Error(diff)
	}
	metrics := readMetrics(t, s)
	for series, want := range map[string]float64{
		`luxbff_operations_total{app="lux",operation="Home",version="2.1.0"}`:                          2,
		`luxbff_operations_total{app="lux",operation="Feed",version="1"}`:                              1,
		`luxbff_requests_total{app="lux",route="GET /api/v1/lux/user/me",surface="LUX",version="3.1"}`: 1,
	} {
		if metrics[series] != want {
			t.Errorf("%s is %v, want %v", series, metrics[series], want)
		}
	}
}

// TestNamesThatAreNoneAreUnknown holds that what a client sends by mistake, as a token or a
// name, is not stored.
func TestNamesThatAreNoneAreUnknown(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	for _, name := range []string{token, "parent1@example.com", strings.Repeat("a", 41), "김", `";DROP`} {
		askAs(t, s, http.MethodGet, "/api/v1/lux/user/me", token, "", "Apollographql-Client-Name", name, "Apollographql-Client-Version", name)
	}
	want := map[string]int{"LUX|GET /api/v1/lux/user/me|unknown|unknown": 5}
	if diff := cmp.Diff(want, uses(t, s, "unknown")); diff != "" {
		t.Error(diff)
	}
}

// TestUsageIsWrittenAtTheEnd counts on two replicas that are stopped before a minute is over, and
// looks at the rows of a third.
func TestUsageIsWrittenAtTheEnd(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	t.Run("two replicas", func(t *testing.T) {
		for range 2 {
			replica := apptest.Start(t, func(c *app.Config) { *c = s.App.Config })
			askAs(t, replica, http.MethodGet, "/api/v1/lux/user/me", "", "", "User-Agent", "lux/3.1")
			replica.GraphQL(t, "", `mutation Chosen { signIn(input: {email: "a@b.example", password: "secret123"}) { user { id } } }`, nil)
		}
	})
	want := map[string]int{"LUX|GET /api/v1/lux/user/me|lux|3.1": 2}
	if diff := cmp.Diff(want, uses(t, s, "lux")); diff != "" {
		t.Error(diff)
	}
	if got := uses(t, s, "Go-http-client")["GraphQL|signIn|Go-http-client|1.1"]; got != 2 {
		t.Errorf("%d sign-ins", got)
	}
}
