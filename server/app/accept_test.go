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
