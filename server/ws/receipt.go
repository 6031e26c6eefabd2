package ws

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/gorilla/websocket"

	"luxbff/internal/pubsub"
)

// A value counts as received when the client answers a ping that was queued
// behind it: frames arrive in their order, and clients answer in that order.

// receipt is a value of which its subscription wants to know that it came.
type receipt struct {
	of *operation
	pubsub.Delivery
}

// question is a ping on its way, and the values sent between it and the one
// before, of each operation the last.
type question struct {
	number uint32
	values []receipt
}

const (
	// mostQuestions bounds what a client that answers no ping makes us remember.
	mostQuestions = 8
	// mostUnasked values are asked of at once: a phone whose lines never last for
	// long still gets on.
	mostUnasked = 16
)

// pings counts the pings of a socket, under the socket's mutex, by the messages
// of the newer protocol and by the frames of the older one.
type pings struct {
	pinged, ponged uint32
	// numbered says that this client sends our payload back, as most do: then
	// pongs without one count for nothing.
	numbered bool
	// unconfirmed is nil while all that was sent has been confirmed.
	unconfirmed *unconfirmed
}

type unconfirmed struct {
	fresh []receipt  // sent since the last ping, of each operation the last
	count int        // of the values sent since then
	asked []question // oldest first
	timer *time.Timer
}

// await notes a value that was queued, and has a ping follow soon after.
func (s *socket) await(r receipt) {
	if r.Ack == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == phaseClosed {
		return
	}
	if s.unconfirmed == nil {
		s.unconfirmed = &unconfirmed{}
	}
	s.unconfirmed.fresh = append(slices.DeleteFunc(s.unconfirmed.fresh, func(older receipt) bool { return older.of == r.of }), r)
	s.unconfirmed.count++
	if s.unconfirmed.count >= mostUnasked && len(s.unconfirmed.asked) < mostQuestions {
		s.askNow()
		return
	}
	s.askSoon()
}

// askSoon needs the mutex.
func (s *socket) askSoon() {
	u := s.unconfirmed
	if u.timer == nil && len(u.fresh) > 0 && len(u.asked) < mostQuestions {
		u.timer = time.AfterFunc(s.t.cfg.ReceiptDelay, s.ask)
	}
}

// ask is askNow for the timer.
func (s *socket) ask() {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.unconfirmed
	if s.phase == phaseClosed || u == nil {
		return
	}
	u.timer = nil
	if len(u.fresh) > 0 {
		s.askNow()
	}
}

// askNow needs the mutex. It sends a ping behind the values that nothing was
// asked of yet.
func (s *socket) askNow() {
	u := s.unconfirmed
	s.pinged++
	u.asked = append(u.asked, question{s.pinged, u.fresh})
	u.fresh, u.count = nil, 0
	s.append(s.proto.question(s.pinged))
}

// keepAlive shows a silent client that we are there, and has it show the same.
func (s *socket) keepAlive() {
	s.mu.Lock()
	if !s.proto.legacy {
		s.pinged++
	}
	s.mu.Unlock()
	s.push(websocket.TextMessage, s.proto.keepAlive)
	s.push(websocket.PingMessage, nil)
}

// pong takes the answer to a ping message. One without our number is the answer
// to the oldest ping that has none.
func (s *socket) pong(payload json.RawMessage) {
	fields, err := object(payload)
	if err != nil {
		s.malformed(err)
		return
	}
	number, ok := fields["number"].(float64)
	s.mu.Lock()
	switch {
	case ok && number >= 0 && number <= float64(s.pinged):
		s.numbered = true
		s.ponged = max(s.ponged, uint32(number))
	case !ok && !s.numbered && s.ponged < s.pinged:
		s.ponged++
	}
	s.mu.Unlock()
	s.confirm()
}

// pongFrame takes the answer to a ping frame, which always carries its data.
func (s *socket) pongFrame(text string) {
	number, err := strconv.ParseUint(text, 10, 32)
	if err != nil || !s.proto.legacy {
		return
	}
	s.mu.Lock()
	if uint32(number) <= s.pinged {
		s.ponged = max(s.ponged, uint32(number))
	}
	s.mu.Unlock()
	s.confirm()
}

// confirm tells the subscriptions what has arrived.
func (s *socket) confirm() {
	for _, r := range s.arrived() {
		r.Ack(r.Cursor)
	}
}

func (s *socket) arrived() []receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.unconfirmed
	if u == nil {
		return nil
	}
	var arrived []receipt
	for len(u.asked) > 0 && u.asked[0].number <= s.ponged {
		arrived = append(arrived, u.asked[0].values...)
		u.asked = u.asked[1:]
	}
	if len(u.asked) == 0 && len(u.fresh) == 0 {
		s.unconfirmed = nil
		return arrived
	}
	s.askSoon()
	return arrived
}

// stop needs the mutex.
func (p *pings) stop() {
	if p.unconfirmed != nil && p.unconfirmed.timer != nil {
		p.unconfirmed.timer.Stop()
	}
	p.unconfirmed = nil
}
