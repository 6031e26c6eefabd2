//go:build postgres

package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/pgbouncertest"
	"luxbff/internal/testutil/storetest"
)

// pooledConfig is that of a store behind a pooler in transaction mode.
func pooledConfig(url string) store.Config {
	return store.Config{URL: url, Log: slog.New(slog.DiscardHandler), TransactionPooling: true}
}

func openConfig(t *testing.T, cfg store.Config) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// ask gives the one value of a query on a connection that keeps nothing.
func ask(t *testing.T, conn *pgx.Conn, query string) (answer string) {
	t.Helper()
	must(t, conn.QueryRow(t.Context(), query, pgx.QueryExecModeSimpleProtocol).Scan(&answer))
	return answer
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// TestPooledTransactionsWork has as many callers as a store has connections share two of
// the server, and then looks at what is left on these.
func TestPooledTransactionsWork(t *testing.T) {
	t.Parallel()
	database := storetest.PostgresURL(t)
	through := pgbouncertest.Start(t, database, "transaction", 2).URL(database)
	db := openConfig(t, pooledConfig(through))
	user := newUser(t, db)
	for i, err := range testutil.Concurrently(16, func(i int) error {
		for n := range 10 {
			err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if err := tx.LockText(ctx, "one"); err != nil {
					return err
				}
				if err := tx.Lock(ctx, "users", user); err != nil {
					return err
				}
				return addPush(ctx, tx, user, fmt.Sprintf("%d/%d", i, n))
			})
			if _, readErr := db.Read().User.Get(t.Context(), user); err != nil || readErr != nil {
				return errors.Join(err, readErr)
			}
		}
		return nil
	}) {
		if err != nil {
			t.Errorf("caller %d: %v", i, err)
		}
	}
	if got := len(pushNames(t, db)); got != 160 {
		t.Errorf("%d rows are stored, want 160", got)
	}
	other := connect(t, through)
	for range 4 { // both connections of the server, and more
		if got := ask(t, other, "SELECT count(*)::text FROM pg_prepared_statements"); got != "0" {
			t.Errorf("%s statements are left prepared", got)
		}
		if got := ask(t, other, "SHOW default_transaction_read_only"); got != "off" {
			t.Error("a connection of the server was left to read alone")
		}
	}
	if got := ask(t, other, "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"); got != "0" {
		t.Errorf("%s locks are left", got)
	}
}

// A write that came into a read is refused, as are those of a function that it calls, and
// the next write is not.
func TestPooledReadsRefuseWrites(t *testing.T) {
	t.Parallel()
	database := storetest.PostgresURL(t)
	db := openConfig(t, pooledConfig(pgbouncertest.Start(t, database, "transaction", 1).URL(database)))
	for _, statement := range []string{
		"INSERT INTO devices (serial_code) VALUES ('SL1') RETURNING id",
		"SELECT nextval('users_id_seq')",
	} {
		rows, err := db.Query(t.Context(), statement)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "25006" {
			t.Errorf("%s: %v, want that the transaction is read-only", statement, err)
		}
		if err == nil {
			must(t, rows.Close())
		}
		newUser(t, db)
	}
}

