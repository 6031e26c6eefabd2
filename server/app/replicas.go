package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/pubsub"
	"luxbff/internal/pubsub/natsbus"
)

// checkSocketsEvery is how late an ended session is noticed whose bell was lost.
const checkSocketsEvery = 10 * time.Second

// joinReplicas rings through NATS where it is configured. Ctx ends what bells
// begin.
func (a *App) joinReplicas(ctx context.Context) error {
	a.bus, a.leaveReplicas = pubsub.Alone{}, func() {}
	if a.Config.NATSURL == "" {
		return nil
	}
	bus, err := natsbus.Open(natsbus.Config{
		URL: a.Config.NATSURL, Log: a.options.Log,
		Wake:          a.hub.Wake,
		SessionsEnded: func(rootUserID int) { a.checkSoon(ctx, rootUserID) },
		Recovered: func() {
			a.Devlogs.PollSoon()
			a.running.Go(func() { a.CheckSockets(ctx) })
		},
	})
	if err != nil {
		return err
	}
	a.hub.Join(bus)
	a.bus, a.leaveReplicas = bus, bus.Close
	return nil
}

// sessionsEnded closes the sockets of sessions that have ended, here and on the
// other replicas; without ids, all of the account's.
func (a *App) sessionsEnded(ctx context.Context, rootUserID int, sessionIDs []int) {
	a.bus.Ring(pubsub.Sessions, rootUserID)
	reason := apperr.Unauthenticated.New()
	if len(sessionIDs) == 0 {
		a.sockets.CloseUser(userKey(rootUserID), reason)
	}
	for _, id := range sessionIDs {
		if id == 0 {
			a.checkSoon(ctx, rootUserID)
			continue
		}
		a.closeSockets(account.Opened{RootUserID: rootUserID, SessionID: id})
	}
}

// checkSoon is CheckSockets for one account, without waiting for it.
func (a *App) checkSoon(ctx context.Context, rootUserID int) {
	user := userKey(rootUserID)
	if open := a.sockets.Sessions()[user]; len(open) > 0 {
		a.running.Go(func() { a.check(ctx, map[string][]string{user: open}) })
	}
}

// keepChecking closes, until ctx ends, the sockets of whose ended sessions this
// replica was not told.
func (a *App) keepChecking(ctx context.Context) {
	tick := time.NewTicker(checkSocketsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			a.CheckSockets(ctx)
		}
	}
}

// CheckSockets closes all sockets whose sessions have ended. It costs one
// statement, and none while nothing is open.
func (a *App) CheckSockets(ctx context.Context) {
	if open := a.sockets.Sessions(); len(open) > 0 {
		a.check(ctx, open)
	}
}

func (a *App) check(ctx context.Context, open map[string][]string) {
	var opened []account.Opened
	for _, user := range slices.Sorted(maps.Keys(open)) {
		for _, session := range open[user] {
			opened = append(opened, readKeys(user, session))
		}
	}
	ended, err := a.Accounts.Ended(ctx, opened)
	if err != nil {
		if ctx.Err() == nil {
			a.options.Log.ErrorContext(ctx, "check the sockets' sessions", "error", err)
		}
		return
	}
	for _, o := range ended {
		a.closeSockets(o)
	}
}

func (a *App) closeSockets(o account.Opened) {
	a.sockets.CloseSession(userKey(o.RootUserID), sessionKey(o), apperr.Unauthenticated.New())
}

func userKey(rootUserID int) string { return strconv.Itoa(rootUserID) }

const sessionKeyFormat = "%d/%d"

// sessionKey files a socket by what it was opened with.
func sessionKey(o account.Opened) string {
	return fmt.Sprintf(sessionKeyFormat, o.SessionID, o.CredentialVersion)
}

// readKeys reads what userKey and sessionKey wrote.
func readKeys(user, session string) (o account.Opened) {
	_, _ = fmt.Sscan(user, &o.RootUserID)
	_, _ = fmt.Sscanf(session, sessionKeyFormat, &o.SessionID, &o.CredentialVersion)
	return o
}
