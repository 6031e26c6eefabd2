package gqlws

import (
	"sync"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"luxbff/server/gqlstream"
)

// outbox is the writing side of a socket: frames in the order in which they go out,
// and one goroutine while there are any. Nothing follows the close frame.
type outbox struct {
	conn *websocket.Conn
	cfg  *Config

	mu          sync.Mutex
	queue       []outgoing
	queuedBytes int           // the frame that is being written included
	room        chan struct{} // closed when a frame was written; nil if nobody waits
	writing     bool
	closed      bool
}

type outgoing struct {
	kind int
	data []byte
}

// push queues a frame of the engine's own, without waiting. It is false for a slow
// reader: a peer that makes us queue twice the limit that way.
func (o *outbox) push(kind int, data []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.queuedBytes > 2*o.cfg.QueueLimit {
		return false
	}
	o.append(kind, data)
	return true
}

// pushAlways is push for the few frames that must not be lost where the queue is
// full: each of them is sent once for something that the client asked.
func (o *outbox) pushAlways(kind int, data []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.append(kind, data)
}

// pushIfRoom queues a frame of an operation. Where there is no room it gives a
// channel that is closed when there may be. For a closed outbox, room is nil and ok
// false.
func (o *outbox) pushIfRoom(data []byte) (room <-chan struct{}, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return nil, false
	case o.queuedBytes > 0 && o.queuedBytes+len(data) > o.cfg.QueueLimit:
		if o.room == nil {
			o.room = make(chan struct{})
		}
		return o.room, false
	}
	o.append(websocket.TextMessage, data)
	return nil, true
}

// append needs the mutex.
func (o *outbox) append(kind int, data []byte) {
	if o.closed {
		return
	}
	o.queue = append(o.queue, outgoing{kind, data})
	o.queuedBytes += len(data)
	o.startWriting()
}

// startWriting needs the mutex.
func (o *outbox) startWriting() {
	if !o.writing {
		o.writing = true
		go o.writeLoop()
	}
}

// close queues the close frame as the last one. With discard the frames before it
// are dropped, for a peer that doesn't read them.
func (o *outbox) close(code int, reason string, discard bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	if discard {
		o.dropQueue()
	}
	o.closed = true
	o.queue = append(o.queue, outgoing{websocket.CloseMessage, websocket.FormatCloseMessage(code, clipReason(reason))})
	// The peer's answer, or else this deadline, ends the reader. An error means
	// that the connection has ended, and the reader with it.
	_ = o.conn.NetConn().SetReadDeadline(gqlstream.Deadline(o.cfg.WriteTimeout + o.cfg.CloseTimeout))
	o.startWriting()
}

// drop forgets what is queued for a connection that has ended.
func (o *outbox) drop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.dropQueue()
}

// dropQueue needs the mutex.
func (o *outbox) dropQueue() {
	o.queue, o.queuedBytes = nil, 0
	o.announceRoom()
}

// announceRoom needs the mutex.
func (o *outbox) announceRoom() {
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// writeLoop writes what is queued, and ends when nothing is.
func (o *outbox) writeLoop() {
	for {
		next, ok := o.takeNext()
		if !ok {
			return
		}
		if err := o.write(next); err != nil {
			_ = o.conn.Close() // the reader notices
			return
		}
		o.countWritten(len(next.data))
	}
}

func (o *outbox) takeNext() (outgoing, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		o.queue = nil // an idle socket keeps no array
		o.writing = false
		return outgoing{}, false
	}
	next := o.queue[0]
	o.queue[0] = outgoing{} // what is written can be collected
	o.queue = o.queue[1:]
	return next, true
}

func (o *outbox) write(f outgoing) error {
	deadline := gqlstream.Deadline(o.cfg.WriteTimeout)
	if f.kind == websocket.TextMessage {
		_ = o.conn.SetWriteDeadline(deadline) // it only remembers the time
		return o.conn.WriteMessage(f.kind, f.data)
	}
	err := o.conn.WriteControl(f.kind, f.data, deadline)
	if f.kind == websocket.CloseMessage {
		_ = o.conn.NetConn().SetReadDeadline(gqlstream.Deadline(o.cfg.CloseTimeout)) // as in close
	}
	return err
}

func (o *outbox) countWritten(size int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queuedBytes = max(0, o.queuedBytes-size) // the queue may have been dropped meanwhile
	o.announceRoom()
}

func (o *outbox) waitingBytes() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.queuedBytes
}

// empty reports whether no frame waits for the one that is being written.
func (o *outbox) empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.queue) == 0
}

// maxReason is what a close frame can carry beside its code (RFC 6455, section
// 5.5).
const maxReason = 123

// clipReason shortens a close reason to what a frame can carry, between runes.
func clipReason(reason string) string {
	if len(reason) <= maxReason {
		return reason
	}
	end := maxReason
	for end > 0 && !utf8.RuneStart(reason[end]) {
		end--
	}
	return reason[:end]
}
