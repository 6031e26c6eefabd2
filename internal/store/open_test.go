package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/storetest"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cases := map[string]struct{ url, want string }{
		"no scheme":            {"luxbff.db", "must begin with"},
		"nothing":              {"", "must begin with"},
		"another engine":       {"mysql://localhost", "must begin with"},
		"memory":               {"file::memory:", "memory"},
		"a fragment":           {"file:" + folder + "/a#b.db", "%23"},
		"memory by mode":       {"file:a?mode=memory", "memory"},
		"no file":              {"file:", "must name a file"},
		"broken parameters":    {"FILE?a=%zz", "parameters"},
		"a folder that is not": {"FILE/in/it.db", "there is no folder"},
		"a folder itself":      {"file:" + folder, "it is a folder"},
		"no sync":              {"FILE?_pragma=synchronous(OFF)", "synchronous"},
		"less sync":            {"FILE?_pragma=synchronous(NORMAL)", "synchronous"},
		"no foreign keys":      {"FILE?_pragma=foreign_keys(0)", "foreign_keys"},
		"another journal":      {"FILE?_pragma=journal_mode(DELETE)", "journal_mode"},
		"no busy timeout":      {"FILE?_pragma=busy_timeout(0)", "busy_timeout"},
		"no sync in short":     {"FILE?_sync=0", "synchronous"},
		"readers that write":   {"FILE?_pragma=query_only(0)", "query_only"},
		"a broken postgres":    {"postgres://luxbff:secret@127.0.0.1:x/db", "database URL"},
		"no postgres":          {"postgres://luxbff:secret@127.0.0.1:1/db", "connect"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := "file:" + filepath.Join(folder, strings.ReplaceAll(name, " ", "_"))
			db, err := store.Open(t.Context(), store.Config{URL: strings.Replace(test.url, "FILE", path, 1)})
			if err == nil {
				_ = db.Close()
				t.Fatal("it opened")
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %q, want one with %q and no password", err, test.want)
			}
		})
	}
}

// What the program asks for may be asked for again.
func TestOpenTakesItsOwnPragmas(t *testing.T) {
	t.Parallel()
	db := openFile(t, "_pragma=foreign_keys(1)", "_pragma=journal_mode=wal", "_fk=1", "_txlock=deferred")
	must(t, db.Migrate(t.Context()))
	newUser(t, db)
}

func TestPragmasAreSet(t *testing.T) {
	t.Parallel()
	db := openFile(t, "_pragma=cache_size(-4000)")
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		want := map[string]string{
			"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1",
			"busy_timeout": "5000", "query_only": "0", "cache_size": "-4000",
		}
		got := map[string]string{}
		for name := range want {
			got[name] = only(ctx, t, tx.Query, "PRAGMA "+name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pragmas of the writer (-want +got):\n%s", diff)
		}
		return nil
	}))
	for name, want := range map[string]string{
		"query_only": "1", "busy_timeout": "5000", "foreign_keys": "1", "cache_size": "-4000",
	} {
		if got := only(t.Context(), t, db.Query, "PRAGMA "+name); got != want {
			t.Errorf("pragma %s of a reader = %s, want %s", name, got, want)
		}
	}
}

// TestReadersKeepFewPages holds that readers keep less than SQLite would, and that they
// have not read the file before the migrations are done.
func TestReadersKeepFewPages(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db := storetest.OpenAt(t, "file:"+path)
	must(t, db.Migrate(t.Context()))
	if got := only(t.Context(), t, db.Query, "PRAGMA cache_size"); got != "-512" {
		t.Errorf("a reader's cache_size is %s, want -512", got)
	}
	log, err := os.Stat(path + "-wal")
	must(t, err)
	if log.Size() > 0 {
		t.Errorf("the log still holds the migrations, %d bytes", log.Size())
	}
}

// TestCloseWaitsForReaders holds that nothing has the file open once a store is closed.
func TestCloseWaitsForReaders(t *testing.T) {
	t.Parallel()
	db := storetest.OpenAt(t, storetest.SQLiteURL(t))
	rows, err := db.Query(t.Context(), "SELECT 1")
	must(t, err)
	var hasEnded atomic.Bool
	var running sync.WaitGroup
	running.Go(func() {
		must(t, db.Close())
		if !hasEnded.Load() {
			t.Error("the store has closed before its reader ended")
		}
	})
	testutil.WaitFor(t, "the store closes", func() bool {
		other, err := db.Query(t.Context(), "SELECT 1")
		if err == nil {
			err = errors.Join(other.Err(), other.Close())
		}
		return err != nil
	})
	hasEnded.Store(true)
	must(t, rows.Err())
	must(t, rows.Close())
	running.Wait()
}

// querier is Query of a store or a transaction.
type querier func(ctx context.Context, query string, args ...any) (*store.Rows, error)

// only reads the one value of the one row.
func only(ctx context.Context, t testing.TB, query querier, text string, args ...any) (value string) {
	t.Helper()
	rows, err := query(ctx, text, args...)
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return ""
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		t.Errorf("%s gives no row", text)
	} else {
		must(t, rows.Scan(&value))
	}
	must(t, rows.Err())
	return value
}

// A file may lie in a folder with spaces and be named relatively, as the
// default is.
func TestOpenMakesTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b.db")
	working, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(working, path)
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.OpenAt(t, "file:"+relative)
	must(t, db.Migrate(t.Context()))
	newUser(t, db)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// More texts than are kept prepared, lists of every length and the same text
// from many goroutines all read right.
func TestReadsOfManyTexts(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	user := newUser(t, db)
	for i := range 500 {
		text := fmt.Sprintf("SELECT id + %d FROM users WHERE id = $1", i)
		if got := only(t.Context(), t, db.Query, text, user); got != fmt.Sprint(user+i) {
			t.Fatalf("query %d gives %s", i, got)
		}
	}
	for length := 1; length < 40; length++ {
		list := "$1" + strings.Repeat(", $1", length-1)
		text := "SELECT count(*) FROM users WHERE id IN (" + list + ")"
		if got := only(t.Context(), t, db.Query, text, user); got != "1" {
			t.Fatalf("a list of %d finds %s users", length, got)
		}
	}
}

func TestBrokenReadIsAnError(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	for range 2 {
		if err := read(t.Context(), db, "SELECT nothing FROM nowhere"); err == nil {
			t.Error("it was read")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.Read().User.Query().Count(ctx); err == nil {
		t.Error("a dead context was read for")
	}
}

// read runs a query and drops its rows.
func read(ctx context.Context, db *store.Store, query string) error {
	rows, err := db.Query(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	return rows.Err()
}

func TestCloseTwice(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	must(t, db.Close())
	must(t, db.Close())
	if _, err := db.Read().User.Query().Count(t.Context()); err == nil {
		t.Error("a closed store was read")
	}
}
