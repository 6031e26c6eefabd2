package gqlhttp_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"luxbff/internal/apperr"
	"luxbff/server/gqlhttp"
)

type clientKey struct{}

// TestAdmissionComesFirst holds that a client that is refused learns nothing else, and that one
// which is admitted is served.
func TestAdmissionComesFirst(t *testing.T) {
	t.Parallel()
	server, _ := logged(t, gqlhttp.Config{Admit: func(ctx context.Context) error {
		if ctx.Value(clientKey{}) != nil {
			return nil
		}
		return apperr.UpgradeRequired.New().WithReason("It has to be newer.")
	}})
	served := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), clientKey{}, true)))
	})
	const refused = `{"errors":[{"message":"Upgrade required","extensions":{"code":"UPGRADE_REQUIRED","reason":"It has to be newer.","status":426}}]}`
	for body, admitted := range map[string]string{
		`{"query":"{__typename}"}`: `{"data":{"__typename":"Query"}}`,
		`{"query":"{nothing}"}`:    "GRAPHQL_VALIDATION_FAILED",
		`{"query":"{"}`:            "GRAPHQL_PARSE_FAILED",
		`{"documentId":"unknown"}`: "PERSISTED_DOCUMENT_NOT_FOUND",
	} {
		for accept, status := range map[string]int{plainJSON: http.StatusOK, graphqlJSON: http.StatusUpgradeRequired} {
			if w := do(t, server, call{body: body, accept: accept}); w.Code != status || w.Body.String() != refused {
				t.Errorf("%s as %s: %d %s", body, accept, w.Code, w.Body)
			}
			if w := do(t, served, call{body: body, accept: accept}); !strings.Contains(w.Body.String(), admitted) {
				t.Errorf("%s as %s: %d %s", body, accept, w.Code, w.Body)
			}
		}
	}
}
