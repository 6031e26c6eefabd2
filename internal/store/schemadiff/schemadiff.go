// Package schemadiff works out migrations: what has to be done to a database
// that all earlier migrations made, for it to fit ent/schema. It imports ent's
// description of the tables and no other package of the project.
package schemadiff

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/sqltool"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	// The driver registers itself as "sqlite".
	_ "modernc.org/sqlite"

	tables "luxbff/ent/migrate"
)

// ErrNothingToDo says that the migrations and ent/schema agree.
var ErrNothingToDo = errors.New("the migrations and ent/schema agree")

// File is a migration in goose's format.
type File struct {
	Name string
	SQL  []byte
}

// SQLite works out the migration called name, given the earlier ones.
func SQLite(ctx context.Context, earlier fs.FS, name string) (File, error) {
	db, err := sql.Open("sqlite", "file:schemadiff?mode=memory&_pragma=foreign_keys(1)")
	if err != nil {
		return File{}, err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	return diff(ctx, dialect.SQLite, db, earlier, name)
}

// Postgres works out the migration called name, given the earlier ones and an
// empty database to run them on.
func Postgres(ctx context.Context, empty *sql.DB, earlier fs.FS, name string) (File, error) {
	return diff(ctx, dialect.Postgres, empty, earlier, name)
}

// diff works in a folder of its own, as the library that it calls keeps a
// checksum beside the files, which the project does not.
func diff(ctx context.Context, engine string, db *sql.DB, earlier fs.FS, name string) (File, error) {
	folder, err := os.MkdirTemp("", "schemadiff")
	if err != nil {
		return File{}, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := os.CopyFS(folder, earlier); err != nil {
		return File{}, fmt.Errorf("copy the earlier migrations: %w", err)
	}
	if err := plan(ctx, engine, db, folder, name); err != nil {
		return File{}, err
	}
	return added(folder, earlier)
}

func plan(ctx context.Context, engine string, db *sql.DB, folder, name string) error {
	dir, err := sqltool.NewGooseDir(folder)
	if err != nil {
		return err
	}
	sum, err := dir.Checksum()
	if err != nil {
		return err
	}
	if err := migrate.WriteSumFile(dir, sum); err != nil {
		return err
	}
	differ, err := schema.NewMigrate(entsql.OpenDB(engine, db),
		schema.WithDir(dir),
		schema.WithFormatter(sqltool.GooseFormatter),
		schema.WithMigrationMode(schema.ModeReplay),
		schema.WithDropColumn(true),
		schema.WithDropIndex(true),
		schema.WithErrNoPlan(true),
	)
	if err != nil {
		return err
	}
	// The library writes into the tables it is given.
	wanted, err := schema.CopyTables(tables.Tables)
	if err != nil {
		return err
	}
	err = differ.NamedDiff(ctx, name, wanted...)
	if errors.Is(err, migrate.ErrNoPlan) {
		return ErrNothingToDo
	}
	return err
}

// added finds the file that was not there before.
func added(folder string, earlier fs.FS) (File, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.sql"))
	if err != nil {
		return File{}, err
	}
	for _, path := range files {
		name := filepath.Base(path)
		if _, err := fs.Stat(earlier, name); errors.Is(err, fs.ErrNotExist) {
			content, err := os.ReadFile(path)
			return File{Name: name, SQL: content}, err
		}
	}
	return File{}, errors.New("no migration was written")
}
