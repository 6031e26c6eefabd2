//go:build postgres

package store_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/storetest"
)

// openPostgres opens a migrated PostgreSQL, whatever the engine of the other tests.
func openPostgres(t testing.TB) *store.Store {
	t.Helper()
	return storetest.OpenAt(t, storetest.PostgresURL(t))
}

// raise is a statement that fails as PostgreSQL fails on a conflict.
func raise(code string) string {
	return "DO $$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = '" + code + "', CONSTRAINT = 'one'; END $$"
}

func TestConflictsAreTriedAgain(t *testing.T) {
	t.Parallel()
	db := openPostgres(t)
	user := newUser(t, db)
	cases := map[string]struct {
		code   string
		fails  int // how many attempts meet it
		runs   int
		stored bool
	}{
		"a serialization failure":    {"40001", 3, 4, true},
		"a deadlock":                 {"40P01", 3, 4, true},
		"a lasting deadlock":         {"40P01", 100, 8, false},
		"a unique violation":         {"23505", 1, 2, true},
		"a lasting unique violation": {"23505", 100, 2, false},
		"another violation":          {"23514", 1, 1, false},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs, hooks := 0, 0
			err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				runs++
				tx.AfterCommit(func() { hooks++ })
				if err := addPush(ctx, tx, user, name); err != nil {
					return err
				}
				if runs > test.fails {
					return nil
				}
				if _, err := tx.Exec(ctx, raise(test.code)); err == nil {
					t.Error("nothing was raised")
				}
				return errRefused // as a domain that makes its own error of it
			})
			if runs != test.runs || (err == nil) != test.stored || (hooks == 1) != test.stored {
				t.Errorf("%d runs, %d hooks, error %v; want %d runs, success %v", runs, hooks, err, test.runs, test.stored)
			}
		})
	}
}

// Two writes that take the same rows the other way round deadlock; one is tried
// again and both succeed.
func TestDeadlockEndsWell(t *testing.T) {
	t.Parallel()
	db := openPostgres(t)
	first, second := newUser(t, db), newUser(t, db)
	var running, met sync.WaitGroup
	met.Add(2)
	for _, ids := range [][]int{{first, second}, {second, first}} {
		running.Go(func() {
			runs := 0
			must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				runs++
				if err := raiseSeq(ctx, tx, ids[0]); err != nil {
					return err
				}
				if runs == 1 {
					met.Done()
					met.Wait()
				}
				return raiseSeq(ctx, tx, ids[1])
			}))
		})
	}
	running.Wait()
	for _, id := range []int{first, second} {
		if seq := db.Read().User.GetX(t.Context(), id).EventSeq; seq != 2 {
			t.Errorf("event_seq of user %d = %d, want 2", id, seq)
		}
	}
}

func raiseSeq(ctx context.Context, tx *store.Tx, id int) error {
	return tx.User.UpdateOneID(id).AddEventSeq(1).Exec(ctx)
}

// A lost connection is an error of the write that had it; the next gets another.
func TestLostConnectionIsAnError(t *testing.T) {
	t.Parallel()
	db := openPostgres(t)
	user := newUser(t, db)
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		must(t, addPush(ctx, tx, user, "lost"))
		if _, err := tx.Exec(ctx, "SELECT pg_terminate_backend(pg_backend_pid())"); err == nil {
			t.Error("the connection is still there")
		}
		return apperr.CreateDeviceLogFailed.New() // as a domain that makes its own error of it
	})
	if !apperr.Is(err, apperr.Unavailable) {
		t.Errorf("Write = %v, want an unavailable database", err)
	}
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return addPush(ctx, tx, user, "later")
	}))
	if diff := cmp.Diff([]string{"later"}, pushNames(t, db)); diff != "" {
		t.Errorf("rows stored (-want +got):\n%s", diff)
	}
}

// A statement ends with the context of its caller, however long it would run.
func TestStatementEndsWithItsContext(t *testing.T) {
	t.Parallel()
	db := openPostgres(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		must(t, addPush(ctx, tx, newUser(t, db), "lost"))
		cancel()
		_, err := tx.Exec(ctx, "SELECT pg_sleep(600)")
		return err
	})
	if !errors.Is(err, context.Canceled) || apperr.Is(err, apperr.Unavailable) {
		t.Errorf("Write = %v, want canceled", err)
	}
	if names := pushNames(t, db); len(names) != 0 {
		t.Errorf("rows stored: %v", names)
	}
}

// A pool that is used up lets a caller go whose context ends.
func TestUsedUpPoolLetsCallersGo(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), store.Config{URL: storetest.PostgresURL(t), Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	must(t, db.Write(t.Context(), func(context.Context, *store.Tx) error {
		ctx, cancel := context.WithCancel(t.Context())
		var waiter sync.WaitGroup
		waiter.Go(func() {
			err := db.Write(ctx, func(context.Context, *store.Tx) error { return nil })
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Write = %v, want canceled", err)
			}
		})
		cancel()
		waiter.Wait()
		return nil
	}))
	must(t, db.Close())
}

