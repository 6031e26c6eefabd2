//go:build postgres || alarms

package e2e_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"luxbff/internal/testutil/processtest"
)

// postgresServer is a PostgreSQL of the test's own, which the test may stop.
type postgresServer struct {
	bin, data, port string
	// as is the user that runs it, because PostgreSQL refuses to run as root.
	as *syscall.SysProcAttr
}

func newPostgresServer(t *testing.T) *postgresServer {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		t.Fatalf("there is no PostgreSQL to start: %v", err)
	}
	folder, err := os.MkdirTemp("", "luxbff-postgres") //nolint:usetesting // another user must reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	p := &postgresServer{bin: slices.Max(found), data: filepath.Join(folder, "db"), port: freePort(t)}
	if os.Getuid() == 0 {
		p.as = processtest.AsUser(t, "postgres", folder)
	}
	p.run(t, "initdb", "-D", p.data, "-U", "luxbff", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	return p
}

func freePort(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(processtest.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func (p *postgresServer) run(t *testing.T, tool string, args ...string) {
	t.Helper()
	c := exec.CommandContext(context.Background(), filepath.Join(p.bin, tool), args...)
	c.Dir, c.SysProcAttr = filepath.Dir(p.data), p.as
	// The output goes to a file: the server would inherit a pipe and keep it open, and
	// Run waits until a pipe is closed.
	log, err := os.CreateTemp(t.TempDir(), tool)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	c.Stdout, c.Stderr = log, log
	if err := c.Run(); err != nil {
		output, _ := os.ReadFile(log.Name())
		t.Fatalf("%s: %v\n%s", tool, err, output)
	}
}

// start starts the server and waits until it answers. With fsync off a commit
// survives a crash of the server, which is all that a test does to it, but not one
// of the machine.
// Options that are given go before its own.
func (p *postgresServer) start(t *testing.T, options ...string) {
	t.Helper()
	p.run(t, "pg_ctl", "-D", p.data, "-w", "-l", p.data+".log", "-o",
		"-h 127.0.0.1 -p "+p.port+" -k "+filepath.Dir(p.data)+" -c fsync=off "+strings.Join(options, " "), "start")
	t.Cleanup(func() {
		if _, err := os.Stat(filepath.Join(p.data, "postmaster.pid")); err == nil {
			p.crash(t)
		}
	})
}

// crash ends the server at once, without closing its connections in good order.
func (p *postgresServer) crash(t *testing.T) {
	t.Helper()
	p.run(t, "pg_ctl", "-D", p.data, "-w", "-m", "immediate", "stop")
}

func (p *postgresServer) url(database string) string {
	return "postgres://luxbff:secret@127.0.0.1:" + p.port + "/" + database + "?sslmode=disable"
}
