package subscriptiontest

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Failure is how one connection fails: after so many bytes from the server, which
// may end within a frame, it is silent for a while and is then closed.
type Failure struct {
	Bytes int64
	Stall time.Duration
}

// Proxy is a bad network: it passes TCP connections on to a server, and lets them
// fail.
type Proxy struct {
	// Failed counts the connections that have failed.
	Failed atomic.Int64

	listener net.Listener
	running  sync.WaitGroup
	ctx      context.Context //nolint:containedctx // ends what runs, at Close
	stop     context.CancelFunc

	mu       sync.Mutex
	target   string
	failure  func() Failure
	open     context.Context //nolint:containedctx // of the connections that are open, until CloseConnections
	closeAll context.CancelFunc
}

// NewProxy listens on a free port for connections to target, which is host:port.
// Connections don't fail before FailConnections is called.
func NewProxy(target string) (*Proxy, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: listener, target: target}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.open, p.closeAll = context.WithCancel(p.ctx)
	p.running.Go(p.accept)
	return p, nil
}

// URL is where clients connect to.
func (p *Proxy) URL() string { return "http://" + p.listener.Addr().String() }

// SetTarget passes new connections on to another server.
func (p *Proxy) SetTarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// FailConnections lets each new connection fail as the function says; nil lets them
// work.
func (p *Proxy) FailConnections(failure func() Failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failure = failure
}

// CloseConnections closes all connections that are open.
func (p *Proxy) CloseConnections() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeAll()
	p.open, p.closeAll = context.WithCancel(p.ctx)
}

// Close closes all connections and stops listening.
func (p *Proxy) Close() {
	p.CloseConnections()
	p.stop()
	_ = p.listener.Close()
	p.running.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		open, target := p.open, p.target
		var failure *Failure
		if p.failure != nil {
			its := p.failure()
			failure = &its
		}
		p.mu.Unlock()
		p.running.Go(func() { p.pass(open, client, target, failure) })
	}
}

// pass copies both ways until one side leaves, the connection fails, or open ends.
func (p *Proxy) pass(open context.Context, client net.Conn, target string, failure *Failure) {
	defer func() { _ = client.Close() }()
	server, err := (&net.Dialer{}).DialContext(open, "tcp", target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	defer context.AfterFunc(open, func() {
		_ = client.Close()
		_ = server.Close()
	})()
	p.running.Go(func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	})
	if failure == nil {
		_, _ = io.Copy(client, server)
		return
	}
	if _, err := io.CopyN(client, server, failure.Bytes); err != nil {
		return // one side left before
	}
	p.Failed.Add(1)
	select {
	case <-time.After(failure.Stall):
	case <-open.Done():
	}
}
