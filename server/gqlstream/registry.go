package gqlstream

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// RegistryConfig bounds what one account may hold open. A zero bound takes its
// default.
type RegistryConfig struct {
	AccountLimit int           // live connections of one account; 32
	RetrySpread  time.Duration // over which Shutdown spreads its retry hints; 5 s
}

// Connection is a live connection: a socket or a stream over HTTP.
type Connection interface {
	// Close ends the subscriptions of the connection at once, and the connection
	// itself after what is queued for it and the answers of its running queries and
	// mutations: one of them may be the reason, as a mutation that ends its own
	// session. It lets the client know why. It does not wait. Only the first reason
	// counts.
	Close(reason CloseReason)
	// Abort cuts the connection without a word.
	Abort()
	// Stats are what the connection adds to those of its protocol.
	Stats() (protocol string, stats Stats)
}

// Connections is a [Registry] as the transports see it, for whom the types of its
// keys make no difference.
type Connections interface {
	// Draining reports whether the server stops and takes no connection any more.
	Draining() bool
	// Add counts a connection whose session isn't known yet. A registry that is
	// shut down counts it all the same until it is removed, but closes it at once.
	Add(c Connection)
	// Remove forgets a connection that has ended.
	Remove(c Connection)
}

// Key files a connection under an account and one of its sessions. Only
// [Registry.Key] makes one; transports hand it back through [Session].
type Key interface {
	admit(c Connection) bool
	move(c Connection)
	sameAccount(other Key) bool
}

// Admit files the connection under the session's key. It is false where the account
// has as many connections as it may have.
func (s Session) Admit(c Connection) bool { return s.Key == nil || s.Key.admit(c) }

// Move files an admitted connection under this session instead of the one it was
// admitted with, which was of the same account.
func (s Session) Move(c Connection) {
	if s.Key != nil {
		s.Key.move(c)
	}
}

// SameAccount reports whether both sessions are of one account.
func (s Session) SameAccount(other Session) bool {
	if s.Key == nil || other.Key == nil {
		return s.Key == nil && other.Key == nil
	}
	return s.Key.sameAccount(other.Key)
}

// Registry knows every live connection, and those that were admitted by account and
// session, so that ending a session or an account, or stopping the server, ends
// them too. What identifies an account and a session is the caller's: any
// comparable types will do.
type Registry[Account, SessionID comparable] struct {
	cfg RegistryConfig

	mu sync.Mutex
	// keys holds nil for a connection that wasn't admitted.
	keys     map[Connection]*key[Account, SessionID]
	accounts map[Account][]Connection
	draining bool
	drained  chan struct{} // closed once draining and nothing is left
}

var _ Connections = (*Registry[int, int])(nil)

// key is a pointer wherever it is kept, so that the session and the registry hold
// it once.
type key[Account, SessionID comparable] struct {
	registry *Registry[Account, SessionID]
	account  Account
	session  SessionID
}

// NewRegistry makes an empty registry. All transports of a server share one.
func NewRegistry[Account, SessionID comparable](cfg RegistryConfig) *Registry[Account, SessionID] {
	if cfg.AccountLimit == 0 {
		cfg.AccountLimit = 32
	}
	if cfg.RetrySpread == 0 {
		cfg.RetrySpread = 5 * time.Second
	}
	return &Registry[Account, SessionID]{
		cfg: cfg, keys: map[Connection]*key[Account, SessionID]{},
		accounts: map[Account][]Connection{}, drained: make(chan struct{}),
	}
}

// Key is for [Session]: the account and the session under which a connection is
// found.
func (r *Registry[Account, SessionID]) Key(account Account, session SessionID) Key {
	return &key[Account, SessionID]{r, account, session}
}

func (k *key[Account, SessionID]) admit(c Connection) bool {
	r := k.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.accounts[k.account]) >= r.cfg.AccountLimit {
		return false
	}
	// A client may have left while Init ran: then nobody would remove it any more.
	if _, connected := r.keys[c]; connected {
		r.keys[c] = k
		r.accounts[k.account] = append(r.accounts[k.account], c)
	}
	return true
}

func (k *key[Account, SessionID]) move(c Connection) {
	r := k.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	if before := r.keys[c]; before != nil && before.account == k.account {
		r.keys[c] = k
	}
}

func (k *key[Account, SessionID]) sameAccount(other Key) bool {
	o, ok := other.(*key[Account, SessionID])
	return ok && o.account == k.account
}

