package gqlws

import (
	"encoding/json"
	"net/http"
	"runtime/debug"

	"github.com/gorilla/websocket"

	"luxbff/internal/apperr"
	"luxbff/server/gqlstream"
)

// How a socket gets its session: by connection_init, and later by pings that carry
// a fresh access token.

// handleInit runs Init beside the reader, so that the reader's stack stays small
// and a peer that leaves is noticed.
func (s *socket) handleInit(payload json.RawMessage) error {
	fields, err := decodeObject(payload)
	if err != nil {
		return err
	}
	s.mu.Lock()
	first := s.phase == phaseConnected
	if first {
		s.phase = phaseInitialising
	}
	request := s.request
	s.request = nil
	s.mu.Unlock()
	if !first {
		s.close(gqlstream.CodeTooManyInits, "Too many initialisation requests")
		return nil
	}
	go s.runInit(fields, request)
	return nil
}

func (s *socket) runInit(payload gqlstream.InitPayload, r *http.Request) {
	defer s.recoverHook("init")
	session, err := s.cfg.Init(s.ctx, payload, r) //nolint:contextcheck // the request's context has ended with the upgrade
	// A token may be taken for a while behind its end, as the clocks of machines differ. A
	// socket ends with its token, so such a one is refused rather than opened and closed.
	if err == nil && !session.ExpiresAt.IsZero() && !session.ExpiresAt.After(s.cfg.Clock()) {
		err = apperr.TokenIsExpired.New()
	}
	if err != nil {
		s.closeForError(err)
		return
	}
	if session.Context == nil {
		session.Context = s.ctx
	}
	// A session that ends is found by CloseSession once it is admitted, so the check
	// comes behind that and is the only one.
	admitted := session.Admit(s)
	if s.cfg.Operation != nil {
		if _, err := s.cfg.Operation(session.Context, nil); err != nil {
			s.closeForError(err)
			return
		}
	}
	if !admitted {
		s.close(gqlstream.CodeTooManySockets, "Too many sockets")
		return
	}
	if err := s.sendAck(session); err != nil {
		s.closeForError(err)
	}
}

// sendAck makes the socket ready. The ack is queued under the mutex, so that it
// goes before all that operations send.
func (s *socket) sendAck(session gqlstream.Session) error {
	var payload []byte
	if session.Ack != nil {
		encoded, err := json.Marshal(session.Ack)
		if err != nil {
			return err
		}
		payload = encoded
	}
	session.Ack = nil
	s.mu.Lock()
	if s.phase == phaseInitialising {
		s.phase = phaseReady
		s.session = session
		s.outbox.pushAlways(websocket.TextMessage, encodeMessage("connection_ack", nil, payload))
		if s.protocol.legacy {
			s.outbox.pushAlways(websocket.TextMessage, s.protocol.keepAlive)
		}
		s.operations.open(session.Context)
	}
	s.mu.Unlock()
	s.resetTimer()
	return nil
}

func (s *socket) startRenewal(token string) {
	s.mu.Lock()
	ready, busy := s.phase == phaseReady, s.renewing
	s.renewing = true
	before := s.session
	s.mu.Unlock()
	switch {
	case !ready:
		s.close(gqlstream.CodeUnauthorized, "Unauthorized")
	case busy:
		s.close(gqlstream.CodeTooManyInits, "Too many initialisation requests")
	default:
		go s.runRenewal(before, token)
	}
}

func (s *socket) runRenewal(before gqlstream.Session, token string) {
	defer s.recoverHook("renew")
	session, err := s.cfg.Renew(s.ctx, before, token)
	if err == nil && !session.SameAccount(before) {
		err = apperr.NotAuthorizedUser.New()
	}
	if err != nil {
		s.closeForError(err)
		return
	}
	if session.Context == nil {
		session.Context = s.ctx
	}
	session.Ack = nil
	s.mu.Lock()
	s.renewing = false
	s.session = session
	s.operations.setBase(session.Context)
	s.mu.Unlock()
	session.Move(s)
	s.resetTimer()
	s.push(websocket.TextMessage, encodeMessage("pong", nil, encodeExpiry(session.ExpiresAt)))
}

// closeForError closes the socket for an error of a hook.
func (s *socket) closeForError(err error) {
	reason := gqlstream.ReasonFor(err)
	if reason.Code == gqlstream.CodeTryAgainLater && s.ctx.Err() == nil {
		s.cfg.Logger.Error("socket hook failed", "error", err)
	}
	how := ending{code: reason.Code, reason: reason.Text}
	if s.protocol.legacy {
		how.lastFrame = connectionError(reason.Text)
	}
	s.finish(how)
}

func (s *socket) recoverHook(name string) {
	if cause := recover(); cause != nil {
		s.cfg.Logger.Error("socket hook panicked", "hook", name, "panic", apperr.DescribePanic(cause), "stack", string(debug.Stack()))
		s.close(gqlstream.CodeInternal, apperr.Internal.New().Detail())
	}
}
