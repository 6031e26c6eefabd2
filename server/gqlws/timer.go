package gqlws

import (
	"time"

	"github.com/gorilla/websocket"

	"luxbff/internal/apperr"
	"luxbff/server/gqlstream"
)

// One timer serves a socket all its life: first for the missing connection_init,
// then for the next ping or the end of the token, whichever comes first. A second
// one would cost each socket 112 bytes and its place in the runtime's heap of
// timers.

func (s *socket) startTimer(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timerSetting = d
	s.timer = time.AfterFunc(d, s.onTimer)
}

// resetTimer sets the timer to the next ping or to the end of the token.
func (s *socket) resetTimer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != phaseReady {
		return
	}
	s.timerSetting = s.cfg.PingInterval
	if left, ok := s.tokenTimeLeft(); ok && left < s.timerSetting {
		s.timerSetting = max(left, time.Millisecond)
	}
	s.timer.Reset(s.timerSetting)
}

// tokenTimeLeft needs the mutex. It is false for a token that never ends.
func (s *socket) tokenTimeLeft() (time.Duration, bool) {
	if s.session.ExpiresAt.IsZero() {
		return 0, false
	}
	return s.session.ExpiresAt.Sub(s.cfg.Clock()), true
}

func (s *socket) onTimer() {
	s.mu.Lock()
	phase, setting := s.phase, s.timerSetting
	left, expires := s.tokenTimeLeft()
	s.mu.Unlock()
	switch {
	case phase == phaseFinishing || phase == phaseClosed:
		return
	case phase != phaseReady:
		s.close(gqlstream.CodeInitTimeout, "Connection initialisation timeout")
		return
	case expires && left <= 0:
		s.closeForError(apperr.TokenIsExpired.New())
		return
	case setting < s.cfg.PingInterval:
		// The timer was set to the end of the token, which a clock that was set
		// back has put off. No ping is due yet.
	case !s.peerAlive.Swap(false):
		// Nothing came since the last ping, one interval ago.
		s.Abort()
		return
	case s.outbox.empty():
		s.sendKeepAlive()
	}
	s.resetTimer()
}

// sendKeepAlive shows a silent client that we are there, and has it show the same:
// by a message for the client, and by a ping frame that its WebSocket library
// answers.
func (s *socket) sendKeepAlive() {
	if !s.protocol.legacy {
		s.acks.countPing()
	}
	s.push(websocket.TextMessage, s.protocol.keepAlive)
	s.push(websocket.PingMessage, nil)
}