// CloseSession ends the connections of one session of an account: a socket by the
// code of [ReasonFor], a stream by the error.
func (r *Registry[Account, SessionID]) CloseSession(account Account, session SessionID, cause error) {
	r.closeWhere(account, cause, func(k *key[Account, SessionID]) bool { return k.session == session })
}

// CloseAccount ends all connections of an account as CloseSession does.
func (r *Registry[Account, SessionID]) CloseAccount(account Account, cause error) {
	r.closeWhere(account, cause, func(*key[Account, SessionID]) bool { return true })
}

func (r *Registry[Account, SessionID]) closeWhere(
	account Account, cause error, matches func(*key[Account, SessionID]) bool,
) {
	r.mu.Lock()
	var found []Connection
	for _, c := range r.accounts[account] {
		if matches(r.keys[c]) {
			found = append(found, c)
		}
	}
	r.mu.Unlock()
	// Without the mutex, because a connection that closes may remove itself.
	for _, c := range found {
		c.Close(ReasonFor(cause))
	}
}

// Sessions lists, for each account with live connections, the sessions they are of.
func (r *Registry[Account, SessionID]) Sessions() map[Account][]SessionID {
	r.mu.Lock()
	defer r.mu.Unlock()
	open := make(map[Account][]SessionID, len(r.accounts))
	for account, connections := range r.accounts {
		for _, c := range connections {
			if session := r.keys[c].session; !slices.Contains(open[account], session) {
				open[account] = append(open[account], session)
			}
		}
	}
	return open
}

// Len counts the live connections.
func (r *Registry[Account, SessionID]) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.keys)
}

// Stats are the live connections of one protocol.
type Stats struct {
	Connections int
	// QueuedBytes is what waits to be written to sockets.
	QueuedBytes int
	// PendingResponses is how many responses sockets still wait for: operations
	// that begin or run, and events of a feed that were not yet put into the queue.
	PendingResponses int
}

// Stats gives those of every protocol that a live connection speaks.
func (r *Registry[Account, SessionID]) Stats() map[string]Stats {
	all := map[string]Stats{}
	for _, c := range r.connections() {
		protocol, stats := c.Stats()
		sum := all[protocol]
		sum.Connections += stats.Connections
		sum.QueuedBytes += stats.QueuedBytes
		sum.PendingResponses += stats.PendingResponses
		all[protocol] = sum
	}
	return all
}

// Shutdown takes no connection any more and closes every one with 1001. The reason
// is "Restarting, retry in N ms", N spread evenly over RetrySpread, so that the
// clients don't all return at once. It waits until they are gone; when ctx ends
// first, the rest are cut and its error is given.
func (r *Registry[Account, SessionID]) Shutdown(ctx context.Context) error {
	r.startDraining()
	connections := r.connections()
	for i, c := range connections {
		c.Close(goingAway(r.cfg.RetrySpread * time.Duration(i+1) / time.Duration(len(connections))))
	}
	select {
	case <-r.drained:
		return nil
	case <-ctx.Done():
	}
	rest := r.connections()
	if len(rest) == 0 {
		return nil
	}
	for _, c := range rest {
		c.Abort()
	}
	select {
	case <-r.drained: // a connection that is cut ends at once
	case <-time.After(time.Second):
	}
	return ctx.Err()
}

func (r *Registry[Account, SessionID]) startDraining() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.draining = true
	r.closeDrainedIfEmpty()
}

// Draining implements [Connections].
func (r *Registry[Account, SessionID]) Draining() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.draining
}

// Add implements [Connections].
func (r *Registry[Account, SessionID]) Add(c Connection) {
	r.mu.Lock()
	r.keys[c] = nil
	draining := r.draining
	r.mu.Unlock()
	if draining {
		c.Close(goingAway(r.cfg.RetrySpread))
	}
}

// Remove implements [Connections].
func (r *Registry[Account, SessionID]) Remove(c Connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.keys[c]; k != nil {
		left := slices.DeleteFunc(r.accounts[k.account], func(other Connection) bool { return other == c })
		r.accounts[k.account] = left
		if len(left) == 0 {
			delete(r.accounts, k.account)
		}
	}
	delete(r.keys, c)
	r.closeDrainedIfEmpty()
}

// closeDrainedIfEmpty needs the mutex.
func (r *Registry[Account, SessionID]) closeDrainedIfEmpty() {
	if !r.draining || len(r.keys) > 0 {
		return
	}
	select {
	case <-r.drained: // closed already: Shutdown may be called twice
	default:
		close(r.drained)
	}
}

func (r *Registry[Account, SessionID]) connections() []Connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.keys))
}
