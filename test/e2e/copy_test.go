//go:build postgres

package e2e_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	// The driver registers itself as "pgx".
	_ "github.com/jackc/pgx/v5/stdlib"

	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/storetest"
)

// TestCopyToPostgres copies the database of an installation from SQLite to
// PostgreSQL, kills the copy halfway and runs it again, and serves the result: the
// same account and sessions, new uploads, and a feed that resumes at an old cursor.
func TestCopyToPostgres(t *testing.T) {
	t.Parallel()
	file, target := filepath.Join(t.TempDir(), "small.db"), storetest.EmptyPostgresURL(t)
	s := startOnFile(t, file)
	token := s.signIn(t)
	feed := s.subscribe(t, token, fmt.Sprintf(feedDocument, ""))
	s.uploadOne(t, token, 2000)
	before := nextEvent(t, feed)
	s.uploadOne(t, token, 2001)
	s.Kill()

	newCopy := func() *exec.Cmd { return command(t, file, "copy", "--from", "file:"+file, "--to", target) }
	killHalfway(t, target, newCopy())
	out, err := newCopy().CombinedOutput()
	if err != nil || !strings.Contains(string(out), "same on both sides") {
		t.Fatalf("copy: %v\n%s", err, out)
	}
	if out, err := newCopy().CombinedOutput(); err == nil || !strings.Contains(string(out), "not empty") {
		t.Errorf("a copy into a full database: %v\n%s", err, out)
	}

	copied := startOn(t, target)
	feed = copied.resume(t, token, fmt.Sprintf(feedDocument, fmt.Sprintf("(after: %q)", before.Cursor)))
	copied.uploadOne(t, copied.signIn(t), 2002)
	for _, want := range []int{2001, 2002} {
		if event := nextEvent(t, feed); event.Devlog.LogFileID != want {
			t.Errorf("after the copy the feed has %+v, want log file %d", event, want)
		}
	}
}

// killHalfway blocks the copy where it sets the sequence of devlogs, by a lock that
// the test holds, kills it there, and waits until PostgreSQL has rolled it back.
func killHalfway(t *testing.T, target string, copying *exec.Cmd) {
	t.Helper()
	if out, err := processtest.Command(t, target, "migrate").CombinedOutput(); err != nil {
		t.Fatalf("migrate: %v\n%s", err, out)
	}
	db, err := sql.Open("pgx", target)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	holding, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holding.Rollback() }()
	if _, err := holding.ExecContext(t.Context(), "ALTER SEQUENCE devlogs_id_seq CACHE 1"); err != nil {
		t.Fatal(err)
	}
	if err := copying.Start(); err != nil {
		t.Fatal(err)
	}
	const waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'devlogs_id_seq'::regclass"
	waitForCount(t, db, waiting, 1)
	_ = copying.Process.Kill()
	_ = copying.Wait()
	if err := holding.Rollback(); err != nil {
		t.Fatal(err)
	}
	const others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
	db.SetMaxOpenConns(1)
	waitForCount(t, db, others, 0)
	waitForCount(t, db, "SELECT count(*) FROM users", 0)
}

// waitForCount repeats the query until its result is n. It needs no pause: the
// database takes its time.
func waitForCount(t *testing.T, db *sql.DB, query string, n int) {
	t.Helper()
	for got := -1; got != n; {
		if err := db.QueryRowContext(t.Context(), query).Scan(&got); err != nil {
			t.Fatalf("%s is %d, not yet %d: %v", query, got, n, err)
		}
	}
}

// feedEvent is an event of the feed.
type feedEvent struct {
	Cursor string
	Devlog struct{ LogFileID int }
}

// feedDocument is the subscription, but for its arguments.
const feedDocument = "subscription { devlogStatus%s { cursor devlog { logFileId } } }"

// nextEvent waits for the next event of the feed.
func nextEvent(t *testing.T, feed *websocket.Conn) feedEvent {
	t.Helper()
	var payload struct {
		Data struct{ DevlogStatus feedEvent }
	}
	if err := json.Unmarshal(expectMessage(t, feed, "next").Payload, &payload); err != nil {
		t.Fatal(err)
	}
	return payload.Data.DevlogStatus
}
