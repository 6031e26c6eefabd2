package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"entgo.io/ent/dialect"
)

// Backup writes a copy of the SQLite database that cfg names, as it is at one
// moment, to a file that must not exist yet. The program may run meanwhile, and
// reads and writes go on. The copy is checked before it gets its name: no error
// means that it can be restored, with an error there is no file. For PostgreSQL
// it is an error that says what to use instead.
func Backup(ctx context.Context, cfg Config, path string) error {
	if isPostgres(cfg.URL) {
		return errors.New(`store: a PostgreSQL database is backed up with its own tool: pg_dump --format=custom --file=FILE "$DATABASE_URL"`)
	}
	from, err := parseSQLite(cfg.URL)
	if err != nil {
		return err
	}
	return snapshot(ctx, cfg, from, path)
}

// Restore makes the SQLite database that cfg names from a backup. It refuses
// where a database is already, so that neither a running program nor what it has
// stored is lost. The backup is checked as Backup checks it; with an error there
// is no database. For PostgreSQL it is an error that says what to use instead.
func Restore(ctx context.Context, cfg Config, path string) error {
	if isPostgres(cfg.URL) {
		return errors.New(`store: a PostgreSQL database is restored with its own tool, into an empty database: pg_restore --no-owner --exit-on-error --dbname="$DATABASE_URL" FILE`)
	}
	to, err := parseSQLite(cfg.URL)
	if err != nil {
		return err
	}
	return snapshot(ctx, cfg, sqliteFile(path), to.file())
}

// snapshot copies a database to a new file, under another name until the copy
// was checked and is on disk.
func snapshot(ctx context.Context, cfg Config, from sqliteURL, to string) (err error) {
	if err := refuseTaken(to); err != nil {
		return err
	}
	partial, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".partial-*")
	if err != nil {
		return fmt.Errorf("store: copy to %s: %w", to, err)
	}
	defer func() {
		_ = partial.Close()
		_ = os.Remove(partial.Name())
	}()
	if err := vacuumInto(ctx, from, partial.Name()); err != nil {
		return fmt.Errorf("store: copy %s: %w", from.file(), err)
	}
	if err := checkFile(ctx, cfg, partial.Name()); err != nil {
		return fmt.Errorf("store: the copy of %s cannot be used: %w", from.file(), err)
	}
	if err := errors.Join(partial.Sync(), refuseTaken(to)); err != nil {
		return err
	}
	if err := os.Rename(partial.Name(), to); err != nil {
		return fmt.Errorf("store: name the copy: %w", err)
	}
	return syncFolder(filepath.Dir(to))
}

// refuseTaken refuses a file that is there, and a journal without its database:
// SQLite would play it into the new one.
func refuseTaken(path string) error {
	for _, file := range []string{path, path + "-wal", path + "-journal"} {
		_, err := os.Lstat(file)
		if err == nil {
			return fmt.Errorf("store: %s is there already and is not overwritten: choose another file, or stop the program and move this one away", file)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("store: %w", err)
		}
	}
	return nil
}

// vacuumInto runs on a handle of its own: the readers may not write, not even
// another file, and the writer would keep everyone waiting.
func vacuumInto(ctx context.Context, from sqliteURL, to string) (err error) {
	absolute, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	db, err := openReadOnly(ctx, from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "VACUUM INTO $1", absolute)
	return err
}

// checkFile reads a whole file that nobody writes to.
func checkFile(ctx context.Context, cfg Config, path string) error {
	db, err := openFile(sqliteFile(path).with(map[string]string{"immutable": "1"}, nil), 1)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := checkContent(ctx, db); err != nil {
		return err
	}
	has, err := version(ctx, db, versionTableInSQLite)
	if err != nil {
		return err
	}
	if has == 0 {
		return errors.New("it is not a database of this program")
	}
	_, err = pending(ctx, db, dialect.SQLite, versionTableInSQLite, (&sqlite{cfg: cfg}).migrations())
	return err
}

// checkContent reads every page and every reference.
func checkContent(ctx context.Context, db *sql.DB) error {
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
		return fmt.Errorf("check integrity: %w", err)
	}
	if found != "ok" {
		return fmt.Errorf("it is damaged: %s", found)
	}
	return checkReferences(ctx, db)
}

// openReadOnly opens a database that must be there, and never writes to it.
func openReadOnly(ctx context.Context, from sqliteURL) (*sql.DB, error) {
	if _, err := os.Stat(from.file()); err != nil {
		return nil, err
	}
	db, err := openFile(from.with(readerParams, commonPragmas), 1)
	if err != nil {
		return nil, err
	}
	if err := checkPragmas(ctx, db, commonPragmas); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path) //nolint:gosec // of a file that was just written
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return errors.Join(folder.Sync(), folder.Close())
}
