package schemadiff_test

import (
	"errors"
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
	for _, want := range []string{"-- +goose Up", "CREATE TABLE `users`", "-- +goose Down"} {
		if !strings.Contains(string(file.SQL), want) {
			t.Errorf("the file lacks %q", want)
		}
	}
}

func TestLaterMigrationHoldsTheDifference(t *testing.T) {
	t.Parallel()
	earlier := fstest.MapFS{"1_one.sql": {Data: []byte(
		"-- +goose Up\nCREATE TABLE `users` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `first_name` text NULL);\n-- +goose Down\nDROP TABLE `users`;\n")}}
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
