//go:build postgres

package store_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"testing/fstest"

	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/storetest"
)

// openPostgresWith opens the database with a program that knows one migration more.
func openPostgresWith(t *testing.T, url, migration string) *store.Store {
	t.Helper()
	files := before(t, "postgres", "9")
	files["99990101000000_later.sql"] = &fstest.MapFile{Data: []byte(migration)}
	db, err := store.Open(t.Context(), store.Config{URL: url, Migrations: files})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// holdTransaction runs a statement in a transaction that stays open until end.
func holdTransaction(t *testing.T, url, statement string) (db *sql.DB, end func()) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	tx, err := db.BeginTx(context.WithoutCancel(t.Context()), nil)
	must(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	_, err = tx.ExecContext(t.Context(), statement)
	must(t, err)
	return db, func() { must(t, tx.Commit()) }
}

// TestIndexIsBuiltWhileOthersWrite holds a build up by a transaction that writes to its
// table: others write meanwhile, as they could not if the table were locked. The lock that
// keeps two programs from migrating at once must not hold the build up itself.
func TestIndexIsBuiltWhileOthersWrite(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyPostgresURL(t)
	db := storetest.OpenAt(t, url)
	must(t, db.Migrate(t.Context()))
	newUser(t, db)
	upgraded := openPostgresWith(t, url, `-- +goose NO TRANSACTION
-- +goose Up
SET lock_timeout = 0;
DROP INDEX CONCURRENTLY IF EXISTS "user_first_name";
CREATE INDEX CONCURRENTLY "user_first_name" ON "users" ("first_name");
RESET lock_timeout;
`)
	raw, end := holdTransaction(t, url, "UPDATE users SET first_name = 'A'")
	migrated := make(chan error, 1)
	go func() { migrated <- upgraded.Migrate(context.WithoutCancel(t.Context())) }()
	testutil.WaitFor(t, "the build waits", func() bool {
		var waiting int
		must(t, raw.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
			AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'`).Scan(&waiting))
		return waiting == 1
	})
	newUser(t, db)
	end()
	must(t, testutil.Receive(t, "the end of the migration", migrated))
	var isValid bool
	must(t, raw.QueryRowContext(t.Context(), `SELECT indisvalid FROM pg_index WHERE indexrelid = 'user_first_name'::regclass`).Scan(&isValid))
	if !isValid {
		t.Error("the index is not valid")
	}
}

// TestMigrationGivesUpWaiting holds that the URL's lock_timeout bounds how long a migration
// that waits for a table keeps everybody else waiting, and that it can be run again.
func TestMigrationGivesUpWaiting(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyPostgresURL(t)
	must(t, storetest.OpenAt(t, url).Migrate(t.Context()))
	upgraded := openPostgresWith(t, url+"&lock_timeout=100ms", "-- +goose Up\nALTER TABLE \"users\" ADD COLUMN \"note\" character varying NULL;\n")
	_, end := holdTransaction(t, url, "SELECT count(*) FROM users") // as a dump does
	if err := upgraded.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "lock timeout") {
		t.Errorf("Migrate = %v, want that it gave up waiting", err)
	}
	end()
	must(t, upgraded.Migrate(t.Context()))
	if pending, err := upgraded.Pending(t.Context()); err != nil || pending != 0 {
		t.Errorf("Pending = %d, %v; want 0", pending, err)
	}
}

// TestMigrationIsRunAgainAfterADeadlock has a transaction of a replica write to two tables
// in one order, and a migration lock them in the other. The migration looks for a deadlock
// first, and so is the one that PostgreSQL undoes.
func TestMigrationIsRunAgainAfterADeadlock(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyPostgresURL(t)
	must(t, storetest.OpenAt(t, url).Migrate(t.Context()))
	upgraded := openPostgresWith(t, url+"&deadlock_timeout=3s", `-- +goose Up
ALTER TABLE "devlog_events" ADD COLUMN "note" character varying NULL;
ALTER TABLE "devlogs" ADD COLUMN "note" character varying NULL;
`)
	db, err := sql.Open("pgx", url)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	tx, err := db.BeginTx(t.Context(), nil)
	must(t, err)
	run := func(statement string) {
		t.Helper()
		_, err := tx.ExecContext(t.Context(), statement)
		must(t, err)
	}
	run("SET LOCAL deadlock_timeout = '1h'")
	run("DELETE FROM devlogs")
	migrated := make(chan error, 1)
	go func() { migrated <- upgraded.Migrate(context.WithoutCancel(t.Context())) }()
	testutil.WaitFor(t, "the migration waits", func() bool {
		var waiting int
		must(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
			AND query LIKE 'ALTER TABLE "devlogs"%' AND wait_event_type = 'Lock'`).Scan(&waiting))
		return waiting == 1
	})
	run("DELETE FROM devlog_events") // waits for the migration, until that is undone
	must(t, tx.Commit())
	must(t, testutil.Receive(t, "the end of the migration", migrated))
}
