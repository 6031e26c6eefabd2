package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"

	"luxbff/internal/store/migrations"
)

// ErrNewerDatabase is the error for a database that a newer program migrated.
var ErrNewerDatabase = errors.New("store: the database is newer than this program")

// versionTable is where goose records the migrations that were applied.
const versionTable = "goose_db_version"

// versionTableInSQLite counts the tables of that name: 1, or 0 before the first
// migration.
const versionTableInSQLite = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '" + versionTable + "'"

// migrate opens a connection of its own without foreign keys. SQLite changes a
// table by building a new one and dropping the old one, and with foreign keys on
// that drop would clear or delete the rows which refer to it. The migrations do say
// "PRAGMA foreign_keys = off", but inside a transaction that does nothing.
func (s *sqlite) migrate(ctx context.Context) error {
	pragmas := slices.Concat(writerPragmas, []pragma{{"busy_timeout", "5000", "5000"}, {"foreign_keys", "0", "0"}})
	params := map[string]string{"_txlock": "immediate"}
	maps.Copy(params, writerParams)
	db, err := openFile(s.file.withoutForeignKeys().with(params, pragmas))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := checkPragmas(ctx, db, pragmas); err != nil {
		return err
	}
	provider, err := newProvider(ctx, goose.DialectSQLite3, db, sqliteMigrations(s.cfg))
	if err != nil {
		return err
	}
	if err := applyPending(ctx, db, provider, up); err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	return CheckReferences(ctx, db)
}

func up(ctx context.Context, provider *goose.Provider) error {
	_, err := provider.Up(ctx)
	return err
}

// applyPending applies the pending migrations, while another process may do the same.
// SQLite has no lock for that, and that of PostgreSQL may be lost. But each migration records itself in its own
// transaction, under a unique key, so the second process to run one fails, is rolled
// back, and goes on with what is pending then.
func applyPending(ctx context.Context, db *sql.DB, provider *goose.Provider, up func(context.Context, *goose.Provider) error) error {
	key := "CREATE UNIQUE INDEX IF NOT EXISTS " + versionTable + "_once ON " + versionTable + " (version_id)"
	if _, err := db.ExecContext(ctx, key); err != nil {
		return err
	}
	for {
		before, err := provider.GetDBVersion(ctx)
		if err != nil {
			return err
		}
		if err = up(ctx, provider); err == nil {
			return nil
		}
		if after, readErr := provider.GetDBVersion(ctx); readErr != nil || after == before {
			return err
		}
	}
}

// CheckReferences finds a row of an SQLite database that refers to no row: one
// that was written, or left, while foreign keys were off.
func CheckReferences(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, "PRAGMA foreign_key_check")
	if err != nil {
		return fmt.Errorf("store: check references: %w", err)
	}
	defer func() { _ = rows.Close() }()
	if rows.Next() {
		var table, parent string
		var row sql.NullInt64
		var key int
		if err := rows.Scan(&table, &row, &parent, &key); err != nil {
			return fmt.Errorf("store: check references: %w", err)
		}
		return fmt.Errorf("store: after the migration row %d of %s refers to no row of %s", row.Int64, table, parent)
	}
	return rows.Err()
}

func sqliteMigrations(cfg Config) fs.FS {
	if cfg.Migrations != nil {
		return cfg.Migrations
	}
	return migrations.SQLite()
}

func (s *sqlite) pending(ctx context.Context) (int, error) {
	_, pending, err := migrationStatus(ctx, s.readers.db, dialect.SQLite, versionTableInSQLite, sqliteMigrations(s.cfg))
	return pending, err
}

// SQLiteMigrations gives the newest migration that an SQLite database has, 0 for
// none, and how many of the program's are to come. It only reads. A database that is
// newer than the program is ErrNewerDatabase.
func SQLiteMigrations(ctx context.Context, db *sql.DB, cfg Config) (version int64, pending int, err error) {
	return migrationStatus(ctx, db, dialect.SQLite, versionTableInSQLite, sqliteMigrations(cfg))
}

// newProvider reads the migrations, and refuses a database that has later ones.
func newProvider(
	ctx context.Context, engine goose.Dialect, db *sql.DB, files fs.FS,
) (*goose.Provider, error) {
	provider, err := goose.NewProvider(engine, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("store: read the migrations: %w", err)
	}
	applied, latest, err := provider.GetVersions(ctx)
	if err != nil {
		return nil, fmt.Errorf("store: read the version of the database: %w", err)
	}
	if applied > latest {
		return nil, newerError(applied, latest)
	}
	return provider, nil
}

// migrationStatus compares versions by reading alone: a readiness check and the
// commands that look at a database may not write, and goose would make its table.
func migrationStatus(
	ctx context.Context, db *sql.DB, engine goose.Dialect, countVersionTables string, files fs.FS,
) (version int64, pending int, err error) {
	provider, err := goose.NewProvider(engine, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return 0, 0, fmt.Errorf("store: read the migrations: %w", err)
	}
	if version, err = readVersion(ctx, db, countVersionTables); err != nil {
		return 0, 0, fmt.Errorf("store: read the version of the database: %w", err)
	}
	sources := provider.ListSources()
	if latest := sources[len(sources)-1].Version; version > latest {
		return 0, 0, newerError(version, latest)
	}
	for _, source := range sources {
		if source.Version > version {
			pending++
		}
	}
	return version, pending, nil
}

func readVersion(ctx context.Context, db *sql.DB, countVersionTables string) (version int64, err error) {
	var tables int
	if err := db.QueryRowContext(ctx, countVersionTables).Scan(&tables); err != nil || tables == 0 {
		return 0, err
	}
	newest := "SELECT COALESCE(MAX(version_id), 0) FROM " + versionTable + " WHERE is_applied"
	return version, db.QueryRowContext(ctx, newest).Scan(&version)
}

func newerError(applied, latest int64) error {
	return fmt.Errorf("%w: it has version %d, the program knows %d; run the newer program or restore a backup",
		ErrNewerDatabase, applied, latest)
}
