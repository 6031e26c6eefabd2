// Package pubsub notifies subscribers that something has changed for a root user.
// A notification carries no data: its receiver reads the database, which is the log.
// So one that comes twice does no harm, and one that is lost costs at most a poll.
//
// A [Hub] notifies within the process, a [Bus] between replicas, and a
// [Subscription] connects a feed with the transport that serves it. The package
// imports neither the storage nor a transport.
package pubsub

import (
	"slices"
	"sync"
)

// Hub notifies the subscribers of one process of one topic. Through its bus it notifies the
// other replicas as well.
type Hub struct {
	topic Topic
	bus   Bus

	mu          sync.RWMutex
	subscribers map[int][]*subscriber // slices, because most accounts have one
}

type subscriber struct{ notify func() }

// NewHub makes a hub without subscribers, for a program that has no other replicas.
func NewHub(topic Topic) *Hub {
	return &Hub{topic: topic, bus: InProcess{}, subscribers: map[int][]*subscriber{}}
}

// UseBus connects the hub to those of other replicas. It must be called before
// anybody subscribes.
func (h *Hub) UseBus(bus Bus) { h.bus = bus }

// Subscribe calls notify for each notification of the root user until unsubscribe is
// called. It runs on the goroutine that notifies, which has just committed a write:
// so it must return at once.
func (h *Hub) Subscribe(rootUserID int, notify func()) (unsubscribe func()) {
	s := &subscriber{notify: notify}
	h.mu.Lock()
	defer h.mu.Unlock()
	// Under the lock, so that the bus sees the first subscriber and the last one leave
	// in their order.
	if len(h.subscribers[rootUserID]) == 0 {
		h.bus.Subscribe(h.topic, rootUserID)
	}
	h.subscribers[rootUserID] = append(h.subscribers[rootUserID], s)
	return func() { h.remove(rootUserID, s) }
}

// remove does nothing for a subscriber that is removed already.
func (h *Hub) remove(rootUserID int, s *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	subscribers := h.subscribers[rootUserID]
	i := slices.Index(subscribers, s)
	if i < 0 {
		return
	}
	if len(subscribers) > 1 {
		h.subscribers[rootUserID] = slices.Delete(subscribers, i, i+1)
		return
	}
	delete(h.subscribers, rootUserID)
	h.bus.Unsubscribe(h.topic, rootUserID)
}

// Notify notifies all subscribers of the root user, on this replica and on the others.
func (h *Hub) Notify(rootUserID int) {
	h.NotifyLocal(rootUserID)
	h.bus.Notify(h.topic, rootUserID)
}

// NotifyLocal notifies the subscribers on this replica alone: for what another
// replica has notified of, and for what a poll has found.
func (h *Hub) NotifyLocal(rootUserID int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, s := range h.subscribers[rootUserID] {
		s.notify()
	}
}

// Subscribers counts the subscribers of all root users.
func (h *Hub) Subscribers() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	n := 0
	for _, subscribers := range h.subscribers {
		n += len(subscribers)
	}
	return n
}
