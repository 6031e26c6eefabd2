//go:build postgres

package e2e_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
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

// TestMovingUp copies a served installation to PostgreSQL, kills the copy in the
// middle and runs it again, and goes on there: the same account and sessions, new
// uploads, and the feed from a cursor of before.
func TestMovingUp(t *testing.T) {
	t.Parallel()
	file, target := filepath.Join(t.TempDir(), "small.db"), storetest.EmptyPostgresURL(t)
	b := startBinary(t, file)
	token := b.signIn(t)
	feed := b.subscribe(t, token, fmt.Sprintf(follow, ""))
	b.uploadOne(t, token, 2000)
	before := next(t, feed)
	b.uploadOne(t, token, 2001)
	b.Kill()

	copying := func() *exec.Cmd { return command(t, file, "copy", "--from", "file:"+file, "--to", target) }
	killInTheMiddle(t, target, copying())
	out, err := copying().CombinedOutput()
	if err != nil || !strings.Contains(string(out), "same on both sides") {
		t.Fatalf("copy: %v\n%s", err, out)
	}
	if out, err := copying().CombinedOutput(); err == nil || !strings.Contains(string(out), "not empty") {
		t.Errorf("a copy into a full database: %v\n%s", err, out)
	}

	moved := startAt(t, target)
	feed = moved.resume(t, token, fmt.Sprintf(follow, fmt.Sprintf("(after: %q)", before.Cursor)))
	moved.uploadOne(t, moved.signIn(t), 2002)
	for _, want := range []int{2001, 2002} {
		if event := next(t, feed); event.Devlog.LogFileID != want {
			t.Errorf("after the move the feed told %+v, want log file %d", event, want)
		}
	}
}

// killInTheMiddle holds the copy where it sets the sequence of devlogs, kills it,
// and waits until PostgreSQL has forgotten it.
func killInTheMiddle(t *testing.T, target string, copying *exec.Cmd) {
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
	waitFor(t, db, waiting, 1)
	_ = copying.Process.Kill()
	_ = copying.Wait()
	if err := holding.Rollback(); err != nil {
		t.Fatal(err)
	}
	const others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
	db.SetMaxOpenConns(1)
	waitFor(t, db, others, 0)
	waitFor(t, db, "SELECT count(*) FROM users", 0)
}

// waitFor asks until the answer is n.
func waitFor(t *testing.T, db *sql.DB, query string, n int) {
	t.Helper()
	for got := -1; got != n; {
		if err := db.QueryRowContext(t.Context(), query).Scan(&got); err != nil {
			t.Fatalf("%s is %d, not yet %d: %v", query, got, n, err)
		}
	}
}

// uploadOne uploads one complete log of the demo family's first child.
func (b *binary) uploadOne(t *testing.T, token string, file int) {
	t.Helper()
	status, raw, err := post(b.URL+"/api/v1/lux/device/devlog", token, fmt.Sprintf(`{"log_arrays": [`+record+`]}`, file))
	if err != nil || status != http.StatusOK {
		t.Fatalf("upload: %d %s %v", status, raw, err)
	}
}

// told is an event of the feed.
type told struct {
	Cursor string
	Devlog struct{ LogFileID int }
}

// follow is what TestMovingUp follows.
const follow = "subscription { devlogStatus%s { cursor devlog { logFileId } } }"

// next waits for the next event.
func next(t *testing.T, feed *websocket.Conn) told {
	t.Helper()
	var payload struct {
		Data struct{ DevlogStatus told }
	}
	if err := json.Unmarshal(hear(t, feed, "next").Payload, &payload); err != nil {
		t.Fatal(err)
	}
	return payload.Data.DevlogStatus
}
