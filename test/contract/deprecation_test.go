package contract_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// TestLegacyRoutesAreDeprecated holds that every response of a legacy surface names
// the date of its deprecation, and that of a route its GraphQL field as well.
func TestLegacyRoutesAreDeprecated(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *app.Config) { c.Sunset = time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC) })
	tests := []struct {
		name, method, path string
		links              []string
	}{
		{"an response of a route", http.MethodPost, "/auth/request_temp", []string{
			`</docs/rest#registerLocal>; rel="successor-version"; title="registerLocal"`,
			`</docs/rest#snuttPostAuthRequestTemp>; rel="deprecation"; type="text/html"`,
			`</docs/rest#snuttPostAuthRequestTemp>; rel="sunset"; type="text/html"`,
		}},
		{"an error", http.MethodGet, "/api/v1/addnox/user/me", []string{
			`</docs/rest#me>; rel="successor-version"; title="me"`,
			`</docs/rest#addnoxGetUserMe>; rel="deprecation"; type="text/html"`,
			`</docs/rest#addnoxGetUserMe>; rel="sunset"; type="text/html"`,
		}},
		{"another method", http.MethodPut, "/api/v1/lux/user/me", nil},
		{"an unknown path", http.MethodGet, "/v1/user/nothing", nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := s.Call(t, tc.method, tc.path, "", "").Header
			if got.Get("Deprecation") != "@1795305600" || got.Get("Sunset") != "Fri, 31 Dec 2027 00:00:00 GMT" {
				t.Errorf("Deprecation %q, Sunset %q", got.Get("Deprecation"), got.Get("Sunset"))
			}
			if diff := cmp.Diff(tc.links, got.Values("Link")); diff != "" {
				t.Errorf("Link:\n%s", diff)
			}
		})
	}
}

func TestNothingElseIsDeprecated(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	for _, path := range []string{"/graphql", "/nowhere", "/healthz", "/docs"} {
		if got := s.Call(t, http.MethodGet, path, "", "").Header; got.Get("Deprecation") != "" || got.Get("Link") != "" {
			t.Errorf("%s: %v", path, got)
		}
	}
	if got := s.Call(t, http.MethodGet, "/user/info", "", "").Header.Get("Sunset"); got != "" {
		t.Errorf("Sunset %q although none is set", got)
	}
}

func TestCountsRequestsByAppAtMetrics(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	for _, path := range []string{"/api/v1/lux/user/me", "/api/v1/lux/user/real-user/7", "/v1/user/nothing", "/graphql"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("User-Agent", "Withnox/5.2.1 (Android 16)")
		response, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	page := string(s.Call(t, http.MethodGet, "/metrics", "", "").Body)
	for _, line := range []string{
		`{app="Withnox",route="GET /api/v1/lux/user/me",surface="LUX",version="5.2.1"} 1`,
		`{app="Withnox",route="GET /api/v1/lux/user/real-user/{id}",surface="LUX",version="5.2.1"} 1`,
		`{app="Withnox",route="other",surface="SNUTT v1",version="5.2.1"} 1`,
		`{app="Withnox",route="/graphql",surface="GraphQL",version="5.2.1"} 1`,
	} {
		if !strings.Contains(page, "luxbff_requests_total"+line) {
			t.Errorf("no line %s", line)
		}
	}
}
