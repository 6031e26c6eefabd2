package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"luxbff/internal/store"
)

// Backup writes a copy of the SQLite database that cfg names, as it is at one
// moment, to a file that must not exist yet. The program may run meanwhile, and
// reads and writes go on. The copy is checked before it gets its name: no error
// means that it can be restored, with an error there is no file. For PostgreSQL
// it is an error that says what to use instead.
func Backup(ctx context.Context, cfg store.Config, path string) error {
	if store.IsPostgres(cfg.URL) {
		return errors.New(`store: a PostgreSQL database is backed up with its own tool: pg_dump --format=custom --file=FILE "$DATABASE_URL"`)
	}
	from, err := store.ParseSQLite(cfg.URL)
	if err != nil {
		return err
	}
	return copyChecked(ctx, cfg, from, path)
}

// Restore makes the SQLite database that cfg names from a backup. It refuses
// where a database is already, so that neither a running program nor what it has
// stored is lost. The backup is checked as Backup checks it; with an error there
// is no database. For PostgreSQL it is an error that says what to use instead.
func Restore(ctx context.Context, cfg store.Config, path string) error {
	if store.IsPostgres(cfg.URL) {
		return errors.New(`store: a PostgreSQL database is restored with its own tool, into an empty database: pg_restore --no-owner --exit-on-error --dbname="$DATABASE_URL" FILE`)
	}
	to, err := store.ParseSQLite(cfg.URL)
	if err != nil {
		return err
	}
	if err := store.CheckPlace(to.Path()); err != nil {
		return fmt.Errorf("store: %s: %w", to.Path(), err)
	}
	return copyChecked(ctx, cfg, store.SQLiteFileAt(path), to.Path())
}

// copyChecked copies a database to a new file. The copy has a temporary name until
// it was checked and is on disk, so a file with the final name is always whole, also
// after a crash in between.
func copyChecked(ctx context.Context, cfg store.Config, from store.SQLiteFile, to string) error {
	if err := refuseExisting(to); err != nil {
		return err
	}
	partial, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".partial-*")
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		err = cmp.Or(store.CheckWritable(to), err)
	}
	if err != nil {
		return fmt.Errorf("store: copy to %s: %w", to, err)
	}
	defer func() {
		_ = partial.Close()
		_ = os.Remove(partial.Name())
	}()
	if err := store.GiveToOwnerOfFolder(partial); err != nil {
		return fmt.Errorf("store: copy to %s: %w", to, err)
	}
	if err := vacuumInto(ctx, from, partial.Name()); err != nil {
		return fmt.Errorf("store: copy %s: %w", from.Path(), err)
	}
	if err := checkCopy(ctx, cfg, partial.Name()); err != nil {
		return fmt.Errorf("store: the copy of %s cannot be used: %w", from.Path(), err)
	}
	// The copy may have taken minutes: somebody else may have made the file meanwhile,
	// and a rename would silently replace it.
	if err := errors.Join(partial.Sync(), refuseExisting(to)); err != nil {
		return err
	}
	if err := os.Rename(partial.Name(), to); err != nil {
		return fmt.Errorf("store: name the copy: %w", err)
	}
	return syncFolder(filepath.Dir(to))
}

// refuseExisting refuses a path at which a file is, and one with a journal but no
// database: SQLite would play that journal into the new database.
func refuseExisting(path string) error {
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

// vacuumInto writes the database as it is at one moment to another file. It opens a
// connection of its own: those of a Store that read may not write, not even another
// file, and the one that writes would keep every upload waiting until the end.
func vacuumInto(ctx context.Context, from store.SQLiteFile, to string) (err error) {
	absolute, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	db, err := from.OpenReadOnly(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "VACUUM INTO $1", absolute)
	return err
}

// checkCopy reads the whole of a file that nobody writes to, and refuses one that
// this program could not serve.
func checkCopy(ctx context.Context, cfg store.Config, path string) error {
	db, err := store.SQLiteFileAt(path).OpenImmutable()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := checkContent(ctx, db); err != nil {
		return err
	}
	version, _, err := store.SQLiteMigrations(ctx, db, cfg)
	if err != nil {
		return err
	}
	if version == 0 {
		return errors.New("it is not a database of this program")
	}
	return nil
}

// syncFolder makes a rename in the folder last: the sync of a file covers its
// content and not its name.
func syncFolder(path string) error {
	folder, err := os.Open(path) //nolint:gosec // of a file that was just written
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return errors.Join(folder.Sync(), folder.Close())
}
