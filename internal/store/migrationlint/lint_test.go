package migrationlint_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	// The driver registers itself as "sqlite".
	_ "modernc.org/sqlite"

	"luxbff/internal/store/migrationlint"
	"luxbff/internal/store/migrations"
)

func lastRelease(t *testing.T) migrationlint.Release {
	t.Helper()
	release, err := migrationlint.LastRelease()
	if err != nil {
		t.Fatal(err)
	}
	return release
}

// TestMigrationsLeaveTheReleaseWorking checks every migration since the last release.
func TestMigrationsLeaveTheReleaseWorking(t *testing.T) {
	t.Parallel()
	release := lastRelease(t)
	broken := map[string]bool{}
	for engine, files := range map[string]fs.FS{"postgres": migrations.Postgres(), "sqlite": migrations.SQLite()} {
		problems, err := migrationlint.Check(engine, files, release.Migration)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range problems {
			broken[problem.Name] = true
			if migrationlint.Exceptions()[problem.Name] == "" {
				t.Error(problem)
			}
		}
	}
	for name := range migrationlint.Exceptions() {
		if !broken[name] {
			t.Errorf("the exception of %s is needed no more", name)
		}
	}
}

// TestReleaseIsTheNewestOfTheChangelog finds a release that was cut and not named.
func TestReleaseIsTheNewestOfTheChangelog(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	newest := regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\]`).FindSubmatch(text)
	if newest == nil {
		t.Fatal("the changelog has no release")
	}
	if release := lastRelease(t); release.Version != string(newest[1]) {
		t.Errorf("release.txt names %s, the newest release in the changelog is %s", release.Version, newest[1])
	}
}

// TestWhatAMigrationMayDo checks a migration after a release that has the table users with
// an index.
func TestWhatAMigrationMayDo(t *testing.T) {
	t.Parallel()
	const released = "-- +goose Up\nCREATE TABLE \"users\" (\"id\" bigint NOT NULL);\nCREATE INDEX \"user_id\" ON \"users\" (\"id\");\n"
	const outside = "-- +goose NO TRANSACTION\n-- +goose Up\n"
	for _, c := range []struct {
		engine, sql string
		// why is a part of the refusal, empty for what is allowed.
		why string
	}{
		{"postgres", `CREATE TABLE "notes" ("id" bigint NOT NULL); CREATE UNIQUE INDEX "note_id" ON "notes" ("id");`, ""},
		{"postgres", `CREATE TABLE "notes" ("user" bigint, CONSTRAINT "k" FOREIGN KEY ("user") REFERENCES "users" ("id") ON DELETE CASCADE);`, ""},
		{"postgres", `CREATE TABLE "notes" ("user" bigint, CONSTRAINT "k" FOREIGN KEY ("user") REFERENCES "users" ("id") ON DELETE NO ACTION);`, "foreign key"},
		{"postgres", `ALTER TABLE "users" ADD COLUMN "note" character varying NULL;`, ""},
		{"postgres", `ALTER TABLE "users" ADD COLUMN "a" bigint NOT NULL DEFAULT 0, ADD COLUMN "b" boolean NOT NULL DEFAULT false;`, ""},
		{"postgres", `ALTER TABLE "users" ADD COLUMN "a" bigint NOT NULL;`, "NOT NULL needs a default"},
		{"postgres", `ALTER TABLE "users" add column "a" bigint not null;`, "NOT NULL needs a default"},
		{"postgres", `ALTER TABLE "users" ADD COLUMN "a" bigint NULL, ADD COLUMN "b" bigint NOT NULL;`, "NOT NULL needs a default"},
		{"postgres", `ALTER TABLE "users" ADD COLUMN "a" timestamptz NOT NULL DEFAULT clock_timestamp();`, "only columns may be added"},
		{"postgres", `ALTER TABLE "users" ADD COLUMN "a" bigint NULL UNIQUE;`, "only columns may be added"},
		{"postgres", `ALTER TABLE "users" ADD COLUMN "a" text unique;`, "only columns may be added"},
		{"postgres", `ALTER TABLE "users" DROP COLUMN "id";`, "only columns may be added"},
		{"postgres", `ALTER TABLE "users" RENAME COLUMN "id" TO "number";`, "only columns may be added"},
		{"postgres", `ALTER TABLE "users" ALTER COLUMN "id" TYPE text;`, "only columns may be added"},
		{"postgres", `ALTER TABLE "users" ALTER COLUMN "id" SET NOT NULL;`, "only columns may be added"},
		{"postgres", `ALTER TABLE "users" ADD CONSTRAINT "c" CHECK ("id" > 0);`, "only columns may be added"},
		{"postgres", `ALTER TABLE "users" RENAME TO "accounts";`, "only columns may be added"},
		{"postgres", `ALTER TABLE "users" ADD COLUMN "a" text NULL; ALTER TABLE "users" ADD COLUMN "b" text NULL;`, ""},
		{"postgres", `ALTER TABLE "users" ADD COLUMN "a" text NULL; ALTER TABLE "logs" ADD COLUMN "a" text NULL;`, "changes one table"},
		{"postgres", `DROP TABLE "users";`, "does not know"},
		{"postgres", `DROP INDEX "user_id";`, "the release needs"},
		{"postgres", `CREATE INDEX "user_note" ON "users" ("note");`, "whoever writes to the table waits"},
		{"postgres", `CREATE INDEX CONCURRENTLY "user_note" ON "users" ("note");`, "NO TRANSACTION"},
		{"postgres", outside + `CREATE INDEX CONCURRENTLY "user_note" ON "users" ("note");`, "run again"},
		{"postgres", outside + `DROP INDEX CONCURRENTLY IF EXISTS "user_note"; CREATE INDEX CONCURRENTLY "user_note" ON "users" ("note");`, ""},
		{"postgres", outside + `SET lock_timeout = 0; DROP INDEX CONCURRENTLY IF EXISTS "n"; CREATE INDEX CONCURRENTLY "n" ON "users" ("id"); RESET lock_timeout;`, ""},
		{"postgres", `SET lock_timeout = 0;`, "does not know"},
		{"postgres", outside + `DROP INDEX CONCURRENTLY IF EXISTS "user_id"; CREATE INDEX CONCURRENTLY "user_id" ON "users" ("note");`, "the release needs"},
		{"postgres", outside + `DROP INDEX CONCURRENTLY IF EXISTS "n"; CREATE UNIQUE INDEX CONCURRENTLY "n" ON "users" ("note");`, "unique key"},
		{"postgres", outside + `ALTER TABLE "users" ADD COLUMN "note" text NULL;`, "nothing but indexes"},
		{"postgres", `CREATE UNIQUE INDEX "user_note" ON "users" ("note");`, "unique key"},
		{"postgres", `UPDATE "users" SET "id" = 1;`, "some at a time"},
		{"postgres", `DELETE FROM "users";`, "some at a time"},
		{"postgres", `TRUNCATE "users";`, "does not know"},
		{"postgres", `ALTER TYPE "mood" ADD VALUE 'sad';`, "does not know"},
		{"postgres", `VACUUM FULL;`, "does not know"},
		{"postgres", "-- +goose StatementBegin\nDO $$ BEGIN DELETE FROM users; END $$;\n-- +goose StatementEnd", "does not know"},
		{"sqlite", "ALTER TABLE `users` ADD COLUMN `note` text NULL;", ""},
		{"sqlite", "CREATE INDEX `user_note` ON `users` (`note`);", ""},
		{"sqlite", "CREATE UNIQUE INDEX `user_note` ON `users` (`note`);", "unique key"},
		{"sqlite", "DROP TABLE `users`;", "does not know"},
		{"sqlite", "CREATE TABLE `new_users` (`id` integer); INSERT INTO `new_users` (`id`) SELECT `id` FROM `users`; DROP TABLE `users`; ALTER TABLE `new_users` RENAME TO `users`;", ""},
		{"sqlite", "CREATE TABLE `new_users` (`id` integer); DROP TABLE `users`;", "does not know"},
		{"sqlite", "DELETE FROM `users`;", "some at a time"},
		{"sqlite", "PRAGMA writable_schema = on;", "does not know"},
	} {
		files := fstest.MapFS{"1_first.sql": {Data: []byte(released)}, "2_second.sql": {Data: []byte("-- +goose Up\n" + c.sql + "\n")}}
		problems, err := migrationlint.Check(c.engine, files, 1)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		var got string
		for _, problem := range problems {
			got += problem.Error()
		}
		switch {
		case c.why == "" && got != "":
			t.Errorf("%s is refused: %s", c.sql, got)
		case c.why != "" && !strings.Contains(got, c.why):
			t.Errorf("%s: %q, want a refusal with %q", c.sql, got, c.why)
		}
	}
}

// TestTablesOfTheReleaseAreKept applies the migrations of the release to a database, and
// those that came since to another. Each column of the release is there, of its type, and
// takes null where it did; a column that is new needs no value. Whether a table of SQLite
// that was built anew still has all of it can be seen here alone.
func TestTablesOfTheReleaseAreKept(t *testing.T) {
	t.Parallel()
	before := columns(t, lastRelease(t).Migration)
	after := columns(t, 1<<62)
	for name, was := range before {
		is, found := after[name]
		switch {
		case !found:
			t.Errorf("%s is gone: %s", name, migrationlint.Rule)
		case is.kind != was.kind || is.isRequired && !was.isRequired:
			t.Errorf("%s was %+v and is %+v: %s", name, was, is, migrationlint.Rule)
		}
	}
	for name, is := range after {
		table, _, _ := strings.Cut(name, ".")
		_, wasThere := before[name]
		_, tableWasThere := before[table+".id"]
		if tableWasThere && !wasThere && is.isRequired {
			t.Errorf("%s needs a value, which the release does not write: %s", name, migrationlint.Rule)
		}
	}
}

// columnOf is what a writer of a column has to know. It is required where it takes neither
// null nor a default.
type columnOf struct {
	kind       string
	isRequired bool
}

// columns applies the migrations of SQLite up to a version and gives the columns by
// table.column.
func columns(t *testing.T, newest int64) map[string]columnOf {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	names, err := fs.Glob(migrations.SQLite(), "*.sql") // in their order
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		var version int64
		if _, err := fmt.Sscanf(name, "%d_", &version); err != nil {
			t.Fatal(err)
		}
		content, err := fs.ReadFile(migrations.SQLite(), name)
		if err != nil {
			t.Fatal(err)
		}
		if version <= newest {
			if _, err := db.ExecContext(t.Context(), string(content)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	return readColumns(t.Context(), t, db)
}

func readColumns(ctx context.Context, t *testing.T, db *sql.DB) map[string]columnOf {
	t.Helper()
	rows, err := db.QueryContext(ctx, `SELECT m.name || '.' || c.name, c.type, c."notnull" = 1 AND c.dflt_value IS NULL
		FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	found := map[string]columnOf{}
	for rows.Next() {
		var name string
		var column columnOf
		if err := rows.Scan(&name, &column.kind, &column.isRequired); err != nil {
			t.Fatal(err)
		}
		found[name] = column
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("there are no tables")
	}
	return found
}
