// Package app puts the program together: configuration in, one http.Handler and
// Close out. Main and the tests start the same thing here. It is the wiring; it
// holds no rule and no storage of its own.
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/alexedwards/argon2id"

	entmessage "luxbff/ent/message"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/appversion"
	"luxbff/internal/auth"
	"luxbff/internal/auth/token"
	"luxbff/internal/background"
	"luxbff/internal/catalogue"
	"luxbff/internal/child"
	"luxbff/internal/demo"
	"luxbff/internal/devlog"
	"luxbff/internal/feed"
	"luxbff/internal/idempotency"
	"luxbff/internal/message"
	"luxbff/internal/message/history"
	"luxbff/internal/pubsub"
	"luxbff/internal/push"
	"luxbff/internal/store"
	"luxbff/internal/usage"
	"luxbff/server/gqlhttp"
	"luxbff/server/metrics"
	"luxbff/server/middleware"
	"luxbff/server/rest"
	"luxbff/server/tracing"
)

// Options are the clock, the randomness and the log, which tests replace. The zero
// value is what production uses.
type Options struct {
	Clock  func() time.Time
	Random io.Reader
	Log    *slog.Logger
	// Elapsed reads a clock that only runs forward, by which durations are measured.
	Elapsed func() time.Duration
	// OnStatement is called after each SQL statement; nil for none. It must not block, nor
	// use the store.
	OnStatement func(store.Statement)
	// PasswordCost makes hashing cheap in tests.
	PasswordCost *argon2id.Params
}

// App is the running program but for its listener.
type App struct {
	Config    Config
	Store     *store.Store
	Auth      *auth.Service
	Accounts  *account.Service
	Catalogue *catalogue.Importer
	Children  *child.Service
	Feed      *feed.Service
	Devlogs   *devlog.Service
	Outbox    *message.Outbox
	Messages  *history.Service
	Push      *push.Service
	Usage     *usage.Service
	Once      *idempotency.Service

	options    Options
	handler    http.Handler
	metrics    *metrics.Metrics
	tracer     *tracing.Tracer
	hub        *pubsub.Hub // of the feed
	messageHub *pubsub.Hub
	bus        pubsub.Bus
	leaveBus   func()
	sockets    *socketRegistry
	sessions   *sessionSockets
	background *background.Group
	// trusted and documentLog are nil without TRUSTED_DOCUMENTS.
	trusted     *gqlhttp.TrustedDocuments
	documentLog *documentLog
	minimums    appversion.Minimums
	sunsets     atomic.Pointer[rest.Sunsets]
	// demoUserID is whose token GraphiQL starts with; 0 for nobody's.
	demoUserID int
	// stopping is set while the program still serves but wants no more requests.
	stopping atomic.Bool
}

// New opens the database, brings it up to date in development, and wires the
// domain to its transports. The caller serves the Handler and calls Close at the
// end.
func New(ctx context.Context, cfg Config, options Options) (*App, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	keys, err := cfg.Keys()
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	a := &App{
		Config: cfg, options: options.withDefaults(), metrics: metrics.New(),
		hub: pubsub.NewHub(pubsub.Feed), messageHub: pubsub.NewHub(pubsub.Messages), bus: pubsub.InProcess{}, leaveBus: func() {},
	}
	a.background = background.NewGroup(context.WithoutCancel(ctx), a.onPanic)
	// Each step that fails ends what the steps before it have started.
	if a.tracer, err = tracing.Start(ctx, cfg.tracesTo()); err != nil {
		return nil, err
	}
	database := cfg.Database()
	database.Log, database.Hooks = a.options.Log, storeHooks(a.metrics, a.tracer, a.options)
	if a.Store, err = store.Open(ctx, database); err != nil {
		return nil, errors.Join(err, a.tracer.Close(ctx))
	}
	if err := a.start(ctx, keys); err != nil {
		a.background.Close()
		return nil, errors.Join(err, a.Store.Close(), a.tracer.Close(ctx))
	}
	return a, nil
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Elapsed == nil {
		began := time.Now()
		o.Elapsed = func() time.Duration { return time.Since(began) }
	}
	o.Log = slog.New(middleware.LogHandler{Handler: o.Log.Handler()})
	return o
}

