package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
)

// TestGraphQLCop asks what graphql-cop asks (https://github.com/dolevf/graphql-cop, its 13
// audits), of the whole program as production runs it: without a token, as a stranger does,
// and with one. Each answer is logged; a finding fails.
func TestGraphQLCop(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Production)
	token := registered(t, s)
	const typename = "query cop { __typename }"
	circular := "query cop { __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }"
	suggested := []string{"query cop { __schema { directive } }", "query cop { m { id } }", "query cop { childUser(idd: 1) { id } }"}
	var batch []string
	for range 10 {
		batch = append(batch, string(raw(t, map[string]string{"query": typename})))
	}
	form := url.Values{"query": {typename}}.Encode()
	hasData := func(body string) bool { return strings.Contains(body, `"data":{`) }
	for _, audit := range []struct {
		name    string
		request []copRequest
		// found reports whether the answer shows the weakness.
		found func(body string) bool
	}{
		{"alias overloading", posts(t, "query cop { "+repeated(101, "alias%d:__typename ")+"}"), hasData},
		{"array-based query batching", []copRequest{{method: http.MethodPost, body: "[" + strings.Join(batch, ",") + "]"}}, func(body string) bool {
			return hasData(body) || strings.Count(body, `"message"`) > 1
		}},
		{"directive overloading", posts(t, "query cop { __typename "+strings.Repeat("@aa", 10)+" }", "query cop { __typename "+strings.Repeat("@skip(if: false) ", 10)+" }"), func(body string) bool {
			return hasData(body) || strings.Count(body, `"message"`) > 3
		}},
		{"circular introspection", posts(t, circular), hasData},
		{"introspection", posts(t, "query cop { __schema { types { name fields { name } } } }", `query cop { __type(name: "User") { name } }`), hasData},
		{"field duplication", posts(t, "query cop { "+strings.Repeat("__typename ", 500)+"}"), hasData},
		{"field suggestions", posts(t, suggested...), func(body string) bool {
			return strings.Contains(strings.ToLower(body), "did you mean")
		}},
		{"GraphQL IDE", ideRequests(), func(body string) bool {
			body = strings.ToLower(body)
			for _, sign := range []string{"graphiql", "playground", "graphql-explorer", "altair", "voyager"} {
				if strings.Contains(body, sign) {
					return true
				}
			}
			return false
		}},
		{"queries by GET", []copRequest{{method: http.MethodGet, path: "?" + form}}, hasData},
		{"mutations by GET", []copRequest{{method: http.MethodGet, path: "?" + url.Values{"query": {"mutation cop { __typename }"}}.Encode()}}, hasData},
		{"queries by a form", []copRequest{
			{method: http.MethodPost, body: form, contentType: "application/x-www-form-urlencoded"},
			{method: http.MethodPost, body: string(raw(t, map[string]string{"query": typename})), contentType: "text/plain"},
		}, hasData},
		{"tracing", posts(t, typename), func(body string) bool {
			return strings.Contains(body, "tracing") || strings.Contains(body, `"extensions"`)
		}},
		{"unhandled errors", posts(t, "qwerty cop { abc }", "query cop { me(id: {}) { id } }", "query cop($a: Int!) { __typename }"), func(body string) bool {
			for _, sign := range []string{"exception", "stack", "goroutine", ".go:", "panic", `"INTERNAL"`} {
				if strings.Contains(body, sign) {
					return true
				}
			}
			return false
		}},
	} {
		for _, r := range audit.request {
			for _, as := range []string{"", token} {
				// A page of another site cannot send a token: the browser asks first, and is
				// refused.
				if as != "" && audit.name == "queries by GET" {
					continue
				}
				status, body := r.send(t, s, as)
				t.Logf("%s: %d %.160s", audit.name, status, body)
				if audit.found(body) || status >= http.StatusInternalServerError {
					t.Errorf("%s is found in %d %.500s", audit.name, status, body)
				}
			}
		}
	}
	if log := s.Log.String(); strings.Contains(log, "panic") {
		t.Errorf("logged %s", log)
	}
}

// copRequest is one request of graphql-cop.
type copRequest struct{ method, path, body, contentType, accept string }

func (c copRequest) send(t *testing.T, s *apptest.Server, token string) (status int, body string) {
	t.Helper()
	path := c.path
	if !strings.HasPrefix(path, "/") {
		path = "/graphql" + path
	}
	r, err := http.NewRequestWithContext(t.Context(), c.method, s.URL+path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.contentType != "" {
		r.Header.Set("Content-Type", c.contentType)
	}
	if c.accept != "" {
		r.Header.Set("Accept", c.accept)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	got := s.Do(t, r)
	return got.Status, string(got.Body)
}

func posts(t *testing.T, documents ...string) (requests []copRequest) {
	t.Helper()
	for _, document := range documents {
		requests = append(requests, copRequest{method: http.MethodPost, body: string(raw(t, map[string]string{"query": document, "operationName": "cop"}))})
	}
	return requests
}

// ideRequests ask for the pages where graphql-cop looks for an IDE, and where others keep
// theirs. Production has GraphiQL with INTROSPECTION alone, at /.
func ideRequests() (requests []copRequest) {
	for _, path := range []string{"/graphql", "/graphiql", "/graphiql/", "/playground", "/console", "/graphql/console", "/altair", "/voyager"} {
		requests = append(requests, copRequest{method: http.MethodGet, path: path, accept: "text/html"})
	}
	return requests
}

// TestGetOfProductionNeedsAHeaderOfItsOwn sends GETs with what browsers send unasked, and
// with what they ask for first.
func TestGetOfProductionNeedsAHeaderOfItsOwn(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Production)
	token := registered(t, s)
	for _, tc := range []struct {
		name, value string
		served      bool
	}{
		{"Accept", "application/json", false},
		{"Accept", "text/event-stream", false},
		{"Content-Type", "text/plain", false},
		{"Content-Type", "application/x-www-form-urlencoded", false},
		{"Content-Type", "application/json", true},
		{"Authorization", "Bearer " + token, true},
		{"x-access-token", token, true},
		{"Apollo-Require-Preflight", "true", true},
		{"X-APOLLO-OPERATION-NAME", "cop", true},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/graphql?query=%7B__typename%7D", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(tc.name, tc.value)
		got := s.Do(t, r)
		want := `"INVALID_REQUEST_OR_MISSING_PARAMETERS"`
		if tc.served {
			want = `{"data":{"__typename":"Query"}}`
		}
		if !strings.Contains(string(got.Body), want) {
			t.Errorf("%s: got %s", fmt.Sprint(tc), got.Body)
		}
	}
}

// registered signs up in the one way that needs no message, of which production sends none.
func registered(t *testing.T, s *apptest.Server) (token string) {
	t.Helper()
	var data struct {
		RegisterLocal struct{ Tokens struct{ AccessToken string } }
	}
	s.Data(t, "", `mutation { registerLocal(input: {localId: "parent1", password: "abcd1234"}) { tokens { accessToken } } }`, nil, &data)
	return data.RegisterLocal.Tokens.AccessToken
}
