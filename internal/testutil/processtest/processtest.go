// Package processtest builds the program and runs it as processes of their own,
// for tests that kill it, stop it or run its commands. It imports no package of
// the program, so that such a test knows only what a user can see.
package processtest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"luxbff/internal/testutil"
)

// Main is the TestMain of a package that uses [Build]. It runs the tests, fails if
// they leave a goroutine behind, and removes the program that was built.
func Main(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		if built.path != "" {
			_ = os.RemoveAll(filepath.Dir(built.path))
		}
		os.Exit(status)
	}))
}

var built struct {
	sync.Once
	path string
	err  error
}

// Build builds the program and gives its path. It is built once for all tests of a
// package, because linking takes seconds; the package's TestMain must be [Main].
func Build(t testing.TB) string {
	t.Helper()
	built.Do(func() {
		var folder string
		if folder, built.err = os.MkdirTemp("", "luxbff"); built.err != nil { //nolint:usetesting // all tests share it
			return
		}
		built.path = filepath.Join(folder, "server")
		out, err := exec.CommandContext(context.Background(), "go", "build", "-o", built.path, "luxbff/server").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

// Command runs the program on a database, in development, with a free address,
// the key of TokenKeys and no other setting. A test appends its own settings to Env, where the last one
// of a name counts.
func Command(t testing.TB, databaseURL string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(context.Background(), Build(t), args...)
	c.Env = []string{"APP_ENV=development", "ADDR=" + FreeAddr(t), "DATABASE_URL=" + databaseURL, "TOKEN_KEYS=" + TokenKeys(), "PATH=" + os.Getenv("PATH")}
	return c
}

// TokenKeys is the setting TOKEN_KEYS of [Command]. It is the same for all processes,
// so that each accepts the tokens of the others.
func TokenKeys() string {
	seed := sha256.Sum256([]byte("the tests' key"))
	return "tests:" + base64.StdEncoding.EncodeToString(seed[:])
}

// AsUser gives the folder to the user, and gives the attributes by which a process of
// the user root runs as that user: PostgreSQL and PgBouncer refuse to run as root.
func AsUser(t testing.TB, name, folder string) *syscall.SysProcAttr {
	t.Helper()
	found, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(found.Uid)
	gid, _ := strconv.Atoi(found.Gid)
	if err := os.Chown(folder, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}} //nolint:gosec // the system's own ids fit
}

// ports counts the ports that FreeAddr has tried. It starts at random, so that two
// test binaries that run at the same time are unlikely to try the same ones.
var ports = func() *atomic.Uint32 {
	var at atomic.Uint32
	at.Store(rand.Uint32N(12_000))
	return &at
}()

// FreeAddr is a loopback address that nobody listens on. Its port is below the range
// from which Linux takes the ports of outgoing connections (32768 and up), so that
// no such connection occupies it before the process listens.
func FreeAddr(t testing.TB) string {
	t.Helper()
	for range 12_000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20_000+ports.Add(1)%12_000)
		if l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// Process is a running server.
type Process struct {
	URL  string
	Addr string
	PID  int
	Log  *testutil.Log

	cmd   *exec.Cmd
	ended chan struct{}
	err   error // of the process's end; written before ended is closed
}

// Start starts a server and waits until it is ready.
func Start(t testing.TB, serve *exec.Cmd) *Process {
	t.Helper()
	p := Launch(t, serve)
	p.WaitFor(t, "it is ready", p.Ready)
	return p
}

// Launch starts a server without waiting until it is ready. It is killed when the
// test ends, if it still runs then.
func Launch(t testing.TB, serve *exec.Cmd) *Process {
	t.Helper()
	addr := setting(serve.Env, "ADDR")
	p := &Process{URL: "http://" + addr, Addr: addr, Log: &testutil.Log{}, cmd: serve, ended: make(chan struct{})}
	serve.Stdout, serve.Stderr = p.Log, p.Log
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	p.PID = serve.Process.Pid
	go func() {
		p.err = serve.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.Kill)
	return p
}

// setting is the value of a variable, the last one of its name.
func setting(env []string, name string) (value string) {
	for _, variable := range env {
		if v, found := strings.CutPrefix(variable, name+"="); found {
			value = v
		}
	}
	return value
}

// Ready reports whether the process is ready to serve.
func (p *Process) Ready() bool { return Ready(context.Background(), p.URL) }

// Ready reports whether the server at url responses /readyz with 200.
func Ready(ctx context.Context, url string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode == http.StatusOK
}

// client opens a connection for each request. Go's client would open some ahead of
// need, and the server closes one on which nothing comes for ten seconds: a request
// that is sent just then would fail although nothing is wrong.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// Post sends JSON, with an access token unless it is empty, and gives status and body.
// An error is a lost connection.
func Post(url, token, body string) (status int, response []byte, err error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	response, err = io.ReadAll(answer.Body)
	return answer.StatusCode, response, err
}

// Kill ends the process with SIGKILL and returns when it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// Terminate asks the process to stop with SIGTERM, as every container engine does.
func (p *Process) Terminate(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// WaitForExit waits for the end of a process that was asked to stop, and fails the
// test unless it ended with status 0.
func (p *Process) WaitForExit(t testing.TB) {
	t.Helper()
	<-p.ended
	if p.err != nil {
		t.Errorf("the server ended with %v:\n%s", p.err, p.Log)
	}
}

// ExitStatus waits for the end of a process and gives its status, -1 if it was killed.
func (p *Process) ExitStatus() int {
	<-p.ended
	return p.cmd.ProcessState.ExitCode()
}

// WaitFor is [testutil.WaitFor] for something that the process does: if it ends
// instead, the test fails at once and shows what the process printed.
func (p *Process) WaitFor(t testing.TB, what string, condition func() bool) {
	t.Helper()
	testutil.WaitFor(t, what, func() bool {
		select {
		case <-p.ended:
			t.Fatalf("the server ended with %v before %s:\n%s", p.err, what, p.Log)
		default:
		}
		return condition()
	})
}
