package gqlws

import (
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"

	"luxbff/internal/pubsub"
)

// ackTracker finds out which values a client has received, for the subscriptions
// that want to know. A value counts as received when the client answers a ping that
// was queued behind it: frames arrive in their order, and clients answer in that
// order. It numbers the pings of a socket: the messages of the newer protocol, and
// the frames of the older one.
type ackTracker struct {
	socket *socket

	mu sync.Mutex
	// pinged is the number of the last ping, ponged of the last that was answered.
	pinged, ponged uint32
	// numbered says that this client sends our payload back, as most do: then pongs
	// without one count for nothing.
	numbered bool
	closed   bool
	// unacked is nil while all that was sent has been acknowledged.
	unacked *unacked
}

type unacked struct {
	unpinged []sentValue // sent since the last ping, of each operation the last
	count    int         // of the values sent since then
	pings    []ackPing   // on their way, oldest first
	timer    *time.Timer
}

// sentValue is a value of which its subscription wants to know that it arrived.
type sentValue struct {
	operation *operation
	pubsub.Delivery
}

// ackPing is a ping on its way, and the values sent between it and the one before,
// of each operation the last.
type ackPing struct {
	number uint32
	values []sentValue
}

const (
	// maxAckPings bounds what a client that answers no ping makes us remember.
	maxAckPings = 8
	// maxUnpinged values are asked for at once and not after a delay: a phone whose
	// connections never last for long still gets on.
	maxUnpinged = 16
)

// track notes a value that was queued, and has a ping follow soon after.
func (a *ackTracker) track(v sentValue) {
	if v.Ack == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	if a.unacked == nil {
		a.unacked = &unacked{}
	}
	u := a.unacked
	u.unpinged = append(slices.DeleteFunc(u.unpinged, func(older sentValue) bool { return older.operation == v.operation }), v)
	u.count++
	if u.count >= maxUnpinged && len(u.pings) < maxAckPings {
		a.sendPing()
		return
	}
	a.schedulePing()
}

// schedulePing needs the mutex.
func (a *ackTracker) schedulePing() {
	u := a.unacked
	if u.timer == nil && len(u.unpinged) > 0 && len(u.pings) < maxAckPings {
		u.timer = time.AfterFunc(a.socket.cfg.AckDelay, a.onTimer)
	}
}

func (a *ackTracker) onTimer() {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.unacked
	if a.closed || u == nil {
		return
	}
	u.timer = nil
	if len(u.unpinged) > 0 {
		a.sendPing()
	}
}

// sendPing needs the mutex, under which pings are queued in the order of their
// numbers.
func (a *ackTracker) sendPing() {
	u := a.unacked
	a.pinged++
	u.pings = append(u.pings, ackPing{a.pinged, u.unpinged})
	u.unpinged, u.count = nil, 0
	a.socket.outbox.pushAlways(a.socket.protocol.ackPing(a.pinged))
}

// countPing counts a keep-alive, whose pong has no number.
func (a *ackTracker) countPing() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pinged++
}

// handlePong takes the payload of a pong message. One without our number is the
// answer to the oldest ping that has none.
func (a *ackTracker) handlePong(payload json.RawMessage) error {
	fields, err := decodeObject(payload)
	if err != nil {
		return err
	}
	number, ok := fields["number"].(float64)
	a.mu.Lock()
	switch {
	case ok && number >= 0 && number <= float64(a.pinged):
		a.numbered = true
		a.ponged = max(a.ponged, uint32(number))
	case !ok && !a.numbered && a.ponged < a.pinged:
		a.ponged++
	}
	a.mu.Unlock()
	a.acknowledge()
	return nil
}

// handlePongFrame takes the answer to a ping frame, which always carries its data.
func (a *ackTracker) handlePongFrame(payload []byte) {
	number, err := strconv.ParseUint(string(payload), 10, 32)
	if err != nil || !a.socket.protocol.legacy {
		return
	}
	a.mu.Lock()
	if uint32(number) <= a.pinged {
		a.ponged = max(a.ponged, uint32(number))
	}
	a.mu.Unlock()
	a.acknowledge()
}

// acknowledge notifies the subscriptions of what has arrived. It calls them without
// the mutex, because they may send meanwhile.
func (a *ackTracker) acknowledge() {
	for _, v := range a.takeArrived() {
		v.Ack(v.Cursor)
	}
}

func (a *ackTracker) takeArrived() []sentValue {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.unacked
	if u == nil {
		return nil
	}
	var arrived []sentValue
	for len(u.pings) > 0 && u.pings[0].number <= a.ponged {
		arrived = append(arrived, u.pings[0].values...)
		u.pings = u.pings[1:]
	}
	if len(u.pings) == 0 && len(u.unpinged) == 0 {
		a.unacked = nil
		return arrived
	}
	a.schedulePing()
	return arrived
}

// close forgets what was not acknowledged.
func (a *ackTracker) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.unacked != nil && a.unacked.timer != nil {
		a.unacked.timer.Stop()
	}
	a.unacked = nil
}