// clock is the time in UTC and to the millisecond, which is what every surface shows:
// nothing more exact is stored.
func clock() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// start wires everything over the open store, and then starts what runs in the
// background.
func (a *App) start(ctx context.Context, keys *token.Keys) error {
	if err := a.trustDocuments(ctx); err != nil {
		return err
	}
	if err := a.ReloadSunsets(ctx); err != nil {
		return err
	}
	minimums, err := a.Config.minVersions()
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	a.minimums = minimums
	if err := prepareSchema(ctx, a.Config, a.Store); err != nil {
		return err
	}
	if err := a.wireDomain(keys); err != nil {
		return err
	}
	handler, err := a.routes(keys)
	if err != nil {
		return err
	}
	a.handler = handler
	// From here on notifications of other replicas arrive, so the services must exist.
	if err := a.joinBus(); err != nil {
		return err
	}
	a.metrics.StartErrorsAtZero(append(surfaceNames(), inBackground), apperr.Internal.New().Code(), apperr.Unavailable.New().Code())
	a.metrics.StartRateLimitsAtZero("cost-account", "cost-address", "device", "device-account", "unique-id",
		"sms-day", "alimtalk-day", "email-day", "push-day", "code-recipient-day", "code-block-day")
	a.metrics.StartMessageChecksAtZero(
		[]string{entmessage.ChannelSms.String(), entmessage.ChannelAlimtalk.String()}, string(message.Delivered), string(message.Failed), string(message.UnderWay), string(message.Unanswered),
	)
	a.metrics.ReadStateWith(a.readState)
	a.background.Every(checkSocketsEvery, a.sessions.checkAll)
	lasting := context.WithoutCancel(ctx) // each Close ends its own
	a.Outbox.Start(lasting)
	a.Feed.Start(lasting)
	a.Messages.Start(lasting)
	a.Auth.Start(lasting)
	a.Push.Start(lasting)
	a.Devlogs.Start(lasting)
	a.Usage.Start(lasting)
	a.Once.Start(lasting)
	return nil
}

// Migrate brings a database to the schema of this program.
func Migrate(ctx context.Context, database store.Config) error {
	db, err := store.Open(ctx, database)
	if err != nil {
		return err
	}
	return errors.Join(db.Migrate(ctx), db.Close())
}

// prepareSchema migrates in development. In production the command `migrate` does so,
// once for all replicas, and a program on an older schema refuses to serve.
func prepareSchema(ctx context.Context, cfg Config, db *store.Store) error {
	if cfg.Development() && cfg.MigrateURL != "" {
		return Migrate(ctx, cfg.MigrateDatabase())
	}
	if cfg.Development() {
		return db.Migrate(ctx)
	}
	pending, err := db.Pending(ctx)
	if err == nil && pending > 0 {
		return fmt.Errorf("%d migrations are missing: run `server migrate` first", pending)
	}
	return err
}

// Handler serves everything.
func (a *App) Handler() http.Handler { return a.handler }

// MetricsHandler serves GET /metrics alone, for a listener that the public can't
// reach.
func (a *App) MetricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	return a.withSecurityHeaders(mux)
}

// LoadDemo fills a development database with the demo family and lets GraphiQL
// start with its token.
func (a *App) LoadDemo(ctx context.Context) error {
	parent, err := demo.Load(ctx, demo.Services{
		Store: a.Store, Auth: a.Auth, Accounts: a.Accounts, Catalogue: a.Catalogue, Children: a.Children, Devlogs: a.Devlogs, Outbox: a.Outbox, Clock: a.options.Clock,
	})
	if err != nil {
		return err
	}
	a.demoUserID = parent.ID
	return nil
}

// CheckSockets closes the sockets of sessions that have ended, as the background
// does every ten seconds.
func (a *App) CheckSockets(ctx context.Context) { a.sessions.checkAll(ctx) }

// BeginShutdown makes /readyz fail, so that balancers choose another replica, and
// ends kept-alive connections with their next response. Everything is still served
// until Drain.
func (a *App) BeginShutdown() { a.stopping.Store(true) }

// Drain closes the sockets and streams, each with a hint when to come back. When ctx
// ends first, the rest are cut.
func (a *App) Drain(ctx context.Context) error { return a.sockets.Shutdown(ctx) }

// FlushTraces sends the spans that are left, after the last request, until ctx
// ends. A collector that is away must not fail the end of the program.
func (a *App) FlushTraces(ctx context.Context) {
	if err := a.tracer.Close(ctx); err != nil {
		a.options.Log.WarnContext(ctx, "spans are lost", "error", err)
	}
}

// lastFlushLimit bounds the last write of what was counted: a database that is away must not
// keep the program from ending.
const lastFlushLimit = 5 * time.Second

// Close ends the work in the background and closes the database, after the
// listener is closed.
func (a *App) Close() error {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	// Sockets that Drain left open are cut at once.
	drained := a.sockets.Shutdown(ended)
	if errors.Is(drained, context.Canceled) {
		drained = nil
	}
	a.leaveBus()
	a.background.Close()
	a.Auth.Close()
	a.Devlogs.Close()
	a.Once.Close()
	a.Push.Close()
	a.Feed.Close()
	a.Messages.Close()
	a.Outbox.Close()
	inTime, cancelFlush := context.WithTimeout(context.Background(), lastFlushLimit)
	defer cancelFlush()
	a.Usage.Close(inTime)
	// What FlushTraces has not sent is given up.
	_ = a.tracer.Close(ended)
	return errors.Join(drained, a.Store.Close())
}
