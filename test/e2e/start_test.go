package e2e_test

import (
	"database/sql"
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	// The driver registers itself as "sqlite".
	_ "modernc.org/sqlite"

	"luxbff/internal/demo"
	"luxbff/internal/testutil/processtest"
)

// TestStartWithDemoFamily starts the program without any setting: it has a demo
// family, and prints how to sign in as its parent.
func TestStartWithDemoFamily(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "demo.db")
	s := startOnFile(t, file)
	for range 2 { // the second start finds the family and makes no other
		var data struct {
			ChildUsers []struct {
				Device  struct{ LastLogFileID int }
				Devlogs struct{ Edges []struct{ Cursor string } }
			}
		}
		s.graphQL(t, s.signIn(t), `{ childUsers { device { lastLogFileId } devlogs { edges { cursor } } } }`, &data)
		if len(data.ChildUsers) != 2 {
			t.Fatalf("the demo family has %d children", len(data.ChildUsers))
		}
		for _, c := range data.ChildUsers {
			if c.Device.LastLogFileID != 7 || len(c.Devlogs.Edges) != 7 {
				t.Errorf("a demo child has %+v", c)
			}
		}
		for _, want := range []string{"/graphql", "/dev/outbox", demo.Email, demo.Password} {
			if !strings.Contains(s.Log.String(), want) {
				t.Errorf("the start does not print %s:\n%s", want, s.Log)
			}
		}
		s.Kill()
		s = startOnFile(t, file)
	}
}

// TestStartFailures holds that a start which can't succeed ends with status 1, and
// says why in a line that has no secret in it.
func TestStartFailures(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	for name, c := range map[string]struct {
		url, want string
		settings  []string
	}{
		"no scheme":        {url: "luxbff.db", want: "must begin with file: or postgres://"},
		"another engine":   {url: "mysql://127.0.0.1/luxbff", want: "must begin with file: or postgres://"},
		"a missing folder": {url: "file:" + folder + "/none/luxbff.db", want: "there is no folder " + folder + "/none"},
		"a folder":         {url: "file:" + folder, want: "it is a folder"},
		"a malformed URL":  {url: "postgres://luxbff:secret@127.0.0.1:x/luxbff", want: "database URL"},
		"nobody listens":   {url: "postgres://luxbff:secret@127.0.0.1:1/luxbff", want: "connect to PostgreSQL", settings: []string{"DATABASE_WAIT=1s"}},
		"PostgreSQL without a word on the environment": {url: "postgres://luxbff:secret@127.0.0.1:1/luxbff", want: "APP_ENV must say", settings: []string{"APP_ENV="}},
		"the port is taken":                            {url: "file:" + folder + "/port.db", want: "address already in use", settings: []string{"ADDR=" + taken.Addr().String()}},
		"a wrong NATS address": {
			url: "file:" + folder + "/nats.db", want: "NATS_URL: address 1 must begin with nats:// or tls://", settings: []string{"NATS_URL=http://luxbff:secret@nats:4222"},
		},
		"production without settings": {
			url: "file:" + folder + "/production.db", want: "PUBLIC_URL", settings: []string{"APP_ENV=production", "TOKEN_KEYS="},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			serve := processtest.Command(t, c.url)
			serve.Env = append(serve.Env, c.settings...)
			wantFailure(t, serve, c.want)
		})
	}
}

func wantFailure(t *testing.T, c *exec.Cmd, want string) {
	t.Helper()
	out, err := c.CombinedOutput()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != 1 {
		t.Errorf("%s ended with %v", c.Args, err)
	}
	if !strings.Contains(string(out), want) || strings.Contains(string(out), "secret") || strings.Contains(string(out), "goroutine") {
		t.Errorf("%s printed\n%s\nwant %q and no secret", c.Args, out, want)
	}
}

// TestOlderProgramOnNewerDatabase holds that no command of a program changes a
// database that a newer program has migrated.
func TestOlderProgramOnNewerDatabase(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file, backup := filepath.Join(folder, "newer.db"), filepath.Join(folder, "backup.db")
	if out, err := command(t, file, "migrate").CombinedOutput(); err != nil {
		t.Fatalf("migrate: %v\n%s", err, out)
	}
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99990101000000, 1)")
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	const want = "newer than this program: it has version 99990101000000"
	for _, args := range [][]string{
		{"serve"},
		{"migrate"},
		{"backup", backup},
		{"devices", "import", "/dev/null"},
		{"token", "--user", "1"},
		{"copy", "--from", "file:" + file, "--to", "postgres://127.0.0.1:1/none"},
	} {
		wantFailure(t, command(t, file, args...), want)
	}
	production := command(t, file)
	production.Env = append(production.Env, "APP_ENV=production", "PUBLIC_URL=https://luxbff.example")
	wantFailure(t, production, want)
}
