package app

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/background"
	"luxbff/internal/pubsub"
	"luxbff/internal/pubsub/natsbus"
	"luxbff/server/gqlstream"
)

// checkSocketsEvery is how late an ended session is noticed whose notification was
// lost.
const checkSocketsEvery = 10 * time.Second

// joinBus connects the replicas through NATS where it is configured.
func (a *App) joinBus() error {
	if a.Config.NATSURL == "" {
		return nil
	}
	bus, err := natsbus.Open(natsbus.Config{
		URL: a.Config.NATSURL, Log: a.options.Log,
		OnFeed:          a.hub.NotifyLocal,
		OnMessages:      a.messageHub.NotifyLocal,
		OnSessionsEnded: a.sessions.checkUser,
		// While NATS was away notifications were lost: events and ended sessions are
		// looked for at once, without waiting for the next poll.
		OnMissed: func() {
			a.Feed.PollSoon()
			a.Messages.PollSoon()
			a.background.Go(a.sessions.checkAll)
		},
	})
	if err != nil {
		return err
	}
	a.hub.UseBus(bus)
	a.messageHub.UseBus(bus)
	a.bus, a.sessions.bus, a.leaveBus = bus, bus, bus.Close
	return nil
}

// socketRegistry files sockets and streams under the root user and what they were
// opened with.
type socketRegistry = gqlstream.Registry[int, auth.SessionKey]

// sessionSockets closes sockets and streams when the session that opened them
// ends. They may stay open for days, and their token is checked only when they are
// opened and before each operation, so a feed that just goes on would not notice.
type sessionSockets struct {
	sockets    *socketRegistry
	auth       *auth.Sessions
	bus        pubsub.Bus
	background *background.Group
	log        *slog.Logger
}

// close closes the sockets of these sessions, here and on the other replicas;
// without ids, all of the account's.
func (s *sessionSockets) close(rootUserID int, sessionIDs []int) {
	s.bus.Notify(pubsub.Sessions, rootUserID)
	if len(sessionIDs) == 0 {
		s.sockets.CloseAccount(rootUserID, apperr.Unauthenticated.New())
	}
	for _, id := range sessionIDs {
		if id == 0 {
			// A long-lived SNUTT token has no session: which of the account's ended is
			// only known from the database.
			s.checkUser(rootUserID)
			continue
		}
		s.closeOne(auth.SessionKey{RootUserID: rootUserID, SessionID: id})
	}
}

func (s *sessionSockets) closeOne(session auth.SessionKey) {
	s.sockets.CloseSession(session.RootUserID, session, apperr.Unauthenticated.New())
}

// checkUser closes the account's sockets whose sessions have ended, without waiting
// for it.
func (s *sessionSockets) checkUser(rootUserID int) {
	if open := s.sockets.Sessions()[rootUserID]; len(open) > 0 {
		s.background.Go(func(ctx context.Context) { s.check(ctx, open) })
	}
}

// checkAll closes all sockets whose sessions have ended. It costs one statement,
// and none while nothing is open.
func (s *sessionSockets) checkAll(ctx context.Context) {
	open := slices.Concat(slices.Collect(maps.Values(s.sockets.Sessions()))...)
	if len(open) > 0 {
		s.check(ctx, open)
	}
}

func (s *sessionSockets) check(ctx context.Context, open []auth.SessionKey) {
	ended, err := s.auth.FindEnded(ctx, open)
	if err != nil {
		if ctx.Err() == nil {
			s.log.ErrorContext(ctx, "check the sockets' sessions", "error", err)
		}
		return
	}
	for _, session := range ended {
		s.closeOne(session)
	}
}
