//go:build postgres && linux

package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"luxbff/internal/testutil/pgtest"
	"luxbff/internal/testutil/processtest"
)

// brokenPostgres is a database that is set up in a way that the doctor is to find. The
// statements run as a superuser in a database of its own, DB, which has the program's
// tables and belongs to the role app.
type brokenPostgres struct {
	name       string
	statements []string
	// url changes the address of the database.
	url func(address string) string
}

func brokenOnPostgres() []brokenPostgres {
	replace := func(old, by string) func(string) string {
		return func(address string) string { return strings.Replace(address, old, by, 1) }
	}
	return []brokenPostgres{
		{name: "nothing is broken"},
		{name: "nobody listens", url: func(address string) string {
			return regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(address, "127.0.0.1:1")
		}},
		{name: "no machine has the name", url: func(address string) string {
			return regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(address, "nowhere.invalid:5432")
		}},
		{name: "the password was not encoded", url: replace("app:secret", "app:sec/ret@secret")},
		{name: "the password is wrong", url: replace("app:secret", "guarded:secret")},
		{name: "there is no such role", url: replace("app:secret", "stranger:secret")},
		{name: "there is no such database", url: replace("/DB", "/nowhere")},
		{name: "the database is closed", statements: []string{"ALTER DATABASE DB ALLOW_CONNECTIONS false"}},
		{name: "the role may not connect", statements: []string{"REVOKE CONNECT ON DATABASE DB FROM PUBLIC"}, url: replace("app:secret", "other:secret")},
		{name: "the role has too few connections", url: replace("app:secret", "limited:secret")},
		{name: "the database has too few connections", statements: []string{"ALTER DATABASE DB CONNECTION LIMIT 9"}},
		{name: "statements are ended early", statements: []string{"ALTER ROLE app IN DATABASE DB SET statement_timeout = '2s'"}},
		{name: "locks and idle connections are ended early", statements: []string{
			"ALTER DATABASE DB SET lock_timeout = '500ms'", "ALTER DATABASE DB SET idle_session_timeout = '5s'",
		}},
		{name: "the database is read-only", statements: []string{"ALTER DATABASE DB SET default_transaction_read_only = on"}},
		{name: "commits are not on disk", statements: []string{"ALTER DATABASE DB SET synchronous_commit = off"}},
		{name: "the role may not use the tables", url: replace("app:secret", "other:secret")},
		{name: "the role may make no tables", statements: []string{"DROP SCHEMA public CASCADE", "CREATE SCHEMA public", "GRANT USAGE ON SCHEMA public TO app"}},
		{name: "migrations are missing", statements: []string{"DROP SCHEMA public CASCADE", "CREATE SCHEMA public AUTHORIZATION app"}},
		{name: "the role is a superuser", url: replace("app:secret", "luxbff:secret")},
		{name: "the encoding is not UTF-8", statements: nil, url: replace("/DB", "/latin")},
	}
}

// TestDoctorGoldenPostgres holds what the doctor says of databases that are set up
// wrongly, word for word, and that each statement it names mends what it was named for.
func TestDoctorGoldenPostgres(t *testing.T) {
	t.Parallel()
	p := newPostgresServer(t)
	hba := filepath.Join(p.data, "pg_hba.conf")
	rules, err := os.ReadFile(hba)
	must(t, err)
	must(t, os.WriteFile(hba, append([]byte("host all guarded 127.0.0.1/32 scram-sha-256\n"), rules...), 0o600))
	p.start(t, "-c fsync=on")
	admin := func(database string, statements ...string) {
		t.Helper()
		for _, statement := range statements {
			must(t, pgtest.Run(t.Context(), p.url(database), statement))
		}
	}
	admin("postgres", "CREATE ROLE app LOGIN", "CREATE ROLE guarded LOGIN PASSWORD 'another'", "CREATE ROLE other LOGIN",
		"CREATE ROLE limited LOGIN CONNECTION LIMIT 5 IN ROLE app", "CREATE DATABASE migrated OWNER app",
		"CREATE DATABASE latin OWNER app ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
	as := func(database string) string { return strings.Replace(p.url(database), "luxbff:", "app:", 1) }
	if out, err := processtest.Command(t, as("migrated"), "migrate").CombinedOutput(); err != nil {
		t.Fatalf("migrate: %v\n%s", err, out)
	}
	reports, names := map[string]string{}, []string{}
	for n, c := range brokenOnPostgres() {
		database := "lux" + string(rune('a'+n))
		admin("postgres", "CREATE DATABASE "+database+" TEMPLATE migrated OWNER app")
		for _, statement := range c.statements {
			in := database
			if strings.HasPrefix(statement, "ALTER DATABASE") {
				in = "postgres"
			}
			admin(in, strings.ReplaceAll(statement, "DB", database))
		}
		address := as("DB")
		if c.url != nil {
			address = c.url(address)
		}
		address = strings.ReplaceAll(address, "/DB", "/"+database)
		report, _ := runDoctor(t, address)
		if strings.Contains(report, "secret") || strings.Contains(report, "ret@") {
			t.Errorf("%s: a password is in\n%s", c.name, report)
		}
		reports[c.name] = strings.ReplaceAll(normal(report), database, "luxbff")
		names = append(names, c.name)
		for line := range strings.Lines(report) {
			for _, advice := range regexp.MustCompile(`(?i)run ((?:ALTER ROLE|ALTER DATABASE|GRANT) .*?)(, and restart|, or set|$)`).FindAllStringSubmatch(strings.TrimSpace(line), -1) {
				in := "postgres"
				if strings.HasPrefix(advice[1], "GRANT") {
					in = database
				}
				admin(in, advice[1])
			}
		}
		if after, _ := runDoctor(t, address); regexp.MustCompile(`(?i)run (ALTER|GRANT)`).MatchString(after) {
			t.Errorf("%s: after what the doctor advised it reports\n%s", c.name, after)
		}
	}
	p.run(t, "pg_ctl", "-D", p.data, "-w", "-m", "fast", "stop")
	must(t, os.WriteFile(filepath.Join(p.data, "standby.signal"), nil, 0o600))
	if p.as != nil {
		must(t, os.Chown(filepath.Join(p.data, "standby.signal"), int(p.as.Credential.Uid), int(p.as.Credential.Gid)))
	}
	p.start(t, "-c fsync=on")
	report, _ := runDoctor(t, as("migrated"))
	reports["the server is a standby"], names = normal(report), append(names, "the server is a standby")
	admin("postgres", "SELECT pg_promote()")
	if report, well := runDoctor(t, as("migrated")); !well {
		t.Errorf("after the promotion the doctor reports\n%s", report)
	}
	compareGolden(t, "doctor-postgres.golden", names, reports)
}
