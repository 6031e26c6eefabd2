//go:build npm

package gqlhttp_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os/exec"
	"testing"

	"luxbff/server/gqlhttp"
	"luxbff/test/sampleschema"
)

// TestAudits runs the audits of the npm package graphql-http, the reference for GraphQL
// over HTTP. Run `npm ci` in testdata/audits before. Introspection is on, because three
// audits read the schema.
func TestAudits(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{Introspection: true})))
	t.Cleanup(server.Close)
	command := exec.CommandContext(t.Context(), "node", "audits.js", server.URL+"/graphql")
	command.Dir = "testdata/audits"
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	passed := 0
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var audit struct{ ID, Name, Status, Reason string }
		if err := decoder.Decode(&audit); err != nil {
			t.Fatal(err)
		}
		if audit.Status != "ok" {
			t.Errorf("%s %s: %s: %s", audit.ID, audit.Name, audit.Status, audit.Reason)
			continue
		}
		passed++
	}
	if passed != 61 {
		t.Errorf("%d of 61 audits passed", passed)
	}
}
