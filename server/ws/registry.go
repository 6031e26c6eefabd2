package ws

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// RegistryConfig bounds what one user may hold open. A zero bound takes its
// default.
type RegistryConfig struct {
	UserLimit   int           // live connections of one Session.User; 32
	RetrySpread time.Duration // over which Shutdown spreads its retry hints; 5 s
}

// Registry knows every live connection by the keys of its [Session], so that
// ending a session or an account, or stopping the server, ends them too. The
// keys mean nothing to it.
type Registry struct {
	cfg RegistryConfig

	mu       sync.Mutex
	all      map[member]keys
	users    map[string][]member
	stopping bool
	empty    chan struct{} // closed once stopping and nothing is left
}

// member is a live connection: a socket or an HTTP stream.
type member interface {
	finish(e ending)
	abort()
	// stats are what the connection adds to those of its protocol.
	stats() (protocol string, one Stats)
}

// keys are what a member is filed under; empty ones until it is admitted.
type keys struct{ user, session string }

// NewRegistry makes an empty registry. All transports of a server share one.
func NewRegistry(cfg RegistryConfig) *Registry {
	orDefault(&cfg.UserLimit, 32)
	orDefault(&cfg.RetrySpread, 5*time.Second)
	return &Registry{
		cfg: cfg, all: map[member]keys{},
		users: map[string][]member{}, empty: make(chan struct{}),
	}
}

// CloseSession ends the connections of one session of a user: a socket with 4403
// and the detail of the fault, a stream with the error.
func (g *Registry) CloseSession(user, id string, cause error) {
	g.close(user, cause, func(k keys) bool { return k.session == id })
}

// CloseUser ends all connections of one user as CloseSession does.
func (g *Registry) CloseUser(user string, cause error) {
	g.close(user, cause, func(keys) bool { return true })
}

// Sessions lists, for each user with live connections, the sessions they are of.
func (g *Registry) Sessions() map[string][]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	open := make(map[string][]string, len(g.users))
	for user, members := range g.users {
		for _, m := range members {
			if id := g.all[m].session; !slices.Contains(open[user], id) {
				open[user] = append(open[user], id)
			}
		}
	}
	return open
}

// Len counts the live connections.
func (g *Registry) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.all)
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

// Stats tells of every protocol that a live connection speaks.
func (g *Registry) Stats() map[string]Stats {
	all := map[string]Stats{}
	for _, m := range g.members() {
		protocol, one := m.stats()
		sum := all[protocol]
		sum.Connections += one.Connections
		sum.QueuedBytes += one.QueuedBytes
		sum.PendingResponses += one.PendingResponses
		all[protocol] = sum
	}
	return all
}

// Shutdown lets nobody in any more and closes every connection with 1001. The
// reason is "Restarting, retry in N ms", N spread evenly over RetrySpread, so
// that the clients don't all return at once. It waits until they are gone; when
// ctx ends first, the rest are cut and its error is given.
func (g *Registry) Shutdown(ctx context.Context) error {
	members := g.stop()
	for i, m := range members {
		hint := g.cfg.RetrySpread * time.Duration(i+1) / time.Duration(len(members))
		m.finish(goingAway(hint))
	}
	select {
	case <-g.empty:
		return nil
	case <-ctx.Done():
	}
	return g.cut(ctx.Err())
}

// cut ends what didn't end by itself. The error is nil if nothing was left.
func (g *Registry) cut(reason error) error {
	members := g.stop()
	if len(members) == 0 {
		return nil
	}
	for _, m := range members {
		m.abort()
	}
	select {
	case <-g.empty: // a connection that is cut ends at once
	case <-time.After(time.Second):
	}
	return reason
}

func (g *Registry) stop() []member {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.stopping {
		g.stopping = true
		g.checkEmpty()
	}
	return g.list()
}

func (g *Registry) members() []member {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.list()
}

// list needs the mutex.
func (g *Registry) list() []member { return slices.Collect(maps.Keys(g.all)) }

// checkEmpty needs the mutex.
func (g *Registry) checkEmpty() {
	if g.stopping && len(g.all) == 0 {
		select {
		case <-g.empty:
		default:
			close(g.empty)
		}
	}
}

func (g *Registry) draining() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stopping
}

// enter counts a connection whose session isn't known yet. In a registry that is
// shut down it counts all the same until it exits, but is finished at once.
func (g *Registry) enter(m member) {
	g.mu.Lock()
	g.all[m] = keys{}
	late := g.stopping
	g.mu.Unlock()
	if late {
		m.finish(goingAway(g.cfg.RetrySpread))
	}
}

// admit files a connection under its keys. It is false at the user's limit. One
// that has left already is not filed.
func (g *Registry) admit(m member, k keys) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.users[k.user]) >= g.cfg.UserLimit {
		return false
	}
	if _, in := g.all[m]; in && k.user != "" {
		g.all[m] = k
		g.users[k.user] = append(g.users[k.user], m)
	}
	return true
}

// move files a connection under another session of the same user.
func (g *Registry) move(m member, session string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if k, in := g.all[m]; in {
		g.all[m] = keys{k.user, session}
	}
}

func (g *Registry) exit(m member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	user := g.all[m].user
	delete(g.all, m)
	left := slices.DeleteFunc(g.users[user], func(other member) bool { return other == m })
	if len(left) == 0 {
		delete(g.users, user)
	} else {
		g.users[user] = left
	}
	g.checkEmpty()
}

func (g *Registry) close(user string, cause error, which func(keys) bool) {
	for _, m := range g.of(user, which) {
		m.finish(refusal(cause))
	}
}

func (g *Registry) of(user string, which func(keys) bool) []member {
	g.mu.Lock()
	defer g.mu.Unlock()
	var found []member
	for _, m := range g.users[user] {
		if which(g.all[m]) {
			found = append(found, m)
		}
	}
	return found
}