// Values come through a pooler as they come without one.
func TestPooledReadsGiveTheSameValues(t *testing.T) {
	t.Parallel()
	database := storetest.PostgresURL(t)
	pooled := openConfig(t, pooledConfig(pgbouncertest.Start(t, database, "transaction", 1).URL(database)))
	const query = `SELECT true, 1::smallint, 2::integer, 3::bigint, 1.5::real, 2.5::double precision, 12.25::numeric,
		'text'::text, 'varchar'::varchar, NULL::text, '\xff00'::bytea, '2026-01-02'::date, '2026-01-02 03:04:05.678'::timestamp,
		'2026-01-02 03:04:05.678+09'::timestamptz, '{"a":1}'::json, '{"a": 1}'::jsonb, $1::bigint, $2::text, $3::timestamptz`
	arguments := []any{int64(5), "argument", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	var want []any
	for name, db := range map[string]*store.Store{"around": storetest.OpenAt(t, database), "through": pooled} {
		got := values(t, db, query, arguments...)
		if want == nil {
			want = got
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s the pooler (-other +this):\n%s", name, diff)
		}
	}
}

// A statement with a list says how pgx has to run it, and runs behind a pooler as well.
func TestPooledReadsTakeLists(t *testing.T) {
	t.Parallel()
	database := storetest.PostgresURL(t)
	db := openConfig(t, pooledConfig(pgbouncertest.Start(t, database, "transaction", 1).URL(database)))
	rows, err := db.QueryWithList(t.Context(), [][]any{{"one", 2}}, "SELECT value->>0 FROM list WHERE CAST(value->>1 AS bigint) = $2", 2)
	must(t, err)
	var got string
	if !rows.Next() || rows.Scan(&got) != nil || got != "one" {
		t.Errorf("the list gives %q, %v", got, rows.Err())
	}
	must(t, rows.Close())
}

// values are those of the one row of a query, as texts where they may be either.
func values(t *testing.T, db *store.Store, query string, args ...any) []any {
	t.Helper()
	rows, err := db.Query(t.Context(), query, args...)
	must(t, err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	must(t, err)
	got := make([]any, len(columns))
	for i := range got {
		got[i] = new(any)
	}
	if !rows.Next() {
		t.Fatalf("no row: %v", rows.Err())
	}
	must(t, rows.Scan(got...))
	for i, value := range got {
		got[i] = *value.(*any)
		if raw, isBytes := got[i].([]byte); isBytes {
			got[i] = string(raw)
		}
	}
	if rows.Next() {
		t.Error("a second row")
	}
	must(t, rows.Err())
	return got
}

// A read gives an error that comes in the midst of its rows, and one that takes too long
// ends. Neither keeps the pooler's one connection.
func TestPooledReadsEnd(t *testing.T) {
	t.Parallel()
	database := storetest.PostgresURL(t)
	pooler := pgbouncertest.Start(t, database, "transaction", 1)
	cfg := pooledConfig(pooler.URL(database))
	cfg.ReadLimit = time.Second
	db := openConfig(t, cfg)
	rows, err := db.Query(t.Context(), "SELECT 1 / (500 - n) FROM generate_series(1, 1000) AS n")
	must(t, err)
	count := 0
	for rows.Next() {
		count++
	}
	if count != 499 || rows.Err() == nil {
		t.Errorf("%d rows came, then %v; want 499 and an error", count, rows.Err())
	}
	_ = rows.Close()
	rows, err = db.Query(t.Context(), "SELECT n FROM generate_series(1, 100000) AS n")
	must(t, err)
	if !rows.Next() {
		t.Error("no row came")
	}
	must(t, rows.Close())
	if _, err := db.Query(t.Context(), "SELECT pg_sleep(600)"); !apperr.Is(err, apperr.Unavailable) {
		t.Errorf("a read without end = %v, want unavailable", err)
	}
	newUser(t, db)
	if strings.Contains(pooler.Log(), "cancel request") {
		t.Error("the pooler was asked to cancel a statement, of which PgBouncer 1.18 may crash")
	}
}

// TestPoolerIsRecognised looks through each kind, with others at work in the same pool.
func TestPoolerIsRecognised(t *testing.T) {
	t.Parallel()
	database := storetest.PostgresURL(t)
	transactions := pgbouncertest.Start(t, database, "transaction", 4).URL(database)
	for name, test := range map[string]struct {
		url     string
		pooling store.Pooling
	}{
		"none":         {database, store.NoPooler},
		"sessions":     {pgbouncertest.Start(t, database, "session", 30).URL(database), store.SessionPooling},
		"transactions": {transactions, store.TransactionPooling},
		"one for all":  {pgbouncertest.Start(t, database, "transaction", 1).URL(database), store.TransactionPooling},
		"statements":   {pgbouncertest.Start(t, database, "statement", 4).URL(database), store.TransactionPooling},
	} {
		found, err := store.FindPooling(t.Context(), store.Config{URL: test.url})
		if err != nil || found != test.pooling {
			t.Errorf("%s: found %v, %v; want %v", name, found, err, test.pooling)
		}
		db, err := store.Open(t.Context(), store.Config{URL: test.url, Log: slog.New(slog.DiscardHandler)})
		if test.pooling == store.TransactionPooling {
			if err == nil || !strings.Contains(err.Error(), "set DATABASE_POOLER=transaction") {
				t.Errorf("%s: Open = %v, want what to set", name, err)
			}
			continue
		}
		must(t, err)
		newUser(t, db)
		must(t, db.Close())
	}
	if got := ask(t, connect(t, transactions), "SHOW default_transaction_read_only"); got != "off" {
		t.Error("what was refused left a connection of the server to read alone")
	}
}

// The lock of goose itself, which an older release takes, is waited for, and the error
// says who has it.
func TestMigrateWaitsForAnother(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyPostgresURL(t)
	older := connect(t, url)
	_, err := older.Exec(t.Context(), "SELECT pg_advisory_lock(4097083626)")
	must(t, err)
	log := &testutil.Log{}
	cfg := store.Config{URL: url, Log: slog.New(slog.NewTextHandler(log, nil)), MigrateWait: time.Second}
	impatient := openConfig(t, cfg)
	terminate := fmt.Sprintf("pg_terminate_backend(%d)", older.PgConn().PID())
	if err := impatient.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), terminate) {
		t.Errorf("Migrate = %v, want an error with %s", err, terminate)
	}
	cfg.MigrateWait = 0
	patient := openConfig(t, cfg)
	ended := make(chan error, 1)
	go func() { ended <- patient.Migrate(context.Background()) }()
	testutil.WaitFor(t, "it says that it waits", func() bool { return strings.Count(log.String(), terminate) > 1 })
	must(t, older.Close(t.Context()))
	must(t, testutil.Receive(t, "the end of Migrate", ended))
	newUser(t, patient)
}

