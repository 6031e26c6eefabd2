package ws

import (
	"time"

	"github.com/gorilla/websocket"
)

// outbox is the writing half of a socket, under the socket's mutex: frames in
// the order in which they go out, one goroutine while there are any, and the
// close frame after them.
type outbox struct {
	queue    []outgoing
	queued   int // bytes, the frame on its way included
	writing  bool
	farewell []byte        // the close frame, once there is to be one
	room     chan struct{} // closed when a frame has gone; nil if nobody waits
}

type outgoing struct {
	kind int
	data []byte
}

// push queues a frame without waiting: what the engine itself has to say. A
// peer that makes us queue twice the limit that way is a slow reader.
func (s *socket) push(kind int, data []byte) {
	s.mu.Lock()
	full := s.queued > 2*s.t.cfg.QueueLimit
	if !full {
		s.append(kind, data)
	}
	s.mu.Unlock()
	if full {
		s.closeSlow()
	}
}

// send queues a frame of an operation. While the queue is full it waits, for
// SlowTimeout at most; then the peer is a slow reader. With last the operation
// is over and its id free as soon as the frame is queued. It is false once the
// operation or the socket has ended.
func (s *socket) send(op *operation, data []byte, last bool) bool {
	var patience *time.Timer
	for {
		room, ok := s.offer(op, data, last)
		if room == nil {
			return ok
		}
		if patience == nil {
			patience = time.NewTimer(s.t.cfg.SlowTimeout)
			defer patience.Stop()
		}
		select {
		case <-room:
		case <-op.ctx.Done():
			return false
		case <-patience.C:
			s.closeSlow()
			return false
		}
	}
}

// offer queues the frame if there is room, else gives a channel that is closed
// when there may be.
func (s *socket) offer(op *operation, data []byte, last bool) (room <-chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == phaseClosed || s.running.find(op.id) != op {
		return nil, false
	}
	if s.queued > 0 && s.queued+len(data) > s.t.cfg.QueueLimit {
		if s.room == nil {
			s.room = make(chan struct{})
		}
		return s.room, false
	}
	if last {
		s.running = s.running.without(op)
	}
	s.append(websocket.TextMessage, data)
	return nil, true
}

// append needs the mutex. Nothing follows the close frame.
func (s *socket) append(kind int, data []byte) {
	if s.phase == phaseClosed {
		return
	}
	s.queue = append(s.queue, outgoing{kind, data})
	s.queued += len(data)
	s.startWriting()
}

// startWriting needs the mutex.
func (s *socket) startWriting() {
	if !s.writing {
		s.writing = true
		go s.write()
	}
}

// clear needs the mutex.
func (s *socket) clear() {
	s.queue, s.queued = nil, 0
	s.makeRoom()
}

// makeRoom needs the mutex.
func (s *socket) makeRoom() {
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}

// write sends what is queued, then the close frame if there is one, and ends.
func (s *socket) write() {
	for {
		next, ok := s.take()
		if !ok {
			return
		}
		if err := s.transmit(next); err != nil {
			s.abort()
			return
		}
		s.sent(len(next.data))
	}
}

// take gives the next frame; the close frame is the last of all.
func (s *socket) take() (outgoing, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) > 0 {
		next := s.queue[0]
		s.queue[0] = outgoing{}
		s.queue = s.queue[1:]
		return next, true
	}
	s.queue = nil
	if s.farewell != nil {
		next := outgoing{websocket.CloseMessage, s.farewell}
		s.farewell = nil
		return next, true
	}
	s.writing = false
	return outgoing{}, false
}

func (s *socket) transmit(f outgoing) error {
	until := deadline(s.t.cfg.WriteTimeout)
	if f.kind == websocket.TextMessage {
		_ = s.conn.SetWriteDeadline(until) // it only remembers the time
		return s.conn.WriteMessage(f.kind, f.data)
	}
	err := s.conn.WriteControl(f.kind, f.data, until)
	if f.kind == websocket.CloseMessage {
		_ = s.conn.NetConn().SetReadDeadline(deadline(s.t.cfg.CloseTimeout)) // a closed connection ends the reader as well
	}
	return err
}

func (s *socket) sent(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queued = max(0, s.queued-size)
	s.makeRoom()
}

func (s *socket) stats() (protocol string, one Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one = Stats{Connections: 1, QueuedBytes: s.queued}
	for _, op := range s.running {
		one.PendingResponses += int(op.pending.Load())
	}
	return s.proto.name, one
}

// finish closes the socket as the registry asks.
func (s *socket) finish(e ending) { s.close(e.code, e.reason) }

// close ends every operation and closes the socket with the code and reason,
// after the frames that are queued already. Only the first close counts.
func (s *socket) close(code int, reason string) {
	s.mu.Lock()
	if s.phase == phaseClosed {
		s.mu.Unlock()
		return
	}
	running := s.retire()
	s.farewell = websocket.FormatCloseMessage(code, clip(reason))
	if code == CodeSlowReader {
		s.clear()
	}
	_ = s.conn.NetConn().SetReadDeadline(deadline(s.t.cfg.WriteTimeout + s.t.cfg.CloseTimeout)) // as in transmit
	s.startWriting()
	s.mu.Unlock()
	s.release(running)
	s.t.cfg.Logger.Debug("socket closed", "code", code, "reason", reason)
}

func (s *socket) closeSlow() { s.close(CodeSlowReader, "Slow reader") }
