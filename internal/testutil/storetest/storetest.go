// Package storetest opens databases for tests. The environment variable
// LUXBFF_TEST_DATABASE_URL picks the engine: empty means SQLite, a postgres://
// URL a server on which the role may create databases. Where that URL leads through a
// pooler, LUXBFF_TEST_DATABASE_POOLER says its mode as DATABASE_POOLER does, and
// LUXBFF_TEST_POSTGRES_URL is the way around it, by which databases are made. It imports
// the store alone.
package storetest

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"luxbff/internal/store"
	"luxbff/internal/testutil/pgtest"
)

// Open gives a fresh, migrated and empty database that ends with the test.
func Open(t testing.TB) *store.Store {
	t.Helper()
	return OpenAt(t, URL(t))
}

// OpenAt opens another store on a database, as a second replica does.
func OpenAt(t testing.TB, url string) *store.Store {
	t.Helper()
	opened, err := store.Open(t.Context(), Config(url))
	if err != nil {
		t.Fatalf("open %s: %v", url, err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return opened
}

// Config is how a test opens a database that this package has made.
func Config(url string) store.Config {
	return store.Config{URL: url, Log: slog.New(slog.DiscardHandler), TransactionPooling: Pooler() == "transaction", Wait: PoolerWait()}
}

// PoolerWait is how long a test has to wait for its database. Databases are made anew
// behind the back of the pooler, which then refuses whoever connects for a moment.
func PoolerWait() time.Duration {
	if Pooler() == "" {
		return 0
	}
	return time.Minute
}

// Pooler is the setting DATABASE_POOLER that the database of the tests needs.
func Pooler() string { return os.Getenv("LUXBFF_TEST_DATABASE_POOLER") }

// URL makes a fresh, migrated and empty database for the test and gives its URL.
func URL(t testing.TB) string {
	t.Helper()
	server := os.Getenv("LUXBFF_TEST_DATABASE_URL")
	if server == "" || strings.HasPrefix(server, "file:") {
		return SQLiteURL(t)
	}
	return throughPooler(t, server, func(server string) string { return postgresDatabase(t, server) })
}

// EmptyURL is URL for a database that nothing has migrated.
func EmptyURL(t testing.TB) string {
	t.Helper()
	server := os.Getenv("LUXBFF_TEST_DATABASE_URL")
	if server == "" || strings.HasPrefix(server, "file:") {
		return sqliteURL(filepath.Join(t.TempDir(), "test.db"))
	}
	return throughPooler(t, server, func(server string) string { return createEmpty(t, server) })
}

// throughPooler has a database made around the pooler, if there is one, and gives its URL
// through it. A pooler would keep connections to databases that are to be dropped.
func throughPooler(t testing.TB, server string, makeAt func(server string) (url string)) string {
	t.Helper()
	if Pooler() == "" {
		return makeAt(server)
	}
	around, err := url.Parse(makeAt(os.Getenv("LUXBFF_TEST_POSTGRES_URL")))
	if err != nil {
		t.Fatal(err)
	}
	through, err := pgtest.WithDatabase(server, strings.TrimPrefix(around.Path, "/"))
	if err != nil {
		t.Fatal(err)
	}
	return through
}

// SQLiteURL is URL for the tests of SQLite itself, whatever engine the environment
// picks.
func SQLiteURL(t testing.TB) string {
	t.Helper()
	content, err := sqliteTemplate()
	if err != nil {
		t.Fatalf("make the SQLite template: %v", err)
	}
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return sqliteURL(path)
}

// sqliteURL names a file in the folder of a test, which has a # where tests have one name.
func sqliteURL(path string) string { return "file:" + strings.ReplaceAll(path, "#", "%23") }

// sqliteTemplate is the content of a migrated file. A process migrates once, and each
// test gets a copy.
var sqliteTemplate = sync.OnceValues(func() (content []byte, err error) {
	folder, err := os.MkdirTemp("", "storetest")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "template.db")
	if err := migrate("file:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func migrate(url string) error {
	ctx := context.Background()
	opened, err := store.Open(ctx, store.Config{URL: url})
	if err != nil {
		return err
	}
	if err := opened.Migrate(ctx); err != nil {
		_ = opened.Close()
		return err
	}
	return opened.Close()
}

// PostgresURL is URL for the tests of PostgreSQL itself, which carry the build
// tag postgres and find the server in LUXBFF_TEST_POSTGRES_URL.
func PostgresURL(t testing.TB) string {
	t.Helper()
	return postgresDatabase(t, os.Getenv("LUXBFF_TEST_POSTGRES_URL"))
}

// EmptyPostgresURL is PostgresURL for a database that nothing has migrated.
func EmptyPostgresURL(t testing.TB) string {
	t.Helper()
	return createEmpty(t, os.Getenv("LUXBFF_TEST_POSTGRES_URL"))
}

func postgresDatabase(t testing.TB, server string) string {
	t.Helper()
	lender, err := postgresLender(server)
	if err != nil {
		t.Fatalf("make the PostgreSQL template: %v", err)
	}
	url, giveBack, err := lender.Lend(t.Context())
	if err != nil {
		t.Fatalf("borrow a database: %v", err)
	}
	t.Cleanup(giveBack)
	return url
}

func createEmpty(t testing.TB, server string) string {
	t.Helper()
	url, drop, err := pgtest.Create(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(context.Background()); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return url
}
