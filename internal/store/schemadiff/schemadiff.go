// Package schemadiff works out migrations: what has to be done to a database
// that all earlier migrations made, for it to fit ent/schema. It imports ent's
// description of the tables and no other package of the project.
package schemadiff

import (
	"bytes"
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

// diff works in a temporary folder: the library keeps a file of checksums beside the
// migrations, and the project has none, because goose does not read it.
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

// plan writes the migration into the folder.
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
		schema.WithFormatter(upOnly{}),
		schema.WithMigrationMode(schema.ModeReplay),
		schema.WithDropColumn(true),
		schema.WithDropIndex(true),
		schema.WithErrNoPlan(true),
	)
	if err != nil {
		return err
	}
	// A copy, because the library changes the tables that it is given.
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

// upOnly writes goose's format without the Down part. Nothing in the program runs
// it, so nothing would notice that it fails or loses rows: the way back from a
// migration is the backup that was made before.
type upOnly struct{}

// Format gives the one file of the plan.
func (upOnly) Format(plan *migrate.Plan) ([]migrate.File, error) {
	files, err := sqltool.GooseFormatter.Format(plan)
	if err != nil {
		return nil, err
	}
	for i, file := range files {
		up, _, found := bytes.Cut(file.Bytes(), []byte("\n-- +goose Down\n"))
		if !found {
			return nil, fmt.Errorf("%s: the library no longer marks where Down begins", file.Name())
		}
		files[i] = migrate.NewLocalFile(file.Name(), up)
	}
	return files, nil
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
