// Package pgbouncertest runs a PgBouncer before a PostgreSQL inside a test, which can
// stop it and start it again. It serves tests alone and imports internal/testutil and
// internal/testutil/processtest.
package pgbouncertest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/processtest"
)

// Pooler is a PgBouncer on a port that it keeps over restarts.
type Pooler struct {
	t       testing.TB
	addr    string
	folder  string
	as      *syscall.SysProcAttr
	running *exec.Cmd
}

// Start starts a PgBouncer before the server of the URL, for all of its databases. It
// pools in the mode, with at most so many connections to each database, and ends with
// the test.
func Start(t testing.TB, server, mode string, size int) *Pooler {
	t.Helper()
	behind, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "luxbff-pgbouncer") //nolint:usetesting // another user must reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	p := &Pooler{t: t, addr: processtest.FreeAddr(t), folder: folder}
	if os.Getuid() == 0 { // as which it refuses to run
		p.as = processtest.AsUser(t, "postgres", folder)
	}
	_, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	p.write("users.txt", fmt.Sprintf("%q \"\"\n", behind.User.Username()))
	p.write("pgbouncer.ini", fmt.Sprintf(`[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = %s
default_pool_size = %d
max_client_conn = 1000
logfile = %s
`, behind.Hostname(), behind.Port(), port, filepath.Join(folder, "users.txt"), mode, size, filepath.Join(folder, "log")))
	p.Restart()
	t.Cleanup(p.Stop)
	return p
}

func (p *Pooler) write(name, content string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.folder, name), []byte(content), 0o644); err != nil { //nolint:gosec // another user reads it
		p.t.Fatal(err)
	}
}

// URL is the way through the pooler to the database of a URL.
func (p *Pooler) URL(database string) string {
	p.t.Helper()
	address, err := url.Parse(database)
	if err != nil {
		p.t.Fatal(err)
	}
	address.Host = p.addr
	return address.String()
}

// Log is what it has logged.
func (p *Pooler) Log() string {
	p.t.Helper()
	content, err := os.ReadFile(filepath.Join(p.folder, "log"))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(content)
}

// Stop ends it at once, with every connection.
func (p *Pooler) Stop() {
	if p.running == nil {
		return
	}
	_ = p.running.Process.Kill()
	_ = p.running.Wait() // it says that it was killed
	p.running = nil
}

// Restart starts it, after Stop again, and waits until it listens.
func (p *Pooler) Restart() {
	p.t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // not in everybody's PATH
	}
	p.running = exec.CommandContext(context.Background(), program, filepath.Join(p.folder, "pgbouncer.ini")) //nolint:gosec // the machine's own pgbouncer
	p.running.SysProcAttr = p.as
	if err := p.running.Start(); err != nil {
		p.t.Fatal(err)
	}
	testutil.WaitFor(p.t, "PgBouncer listens", func() bool {
		conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.addr)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}