// A statement that has run once is kept prepared on its connection: a write
// finds it there the second time.
func TestStatementsAreKeptPrepared(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), store.Config{URL: storetest.PostgresURL(t), Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	user := newUser(t, db)
	const kept = "SELECT CAST(count(*) AS TEXT) FROM pg_prepared_statements WHERE statement LIKE 'INSERT INTO push_devices%'"
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return addPush(ctx, tx, user, "first")
	}))
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if got := only(ctx, t, tx.Query, kept); got != "1" {
			t.Errorf("%s statements are kept, want 1", got)
		}
		return addPush(ctx, tx, user, "second")
	}))
	const reads = "SELECT CAST(count(*) AS TEXT) FROM pg_prepared_statements WHERE statement LIKE 'SELECT \"users\"%'"
	db.Read().User.GetX(t.Context(), user)
	if got := only(t.Context(), t, db.Query, reads); got != "1" {
		t.Errorf("%s reads are kept, want 1", got)
	}
	must(t, db.Close())
}

// A pool has as many connections as the configuration says, and no more under load.
// TestListsArePlannedAnew: a plan that was kept from when the table was empty reads all of
// it.
func TestListsArePlannedAnew(t *testing.T) {
	t.Parallel()
	db := openPostgres(t)
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for range 7 {
			rows, err := tx.QueryWithList(ctx, [][]any{{"one", 2}}, "SELECT value->>0 FROM list WHERE CAST(value->>1 AS bigint) = $2", 2)
			if err != nil || !rows.Next() || rows.Close() != nil {
				t.Fatalf("the list gives no row, %v", err)
			}
		}
		if got := only(ctx, t, tx.Query, "SELECT count(*)::text FROM pg_prepared_statements WHERE statement LIKE 'WITH list%'"); got != "0" {
			t.Errorf("%s statements with lists are kept prepared", got)
		}
		return nil
	}))
}

func TestPoolIsAsBigAsConfigured(t *testing.T) {
	t.Parallel()
	pooled := withParameter(t, storetest.PostgresURL(t), "application_name", "pooled")
	db, err := store.Open(t.Context(), store.Config{URL: pooled, Connections: 3})
	must(t, err)
	var running sync.WaitGroup
	for range 50 {
		running.Go(func() {
			newUser(t, db)
			db.Read().User.Query().CountX(context.Background())
		})
	}
	running.Wait()
	const open = "SELECT CAST(count(*) AS TEXT) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pooled'"
	if got := only(t.Context(), t, db.Query, open); got != "6" {
		t.Errorf("%s connections are open, want 3 that read and 3 that write", got)
	}
	must(t, db.Close())
}

// Whatever the URL asks of the server, writes go to the writers alone.
func TestReadersRefuseWritesForEachTarget(t *testing.T) {
	t.Parallel()
	database := storetest.PostgresURL(t)
	for _, target := range []string{"any", "primary", "read-write"} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			db := storetest.OpenAt(t, withParameter(t, database, "target_session_attrs", target))
			newUser(t, db)
			_, err := db.Query(t.Context(), "INSERT INTO devices (serial_code) VALUES ('SL1') RETURNING id")
			var refused *pgconn.PgError
			if !errors.As(err, &refused) || refused.Code != "25006" {
				t.Errorf("a write of a reader = %v, want that the transaction is read-only", err)
			}
		})
	}
}

// A host that accepts connections and says nothing, as one that hangs, is passed over for
// the next.
func TestSilentHostIsPassedOver(t *testing.T) {
	t.Parallel()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { must(t, silent.Close()) })
	database := withParameter(t, storetest.PostgresURL(t), "target_session_attrs", "read-write")
	db := storetest.OpenAt(t, strings.Replace(database, "@", "@"+silent.Addr().String()+",", 1))
	newUser(t, db)
}

// withParameter is the database's URL with one more parameter.
func withParameter(t *testing.T, database, name, value string) string {
	t.Helper()
	address, err := url.Parse(database)
	must(t, err)
	query := address.Query()
	query.Set(name, value)
	address.RawQuery = query.Encode()
	return address.String()
}

func TestIsolationIsReadCommitted(t *testing.T) {
	t.Parallel()
	db := openPostgres(t)
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		settings := "SELECT current_setting('transaction_isolation') || ', ' || current_setting('timezone')"
		if got := only(ctx, t, tx.Query, settings); !strings.EqualFold(got, "read committed, UTC") {
			t.Errorf("a transaction is %s", got)
		}
		return nil
	}))
}

