//go:build postgres

package pgtest_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"luxbff/internal/testutil/pgtest"
)

// lender lends copies of a template of its own, with two tables.
func lender(t *testing.T) *pgtest.Lender {
	t.Helper()
	server := os.Getenv("LUXBFF_TEST_POSTGRES_URL")
	template, drop, err := pgtest.Create(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	name := template[strings.LastIndexByte(template, '/')+1:]
	name, _, _ = strings.Cut(name, "?")
	t.Cleanup(func() {
		ctx := context.Background()
		if err := pgtest.Run(ctx, server, `DROP DATABASE IF EXISTS "`+name+`_1" WITH (FORCE)`); err != nil {
			t.Error(err)
		}
		if err := drop(ctx); err != nil {
			t.Error(err)
		}
	})
	run(t, template, "CREATE TABLE kept (id serial PRIMARY KEY)", "INSERT INTO kept DEFAULT VALUES",
		"CREATE TABLE used (id serial PRIMARY KEY, refers int REFERENCES used ON DELETE CASCADE)")
	return &pgtest.Lender{Server: server, Template: name, Keep: "kept"}
}

func run(t *testing.T, url string, statements ...string) {
	t.Helper()
	if err := pgtest.Run(t.Context(), url, statements...); err != nil {
		t.Fatal(err)
	}
}

// TestALentDatabaseIsAsNew lends one database again and again, after each of what
// a test may have done to it. A division by zero is a row too many or too few.
func TestALentDatabaseIsAsNew(t *testing.T) {
	t.Parallel()
	l := lender(t)
	before := ""
	for _, use := range []struct {
		name       string
		statements []string
	}{
		{"rows", []string{"INSERT INTO used DEFAULT VALUES", "INSERT INTO used (refers) VALUES (2)"}},
		{"a kept row", []string{"INSERT INTO kept DEFAULT VALUES"}},
		{"a column", []string{"ALTER TABLE used ADD COLUMN more int"}},
		{"a table", []string{"CREATE TABLE another (id int)"}},
		{"a trigger", []string{"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$", "CREATE TRIGGER refuse BEFORE INSERT ON used FOR EACH ROW EXECUTE FUNCTION refuse()"}},
		{"statistics", []string{"INSERT INTO used DEFAULT VALUES", "ANALYZE used"}},
		{"many rows", []string{"INSERT INTO used SELECT FROM generate_series(1, 10000)"}},
		{"a vacuum", []string{"INSERT INTO used DEFAULT VALUES", "VACUUM used"}},
		{"no table", []string{"DROP TABLE used"}},
		{"nothing", nil},
	} {
		url, giveBack, err := l.Lend(t.Context())
		if err != nil {
			t.Fatalf("before %s: %v", use.name, err)
		}
		if before != "" && before != url {
			t.Errorf("%s was lent, then %s", before, url)
		}
		before = url
		run(t, url,
			"SELECT 1 / (count(*) = 1)::int FROM kept", "SELECT 1 / (count(*) = 0)::int FROM used",
			"SELECT 1 / (nextval('used_id_seq') = 1)::int", "SELECT 1 / (count(*) = 2)::int FROM pg_attribute WHERE attrelid = 'used'::regclass AND attnum > 0",
			"SELECT 1 / (count(*) = 0)::int FROM pg_stats WHERE schemaname = 'public'",
			"SELECT 1 / (count(*) = 1)::int FROM pg_class WHERE relname = 'used' AND reltuples = -1 AND pg_relation_size(oid) <= 8192")
		run(t, url, use.statements...)
		giveBack()
	}
}

func TestTwoBorrowersAtOnce(t *testing.T) {
	t.Parallel()
	l := lender(t)
	first, giveFirst, err := l.Lend(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := &pgtest.Lender{Server: l.Server, Template: l.Template, Keep: l.Keep}
	second, giveSecond, err := other.Lend(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first == second {
		t.Errorf("both have %s", first)
	}
	giveFirst()
	giveSecond()
	run(t, l.Server, `DROP DATABASE IF EXISTS "`+l.Template+`_2" WITH (FORCE)`)
}
