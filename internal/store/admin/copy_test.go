//go:build postgres

package admin_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"luxbff/ent"
	"luxbff/ent/migrate"
	"luxbff/internal/store"
	"luxbff/internal/store/admin"
	"luxbff/internal/testutil/pgtest"
	"luxbff/internal/testutil/storetest"
)

// fullRows is how many rows each table of full has.
const fullRows = 40

// full is an SQLite database with rows in every table and values of every kind in
// every column. Its last rows were deleted again, so that their ids are used up.
func full(t *testing.T) (url string) {
	t.Helper()
	url = storetest.SQLiteURL(t)
	db, err := sql.Open("sqlite", url+"?_time_format=sqlite&_timezone=UTC")
	must(t, err)
	defer func() { must(t, db.Close()) }()
	// References are set whatever the order of the tables.
	for _, table := range migrate.Tables {
		for row := 1; row <= fullRows+2; row++ {
			insert(t, db, table, row)
		}
	}
	for _, table := range migrate.Tables {
		_, err := db.ExecContext(t.Context(), fmt.Sprintf("DELETE FROM %s WHERE id > %d", table.Name, fullRows))
		must(t, err)
	}
	// One of them is older than the numbers of changes.
	_, err = db.ExecContext(t.Context(), "UPDATE devlogs SET change_seq = 0 WHERE id = 1")
	must(t, err)
	return url
}

func insert(t *testing.T, db *sql.DB, table *schema.Table, row int) {
	t.Helper()
	var names, marks []string
	var values []any
	for _, column := range table.Columns {
		names = append(names, column.Name)
		marks = append(marks, "?")
		values = append(values, sample(table, column, row))
	}
	query := fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table.Name, strings.Join(names, ", "), strings.Join(marks, ", "))
	if _, err := db.ExecContext(t.Context(), query, values...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// sample is a value of the column's kind, unlike those of other rows. References
// and ids are the number of the row.
func sample(table *schema.Table, column *schema.Column, row int) any {
	refers := slices.ContainsFunc(table.ForeignKeys, func(key *schema.ForeignKey) bool { return key.Columns[0] == column })
	texts := []string{"", "plain", "Zoë Kim 김 ‘quoted’ \\ \t\n", "🎧 %s $1 ?", strings.Repeat("길", 60)}
	switch {
	case column.Increment || refers:
		return row
	case column.Nullable && row%3 == 0:
		return nil
	case column.Type == field.TypeBool:
		return row%2 == 0
	case column.Type == field.TypeTime:
		return moment.Add(time.Duration(row) * 1_000_001 * time.Microsecond)
	case column.Type == field.TypeEnum:
		return column.Enums[row%len(column.Enums)]
	case column.Type == field.TypeString:
		return fmt.Sprint(row, texts[row%len(texts)])
	case column.Type == field.TypeBytes:
		return []byte{byte(row), 0, 255, '\\', 'x'}
	default:
		return int64(row) << (row % 40) * int64(1-row%2*2)
	}
}

func TestCopyMovesEveryValue(t *testing.T) {
	t.Parallel()
	from, to := store.Config{URL: full(t)}, store.Config{URL: storetest.EmptyPostgresURL(t)}
	tables, err := admin.Copy(t.Context(), from, to)
	must(t, err)
	if len(tables) != len(migrate.Tables) {
		t.Errorf("%d tables were copied of %d", len(tables), len(migrate.Tables))
	}
	for _, table := range tables {
		if table.Rows != fullRows || len(table.Checksum) != 64 {
			t.Errorf("%+v, want %d rows and a checksum", table, fullRows)
		}
	}
	source, target := storetest.OpenAt(t, from.URL), storetest.OpenAt(t, to.URL)
	ctx := t.Context()
	same := cmp.Options{
		cmpopts.IgnoreUnexported(ent.User{}, ent.Message{}, ent.IdempotencyKey{}, ent.Devlog{}),
		cmpopts.IgnoreFields(ent.User{}, "Edges"), cmpopts.IgnoreFields(ent.Message{}, "Edges"), cmpopts.IgnoreFields(ent.IdempotencyKey{}, "Edges"),
		cmpopts.IgnoreFields(ent.Devlog{}, "Edges"),
	}
	if diff := cmp.Diff(source.Read().User.Query().AllX(ctx), target.Read().User.Query().AllX(ctx), same); diff != "" {
		t.Errorf("users (-source +target):\n%s", diff)
	}
	if diff := cmp.Diff(source.Read().Message.Query().AllX(ctx), target.Read().Message.Query().AllX(ctx), same); diff != "" {
		t.Errorf("messages (-source +target):\n%s", diff)
	}
	if diff := cmp.Diff(source.Read().IdempotencyKey.Query().AllX(ctx), target.Read().IdempotencyKey.Query().AllX(ctx), same); diff != "" {
		t.Errorf("idempotency keys (-source +target):\n%s", diff)
	}
	if diff := cmp.Diff(source.Read().Devlog.Query().AllX(ctx), target.Read().Devlog.Query().AllX(ctx), same); diff != "" {
		t.Errorf("devlogs (-source +target):\n%s", diff)
	}
	disabled, err := pgtest.Ints(ctx, to.URL, "SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'")
	must(t, err)
	if disabled[0] != 0 {
		t.Errorf("%d triggers of the target are left disabled", disabled[0])
	}
	if id := newUser(t, target); id != fullRows+3 {
		t.Errorf("the next user has id %d, want the one after the highest ever given, %d", id, fullRows+3)
	}
	if _, err := admin.Copy(t.Context(), from, to); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a second copy into the same database: %v", err)
	}
}

