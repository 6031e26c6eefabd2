// Package processtest runs the program as processes of its own, for tests that
// kill it, stop it or give it commands. It imports nothing of the project.
package processtest

import (
	"bytes"
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
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Main runs a package's tests. It ends them with a failure if a goroutine is left
// behind, and removes what Build built.
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

// Build gives the program's path. It is built once for all tests of a package,
// whose TestMain must be Main.
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

// Command is the program on a database, with a free address, the key of Keys and
// no other setting. Of a setting that is appended to Env twice the last holds.
func Command(t testing.TB, databaseURL string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(context.Background(), Build(t), args...)
	c.Env = []string{"ADDR=" + FreeAddr(t), "DATABASE_URL=" + databaseURL, "TOKEN_KEYS=" + Keys(), "PATH=" + os.Getenv("PATH")}
	return c
}

// Keys are the TOKEN_KEYS of Command, the same for all processes of the tests.
func Keys() string {
	seed := sha256.Sum256([]byte("the tests' key"))
	return "tests:" + base64.StdEncoding.EncodeToString(seed[:])
}

// ports counts from a place by chance, so that neither two tests of a process nor
// two processes are likely to be given the same one.
var ports = func() *atomic.Uint32 {
	var at atomic.Uint32
	at.Store(rand.Uint32N(12_000))
	return &at
}()

// FreeAddr is a loopback address that nobody listens on. Its port is below those
// that the kernel gives to outgoing connections, so that none of them takes it
// before the process does.
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

// Process is a server.
type Process struct {
	URL  string
	Addr string
	PID  int
	Log  *Output

	cmd   *exec.Cmd
	ended chan struct{}
	err   error // how it ended, once ended is closed
}

// Output is what a process prints, readable while it prints.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes in what is printed.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String is what was printed so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Start launches a server and waits until it is ready.
func Start(t testing.TB, serve *exec.Cmd) *Process {
	t.Helper()
	p := Launch(t, serve)
	p.Await(t, "it is ready", p.Ready)
	return p
}

// Launch starts a server and doesn't wait. It is killed with the test, at the
// latest.
func Launch(t testing.TB, serve *exec.Cmd) *Process {
	t.Helper()
	addr := setting(serve.Env, "ADDR")
	p := &Process{URL: "http://" + addr, Addr: addr, Log: &Output{}, cmd: serve, ended: make(chan struct{})}
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

func setting(env []string, name string) (value string) {
	for _, one := range env {
		if v, found := strings.CutPrefix(one, name+"="); found {
			value = v
		}
	}
	return value
}

// Ready reports whether the server's /readyz says so.
func (p *Process) Ready() bool { return Ready(context.Background(), p.URL) }

// Ready reports whether the server at url says in /readyz that it is.
func Ready(ctx context.Context, url string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode == http.StatusOK
}

// Kill is kill -9. It returns when the process is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// Terminate asks the process to stop, as every container engine does.
func (p *Process) Terminate(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// Ended waits for the end of a process that was asked to stop, which must be a
// good one.
func (p *Process) Ended(t testing.TB) {
	t.Helper()
	<-p.ended
	if p.err != nil {
		t.Errorf("the server ended with %v:\n%s", p.err, p.Log)
	}
}

// Await is the function Await, for something that the process does while it runs.
func (p *Process) Await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	Await(t, what, func() bool {
		select {
		case <-p.ended:
			t.Fatalf("the server ended with %v before %s:\n%s", p.err, what, p.Log)
		default:
		}
		return holds()
	})
}

// Await waits for what must come, for as long as no machine should take.
func Await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	tooLong := time.After(2 * time.Minute)
	for !holds() {
		select {
		case <-look.C:
		case <-tooLong:
			t.Fatalf("in vain waited until %s", what)
		}
	}
}
