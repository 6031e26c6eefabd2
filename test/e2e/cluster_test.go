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

// cluster is three equal replicas in production, processes of their own, on one
// PostgreSQL and one NATS, behind a load balancer.
type cluster struct {
	settings []string
	replicas []*server
	balancer *balancer
	// home is one more replica, inside the test and in development. It has senders of
	// messages, so that accounts can sign up there and codes can be read.
	home *apptest.Server
}

// startCluster starts a cluster on the NATS server at the URL, or on the one that
// .ci/run has started if the URL is empty.
func startCluster(t *testing.T, nats string) *cluster {
	t.Helper()
	if nats == "" {
		nats = os.Getenv("LUXBFF_TEST_NATS_URL")
	}
	database := storetest.PostgresURL(t)
	c := &cluster{balancer: newBalancer(t), settings: []string{
		"APP_ENV=production", "PUBLIC_URL=https://luxbff.example.com", "NATS_URL=" + nats, "DATABASE_POOL=3",
	}}
	c.home = apptest.Start(t, func(cfg *app.Config) {
		cfg.DatabaseURL, cfg.TokenKeys, cfg.NATSURL, cfg.DatabasePool = database, processtest.TokenKeys(), nats, 2
	})
	for range 3 {
		replica := start(t, c.command(t))
		c.replicas = append(c.replicas, replica)
		c.balancer.add(t, replica.URL)
	}
	return c
}

// command runs the program with the settings of a replica.
func (c *cluster) command(t *testing.T) *exec.Cmd {
	t.Helper()
	serve := processtest.Command(t, c.home.App.Config.DatabaseURL)
	serve.Env = append(serve.Env, c.settings...)
	return serve
}

// replace starts another process at the address of a replica that has ended.
func (c *cluster) replace(t *testing.T, i int) {
	t.Helper()
	serve := c.command(t)
	serve.Env = append(serve.Env, "ADDR="+c.replicas[i].Addr)
	c.replicas[i] = start(t, serve)
	testutil.WaitFor(t, "the balancer sees the new process", func() bool { return c.balancer.ready(c.replicas[i].URL) })
}

// balancer passes each request to the next replica that is ready. It tries another
// one if a replica doesn't accept the connection; any other failure it leaves to the
// client, as most load balancers do.
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

// serve keeps the body, so that it can be sent to a second replica.
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

var errNoReplicaReady = errors.New("no replica is ready")

// RoundTrip sends the request to the next ready replica that takes it.
func (b *balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	for {
		to := b.pick()
		if to == nil {
			return nil, errNoReplicaReady
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

// add makes the balancer probe a replica's readiness until the test ends.
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
