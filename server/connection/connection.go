// Package connection bounds what one client can hold of a server with TCP: how many
// connections, and how long each of them while it reads nothing. It knows nothing of
// HTTP beyond what a request says of its client's address, and nothing of the domain.
package connection

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"luxbff/internal/ratelimit"
)

// Limits are the bounds of a listener.
type Limits struct {
	// Total is how many connections may be open at once.
	Total int
	// PerClient is how many of them one address may hold; of IPv6, one /64 network.
	PerClient int
	// IsProxy names the peers whose connections are those of many clients, so that only
	// Total counts for them; a peer without an address is an invalid one. Nil means none.
	IsProxy func(netip.Addr) bool
	// WriteTimeout is how long the peer may take to read the next piece of an answer. An
	// answer as a whole may take as long as it needs.
	WriteTimeout time.Duration
	// CountRefused is called for each connection that is closed at once; nil counts none.
	CountRefused func()
}

// pieceSize is what the peer has to read within Limits.WriteTimeout, in bytes. With 30
// seconds that is slower than the slowest mobile network.
const pieceSize = 16 << 10

// Listener accepts connections within its limits. A connection beyond them is closed at
// once: it has not said yet what it wants, so nothing can be answered.
type Listener struct {
	net.Listener

	limits Limits

	mu      sync.Mutex
	open    int
	clients Counter
}

// Listen bounds the connections of a listener.
func Listen(listener net.Listener, limits Limits) *Listener {
	return &Listener{Listener: listener, limits: limits, clients: Counter{limit: limits.PerClient}}
}

// Open is how many connections are open.
func (l *Listener) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c, ok := l.admit(accepted); ok {
			return c, nil
		}
		if l.limits.CountRefused != nil {
			l.limits.CountRefused()
		}
		_ = accepted.Close()
	}
}

func (l *Listener) admit(accepted net.Conn) (net.Conn, bool) {
	var client netip.Addr
	if peer, ok := accepted.RemoteAddr().(*net.TCPAddr); ok {
		client = peer.AddrPort().Addr().Unmap()
	}
	isProxy := l.limits.IsProxy != nil && l.limits.IsProxy(client)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= l.limits.Total {
		return nil, false
	}
	c := &conn{Conn: accepted, listener: l}
	if !isProxy {
		held, ok := l.clients.Take(client)
		if !ok {
			return nil, false
		}
		c.held = held
	}
	l.open++
	return c, true
}

// conn is one connection. Whoever sets a write deadline, as sockets and streams do before
// each frame and event, has it renewed for each further piece of what is then written;
// until somebody does, and after it was taken away, the listener's applies.
type conn struct {
	net.Conn

	listener *Listener
	held     *Held
	closed   atomic.Bool

	mu  sync.Mutex
	own bool
	// timeout is how far off the deadline was when it was set.
	timeout time.Duration
}

// Write implements net.Conn.
func (c *conn) Write(data []byte) (written int, err error) {
	for {
		piece := data[written:min(written+pieceSize, len(data))]
		if err := c.renewDeadline(written == 0); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(piece)
		written += n
		if err != nil || written == len(data) {
			return written, err
		}
	}
}

// renewDeadline leaves alone a deadline that was just set, and one that has passed: by
// that, somebody ends a write that is under way.
func (c *conn) renewDeadline(isFirst bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	timeout := c.listener.limits.WriteTimeout
	if c.own {
		if isFirst || c.timeout <= 0 {
			return nil
		}
		timeout = c.timeout
	}
	return c.Conn.SetWriteDeadline(time.Now().Add(timeout)) //nolint:forbidigo // net.Conn deadlines are wall time
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remember(t)
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remember(t)
	return c.Conn.SetDeadline(t)
}

// remember needs the mutex.
func (c *conn) remember(t time.Time) {
	c.own, c.timeout = !t.IsZero(), 0
	if c.own {
		c.timeout = time.Until(t) //nolint:forbidigo // as above
	}
}

// Close implements net.Conn.
func (c *conn) Close() error {
	if !c.closed.Swap(true) {
		c.listener.mu.Lock()
		c.listener.open--
		c.listener.mu.Unlock()
		c.held.Release()
	}
	return c.Conn.Close()
}

// Counter counts what each client holds. The zero Counter lets nothing through.
type Counter struct {
	limit int

	mu   sync.Mutex
	held map[netip.Addr]int
}

// NewCounter makes a Counter by which a client holds at most limit at once.
func NewCounter(limit int) *Counter { return &Counter{limit: limit} }

// Take counts one more for a client, and is false where it has as many as it may have.
// All whose address is not known, and is invalid here, count as one.
func (c *Counter) Take(address netip.Addr) (*Held, bool) {
	client := ratelimit.Client(address)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[client] >= c.limit {
		return nil, false
	}
	if c.held == nil {
		c.held = map[netip.Addr]int{}
	}
	c.held[client]++
	return &Held{counter: c, client: client}, true
}

// Clients is how many clients hold anything.
func (c *Counter) Clients() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.held)
}

// Held is one that was taken from a Counter. A nil Held stands for none.
type Held struct {
	counter  *Counter
	client   netip.Addr
	released atomic.Bool
}

// Release gives it back. Only the first call counts.
func (h *Held) Release() {
	if h == nil || h.released.Swap(true) {
		return
	}
	h.counter.mu.Lock()
	defer h.counter.mu.Unlock()
	if h.counter.held[h.client]--; h.counter.held[h.client] <= 0 {
		delete(h.counter.held, h.client)
	}
}
