//go:build faults

package faults_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"luxbff/server/app"
	"luxbff/server/apptest"
	"luxbff/server/livetest"
)

// binary is the program, built once for all tests.
var binary struct {
	sync.Once
	path string
	err  error
}

func build(t *testing.T) string {
	t.Helper()
	binary.Do(func() {
		var folder string
		if folder, binary.err = os.MkdirTemp("", "luxbff"); binary.err != nil { //nolint:usetesting // all tests share it
			return
		}
		binary.path = filepath.Join(folder, "server")
		out, err := exec.CommandContext(context.Background(), "go", "build", "-o", binary.path, "luxbff/server").CombinedOutput()
		if err != nil {
			binary.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if binary.err != nil {
		t.Fatal(binary.err)
	}
	return binary.path
}

func removeBinary() {
	if binary.path != "" {
		_ = os.RemoveAll(filepath.Dir(binary.path))
	}
}

// process is a server of its own, on the database of one inside the test.
type process struct {
	cmd  *exec.Cmd
	addr string
	log  *bytes.Buffer
	gone chan error // gets how it ended
}

// keys are TOKEN_KEYS, the same for all servers of a test.
func keys() string {
	seed := sha256.Sum256([]byte("the tests' key"))
	return "tests:" + base64.StdEncoding.EncodeToString(seed[:])
}

// home is a server inside the test, where families sign up and rows are looked at.
func home(t *testing.T) *apptest.Server {
	t.Helper()
	return apptest.Start(t, func(cfg *app.Config) { cfg.TokenKeys = keys() })
}

func start(t *testing.T, s *apptest.Server, settings ...string) *process {
	t.Helper()
	p := &process{addr: freeAddr(t), log: &bytes.Buffer{}, gone: make(chan error, 1)}
	p.cmd = exec.CommandContext(context.Background(), build(t))
	p.cmd.Env = append([]string{
		"ADDR=" + p.addr, "DATABASE_URL=" + s.App.Config.DatabaseURL, "TOKEN_KEYS=" + keys(), "PATH=" + os.Getenv("PATH"),
	}, settings...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.gone <- p.cmd.Wait() }()
	t.Cleanup(p.kill)
	await(t, "the server is ready", func() bool {
		answer, err := http.Get("http://" + p.addr + "/readyz")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return p
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.wait()
}

// wait gives how the process ended. It may be called again.
func (p *process) wait() error {
	err := <-p.gone
	p.gone <- err
	return err
}

// TestServerThatIsKilled kills the server with SIGKILL twenty times during
// uploads; another on the same database takes its place. Phones lose nothing that
// was acknowledged.
func TestServerThatIsKilled(t *testing.T) { //nolint:paralleltest // each wants the machine for itself
	const kills = 20
	s := home(t)
	f := newFamily(t, s)
	random := chance(t)
	p := start(t, s)
	proxy, err := livetest.NewProxy(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	phones := follow(t, s, f, proxy.URL(), 1)
	ctx, stop := context.WithCancel(context.Background())
	var uploading sync.WaitGroup
	defer uploading.Wait()
	defer stop()
	uploading.Go(func() { f.uploads(ctx, proxy.URL(), 4, 1<<30) })
	for range kills {
		before, more := len(f.acknowledged()), 10+random.IntN(60)
		await(t, "the uploads go on", func() bool { return len(f.acknowledged()) >= before+more })
		p.kill()
		p = start(t, s)
		proxy.Direct(p.addr)
	}
	before := len(f.acknowledged())
	await(t, "the uploads go on", func() bool { return len(f.acknowledged()) >= before+10 })
	stop()
	uploading.Wait()
	phones.drain(t, s, f)
	t.Logf("%d acknowledged, %d failed", len(f.acknowledged()), len(f.failed))
	for _, one := range phones.all {
		if ends := one.Ends(); len(ends) > 0 || one.Connections() < kills {
			t.Errorf("%s: connected %d times, the server ended it: %v", one.Call.Transport, one.Connections(), ends)
		}
	}
}

// TestServerThatDrains sends SIGTERM to a server with 200 sockets and streams
// during uploads, while another on the same database takes over: no upload fails,
// the sockets are closed with 1001 and spread hints, the process ends within its
// ten seconds, and phones lose nothing. Both are of production, which serves on
// for SHUTDOWN_DELAY: a connection that only the kernel has accepted when the
// listener closes would be cut.
func TestServerThatDrains(t *testing.T) { //nolint:paralleltest // each wants the machine for itself
	const connections, each = 200, 24 // an account may have 32
	s := home(t)
	f := newFamily(t, s)
	production := []string{"APP_ENV=production", "PUBLIC_URL=https://luxbff.example"}
	leaving, taking := start(t, s, production...), start(t, s, production...)
	proxy, err := livetest.NewProxy(leaving.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	phones := follow(t, s, f, proxy.URL(), 3)
	idle := idlers(t, s, "http://"+leaving.addr, connections-each, each)
	ctx, stop := context.WithCancel(context.Background())
	var uploading sync.WaitGroup
	defer uploading.Wait()
	defer stop()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 4 {
		uploading.Go(func() {
			for ctx.Err() == nil {
				_ = f.upload(context.WithoutCancel(ctx), client, proxy.URL(), 1) // a failure is remembered
			}
		})
	}
	await(t, "the uploads are under way", func() bool { return len(f.acknowledged()) >= 100 })

	proxy.Direct(taking.addr) // as a balancer does before it ends a server
	if err := leaving.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	hints := map[time.Duration]bool{}
	for _, feed := range idle {
		how := endOf(t, feed)
		if how.Retry <= 0 || how.Code != 0 && how.Code != 1001 {
			t.Errorf("a connection is told %v", how)
		}
		hints[how.Retry] = true
	}
	if len(hints) < len(idle)/2 {
		t.Errorf("%d connections are told to come back at %d different times", len(idle), len(hints))
	}
	if err := leaving.wait(); err != nil {
		t.Errorf("the server ended with %v:\n%s", err, leaving.log)
	}
	if text := leaving.log.String(); strings.Contains(text, `"level":"ERROR"`) {
		t.Errorf("the server logged errors:\n%s", text)
	}
	before := len(f.acknowledged())
	await(t, "the uploads go on", func() bool { return len(f.acknowledged()) >= before+100 })
	stop()
	uploading.Wait()
	if len(f.failed) > 0 {
		t.Errorf("%d uploads failed: %v", len(f.failed), f.failed[0])
	}
	phones.drain(t, s, f)
	for _, one := range phones.all {
		ends := one.Ends()
		if ends["1001"]+ends["retry"]+ends["GOING_AWAY"] != 1 || len(ends) != 1 {
			t.Errorf("%s: the server ended it: %v", one.Call.Transport, ends)
		}
	}
}

// idlers connects n phones that only listen, of as many accounts as that takes.
func idlers(t *testing.T, s *apptest.Server, url string, n, each int) []*livetest.Feed {
	t.Helper()
	var token string
	var feeds []*livetest.Feed
	for i := range n {
		if i%each == 0 {
			token, _ = s.Parent(t)
		}
		transport := livetest.Transports()[i%4]
		feed, err := livetest.Open(t.Context(), livetest.Call{
			URL: url, Token: token, Transport: transport, InstallationID: fmt.Sprint(i),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(feed.Cut)
		feeds = append(feeds, feed)
	}
	return feeds
}
