//go:build replicas

package main_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"luxbff/internal/store/storetest"
	"luxbff/server/app"
	"luxbff/server/apptest"
)

// fleet is three equal replicas in production, processes of their own, on one
// PostgreSQL and one NATS, behind a balancer.
type fleet struct {
	settings []string
	replicas []*binary
	balancer *balancer
	// home is one more replica, inside the test and in development: it has
	// senders, and what it sends can be read.
	home *apptest.Server
}

// startFleet starts it on a NATS server, empty for the one that CI started.
func startFleet(t *testing.T, nats string) *fleet {
	t.Helper()
	if nats == "" {
		nats = os.Getenv("LUXBFF_TEST_NATS_URL")
	}
	seed := make([]byte, 32)
	_, _ = rand.Read(seed)
	keys, database := "test:"+base64.StdEncoding.EncodeToString(seed), storetest.PostgresURL(t)
	f := &fleet{balancer: newBalancer(t), settings: []string{
		"APP_ENV=production", "PUBLIC_URL=https://luxbff.example.com", "TOKEN_KEYS=" + keys,
		"DATABASE_URL=" + database, "NATS_URL=" + nats, "DATABASE_POOL=3",
	}}
	f.home = apptest.Start(t, func(cfg *app.Config) {
		cfg.DatabaseURL, cfg.TokenKeys, cfg.NATSURL, cfg.DatabasePool = database, keys, nats, 2
	})
	for range 3 {
		b := f.start(t, freeAddr(t))
		f.replicas = append(f.replicas, b)
		f.balancer.add(t, b.url)
	}
	return f
}

// command is the program as the fleet runs it.
func (f *fleet) command(addr string, args ...string) *exec.Cmd {
	c := exec.CommandContext(context.Background(), built.path, args...)
	c.Env = append([]string{"ADDR=" + addr, "PATH=" + os.Getenv("PATH")}, f.settings...)
	return c
}

func (f *fleet) start(t *testing.T, addr string) *binary {
	t.Helper()
	build(t)
	return startCommand(t, f.command(addr))
}

// replace starts another process in the place of one that has ended.
func (f *fleet) replace(t *testing.T, i int) {
	t.Helper()
	f.replicas[i] = f.start(t, strings.TrimPrefix(f.replicas[i].url, "http://"))
	await(t, "the balancer sees the new process", func() bool { return f.balancer.ready(f.replicas[i].url) })
}

// terminate asks a replica to stop, as every container engine does.
func (b *binary) terminate(t *testing.T) {
	t.Helper()
	if err := b.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// ended waits for the end of a replica that was asked to stop.
func (b *binary) ended(t *testing.T) {
	t.Helper()
	if err := b.Wait(); err != nil {
		t.Errorf("the replica ended with %v:\n%s", err, b.log)
	}
}

// await waits for what must come, for as long as no machine should take.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	tooLong := time.After(time.Minute)
	for !holds() {
		select {
		case <-look.C:
		case <-tooLong:
			t.Fatalf("in vain waited until %s", what)
		}
	}
}

// balancer gives each request to the next replica that is ready. One that no
// replica has begun to read is given to another; any other failure is the client's.
type balancer struct {
	*httptest.Server
	proxy     *httputil.ReverseProxy
	transport *http.Transport
	mu        sync.Mutex
	backends  []*backend
	next      int
}

type backend struct {
	host  string
	ready atomic.Bool
}

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	b := &balancer{transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.proxy = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.Out.URL.Scheme = "http"; r.Out.Host = r.In.Host },
		Transport:     b,
		FlushInterval: -1,
		ErrorLog:      slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	b.Server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(func() {
		b.Server.CloseClientConnections()
		b.Server.Close()
		b.transport.CloseIdleConnections()
	})
	return b
}

// serve keeps the body, so that it can be sent once more.
func (b *balancer) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if len(body) > 0 {
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		r.Body, _ = r.GetBody()
	}
	b.proxy.ServeHTTP(w, r)
}

var errNobodyReady = errors.New("no replica is ready")

// RoundTrip sends the request to the next ready replica that takes it.
func (b *balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	for {
		to := b.pick()
		if to == nil {
			return nil, errNobodyReady
		}
		r.URL.Host = to.host
		answer, err := b.transport.RoundTrip(r)
		var failed *net.OpError
		if !errors.As(err, &failed) || failed.Op != "dial" {
			return answer, err
		}
		to.ready.Store(false)
		if r.GetBody != nil {
			r.Body, _ = r.GetBody()
		}
	}
}

func (b *balancer) pick() *backend {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.backends {
		b.next++
		if to := b.backends[b.next%len(b.backends)]; to.ready.Load() {
			return to
		}
	}
	return nil
}

// add watches a replica's readiness until the test ends.
func (b *balancer) add(t *testing.T, url string) {
	t.Helper()
	to := &backend{host: strings.TrimPrefix(url, "http://")}
	b.mu.Lock()
	b.backends = append(b.backends, to)
	b.mu.Unlock()
	ctx, stop := context.WithCancel(context.Background())
	var probing sync.WaitGroup
	probing.Go(func() {
		probe := time.NewTicker(20 * time.Millisecond)
		defer probe.Stop()
		for ; ctx.Err() == nil; <-probe.C {
			to.ready.Store(isReady(ctx, url))
		}
	})
	t.Cleanup(func() { stop(); probing.Wait() })
	await(t, "the balancer sees "+url, to.ready.Load)
}

func (b *balancer) ready(url string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, to := range b.backends {
		if to.host == strings.TrimPrefix(url, "http://") {
			return to.ready.Load()
		}
	}
	return false
}

func isReady(ctx context.Context, url string) bool {
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
