// Package natsbus carries notifications between replicas through NATS. Subjects are
// luxbff.feed.ROOT_USER_ID, luxbff.messages.… and luxbff.sessions.…. They have no body,
// and what they say is not trusted: who receives one reads the database. So a message
// that is lost, late, doubled or made up by somebody else on that NATS does no harm,
// and two installations may share one.
//
// The package imports the client of NATS and package pubsub, and neither storage nor
// transport.
package natsbus

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"luxbff/internal/apperr"
	"luxbff/internal/pubsub"
)

const (
	// maxPending bounds the notifications that wait to be sent, one for each account
	// and topic. What comes beyond is dropped and left to the poll.
	maxPending = 10_000
	// receiveQueue bounds the messages that were received and wait to be handled.
	receiveQueue = 8192
	// roundTripTimeout bounds the wait for the server's confirmation.
	roundTripTimeout = 2 * time.Second
	// dialTimeout bounds how long a server that doesn't answer delays the start.
	dialTimeout = 2 * time.Second
	// pingInterval finds a dead connection within three of it.
	pingInterval = 5 * time.Second
	// minReconnectDelay and maxReconnectDelay bound the time between two tries to
	// connect. It doubles with each.
	minReconnectDelay = 100 * time.Millisecond
	maxReconnectDelay = 5 * time.Second
)

// Config is what a Bus needs. All fields are required. The functions are called from
// goroutines of the bus and must return at once.
type Config struct {
	// URL is one address, or several separated by commas:
	// nats://USER:PASSWORD@HOST:PORT, or tls://….
	URL string
	Log *slog.Logger
	// OnFeed is called for a Feed notification of another replica, and once for an
	// account that was just subscribed to: it may have been notified of before.
	OnFeed func(rootUserID int)
	// OnMessages is called for a Messages notification of another replica.
	OnMessages func(rootUserID int)
	// OnSessionsEnded is called for a Sessions notification of another replica.
	OnSessionsEnded func(rootUserID int)
	// OnMissed is called when notifications may have been missed and pass again: after
	// each connection, the first included, and after an error such as a full queue.
	// The database must then be looked at for all accounts.
	OnMissed func()
}

// Bus is a connection to NATS that reconnects for as long as it takes.
//
// One goroutine alone talks to the server. Whoever calls Notify, Subscribe or
// Unsubscribe only leaves a request for it and never waits, not even for a server
// that has stopped reading.
type Bus struct {
	cfg           Config
	conn          *nats.Conn
	received      chan *nats.Msg
	closing       chan struct{}
	running       sync.WaitGroup
	subscriptions map[int]*nats.Subscription // by account; the sending goroutine's alone
	lastReason    string                     // why NATS is away; the library's callbacks' alone

	mu      sync.Mutex
	pending requests
	added   chan struct{} // holds one value while pending may hold something
}

// requests are what the sending goroutine has to do.
type requests struct {
	notifications map[notification]struct{}
	// subscribe holds for each account whether it is to be subscribed to or not.
	subscribe map[int]bool
	// missed is whether OnMissed is to be called once the server answers.
	missed bool
}

// Open begins to connect and returns whether or not a server is there: without one a
// replica can still serve everything, and events come by the poll. An error says what
// is wrong with the address and does not repeat it, because it may hold a password.
func Open(cfg Config) (*Bus, error) {
	if err := CheckURL(cfg.URL); err != nil {
		return nil, err
	}
	b := &Bus{
		cfg: cfg, received: make(chan *nats.Msg, receiveQueue), closing: make(chan struct{}),
		subscriptions: map[int]*nats.Subscription{}, added: make(chan struct{}, 1),
		pending: requests{notifications: map[notification]struct{}{}, subscribe: map[int]bool{}},
	}
	conn, err := nats.Connect(cfg.URL, b.options()...)
	if err != nil {
		return nil, fmt.Errorf("NATS: %w", err)
	}
	b.conn = conn
	for _, subject := range []string{allMessages, allSessions} {
		if _, err := conn.ChanSubscribe(subject, b.received); err != nil {
			conn.Close()
			return nil, fmt.Errorf("NATS: %w", err)
		}
	}
	b.running.Go(b.sendUntilClosed)
	b.running.Go(b.receiveUntilClosed)
	return b, nil
}

