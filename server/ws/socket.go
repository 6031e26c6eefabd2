package ws

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"

	"luxbff/internal/apperr"
)

type phase uint8

const (
	phaseFresh    phase = iota // before connection_init
	phaseGreeting              // Init runs
	phaseReady                 // connection_ack was sent
	phaseClosed                // our close frame is queued or the peer is gone
)

// socket is one WebSocket. mu guards what is below it, and the writing half
// lives in write.go.
type socket struct {
	t    *Transport
	conn *websocket.Conn
	// reader is conn's. The goroutine that waits or reads has it to itself, and
	// astray too: a message was left unread, so that only gorilla knows where the
	// next frame begins.
	reader *bufio.Reader
	astray bool
	proto  *protocol
	exec   graphql.GraphExecutor
	ctx    context.Context //nolint:containedctx // the socket's life, not a call's
	end    context.CancelFunc
	heard  atomic.Bool // a frame came since the last ping

	mu       sync.Mutex
	phase    phase
	session  Session
	request  *http.Request // the upgrade, kept for Init only
	renewing bool
	running  operations
	// dispatched is closed when the operation that came last is, nil if it is.
	dispatched chan struct{}
	// undispatched counts those that wait to be dispatched, also the ones that the
	// client has stopped meanwhile, which running knows no more.
	undispatched int
	timer        *time.Timer
	wait         time.Duration // what the timer was set to
	pings
	outbox
}

// serve starts the socket's one lasting goroutine.
func serve(t *Transport, conn *websocket.Conn, reader *bufio.Reader, r *http.Request, exec graphql.GraphExecutor) {
	s := &socket{t: t, conn: conn, reader: reader, exec: exec, request: r, proto: t.protocol(conn.Subprotocol())}
	s.ctx, s.end = context.WithCancel(t.cfg.Context)
	conn.SetPingHandler(s.hearPing)
	conn.SetPongHandler(s.hearPong)
	s.startTimer(t.cfg.InitTimeout)
	t.cfg.Registry.enter(s)
	if conn.Subprotocol() == "" {
		s.close(CodeNoSubprotocol, "Subprotocol not acceptable")
	}
	go s.listen()
}

// listen waits for the next byte and leaves it to a goroutine that reads. A stack
// that has once grown never comes back to the smallest, of which half is in use
// here: so the goroutine that waits must call little, and be a new one each time.
func (s *socket) listen() {
	_, _ = s.reader.Peek(1) // the reader meets the error again
	go s.read()
}

// read takes frames until all that came is read, or until the connection ends.
// After our own close frame it goes on reading, to let the frame reach a peer
// that is still sending.
func (s *socket) read() {
	for s.next() {
		if s.reader.Buffered() == 0 {
			go s.listen()
			return
		}
	}
	s.leave()
}

// next takes a frame, or a message of several. It is false when the connection
// has ended.
func (s *socket) next() bool {
	if !s.astray && s.signal() {
		return true
	}
	data, err := s.receive()
	switch {
	case errors.Is(err, errNotText):
		s.astray = true
		s.malformed(err)
	case errors.Is(err, errTooBig):
		s.astray = true
		s.close(CodeMessageTooBig, "Message is too big")
	case err != nil:
		return false
	default:
		s.handle(data)
	}
	return true
}

var errTooBig = errors.New("message is too big")

// receive waits for the next message. Its buffer is made when the message has
// begun, so that an idle socket holds none.
func (s *socket) receive() ([]byte, error) {
	kind, r, err := s.conn.NextReader()
	if err != nil {
		return nil, err
	}
	s.heard.Store(true)
	if kind != websocket.TextMessage {
		return nil, errNotText
	}
	limit := s.messageLimit()
	var data bytes.Buffer
	size, err := data.ReadFrom(io.LimitReader(r, limit+1))
	if err == nil && size > limit {
		return nil, errTooBig
	}
	return data.Bytes(), err
}

// strangersLimit bounds the messages before the ack.
const strangersLimit = 64 << 10

func (s *socket) messageLimit() int64 {
	if s.in(phaseReady) {
		return int64(s.t.cfg.MessageLimit)
	}
	return int64(min(s.t.cfg.MessageLimit, strangersLimit))
}

func (s *socket) handle(data []byte) {
	if s.in(phaseClosed) {
		return
	}
	kind, m, err := s.proto.decode(data)
	if err != nil {
		s.malformed(err)
		return
	}
	switch kind {
	case verbInit:
		s.greet(m.Payload)
	case verbStart:
		s.startOperation(m)
	case verbStop:
		s.stopOperation(m.ID)
	case verbPing:
		s.ping(m.Payload)
	case verbPong:
		s.pong(m.Payload)
	case verbTerminate:
		s.close(websocket.CloseNormalClosure, "")
	}
}

func (s *socket) in(p phase) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase == p
}

// malformed answers what can't be understood as the protocol's page asks for.
func (s *socket) malformed(err error) {
	if s.proto.legacy {
		s.push(websocket.TextMessage, connectionError(err.Error()))
		return
	}
	s.close(CodeBadMessage, err.Error())
}

func connectionError(reason string) []byte {
	payload, _ := json.Marshal(map[string]string{"message": reason}) // strings always encode
	return frame("connection_error", nil, payload)
}