// What is stored is read back: a target that changes a value on its way is found
// out, and stays empty.
func TestCopyFindsWhatDiffers(t *testing.T) {
	t.Parallel()
	from, to := store.Config{URL: full(t)}, store.Config{URL: storetest.PostgresURL(t)}
	change := []string{
		`CREATE FUNCTION other() RETURNS trigger AS $$ BEGIN
			IF NEW.id = 7 THEN NEW.created_at = NEW.created_at + interval '1 millisecond'; END IF; RETURN NEW; END $$ LANGUAGE plpgsql`,
		"CREATE TRIGGER other BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION other()",
	}
	must(t, pgtest.Run(t.Context(), to.URL, change...))
	if _, err := admin.Copy(t.Context(), from, to); err == nil || !strings.Contains(err.Error(), "table messages differs") {
		t.Errorf("Copy = %v, want that messages differ", err)
	}
	wantEmpty(t, to.URL)
	must(t, pgtest.Run(t.Context(), to.URL, "DROP TRIGGER other ON messages"))
	_, err := admin.Copy(t.Context(), from, to)
	must(t, err)
}

func wantEmpty(t *testing.T, url string) {
	t.Helper()
	if n := storetest.OpenAt(t, url).Read().User.Query().CountX(t.Context()); n != 0 {
		t.Errorf("%d users are left in the target", n)
	}
}

// A source that is served meanwhile is found out: what it stored would be lost.
func TestCopyRefusesAChangingSource(t *testing.T) {
	t.Parallel()
	from, to := store.Config{URL: full(t)}, store.Config{URL: storetest.PostgresURL(t)}
	served := storetest.OpenAt(t, from.URL)
	// A lock that the copy has to wait for when the source is open already.
	holder := storetest.OpenAt(t, to.URL)
	copied := make(chan error, 1)
	must(t, holder.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "LOCK TABLE users IN SHARE MODE"); err != nil {
			return err
		}
		go func() {
			_, err := admin.Copy(context.Background(), from, to)
			copied <- err
		}()
		for waiting := 0; waiting == 0; {
			if err := countWaiting(ctx, tx, &waiting); err != nil {
				return err
			}
		}
		newUser(t, served)
		return nil
	}))
	if err := <-copied; err == nil || !strings.Contains(err.Error(), "written to meanwhile") {
		t.Errorf("Copy = %v, want that the source was written to", err)
	}
	wantEmpty(t, to.URL)
}

// countWaiting counts the locks of the database that somebody waits for.
func countWaiting(ctx context.Context, tx *store.Tx, waiting *int) error {
	rows, err := tx.Query(ctx, "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	if rows.Next() {
		err = rows.Scan(waiting)
	}
	return errors.Join(err, rows.Err())
}

func TestCopyRefuses(t *testing.T) {
	t.Parallel()
	target := storetest.PostgresURL(t)
	cases := map[string]struct{ from, to, want string }{
		"the other way":      {target, "file:a.db", "from file:"},
		"SQLite to SQLite":   {"file:a.db", "file:b.db", "from file:"},
		"no source":          {"file:" + t.TempDir() + "/none.db", target, "no such file"},
		"a newer source":     {"file:" + newer(t), target, "newer than this program"},
		"an older source":    {"file:" + written(t, ""), target, "server migrate"},
		"a damaged source":   {"file:" + damaged(t), target, "damaged"},
		"no target":          {storetest.SQLiteURL(t), "postgres://x:secret@127.0.0.1:1/x", "connect"},
		"a newer target":     {storetest.SQLiteURL(t), newerPostgres(t), "newer than this program"},
		"text it can't hold": {"file:" + changed(t, "INSERT INTO users (first_name, register_type, created_at) VALUES (char(65, 0), 'E', '2026-01-01')"), target, "table users"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := admin.Copy(t.Context(), store.Config{URL: test.from}, store.Config{URL: test.to})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("Copy = %v, want an error with %q", err, test.want)
			}
		})
	}
}

func newerPostgres(t *testing.T) string {
	t.Helper()
	url := storetest.PostgresURL(t)
	must(t, pgtest.Run(t.Context(), url, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99990101000000, true)"))
	return url
}