func (b *Bus) options() []nats.Option {
	return []nats.Option{
		nats.Name("luxbff"),
		nats.NoEcho(),
		nats.Timeout(dialTimeout),
		nats.PingInterval(pingInterval),
		nats.FlusherTimeout(roundTripTimeout),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		// The library would give up after two refusals of the same password. The
		// operator may be changing it on the server at that moment.
		nats.IgnoreAuthErrorAbort(),
		nats.CustomReconnectDelay(reconnectDelay),
		// The library's own buffer is off: while the server is away notifications wait
		// in pending, where each account has at most one.
		nats.ReconnectBufSize(-1),
		nats.ConnectHandler(func(*nats.Conn) { b.onConnect() }),
		nats.ReconnectHandler(func(*nats.Conn) { b.onConnect() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { b.onDisconnect(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { b.onDisconnect(err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { b.onError(err) }),
	}
}

// Notify has the notification sent as soon as the server is there: once, however
// often it is called until then.
func (b *Bus) Notify(topic pubsub.Topic, rootUserID int) {
	b.request(func(r *requests) {
		if len(r.notifications) < maxPending {
			r.notifications[notification{topic, rootUserID}] = struct{}{}
		}
	})
}

// Subscribe asks for the Feed notifications of a root user. Once the server has
// confirmed it OnFeed is called, or OnMissed if the server was away: another replica
// may have notified before. Those of other topics come for all root users.
func (b *Bus) Subscribe(topic pubsub.Topic, rootUserID int) { b.follow(topic, rootUserID, true) }

// Unsubscribe ends Subscribe.
func (b *Bus) Unsubscribe(topic pubsub.Topic, rootUserID int) { b.follow(topic, rootUserID, false) }

func (b *Bus) follow(topic pubsub.Topic, rootUserID int, wanted bool) {
	if topic == pubsub.Feed {
		b.request(func(r *requests) { r.subscribe[rootUserID] = wanted })
	}
}

// Connected reports whether the server is there.
func (b *Bus) Connected() bool { return b.conn.IsConnected() }

// Close sends what is pending, if the server is there, and ends the connection.
func (b *Bus) Close() {
	close(b.closing)
	b.running.Wait()
	b.conn.Close()
}

// request adds to what the sending goroutine has to do. It never blocks.
func (b *Bus) request(add func(*requests)) {
	b.mu.Lock()
	add(&b.pending)
	b.mu.Unlock()
	select {
	case b.added <- struct{}{}:
	default: // it will look already
	}
}

func (b *Bus) onConnect() {
	b.lastReason = ""
	b.cfg.Log.Info("NATS is there; replicas notify each other")
	b.request(func(r *requests) { r.missed = true })
}

// onDisconnect logs each reason once, because the library tries again for ever.
func (b *Bus) onDisconnect(err error) {
	reason := "connection closed"
	if err != nil {
		reason = describe(err)
	}
	if reason == b.lastReason || b.isClosing() {
		return
	}
	b.lastReason = reason
	b.cfg.Log.Warn("NATS is away; the feed polls until it is back", "reason", reason)
}

// describe is [apperr.Describe], but for what a server refuses: the library has a type of
// its own for that, which is equal to one of its known errors.
func describe(err error) string {
	for _, known := range []error{
		nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired,
		nats.ErrPermissionViolation, nats.ErrMaxConnectionsExceeded,
	} {
		if errors.Is(err, known) {
			return apperr.Describe(known)
		}
	}
	return apperr.Describe(err)
}

// onError is called for a queue that was full and for what the server refuses.
func (b *Bus) onError(err error) {
	b.cfg.Log.Warn("NATS", "error", err)
	b.request(func(r *requests) { r.missed = true })
}

func (b *Bus) isClosing() bool {
	select {
	case <-b.closing:
		return true
	default:
		return false
	}
}

// reconnectDelay is the time before the servers are tried once more.
func reconnectDelay(tries int) time.Duration {
	return min(minReconnectDelay<<min(tries, 10), maxReconnectDelay)
}