// greet runs Init beside the reader, so that the reader's stack stays small
// and a peer that leaves is noticed.
func (s *socket) greet(payload json.RawMessage) {
	fields, err := object(payload)
	if err != nil {
		s.malformed(err)
		return
	}
	s.mu.Lock()
	first := s.phase == phaseFresh
	if first {
		s.phase = phaseGreeting
	}
	request := s.request
	s.request = nil
	s.mu.Unlock()
	if !first {
		s.close(CodeTooManyInits, "Too many initialisation requests")
		return
	}
	go s.initialise(fields, request)
}

func (s *socket) initialise(payload InitPayload, r *http.Request) {
	defer s.recoverHook("init")
	session, err := s.t.cfg.Init(s.ctx, payload, r) //nolint:contextcheck // the request's context has ended with the upgrade
	if err != nil {
		s.forbid(err)
		return
	}
	if session.Context == nil {
		session.Context = s.ctx
	}
	if !s.t.cfg.Registry.admit(s, keys{session.User, session.ID}) {
		s.close(CodeTooManySockets, "Too many sockets")
		return
	}
	// A session that ended while Init ran was not yet to be found by
	// CloseSession; from here on it is, so this look is the last one needed.
	if s.t.cfg.Operation != nil {
		if _, err := s.t.cfg.Operation(session.Context); err != nil {
			s.forbid(err)
			return
		}
	}
	s.acknowledge(session) //nolint:contextcheck // an operation's context is its session's
}

func (s *socket) acknowledge(session Session) {
	var payload []byte
	if session.Ack != nil {
		encoded, err := json.Marshal(session.Ack)
		if err != nil {
			s.forbid(err)
			return
		}
		payload = encoded
	}
	session.Ack = nil
	s.mu.Lock()
	if s.phase == phaseGreeting {
		s.phase = phaseReady
		s.session = session
		s.append(websocket.TextMessage, frame("connection_ack", nil, payload))
		if s.proto.legacy {
			s.append(websocket.TextMessage, s.proto.keepAlive)
		}
		for _, op := range s.running {
			s.launch(op)
		}
	}
	s.mu.Unlock()
	s.schedule()
}

// ping answers a ping, or the request for re-authentication that it carries.
func (s *socket) ping(payload json.RawMessage) {
	fields, err := object(payload)
	if err != nil {
		s.malformed(err)
		return
	}
	if token, ok := fields["accessToken"].(string); ok && s.t.cfg.Renew != nil {
		s.startRenewal(token)
		return
	}
	if fields == nil {
		payload = nil
	}
	s.push(websocket.TextMessage, frame("pong", nil, payload))
}

func (s *socket) startRenewal(token string) {
	s.mu.Lock()
	ready, busy := s.phase == phaseReady, s.renewing
	s.renewing = true
	before := s.session
	s.mu.Unlock()
	switch {
	case !ready:
		s.close(CodeUnauthorized, "Unauthorized")
	case busy:
		s.close(CodeTooManyInits, "Too many initialisation requests")
	default:
		go s.renew(before, token)
	}
}

func (s *socket) renew(before Session, token string) {
	defer s.recoverHook("renew")
	after, err := s.t.cfg.Renew(s.ctx, before, token)
	if err == nil && after.User != before.User {
		err = apperr.NotAuthorizedUser.New()
	}
	if err != nil {
		s.forbid(err)
		return
	}
	if after.Context == nil {
		after.Context = s.ctx
	}
	after.Ack = nil
	s.mu.Lock()
	s.renewing = false
	s.session = after
	s.mu.Unlock()
	s.t.cfg.Registry.move(s, after.ID)
	s.schedule()
	s.push(websocket.TextMessage, frame("pong", nil, expiry(after.ExpiresAt)))
}

// expiry is the payload of the pong that answers a re-authentication.
func expiry(at time.Time) []byte {
	if at.IsZero() {
		return []byte(`{"expiresAt":null}`)
	}
	return []byte(`{"expiresAt":"` + at.UTC().Format("2006-01-02T15:04:05.000Z07:00") + `"}`)
}

// forbid closes the socket for an error of a hook.
func (s *socket) forbid(err error) {
	e := refusal(err)
	if e.code == CodeTryAgainLater && s.ctx.Err() == nil {
		s.t.cfg.Logger.Error("socket hook failed", "error", err)
	}
	if s.proto.legacy {
		s.push(websocket.TextMessage, connectionError(e.reason))
	}
	s.finish(e)
}

func (s *socket) recoverHook(name string) {
	if cause := recover(); cause != nil {
		s.t.cfg.Logger.Error("socket hook panicked", "hook", name, "panic", cause, "stack", string(debug.Stack()))
		s.close(CodeInternal, apperr.Internal.New().Detail())
	}
}

// leave forgets a socket whose connection has ended.
func (s *socket) leave() {
	s.mu.Lock()
	s.clear()
	running := s.retire()
	s.mu.Unlock()
	s.release(running)
	s.abort()
	s.t.cfg.Registry.exit(s)
}

// retire needs the mutex. It ends the phase in which anything can begin, and
// gives the operations to release.
func (s *socket) retire() operations {
	s.phase = phaseClosed
	s.request = nil
	s.timer.Stop()
	s.pings.stop()
	running := s.running
	s.running = nil
	return running
}

// release ends what ran on the socket.
func (s *socket) release(running operations) {
	s.end()
	for _, op := range running {
		op.leave()
	}
}

// abort cuts the connection without a close frame; the reader then leaves.
func (s *socket) abort() { _ = s.conn.Close() }
