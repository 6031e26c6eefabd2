//go:build linux

package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/processtest"
)

// TestDatabaseInMemoryIsWarnedOf holds that a server of production whose database would be
// lost with the machine says so at its start, and serves, and that the doctor says it too.
func TestDatabaseInMemoryIsWarnedOf(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp("/dev/shm", "luxbff") //nolint:usetesting // it has to be in memory
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	file := filepath.Join(folder, "memory.db")
	if out, err := command(t, file, "migrate").CombinedOutput(); err != nil {
		t.Fatalf("migrate: %v\n%s", err, out)
	}
	if out, err := command(t, file, "doctor").CombinedOutput(); err != nil || !strings.Contains(string(out), "is lost when the machine restarts") {
		t.Errorf("the doctor ends with %v and warns of nothing:\n%s", err, out)
	}
	serve := command(t, file)
	serve.Env = append(serve.Env, "APP_ENV=production", "PUBLIC_URL=https://luxbff.example")
	s := processtest.Start(t, serve)
	// It listens before what it has logged until then has come through the pipe.
	testutil.WaitFor(t, "the server warns", func() bool { return strings.Contains(s.Log.String(), "is lost when the machine restarts") })
}
