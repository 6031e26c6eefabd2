//go:build postgres

package schemadiff_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"testing"

	"luxbff/internal/store/migrations"
	"luxbff/internal/store/schemadiff"
	"luxbff/internal/testutil/pgtest"
)

func TestMigrationsOfPostgresFitTheSchema(t *testing.T) {
	t.Parallel()
	url, drop, err := pgtest.Create(t.Context(), os.Getenv("LUXBFF_TEST_POSTGRES_URL"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	file, err := schemadiff.Postgres(t.Context(), db, migrations.Postgres(), "missing")
	if !errors.Is(err, schemadiff.ErrNothingToDo) {
		t.Errorf("err = %v; run newmigration to write what is missing:\n%s", err, file.SQL)
	}
}
