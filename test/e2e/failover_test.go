//go:build postgres

package e2e_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/pgtest"
	"luxbff/internal/testutil/processtest"
)

// TestFailoverUnderLoad crashes the primary during the uploads of 16 phones and promotes
// its standby, which both stand in the URL: until then uploads are refused as
// unavailable, and then all goes on without a restart, the feed too. What was
// acknowledged is stored once and came once as an event.
func TestFailoverUnderLoad(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"primary", "read-write"} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			primary := newPostgresServer(t)
			primary.start(t)
			standby := primary.startStandby(t)
			s := startOn(t, primary.urlWith(standby, target))
			s.outlive(t, 16, func() { primary.crash(t) }, func() { standby.promote(t) })
			if strings.Contains(s.Log.String(), "secret") {
				t.Errorf("the server prints the password:\n%s", s.Log)
			}
		})
	}
}

// TestCommandsFindThePrimary names a standby or a host that is down before the primary,
// in each form that a URL and the variables of libpq have for it. A setting that leads to
// a standby is refused by name.
func TestCommandsFindThePrimary(t *testing.T) {
	t.Parallel()
	primary := newPostgresServer(t)
	primary.start(t)
	standby := primary.startStandby(t)
	out, err := processtest.Command(t, standby.urlWith(primary, "read-write"), "copy", "--from", "file:"+migratedFile(t)).CombinedOutput()
	if err != nil || strings.Contains(string(out), "secret") {
		t.Errorf("copy: %v\n%s", err, out)
	}
	one := primary.url("postgres")
	asksForStandby := "target_session_attrs (or PGTARGETSESSIONATTRS) asks for a standby"
	for name, c := range map[string]struct {
		url       string
		variables []string
		command   string
		want      string
	}{
		"read-write": {standby.urlWith(primary, "read-write"), nil, "doctor", "ok     migrations"},
		"primary":    {standby.urlWith(primary, "primary"), nil, "doctor", "ok     migrations"},
		"a host that is down": {
			strings.Replace(one, "@", "@[::1]:1,", 1) + "&target_session_attrs=read-write", nil, "doctor", "ok     migrations",
		},
		"lists in parameters": {
			"postgres:///postgres?user=luxbff&password=secret&host=127.0.0.1,127.0.0.1&port=" + standby.port + "," + primary.port +
				"&target_session_attrs=primary", nil, "doctor", "ok     migrations",
		},
		"variables alone": {"postgres://", []string{
			"PGHOST=127.0.0.1,127.0.0.1", "PGPORT=" + standby.port + "," + primary.port, "PGUSER=luxbff", "PGPASSWORD=secret",
			"PGDATABASE=postgres", "PGSSLMODE=disable", "PGTARGETSESSIONATTRS=read-write",
		}, "doctor", "ok     migrations"},
		"no primary is up": {
			strings.Replace(standby.url("postgres"), "@", "@[::1]:1,", 1) + "&target_session_attrs=read-write", nil, "doctor", "no host takes writes",
		},
		"a variable, to the doctor": {one, []string{"PGTARGETSESSIONATTRS=standby"}, "doctor", asksForStandby},
		"a variable":                {one, []string{"PGTARGETSESSIONATTRS=standby"}, "serve", asksForStandby},
		"a parameter":               {one + "&target_session_attrs=prefer-standby", nil, "migrate", asksForStandby},
		"several hosts and no target": {
			strings.Replace(one, "@", "@[::1]:1,", 1), nil, "serve", "add target_session_attrs=read-write",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := processtest.Command(t, c.url, c.command)
			run.Env = append(run.Env, c.variables...)
			output, err := run.CombinedOutput()
			// The doctor finds something wrong in any case: this server has no fsync.
			if out := string(output); err == nil || !strings.Contains(out, c.want) || strings.Contains(out, "secret") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// startStandby starts a standby that streams from the primary, and has the primary
// acknowledge a commit only once the standby has it as well.
func (p *postgresServer) startStandby(t *testing.T) *postgresServer {
	t.Helper()
	standby := *p
	standby.data = filepath.Join(filepath.Dir(p.data), "standby")
	standby.port = freePort(t)
	p.run(t, "pg_basebackup", "-D", standby.data, "-h", "127.0.0.1", "-p", p.port, "-U", "luxbff", "-R", "-c", "fast", "--no-sync")
	standby.start(t)
	p.runSQL(t, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
	testutil.WaitFor(t, "the standby is synchronous", func() bool {
		return p.holds(t, "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
	})
	return &standby
}

// promote makes a primary of a standby.
func (p *postgresServer) promote(t *testing.T) {
	t.Helper()
	p.run(t, "pg_ctl", "-D", p.data, "-w", "promote")
}

func (p *postgresServer) runSQL(t *testing.T, statements ...string) {
	t.Helper()
	if err := pgtest.Run(t.Context(), p.url("postgres"), statements...); err != nil {
		t.Fatal(err)
	}
}

// holds gives the answer of a query that is answered by true or false.
func (p *postgresServer) holds(t *testing.T, query string) (answer bool) {
	t.Helper()
	db, err := sql.Open("pgx", p.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRowContext(t.Context(), query).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// urlWith names this server first and then another, for a program that connects to the
// one that is the target.
func (p *postgresServer) urlWith(other *postgresServer, target string) string {
	return "postgres://luxbff:secret@127.0.0.1:" + p.port + ",127.0.0.1:" + other.port +
		"/postgres?sslmode=disable&target_session_attrs=" + target
}
