// Package pubsub tells whoever watches a root user that something changed. It is
// a bell and carries no news: the watcher reads the database, which is the log,
// so a bell that rings twice does no harm and one that is lost costs at most a
// poll. It imports neither the storage nor a transport.
package pubsub

import (
	"slices"
	"sync"
)

// Hub is the bell of one process. Through its bus it hears what other replicas
// ring, and they hear it.
type Hub struct {
	bus      Bus
	mu       sync.RWMutex
	watchers map[int][]*watcher // slices, because most accounts have one
}

type watcher struct{ wake func() }

// NewHub makes a hub that nobody watches and that has no other replicas.
func NewHub() *Hub { return &Hub{bus: Alone{}, watchers: map[int][]*watcher{}} }

// Join connects the hub to those of other replicas: before anybody watches.
func (h *Hub) Join(bus Bus) { h.bus = bus }

// Watch calls wake after each Ring of the root user until stop is called. Wake
// runs on the ringer's goroutine: it must return at once.
func (h *Hub) Watch(rootUserID int, wake func()) (stop func()) {
	w := &watcher{wake: wake}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.watchers[rootUserID]) == 0 {
		h.bus.Watch(rootUserID)
	}
	h.watchers[rootUserID] = append(h.watchers[rootUserID], w)
	return func() { h.forget(rootUserID, w) }
}

func (h *Hub) forget(rootUserID int, w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.watchers[rootUserID]
	at := slices.Index(of, w)
	if at < 0 {
		return
	}
	h.watchers[rootUserID] = slices.Delete(of, at, at+1)
	if len(of) == 1 {
		delete(h.watchers, rootUserID)
		h.bus.Forget(rootUserID)
	}
}

// Ring wakes all who watch the root user, on this replica and on others.
func (h *Hub) Ring(rootUserID int) {
	h.Wake(rootUserID)
	h.bus.Ring(Feed, rootUserID)
}

// Wake wakes those who watch the root user on this replica.
func (h *Hub) Wake(rootUserID int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, w := range h.watchers[rootUserID] {
		w.wake()
	}
}

// Watched lists the root users that somebody watches.
func (h *Hub) Watched() []int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	ids := make([]int, 0, len(h.watchers))
	for id := range h.watchers {
		ids = append(ids, id)
	}
	return ids
}

// Watchers counts all who watch.
func (h *Hub) Watchers() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	n := 0
	for _, of := range h.watchers {
		n += len(of)
	}
	return n
}