// TestMigrateThroughAPooler has several migrate at once through as few connections as
// they need. With one alone, migrate says so.
func TestMigrateThroughAPooler(t *testing.T) {
	t.Parallel()
	database := storetest.EmptyPostgresURL(t)
	single := openConfig(t, pooledConfig(pgbouncertest.Start(t, database, "transaction", 1).URL(database)))
	if err := single.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "MIGRATE_DATABASE_URL") {
		t.Errorf("Migrate through one connection = %v, want what to do", err)
	}
	through := pgbouncertest.Start(t, database, "transaction", 2).URL(database)
	var stores []*store.Store
	for range 4 {
		stores = append(stores, openConfig(t, pooledConfig(through)))
	}
	for _, err := range testutil.Concurrently(len(stores), func(i int) error { return stores[i].Migrate(t.Context()) }) {
		must(t, err)
	}
	newUser(t, stores[0])
}

// A lock that is lost with its connection lets two migrate at once. Each migration is
// applied once all the same, and both end well.
func TestMigrationsAreAppliedOnceWithoutTheLock(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyPostgresURL(t)
	files := before(t, "postgres", "9")
	first, second := connect(t, url), connect(t, url)
	_, err := first.Exec(t.Context(), "CREATE TABLE gate (id int)")
	must(t, err)
	const later = "99990101000000"
	files[later+"_gate.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nINSERT INTO gate VALUES (1);\n")}
	cfg := store.Config{URL: url, Log: slog.New(slog.DiscardHandler), Migrations: files}
	// The migration waits at the gate.
	gate, err := second.Begin(t.Context())
	must(t, err)
	_, err = gate.Exec(t.Context(), "LOCK TABLE gate")
	must(t, err)
	ended := make(chan error, 2)
	for _, waiting := range []string{"1", "2"} {
		db := openConfig(t, cfg)
		go func() { ended <- db.Migrate(context.Background()) }()
		testutil.WaitFor(t, "it waits at the gate", func() bool {
			return ask(t, first, "SELECT count(*)::text FROM pg_locks WHERE relation = 'gate'::regclass AND NOT granted") == waiting
		})
		const loseLock = `SELECT count(pg_terminate_backend(pid))::text FROM pg_locks
			WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
		if got := ask(t, first, loseLock); got != "1" {
			t.Errorf("%s connections had the lock", got)
		}
	}
	must(t, gate.Rollback(t.Context()))
	for range 2 {
		must(t, testutil.Receive(t, "the end of Migrate", ended))
	}
	if got := ask(t, first, "SELECT count(*)::text FROM gate"); got != "1" {
		t.Errorf("the migration was applied %s times", got)
	}
}