// A database that doesn't answer holds nobody for longer than the limits: not
// who runs a statement, nor who waits for a connection, or for one to be made.
func TestSilentDatabaseLetsCallersGo(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	calm := storetest.OpenAt(t, url)
	user := newUser(t, calm)
	db, err := store.Open(t.Context(), store.Config{URL: url, Connections: 2, ReadLimit: time.Second, WriteLimit: time.Second})
	must(t, err)
	calls := map[string]func() error{
		"a read of ent": func() error {
			_, err := db.Read().User.Get(context.Background(), user)
			return err
		},
		"a read written by hand": func() error {
			_, err := db.QueryWithIDs(context.Background(), []int{user}, "SELECT id FROM users JOIN ids USING (id)")
			return err
		},
		"a write": func() error {
			return db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error { return raiseSeq(ctx, tx, user) })
		},
	}
	must(t, calm.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "LOCK TABLE users"); err != nil {
			return err
		}
		var running sync.WaitGroup
		for name, call := range calls {
			for range 4 { // more than there are connections
				running.Go(func() {
					if err := call(); !apperr.Is(err, apperr.Unavailable) {
						t.Errorf("%s = %v, want an unavailable database", name, err)
					}
				})
			}
		}
		running.Wait()
		return nil
	}))
	must(t, db.Close())
	if seq := calm.Read().User.GetX(t.Context(), user).EventSeq; seq != 0 {
		t.Errorf("writes that failed raised event_seq to %d", seq)
	}
}

// TestCodesOfPostgres has the server raise one code of each meaning, in a write and in a
// read. What a domain made of the error of a database that can't serve doesn't count.
func TestCodesOfPostgres(t *testing.T) {
	t.Parallel()
	db := openPostgres(t)
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `CREATE FUNCTION raise_code(code text) RETURNS int LANGUAGE plpgsql AS
			$$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = code; END $$`)
		return err
	}))
	for code, kind := range map[string]apperr.Kind{
		"08006": apperr.Unavailable, "23514": apperr.CreateDeviceLogFailed, "25006": apperr.Unavailable, "25P03": apperr.Unavailable,
		"28000": apperr.Unavailable, "40001": apperr.Unavailable, "40P01": apperr.Unavailable, "42501": apperr.Unavailable,
		"42P01": apperr.CreateDeviceLogFailed, "53100": apperr.Unavailable, "55P03": apperr.Unavailable, "57014": apperr.Unavailable,
		"58030": apperr.Unavailable, "XX000": apperr.CreateDeviceLogFailed, "XX001": apperr.Internal,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if _, err := tx.Exec(ctx, "SELECT raise_code($1)", code); err == nil {
					t.Error("nothing was raised")
				}
				return apperr.CreateDeviceLogFailed.New() // as a domain that makes its own error of it
			})
			if got := apperr.From(err).Kind; got != kind {
				t.Errorf("a write: %v, want %v", err, kind.New())
			}
			if kind == apperr.CreateDeviceLogFailed {
				kind = apperr.Internal
			}
			if got := apperr.From(readOne(t.Context(), db, "SELECT raise_code($1)", code)).Kind; got != kind {
				t.Errorf("a read: %v, want %v", got.New(), kind.New())
			}
		})
	}
}

// readOne runs a query with one argument and drops its rows.
func readOne(ctx context.Context, db *store.Store, query string, arg any) error {
	rows, err := db.Query(ctx, query, arg)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	rows.Next()
	return rows.Err()
}

// TestReadOnlyConnectionIsReplaced makes the one connection that writes read-only, as one
// is that began while the database was: the store drops it, and needs no restart.
func TestReadOnlyConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), store.Config{URL: storetest.PostgresURL(t), Connections: 1})
	must(t, err)
	makeReadOnly := func() {
		must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
			return err
		}))
	}
	makeReadOnly()
	if err := db.CheckWritable(t.Context()); !errors.Is(err, store.ErrReadOnly) || !apperr.Is(err, apperr.Unavailable) {
		t.Errorf("CheckWritable = %v, want ErrReadOnly", err)
	}
	user := 0
	testutil.WaitFor(t, "the connection is replaced", func() bool {
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			added, err := addUser(ctx, tx)
			if err == nil {
				user = added.ID
			}
			return err
		})
		if err != nil && !apperr.Is(err, apperr.Unavailable) {
			t.Fatal(err)
		}
		return err == nil
	})
	must(t, db.CheckWritable(t.Context()))
	if _, err := db.Read().User.Get(t.Context(), user); err != nil {
		t.Error(err)
	}
	must(t, db.Close())
}

// TestStatementOutlivesItsColumns changes the type of a column under statements that
// connections keep prepared.
func TestStatementOutlivesItsColumns(t *testing.T) {
	t.Parallel()
	db := openPostgres(t)
	alter := func(statement string) {
		must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, statement)
			return err
		}))
	}
	insert := func() {
		must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			rows, err := tx.Query(ctx, "INSERT INTO widened (n) VALUES ($1) RETURNING n", 1)
			if err != nil {
				return err
			}
			rows.Next()
			return errors.Join(rows.Err(), rows.Close())
		}))
	}
	alter("CREATE TABLE widened (n integer)")
	insert()
	must(t, readOne(t.Context(), db, "SELECT n FROM widened WHERE n = $1", 1))
	alter("ALTER TABLE widened ALTER n TYPE bigint")
	must(t, readOne(t.Context(), db, "SELECT n FROM widened WHERE n = $1", 1))
	insert()
}
