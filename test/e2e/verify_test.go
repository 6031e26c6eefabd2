package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestVerify asks a running server by the command, as CI does, and holds the exit status: nothing
// is wrong with a server of development whose schema may be read, and its schema is what is wrong
// where it may not.
func TestVerify(t *testing.T) {
	t.Parallel()
	database := filepath.Join(t.TempDir(), "verify.db")
	s := startOnFile(t, database)
	verify := command(t, database, "verify", s.URL, "--open-schema")
	verify.Env = append(verify.Env, "VERIFY_TOKEN="+s.signIn(t))
	out, err := verify.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "GraphQL over HTTP: 61 of 61\n") || strings.Contains(string(out), "skipped") {
		t.Errorf("%v:\n%s", err, out)
	}
	out, err = command(t, database, "verify", s.URL, "--json").CombinedOutput()
	if err == nil || !strings.Contains(string(out), `"name":"not: the schema can be read","outcome":"failed"`) ||
		!strings.Contains(string(out), `"outcome":"skipped"`) || !strings.Contains(string(out), "verify: ") {
		t.Errorf("%v:\n%s", err, out)
	}
}
