package gqlhttp_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"luxbff/server/gqlhttp"
	"luxbff/server/manifest"
	"luxbff/test/sampleschema"
)

const benchQuery = "query Home($n: Int) {hello items(first: $n) {id name size parent {id name}}}"

// BenchmarkPOST is one small query from body to body, without a network.
func BenchmarkPOST(b *testing.B) {
	benchmarkPOST(b, gqlhttp.Config{}, `{"query": "`+benchQuery+`", "variables": {"n": 2}}`)
}

// BenchmarkTrustedDocument is the same query by its id, and by its text where nothing else
// runs.
func BenchmarkTrustedDocument(b *testing.B) {
	for name, body := range map[string]string{
		"id":   `{"documentId": "` + hashOf(benchQuery) + `", "variables": {"n": 2}}`,
		"text": `{"query": "` + benchQuery + `", "variables": {"n": 2}}`,
	} {
		b.Run(name, func(b *testing.B) {
			trusted := &gqlhttp.TrustedDocuments{Enforce: true}
			documents := []manifest.Document{{Hash: hashOf(benchQuery), Text: benchQuery}}
			set, err := gqlhttp.CompileTrusted(sampleschema.NewSchema().Schema(), gqlhttp.Config{}, documents)
			if err != nil {
				b.Fatal(err)
			}
			trusted.Replace(set)
			benchmarkPOST(b, gqlhttp.Config{Trusted: trusted}, body)
		})
	}
}

func benchmarkPOST(b *testing.B, config gqlhttp.Config, body string) {
	b.Helper()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(config))
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
