// Package clustertest holds what tests of several replicas share: a load balancer, and
// the phones of families that upload and follow their feed through it. It is for tests
// alone, knows the program by its protocols only, and imports nothing of it.
package clustertest

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
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/processtest"
)

// Balancer passes each request to the next replica that is ready. It tries another
// one if a replica doesn't accept the connection; any other failure it leaves to the
// client, as most load balancers do.
type Balancer struct {
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

// NewBalancer starts a balancer without replicas, which ends with the test.
func NewBalancer(t testing.TB) *Balancer {
	t.Helper()
	b := &Balancer{transport: &http.Transport{MaxIdleConnsPerHost: 64}}
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
func (b *Balancer) serve(w http.ResponseWriter, r *http.Request) {
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
func (b *Balancer) RoundTrip(r *http.Request) (*http.Response, error) {
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

func (b *Balancer) pick() *backend {
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

// Add makes the balancer probe a replica's readiness until the test ends.
func (b *Balancer) Add(t testing.TB, url string) {
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

// IsReady reports whether the balancer has found the replica at the URL ready.
func (b *Balancer) IsReady(url string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, to := range b.backends {
		if to.host == strings.TrimPrefix(url, "http://") {
			return to.ready.Load()
		}
	}
	return false
}
