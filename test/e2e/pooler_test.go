//go:build postgres

package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/pgbouncertest"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/storetest"
)

// pooledCommand runs the program on a database behind a pooler in transaction mode.
func pooledCommand(t *testing.T, url string, args ...string) *exec.Cmd {
	t.Helper()
	c := processtest.Command(t, url, args...)
	c.Env = append(c.Env, "DATABASE_POOLER=transaction")
	return c
}

// TestPoolerIsRestartedUnderLoad has 16 phones upload and read through a pooler with four
// connections. Nothing is refused until the pooler is restarted, and from then on
// nothing but as unavailable. What was acknowledged is stored once.
func TestPoolerIsRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	const phones = 16
	database := storetest.PostgresURL(t)
	development := startOn(t, database) // makes the demo family
	token := development.signIn(t)
	development.Terminate(t)
	development.WaitForExit(t)

	pooler := pgbouncertest.Start(t, database, "transaction", 4)
	serve := pooledCommand(t, pooler.URL(database))
	serve.Env = append(serve.Env, "APP_ENV=production", "PUBLIC_URL=https://luxbff.example.com")
	s := start(t, serve)
	feed := s.subscribe(t, token, "subscription { devlogStatus { devlog { logFileId } } }")
	acknowledged := newLedger()
	var uploads, refused sync.WaitGroup
	var refusals atomic.Int32
	refused.Add(phones)
	for range phones {
		uploads.Go(func() {
			acknowledged.upload(s, token) // until the first refusal
			refusals.Add(1)
			refused.Done()
			acknowledged.keepUploading(t, s, token)
		})
	}
	for acknowledged.len() < 10*phones {
		status, body, err := post(s.URL+"/graphql", token, `{"query": "{ me { id } childUser(id: 1) { device { lastLogFileId } } }"}`)
		if err != nil || status != http.StatusOK || strings.Contains(string(body), "errors") {
			t.Fatalf("a read: %d %s %v", status, body, err)
		}
	}
	if n := refusals.Load(); n > 0 {
		t.Errorf("%d phones were refused an upload", n)
	}
	expectMessage(t, feed, "next")
	pooler.Stop()
	refused.Wait()
	pooler.Restart()
	uploads.Wait()
	acknowledged.check(t, s, token)
}

// TestMigrateBehindAPooler runs several at once, through the pooler and around it, one of
// which is killed in the midst of its work. It also holds what the commands say of
// settings that don't fit the pooler.
func TestMigrateBehindAPooler(t *testing.T) {
	t.Parallel()
	database := storetest.EmptyPostgresURL(t)
	through := pgbouncertest.Start(t, database, "transaction", 4).URL(database)
	unset, err := processtest.Command(t, through, "migrate").CombinedOutput()
	if err == nil || !strings.Contains(string(unset), "set DATABASE_POOLER=transaction") {
		t.Errorf("migrate without the setting: %v, %s", err, unset)
	}

	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	// A table of the same name, which is not there for good, holds the first migration up.
	obstacle, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := obstacle.Exec(t.Context(), "CREATE TABLE users (id int)"); err != nil {
		t.Fatal(err)
	}
	killed := pooledCommand(t, through, "migrate")
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	looking, err := pgx.Connect(t.Context(), database) // inside the transaction it would see no change
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = looking.Close(context.Background()) }()
	testutil.WaitFor(t, "the migration is held up", func() bool {
		var waiting int
		const query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
		return looking.QueryRow(t.Context(), query).Scan(&waiting) == nil && waiting > 0
	})
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // it says that it was killed
	if err := obstacle.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}

	for i, err := range testutil.Concurrently(3, func(i int) error {
		c := pooledCommand(t, through, "migrate")
		if i == 0 {
			c.Env = append(c.Env, "MIGRATE_DATABASE_URL="+database)
		}
		out, err := c.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	}) {
		if err != nil {
			t.Errorf("migrate %d: %v", i, err)
		}
	}

	for setting, want := range map[string]string{
		"MIGRATE_DATABASE_URL=" + database:                      "ok     MIGRATE_DATABASE_URL",
		"MIGRATE_DATABASE_URL=" + storetest.EmptyPostgresURL(t): "WRONG  MIGRATE_DATABASE_URL",
		"DATABASE_POOLER=":                                      "set DATABASE_POOLER=transaction",
		"DATABASE_POOL=3":                                       "one in transaction mode, as DATABASE_POOLER says",
		"DATABASE_URL=" + database:                              "leave DATABASE_POOLER empty",
	} {
		doctor := pooledCommand(t, through, "doctor")
		doctor.Env = append(doctor.Env, setting)
		if out, _ := doctor.CombinedOutput(); !strings.Contains(string(out), want) {
			t.Errorf("the doctor with %s says\n%s\nwant %q", setting, out, want)
		}
	}
}
