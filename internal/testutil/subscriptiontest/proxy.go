package subscriptiontest

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Fate is what happens to one connection: so many bytes from the server pass,
// which may end within a frame, then nothing more does for a while, and then the
// line is cut.
type Fate struct {
	Bytes int64
	Stall time.Duration
}

// Proxy is a bad network: it passes TCP connections on to a server, each to its
// fate.
type Proxy struct {
	// Cuts counts the connections that met their fate.
	Cuts atomic.Int64

	listener net.Listener
	running  sync.WaitGroup
	ctx      context.Context //nolint:containedctx // ends what runs, at Close
	stop     context.CancelFunc

	mu     sync.Mutex
	target string
	fate   func() Fate
	cut    context.Context //nolint:containedctx // ends the lines that there are, at Cut
	cutAll context.CancelFunc
}

// NewProxy listens on a free port for connections to target, host:port. Until
// Doom is called they are left alone.
func NewProxy(target string) (*Proxy, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: listener, target: target}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.cut, p.cutAll = context.WithCancel(p.ctx)
	p.running.Go(p.accept)
	return p, nil
}

// URL is where clients connect to.
func (p *Proxy) URL() string { return "http://" + p.listener.Addr().String() }

// Direct passes new connections on to another server.
func (p *Proxy) Direct(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Doom gives each new connection a fate; nil leaves them alone.
func (p *Proxy) Doom(fate func() Fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fate = fate
}

// Cut cuts the lines that there are.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutAll()
	p.cut, p.cutAll = context.WithCancel(p.ctx)
}

// Close cuts everything.
func (p *Proxy) Close() {
	p.Cut()
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
		cut, target, doomed := p.cut, p.target, p.fate != nil
		var fate Fate
		if doomed {
			fate = p.fate()
		}
		p.mu.Unlock()
		p.running.Go(func() { p.pass(cut, client, target, doomed, fate) })
	}
}

func (p *Proxy) pass(cut context.Context, client net.Conn, target string, doomed bool, fate Fate) {
	defer func() { _ = client.Close() }()
	server, err := (&net.Dialer{}).DialContext(cut, "tcp", target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	defer context.AfterFunc(cut, func() {
		_ = client.Close()
		_ = server.Close()
	})()
	p.running.Go(func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	})
	if !doomed {
		_, _ = io.Copy(client, server)
		return
	}
	if _, err := io.CopyN(client, server, fate.Bytes); err != nil {
		return // one of the two left before
	}
	p.Cuts.Add(1)
	select {
	case <-time.After(fate.Stall):
	case <-cut.Done():
	}
}
