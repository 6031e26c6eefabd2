package gqlhttp_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"luxbff/server/gqlhttp"
	"luxbff/test/sampleschema"
)

// BenchmarkPOST is one small query from body to body, without a network.
func BenchmarkPOST(b *testing.B) {
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	const body = `{"query": "query Home($n: Int) {hello items(first: $n) {id name size parent {id name}}}", "variables": {"n": 2}}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
		r.Header.Set("Content-Type", plainJSON)
		r.Header.Set("Accept", apolloMobile)
		recorder := httptest.NewRecorder()
		server.ServeHTTP(recorder, r)
		if recorder.Code != http.StatusOK {
			b.Fatal(recorder.Body)
		}
	}
}
