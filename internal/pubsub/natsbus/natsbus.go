// Package natsbus rings between replicas through NATS. Subjects are
// luxbff.feed.ROOT_USER_ID and luxbff.sessions.ROOT_USER_ID; messages have no
// body, because whoever hears a bell reads the database. It imports the client of
// NATS and package live, and neither storage nor transport.
package natsbus

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"luxbff/internal/pubsub"
)

const (
	// mostWaiting bounds the bells that wait to be sent, one an account. What
	// comes beyond is left to the poll.
	mostWaiting = 10_000
	// mostHeard bounds the bells that came and wait to be rung.
	mostHeard = 8192
	// confirmWithin bounds one round trip to the server.
	confirmWithin = 2 * time.Second
	// dialWithin bounds how long a server that doesn't answer holds up the start.
	dialWithin = 2 * time.Second
	// pingEvery finds a dead connection within three of it.
	pingEvery = 5 * time.Second
	// firstPause and longestPause bound the time between two tries to connect.
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// Config is what a Bus needs. All must be there. The functions are called from
// goroutines of the bus and must return at once.
type Config struct {
	// URL is one address or several with commas between:
	// nats://USER:PASSWORD@HOST:PORT, or tls://….
	URL string
	Log *slog.Logger
	// Wake is told of a Feed bell, and once for an account that is watched anew.
	Wake func(rootUserID int)
	// SessionsEnded is told of a Sessions bell.
	SessionsEnded func(rootUserID int)
	// Recovered is told when bells may have been lost and pass again: the
	// database has to be looked at for all accounts.
	Recovered func()
}

// Bus is a connection to NATS that is made anew for as long as it takes. One
// goroutine alone speaks to the server, so that whoever rings never waits for it.
type Bus struct {
	cfg      Config
	conn     *nats.Conn
	heard    chan *nats.Msg
	closing  chan struct{}
	running  sync.WaitGroup
	watching map[int]*nats.Subscription // the speaker's own
	told     string                     // why NATS is away; the library's callbacks' own

	mu     sync.Mutex
	todo   todo
	anyNew chan struct{} // holds one value while todo has something new
}

// todo is what the speaker has to tell the server.
type todo struct {
	bells     map[bell]struct{}
	watch     map[int]bool // an account, and whether it is to be watched
	recovered bool
}

// Open begins to connect and returns whether or not a server is there. An error
// says what is wrong with the address, and never repeats it.
func Open(cfg Config) (*Bus, error) {
	if err := CheckURL(cfg.URL); err != nil {
		return nil, err
	}
	b := &Bus{
		cfg: cfg, heard: make(chan *nats.Msg, mostHeard), closing: make(chan struct{}),
		watching: map[int]*nats.Subscription{}, anyNew: make(chan struct{}, 1),
		todo: todo{bells: map[bell]struct{}{}, watch: map[int]bool{}},
	}
	conn, err := nats.Connect(cfg.URL, b.options()...)
	if err != nil {
		return nil, fmt.Errorf("NATS: %w", err)
	}
	b.conn = conn
	if _, err := conn.ChanSubscribe(everySessions, b.heard); err != nil {
		conn.Close()
		return nil, fmt.Errorf("NATS: %w", err)
	}
	b.running.Go(b.speak)
	b.running.Go(b.listen)
	return b, nil
}

func (b *Bus) options() []nats.Option {
	return []nats.Option{
		nats.Name("luxbff"),
		nats.NoEcho(),
		nats.Timeout(dialWithin),
		nats.PingInterval(pingEvery),
		nats.FlusherTimeout(confirmWithin),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(),
		nats.CustomReconnectDelay(backoff),
		// Bells that can't be sent wait here, once an account, not there.
		nats.ReconnectBufSize(-1),
		nats.ConnectHandler(func(*nats.Conn) { b.connected() }),
		nats.ReconnectHandler(func(*nats.Conn) { b.connected() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { b.away(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { b.away(err) }),
		nats.ErrorHandler(b.failed),
	}
}

// Ring has the bell sent as soon as the server is there, once for all that ring
// until then.
func (b *Bus) Ring(topic pubsub.Topic, rootUserID int) {
	b.note(func(t *todo) {
		if len(t.bells) < mostWaiting {
			t.bells[bell{topic, rootUserID}] = struct{}{}
		}
	})
}

// Watch asks for the Feed bells of a root user. Once the server has agreed Wake
// is called, or Recovered if it was away: a bell may have rung before.
func (b *Bus) Watch(rootUserID int) { b.note(func(t *todo) { t.watch[rootUserID] = true }) }

// Forget ends Watch.
func (b *Bus) Forget(rootUserID int) { b.note(func(t *todo) { t.watch[rootUserID] = false }) }

// Up reports whether the server is there.
func (b *Bus) Up() bool { return b.conn.IsConnected() }

// Close sends what waits, if the server is there, and ends the connection.
func (b *Bus) Close() {
	close(b.closing)
	b.running.Wait()
	b.conn.Close()
}

func (b *Bus) note(change func(*todo)) {
	b.mu.Lock()
	change(&b.todo)
	b.mu.Unlock()
	select {
	case b.anyNew <- struct{}{}:
	default:
	}
}

func (b *Bus) connected() {
	b.told = ""
	b.cfg.Log.Info("NATS is there; replicas ring each other")
	b.note(func(t *todo) { t.recovered = true })
}

// away tells each reason once: the library tries again for ever.
func (b *Bus) away(err error) {
	reason := "connection closed"
	if err != nil {
		reason = err.Error()
	}
	if reason == b.told || b.ended() {
		return
	}
	b.told = reason
	b.cfg.Log.Warn("NATS is away; the feed polls until it is back", "reason", reason)
}

func (b *Bus) ended() bool {
	select {
	case <-b.closing:
		return true
	default:
		return false
	}
}

// failed hears of a queue that ran over, and of what the server refuses.
func (b *Bus) failed(_ *nats.Conn, _ *nats.Subscription, err error) {
	b.cfg.Log.Warn("NATS", "error", err)
	b.note(func(t *todo) { t.recovered = true })
}

// backoff is the pause before the servers are tried once more.
func backoff(tries int) time.Duration {
	return min(firstPause<<min(tries, 10), longestPause)
}
