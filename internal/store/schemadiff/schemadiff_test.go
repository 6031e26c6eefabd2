package schemadiff_test

import (
	"errors"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"luxbff/internal/store/migrations"
	"luxbff/internal/store/schemadiff"
)

func TestMigrationsOfSQLiteFitTheSchema(t *testing.T) {
	t.Parallel()
	file, err := schemadiff.SQLite(t.Context(), migrations.SQLite(), "missing")
	if !errors.Is(err, schemadiff.ErrNothingToDo) {
		t.Errorf("err = %v; run newmigration to write what is missing:\n%s", err, file.SQL)
	}
}

func TestFirstMigrationMakesTheTables(t *testing.T) {
	t.Parallel()
	file, err := schemadiff.SQLite(t.Context(), fstest.MapFS{}, "initial")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(file.Name, "_initial.sql") {
		t.Errorf("the file is called %s", file.Name)
	}
	for _, want := range []string{"-- +goose Up", "CREATE TABLE `users`"} {
		if !strings.Contains(string(file.SQL), want) {
			t.Errorf("the file lacks %q", want)
		}
	}
	if strings.Contains(string(file.SQL), "Down") || !strings.HasSuffix(string(file.SQL), ";\n") {
		t.Errorf("the file does not end with its Up part:\n%s", file.SQL)
	}
}

// Nothing runs a Down part, so one could fail or lose rows unnoticed; the way
// back is a backup.
func TestNoMigrationHasADownPart(t *testing.T) {
	t.Parallel()
	for engine, folder := range map[string]fs.FS{"sqlite": migrations.SQLite(), "postgres": migrations.Postgres()} {
		names, err := fs.Glob(folder, "*.sql")
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d migrations, %v", engine, len(names), err)
		}
		for _, name := range names {
			content, err := fs.ReadFile(folder, name)
			if err != nil {
				t.Fatal(err)
			}
			if regexp.MustCompile(`(?im)^\s*--\s*\+goose\s+Down`).Match(content) {
				t.Errorf("%s/%s has a Down part", engine, name)
			}
		}
	}
}

func TestLaterMigrationHoldsTheDifference(t *testing.T) {
	t.Parallel()
	earlier := fstest.MapFS{"1_one.sql": {Data: []byte(
		"-- +goose Up\nCREATE TABLE `users` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `first_name` text NULL);\n")}}
	file, err := schemadiff.SQLite(t.Context(), earlier, "second")
	if err != nil {
		t.Fatal(err)
	}
	text := string(file.SQL)
	if strings.Contains(text, "CREATE TABLE `users`") || !strings.Contains(text, "CREATE TABLE `devices`") {
		t.Errorf("the second migration is\n%s", text)
	}
}

func TestBrokenMigrationIsAnError(t *testing.T) {
	t.Parallel()
	earlier := fstest.MapFS{"1_one.sql": {Data: []byte("-- +goose Up\nCREATE NOTHING;\n")}}
	if _, err := schemadiff.SQLite(t.Context(), earlier, "second"); err == nil || errors.Is(err, schemadiff.ErrNothingToDo) {
		t.Errorf("err = %v", err)
	}
}
