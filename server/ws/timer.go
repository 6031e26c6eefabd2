package ws

import (
	"time"

	"luxbff/internal/apperr"
)

// One timer serves a socket all its life: for the missing connection_init, then
// for pings and the end of the token, whichever comes first.

func (s *socket) startTimer(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wait = d
	s.timer = time.AfterFunc(d, s.tick)
}

// schedule sets the timer to the next ping or to the end of the token.
func (s *socket) schedule() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != phaseReady {
		return
	}
	s.wait = s.t.cfg.PingInterval
	if left, ok := s.left(); ok && left < s.wait {
		s.wait = max(left, time.Millisecond)
	}
	s.timer.Reset(s.wait)
}

// left needs the mutex. It is how long the token is still good; false for ever.
func (s *socket) left() (time.Duration, bool) {
	if s.session.ExpiresAt.IsZero() {
		return 0, false
	}
	return s.session.ExpiresAt.Sub(s.t.cfg.Clock()), true
}

func (s *socket) tick() {
	s.mu.Lock()
	now, wait, idle := s.phase, s.wait, len(s.queue) == 0
	left, expires := s.left()
	s.mu.Unlock()
	switch {
	case now == phaseClosed:
		return
	case now != phaseReady:
		s.close(CodeInitTimeout, "Connection initialisation timeout")
		return
	case expires && left <= 0:
		s.forbid(apperr.TokenIsExpired.New())
		return
	case wait < s.t.cfg.PingInterval:
		// Woken for a token that is still good by a clock that was set back.
	case !s.heard.Swap(false):
		// The last ping, one interval ago, was the last thing tried.
		s.abort()
		return
	case idle:
		s.keepAlive()
	}
	s.schedule()
}
