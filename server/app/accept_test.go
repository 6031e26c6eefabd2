package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
)

// acceptOfUrql is what urql sends with every operation: streams beside JSON.
const acceptOfUrql = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"

// TestStreamingClientGetsJSONForItsQueries: a client that accepts streams beside JSON
// signs up and reads its screens by JSON, without a token as well.
func TestStreamingClientGetsJSONForItsQueries(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	for name, tc := range map[string]struct{ token, query, want string }{
		"a query":                  {token, `{ me { firstName } }`, `{"data":{"me":{"firstName":"james"}}}`},
		"a query without a token":  {"", `{ me { id } }`, `"code":"UNAUTHENTICATED","status":401`},
		"a wrong token":            {"nonsense", `{ me { id } }`, `"code":"UNAUTHENTICATED","status":401`},
		"a mutation without token": {"", `mutation { requestPasswordReset(input: {email: "a@b.example"}) { ok } }`, `"code":"USER_ID_IS_NOT_FOUND"`},
		"a document that is wrong": {"", `{ nothing }`, `"code":"GRAPHQL_VALIDATION_FAILED"`},
		"an unfinished document":   {token, `subscription {`, `"code":"GRAPHQL_PARSE_FAILED"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parameters := url.Values{"query": {tc.query}}.Encode()
			body := `{"query":` + string(raw(t, tc.query)) + `}`
			for _, call := range []struct{ method, path, body string }{
				{http.MethodPost, "/graphql", body}, {http.MethodGet, "/graphql?" + parameters, ""},
			} {
				if call.method == http.MethodGet && strings.HasPrefix(tc.query, "mutation") {
					continue
				}
				r, err := http.NewRequestWithContext(t.Context(), call.method, s.URL+call.path, strings.NewReader(call.body))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Accept", acceptOfUrql)
				r.Header.Set("Content-Type", "application/json")
				if tc.token != "" {
					r.Header.Set("Authorization", "Bearer "+tc.token)
				}
				got := s.Do(t, r)
				if kind := got.Header.Get("Content-Type"); kind != "application/json; charset=utf-8" || !strings.Contains(string(got.Body), tc.want) {
					t.Errorf("%s is answered by %s %s", call.method, kind, got.Body)
				}
			}
		})
	}
}

// TestStreamsNeedATokenForSubscriptionsAlone: a client that accepts nothing but streams
// signs in over one, with no token or with an old one, and learns from each field what it
// may not ask for, as it does from JSON.
func TestStreamsNeedATokenForSubscriptionsAlone(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	for query, want := range map[string]string{
		`mutation { signIn(input: {email: "a@b.example", password: "secret123"}) { user { id } } }`: `"code":"USER_NOT_FOUND","field":"input.email","status":404}}],"data":{"signIn":null}}`,
		`{ __typename me { id } }`:                 `"path":["me"],"locations":[{"line":1,"column":14}],"extensions":{"code":"UNAUTHENTICATED","status":401}}],"data":null}`,
		`{ nothing }`:                              `"code":"GRAPHQL_VALIDATION_FAILED"`,
		`subscription { devlogStatus { cursor } }`: `{"errors":[{"message":"Could not validate credentials","extensions":{"code":"UNAUTHENTICATED","status":401}}]}`,
	} {
		for _, accept := range []string{"text/event-stream", "multipart/mixed;subscriptionSpec=1.0"} {
			for _, token := range []string{"", "nonsense"} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql",
					strings.NewReader(`{"query":`+string(raw(t, query))+`}`))
				if err != nil {
					t.Fatal(err)
				}
				r.Header = http.Header{"Accept": {accept}, "Content-Type": {"application/json"}}
				if token != "" {
					r.Header.Set("Authorization", "Bearer "+token)
				}
				if got := s.Do(t, r); !strings.Contains(string(got.Body), want) {
					t.Errorf("%s as %s with the token %q: %s", query, accept, token, got.Body)
				}
			}
		}
	}
}

// TestOnlyAGetIsUpgraded: some proxies add the headers of an upgrade to every request.
func TestOnlyAGetIsUpgraded(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	for method, want := range map[string]struct {
		status      int
		allow, body string
	}{
		http.MethodPost: {http.StatusOK, "", `{"data":{"__typename":"Query"}}`},
		http.MethodPut:  {http.StatusMethodNotAllowed, "GET, POST, OPTIONS", `{"errors":[{"message":"Method Not Allowed","extensions":{"code":"METHOD_NOT_ALLOWED","status":405}}]}`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/graphql", strings.NewReader(`{"query":"{__typename}"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Content-Type": {"application/json"}}
		if got := s.Do(t, r); got.Status != want.status || got.Header.Get("Allow") != want.allow || string(got.Body) != want.body {
			t.Errorf("%s: %d, Allow %q, %s", method, got.Status, got.Header.Get("Allow"), got.Body)
		}
	}
}
