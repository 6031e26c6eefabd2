package gqlws

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"

	"luxbff/server/gqlstream"
)

// phase is how far a socket has come.
type phase uint8

const (
	phaseConnected    phase = iota // before connection_init
	phaseInitialising              // Init runs
	phaseReady                     // connection_ack was queued
	phaseFinishing                 // to be closed once what runs is answered
	phaseClosed                    // our close frame is queued or the peer is gone
)

// socket is the life of one WebSocket, from the upgrade to the end of its
// connection. A server holds one for each client, so it and its parts are one
// allocation. Locks are taken in this order: the socket's, then that of operations
// or of acks, then the outbox's.
type socket struct {
	cfg      *Config
	protocol *protocol
	executor graphql.GraphExecutor
	ctx      context.Context //nolint:containedctx // the socket's life, not a call's
	cancel   context.CancelFunc

	reader     frameReader
	outbox     outbox
	operations operations
	acks       ackTracker
	peerAlive  atomic.Bool // a frame came since the last ping

	mu           sync.Mutex // guards what is below
	phase        phase
	renewing     bool
	session      gqlstream.Session
	request      *http.Request // the upgrade, kept for Init only
	timer        *time.Timer
	timerSetting time.Duration // what the timer was set to
	ending       *ending       // set while the socket is finishing
}

// ending is what closes a socket that is finishing. The last frame, nil for none, goes
// before the close frame.
type ending struct {
	code      int
	reason    string
	lastFrame []byte
	timer     *time.Timer // closes the socket whatever is still to be answered
}

var _ gqlstream.Connection = (*socket)(nil)

// startSocket starts the one goroutine that lasts as long as the socket.
func startSocket(
	cfg *Config, protocol *protocol, conn *websocket.Conn, reader *bufio.Reader,
	r *http.Request, executor graphql.GraphExecutor,
) {
	s := &socket{cfg: cfg, protocol: protocol, executor: executor, request: r}
	s.ctx, s.cancel = context.WithCancel(cfg.Context)
	s.reader.conn, s.reader.buffered = conn, reader
	s.outbox.conn, s.outbox.cfg = conn, cfg
	s.acks.socket = s
	// Gorilla calls these for control frames between the frames of one message.
	conn.SetPingHandler(func(payload string) error { s.handlePingFrame([]byte(payload)); return nil })
	conn.SetPongHandler(func(payload string) error { s.handlePongFrame([]byte(payload)); return nil })
	s.startTimer(cfg.InitTimeout)
	cfg.Registry.Add(s)
	if conn.Subprotocol() == "" {
		s.close(gqlstream.CodeNoSubprotocol, "Subprotocol not acceptable")
	}
	go s.waitForFrame()
}

// waitForFrame waits for the next byte and leaves it to a goroutine that reads.
// This goroutine must call little and be a new one each time, for then the smallest
// stack of 2 KB holds it. One that has read a message has 4 KB and keeps them: the
// runtime halves a stack only when less than a quarter of it is in use. This way of
// waiting may go when sockets wait without a goroutine, which needs a parser of
// frames of our own (docs/decisions).
func (s *socket) waitForFrame() {
	_, _ = s.reader.buffered.Peek(1) // readLoop meets the error again
	go s.readLoop()
}

// readLoop takes frames until all that came is read, or until the connection ends.
// After our own close frame it goes on reading, to let the frame reach a peer that
// is still sending.
func (s *socket) readLoop() {
	for {
		kind, data, err := s.reader.read(s.beginMessage)
		switch {
		case errors.Is(err, errNotText):
			s.handleMalformed(err)
		case errors.Is(err, errTooBig):
			s.close(gqlstream.CodeMessageTooBig, "Message is too big")
		case err != nil:
			s.release()
			return
		case kind == websocket.PingMessage:
			s.handlePingFrame(data)
		case kind == websocket.PongMessage:
			s.handlePongFrame(data)
		default:
			s.handleMessage(data)
		}
		if s.reader.buffered.Buffered() == 0 {
			go s.waitForFrame()
			return
		}
	}
}

// initMessageLimit bounds the messages of a client that has no ack yet.
const initMessageLimit = 64 << 10

// beginMessage notes that the peer lives, and gives the limit for its message.
func (s *socket) beginMessage() (limit int64) {
	s.peerAlive.Store(true)
	if s.phaseIs(phaseReady) {
		return int64(s.cfg.MessageLimit)
	}
	return int64(min(s.cfg.MessageLimit, initMessageLimit))
}

func (s *socket) handleMessage(data []byte) {
	if s.phaseIs(phaseClosed) {
		return
	}
	asked, m, err := s.protocol.decode(data)
	if s.phaseIs(phaseFinishing) && asked != actionStop && asked != actionPong {
		return // nothing begins any more
	}
	if err == nil {
		switch asked {
		case actionInit:
			err = s.handleInit(m.Payload)
		case actionStart:
			err = s.handleStart(m)
		case actionStop:
			s.handleStop(m.ID)
		case actionPing:
			err = s.handlePing(m.Payload)
		case actionPong:
			err = s.acks.handlePong(m.Payload)
		case actionTerminate:
			s.close(websocket.CloseNormalClosure, "")
		}
	}
	if err != nil {
		s.handleMalformed(err)
	}
}

// handleMalformed answers what can't be understood as the protocol asks for.
func (s *socket) handleMalformed(err error) {
	if s.protocol.legacy {
		s.push(websocket.TextMessage, connectionError(err.Error()))
		return
	}
	s.close(gqlstream.CodeBadMessage, err.Error())
}

