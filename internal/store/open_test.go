package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/store"
	"luxbff/internal/store/storetest"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cases := map[string]struct{ url, want string }{
		"no scheme":            {"luxbff.db", "must begin with"},
		"nothing":              {"", "must begin with"},
		"another engine":       {"mysql://localhost", "must begin with"},
		"memory":               {"file::memory:", "memory"},
		"memory by mode":       {"file:a?mode=memory", "memory"},
		"no file":              {"file:", "must name a file"},
		"broken parameters":    {"FILE?a=%zz", "parameters"},
		"a folder that is not": {"FILE/in/it.db", "it.db"},
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
			rows, err := tx.Query(ctx, "PRAGMA "+name)
			if err != nil {
				return err
			}
			got[name] = only(t, rows)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pragmas of the writer (-want +got):\n%s", diff)
		}
		return nil
	}))
	for name, want := range map[string]string{
		"query_only": "1", "busy_timeout": "5000", "foreign_keys": "1", "cache_size": "-4000",
	} {
		rows, err := db.Query(t.Context(), "PRAGMA "+name)
		if err != nil {
			t.Fatal(err)
		}
		if got := only(t, rows); got != want {
			t.Errorf("pragma %s of a reader = %s, want %s", name, got, want)
		}
	}
}

type scanner interface {
	Next() bool
	Scan(values ...any) error
	Close() error
	Err() error
}

// only reads the one value of the one row.
func only(t testing.TB, rows scanner) (value string) {
	t.Helper()
	defer func() { must(t, rows.Err()) }()
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		t.Error("no row")
		return ""
	}
	must(t, rows.Scan(&value))
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
		rows, err := db.Query(t.Context(), fmt.Sprintf("SELECT id + %d FROM users WHERE id = $1", i), user)
		if err != nil {
			t.Fatal(err)
		}
		if got := only(t, rows); got != fmt.Sprint(user+i) {
			t.Fatalf("query %d gives %s", i, got)
		}
	}
	for length := 1; length < 40; length++ {
		list := "$1" + strings.Repeat(", $1", length-1)
		rows, err := db.Query(t.Context(), "SELECT count(*) FROM users WHERE id IN ("+list+")", user)
		if err != nil {
			t.Fatal(err)
		}
		if got := only(t, rows); got != "1" {
			t.Fatalf("a list of %d finds %s users", length, got)
		}
	}
}

func TestBrokenReadIsAnError(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	for range 2 {
		if rows, err := db.Query(t.Context(), "SELECT nothing FROM nowhere"); err == nil {
			_ = rows.Close()
			t.Error("it was read")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.Read().User.Query().Count(ctx); err == nil {
		t.Error("a dead context was read for")
	}
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
