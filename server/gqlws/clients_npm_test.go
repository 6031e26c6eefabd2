//go:build npm

package gqlws_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/schematest"
	"luxbff/server/gqlstream"
)

// TestClients runs a journey with the npm clients of each transport; `npm ci` in
// testdata/clients comes before it.
func TestClients(t *testing.T) {
	t.Parallel()
	registry := newRegistry(gqlstream.RegistryConfig{})
	cfg := config(registry)
	server := httptest.NewServer(newHandler(schematest.New(), cfg))
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		if err := registry.Shutdown(t.Context()); err != nil {
			t.Log(err)
		}
	})
	command := exec.CommandContext(t.Context(), "node", "clients.js", server.URL+"/graphql")
	command.Dir = "testdata/clients"
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	want := journey()
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var step struct {
			Client, Step string
			Seen         json.RawMessage
		}
		if err := decoder.Decode(&step); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(parse(want[step.Step]), parse(string(step.Seen))); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", step.Client, step.Step, diff)
		}
	}
}

// journey is what every client sees, step by step.
func journey() map[string]string {
	return map[string]string{
		"query":               `[{"echo":"hi"},"complete"]`,
		"mutation":            `[{"add":42},"complete"]`,
		"subscription":        `[{"count":1},{"count":2},{"count":3},"complete"]`,
		"resolver error":      `[{"error":["Cursor not valid"]}]`,
		"validation error":    `[{"error":["Cannot query field \"nothing\" on type \"Subscription\"."]}]`,
		"feed that completes": `[{"feed":"a"},{"feed":"b"},"complete"]`,
		"feed that fails":     `[{"feed":"a"},{"error":["Cursor expired"]}]`,
		"feed that is left":   `["left"]`,
		"refused":             `[{"error":["Could not validate credentials"]}]`,
	}
}