// handleStart books the operation on the reader's goroutine and leaves the rest to
// the operation's own.
func (s *socket) handleStart(m message) error {
	params, err := gqlstream.DecodeParams(m.Payload)
	if err != nil {
		return err
	}
	if !s.acceptsOperations() {
		s.close(gqlstream.CodeUnauthorized, "Unauthorized")
		return nil
	}
	before := s.operations.add(newOperation(s, m.ID, params), s.protocol.legacy)
	switch {
	case before == nil:
	case s.protocol.legacy:
		before.end()
	default:
		s.close(gqlstream.CodeDuplicateID, "Subscriber for "+m.ID+" already exists")
	}
	return nil
}

// acceptsOperations is true after the ack. Clients of the older protocol need not
// wait for it: what they send behind connection_init waits here.
func (s *socket) acceptsOperations() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase == phaseReady || s.phase == phaseInitialising && s.protocol.legacy
}

// handleStop ends an operation for its client.
func (s *socket) handleStop(id string) {
	var stopped []byte
	if s.protocol.legacy {
		stopped = encodeMessage(s.protocol.complete, quote(id), nil)
	}
	if op := s.operations.stop(id, stopped); op != nil {
		op.end()
	}
}

// handlePing answers a ping message, or the request for re-authentication that it
// carries.
func (s *socket) handlePing(payload json.RawMessage) error {
	fields, err := decodeObject(payload)
	if err != nil {
		return err
	}
	if token, ok := fields["accessToken"].(string); ok && s.cfg.Renew != nil {
		s.startRenewal(token)
		return nil
	}
	if fields == nil { // the payload null is left out as well
		payload = nil
	}
	s.push(websocket.TextMessage, encodeMessage("pong", nil, payload))
	return nil
}

func (s *socket) handlePingFrame(payload []byte) {
	s.peerAlive.Store(true)
	s.push(websocket.PongMessage, payload)
}

func (s *socket) handlePongFrame(payload []byte) {
	s.peerAlive.Store(true)
	s.acks.handlePongFrame(payload)
}

// push queues a frame of the engine's own, and closes the socket of a slow reader.
func (s *socket) push(kind int, data []byte) {
	if !s.outbox.push(kind, data) {
		s.closeSlowReader()
	}
}

func (s *socket) phaseIs(p phase) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase == p
}

// Stats implements gqlstream.Connection.
func (s *socket) Stats() (protocol string, stats gqlstream.Stats) {
	return s.protocol.name, gqlstream.Stats{
		Connections: 1, QueuedBytes: s.outbox.waitingBytes(), PendingResponses: s.operations.pending(),
	}
}

// Close implements gqlstream.Connection.
func (s *socket) Close(reason gqlstream.CloseReason) {
	s.finish(ending{code: reason.Code, reason: reason.Text})
}

// finish ends the subscriptions and closes the socket when everything else that runs
// is answered, or after AnswerTimeout. Only the first call counts.
func (s *socket) finish(how ending) {
	s.mu.Lock()
	if s.phase != phaseReady {
		closeNow := s.phase < phaseReady
		s.mu.Unlock()
		if closeNow {
			s.closeAs(how)
		}
		return
	}
	s.phase = phaseFinishing
	s.timer.Stop()
	s.ending = &how
	how.timer = time.AfterFunc(s.cfg.AnswerTimeout, s.giveUpAnswers)
	subscriptions := s.operations.finish()
	s.mu.Unlock()
	for _, op := range subscriptions {
		op.end()
	}
	s.closeIfAnswered()
}

// closeIfAnswered closes a finishing socket on which nothing is still to be answered.
func (s *socket) closeIfAnswered() {
	s.mu.Lock()
	how := s.ending
	answered := s.phase == phaseFinishing && s.operations.idle()
	s.mu.Unlock()
	if answered {
		s.closeAs(*how)
	}
}

// giveUpAnswers closes a finishing socket whose last answers take too long.
func (s *socket) giveUpAnswers() {
	s.mu.Lock()
	how := *s.ending
	s.mu.Unlock()
	s.closeAs(how)
}

// close closes the socket at once, whatever is still to be answered.
func (s *socket) close(code int, reason string) { s.closeAs(ending{code: code, reason: reason}) }

// closeAs ends every operation and closes the socket, after the frames that are queued
// already. Only the first close counts.
func (s *socket) closeAs(how ending) {
	s.mu.Lock()
	if s.phase == phaseClosed {
		s.mu.Unlock()
		return
	}
	running := s.stopAll()
	if how.lastFrame != nil {
		s.outbox.pushAlways(websocket.TextMessage, how.lastFrame)
	}
	s.outbox.close(how.code, how.reason, how.code == gqlstream.CodeSlowReader)
	s.mu.Unlock()
	s.endAll(running)
	s.cfg.Logger.Debug("socket closed", "code", how.code, "reason", how.reason)
}

func (s *socket) closeSlowReader() { s.close(gqlstream.CodeSlowReader, "Slow reader") }

// release forgets a socket whose connection has ended.
func (s *socket) release() {
	s.mu.Lock()
	s.outbox.drop()
	running := s.stopAll()
	s.mu.Unlock()
	s.endAll(running)
	s.Abort()
	s.cfg.Registry.Remove(s)
}

// stopAll needs the mutex. It ends the phase in which anything can begin, and gives
// the operations, for endAll to end without the mutex because that calls the feeds.
func (s *socket) stopAll() []*operation {
	s.phase = phaseClosed
	s.request = nil
	s.timer.Stop()
	if s.ending != nil {
		s.ending.timer.Stop()
	}
	s.acks.close()
	return s.operations.close()
}

func (s *socket) endAll(running []*operation) {
	s.cancel()
	for _, op := range running {
		op.end()
	}
}

// Abort implements gqlstream.Connection. It cuts the connection without a close
// frame; the reader then releases the socket.
func (s *socket) Abort() { _ = s.reader.conn.Close() }
