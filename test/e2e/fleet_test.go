//go:build replicas

package e2e_test

import (
	"bytes"
	"context"
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
	"testing"
	"time"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/storetest"
	"luxbff/server/app"
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
	database := storetest.PostgresURL(t)
	f := &fleet{balancer: newBalancer(t), settings: []string{
		"APP_ENV=production", "PUBLIC_URL=https://luxbff.example.com", "NATS_URL=" + nats, "DATABASE_POOL=3",
	}}
	f.home = apptest.Start(t, func(cfg *app.Config) {
		cfg.DatabaseURL, cfg.TokenKeys, cfg.NATSURL, cfg.DatabasePool = database, processtest.TokenKeys(), nats, 2
	})
	for range 3 {
		b := startCommand(t, f.command(t))
		f.replicas = append(f.replicas, b)
		f.balancer.add(t, b.URL)
	}
	return f
}

// command is the program as the fleet runs it.
func (f *fleet) command(t *testing.T) *exec.Cmd {
	t.Helper()
	c := processtest.Command(t, f.home.App.Config.DatabaseURL)
	c.Env = append(c.Env, f.settings...)
	return c
}

// replace starts another process in the place of one that has ended.
func (f *fleet) replace(t *testing.T, i int) {
	t.Helper()
	again := f.command(t)
	again.Env = append(again.Env, "ADDR="+f.replicas[i].Addr)
	f.replicas[i] = startCommand(t, again)
	testutil.WaitFor(t, "the balancer sees the new process", func() bool { return f.balancer.ready(f.replicas[i].URL) })
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
			to.ready.Store(processtest.Ready(ctx, url))
		}
	})
	t.Cleanup(func() { stop(); probing.Wait() })
	testutil.WaitFor(t, "the balancer sees "+url, to.ready.Load)
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
