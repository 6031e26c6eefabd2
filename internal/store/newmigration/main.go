// Command newmigration writes the migrations that bring both engines to
// ent/schema, from the root of the module:
//
//	go run ./internal/store/newmigration -postgres postgres://… NAME
//
// The URL is of a server on which it may create a database and drop it again. It says
// which statements break the rule of package migrationlint. The
// files have no Down part: the way back from a migration is the backup made before
// it. With -from-scratch it deletes all earlier migrations and writes one in their
// place, which is right only for as long as no database was made with them.
package main

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"luxbff/internal/store/migrationlint"
	"luxbff/internal/store/schemadiff"
	"luxbff/internal/testutil/pgtest"
)

const folder = "internal/store/migrations"

func main() {
	server := flag.String("postgres", "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable",
		"the `URL` of a PostgreSQL server to work on")
	fromScratch := flag.Bool("from-scratch", false, "delete the earlier migrations")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: newmigration [-from-scratch] [-postgres URL] NAME")
		os.Exit(2)
	}
	if err := write(context.Background(), *server, flag.Arg(0), *fromScratch); err != nil {
		fmt.Fprintln(os.Stderr, "newmigration:", err)
		os.Exit(1)
	}
}

// write works out the files of both engines before it changes a folder, so that an
// error leaves none of them behind.
func write(ctx context.Context, server, name string, fromScratch bool) error {
	sqlite, sqliteErr := schemadiff.SQLite(ctx, earlier("sqlite", fromScratch), name)
	if sqliteErr != nil && !errors.Is(sqliteErr, schemadiff.ErrNothingToDo) {
		return fmt.Errorf("SQLite: %w", sqliteErr)
	}
	postgres, postgresErr := onPostgres(ctx, server, name, fromScratch)
	if postgresErr != nil && !errors.Is(postgresErr, schemadiff.ErrNothingToDo) {
		return fmt.Errorf("PostgreSQL: %w", postgresErr)
	}
	return errors.Join(
		put("sqlite", sqlite, sqliteErr, fromScratch),
		put("postgres", postgres, postgresErr, fromScratch),
	)
}

func onPostgres(ctx context.Context, server, name string, fromScratch bool) (file schemadiff.File, err error) {
	address, drop, err := pgtest.Create(ctx, server)
	if err != nil {
		return file, err
	}
	defer func() { err = errors.Join(err, drop(ctx)) }()
	db, err := sql.Open("pgx", address)
	if err != nil {
		return file, err
	}
	defer func() { _ = db.Close() }()
	return schemadiff.Postgres(ctx, db, earlier("postgres", fromScratch), name)
}

// earlier gives the migrations that the new one builds on.
func earlier(engine string, fromScratch bool) fs.FS {
	if fromScratch {
		return embed.FS{}
	}
	return os.DirFS(filepath.Join(folder, engine))
}

func put(engine string, file schemadiff.File, missing error, fromScratch bool) error {
	if missing != nil {
		fmt.Println(engine+":", missing)
		return nil
	}
	if fromScratch {
		if err := remove(engine); err != nil {
			return err
		}
	}
	path := filepath.Join(folder, engine, file.Name)
	if err := os.WriteFile(path, file.SQL, 0o644); err != nil {
		return err
	}
	fmt.Println("wrote", path)
	return lint(engine, file.Name)
}

// lint prints what the last release would not survive. The file is left, to be corrected
// by hand.
func lint(engine, name string) error {
	release, err := migrationlint.LastRelease()
	if err != nil {
		return err
	}
	problems, err := migrationlint.Check(engine, os.DirFS(filepath.Join(folder, engine)), release.Migration)
	for _, problem := range problems {
		if problem.Name == engine+"/"+name {
			fmt.Println("correct it:", problem)
		}
	}
	return err
}

func remove(engine string) error {
	old, err := filepath.Glob(filepath.Join(folder, engine, "*.sql"))
	for _, path := range old {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}
