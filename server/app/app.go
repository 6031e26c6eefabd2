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
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexedwards/argon2id"

	"luxbff/graph"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth/facebook"
	"luxbff/internal/auth/token"
	"luxbff/internal/child"
	"luxbff/internal/demo"
	"luxbff/internal/devlog"
	"luxbff/internal/message"
	"luxbff/internal/pubsub"
	"luxbff/internal/ratelimit"
	"luxbff/internal/store"
	"luxbff/server/metrics"
	"luxbff/server/rest"
	"luxbff/server/tracing"
	"luxbff/server/ws"
)

// Options are what a test replaces. The zero value is what production uses.
type Options struct {
	Clock  func() time.Time
	Random io.Reader
	Log    *slog.Logger
	// Elapsed reads a clock that only runs forward, by which durations are measured.
	Elapsed func() time.Duration
	// PasswordCost makes hashing cheap in tests.
	PasswordCost *argon2id.Params
}

// App is the running program but for its listener.
type App struct {
	Config   Config
	Store    *store.Store
	Accounts *account.Service
	Children *child.Service
	Devlogs  *devlog.Service
	Outbox   *message.Outbox

	handler http.Handler
	hub     *pubsub.Hub
	keys    *token.Keys
	sockets *ws.Registry
	bus     pubsub.Bus
	// leaveReplicas ends the bus.
	leaveReplicas func()
	metrics       *metrics.Metrics
	tracer        *tracing.Tracer
	options       Options
	// demoUserID is whose token GraphiQL starts with; 0 for nobody's.
	demoUserID int
	// leaving is set while the program still serves but wants no more requests.
	leaving atomic.Bool
	stop    context.CancelFunc
	running sync.WaitGroup
}

// New opens the database, brings it up to date in development, and wires the
// domain to its edges. The caller serves the Handler and calls Close at the end.
func New(ctx context.Context, cfg Config, options Options) (*App, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	keys, err := cfg.Keys()
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	a := &App{Config: cfg, keys: keys, options: options.withDefaults(), hub: pubsub.NewHub(), metrics: metrics.New()}
	if a.tracer, err = tracing.Start(ctx, cfg.tracesTo()); err != nil {
		return nil, err
	}
	database := cfg.Database()
	database.Log, database.Watch = a.options.Log, a.watchStore()
	if a.Store, err = store.Open(ctx, database); err != nil {
		return nil, errors.Join(err, a.tracer.Close(ctx))
	}
	if err := a.start(ctx); err != nil {
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
	o.Log = slog.New(requestLog{o.Log.Handler()})
	return o
}

// clock is the time as every surface shows it, in UTC and to the millisecond.
func clock() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func (a *App) start(ctx context.Context) error {
	if err := a.upToDate(ctx); err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	a.stop = stop
	if err := a.wireDomain(running); err != nil {
		return err
	}
	a.metrics.Watch(a.state)
	handler, err := a.routes()
	if err != nil {
		return err
	}
	a.handler = handler
	if err := a.joinReplicas(running); err != nil {
		return err
	}
	a.running.Go(func() { a.keepChecking(running) })
	a.Outbox.Start(running)
	a.Devlogs.Start(running)
	a.Accounts.Start(running)
	return nil
}

// upToDate migrates in development. Production is migrated by `migrate`, once
// for all replicas, and refuses to serve on an older schema.
func (a *App) upToDate(ctx context.Context) error {
	if a.Config.Development() {
		return a.Store.Migrate(ctx)
	}
	pending, err := a.Store.Pending(ctx)
	if err == nil && pending > 0 {
		return fmt.Errorf("%d migrations are missing: run `server migrate` first", pending)
	}
	return err
}

func (a *App) wireDomain(running context.Context) error {
	o := a.options
	a.Outbox = message.New(message.Config{
		Store: a.Store, Senders: a.Config.senders(o.Log), KeepText: a.Config.Development(),
		Clock: o.Clock, Random: o.Random, Log: o.Log, OnTried: a.countTry,
	})
	a.sockets = ws.NewRegistry(ws.RegistryConfig{})
	var err error
	a.Accounts, err = account.New(account.Config{
		Store: a.Store, Outbox: a.Outbox, Keys: a.keys, Clock: o.Clock, Random: o.Random, Log: o.Log,
		PublicURL:    a.Config.URL(),
		RejoinAfter:  time.Duration(a.Config.RejoinAfter) * 24 * time.Hour,
		Providers:    a.socialProviders(),
		PasswordCost: o.PasswordCost,
		OnSessionsEnded: func(rootUserID int, sessionIDs []int) {
			a.sessionsEnded(running, rootUserID, sessionIDs)
		},
		Limits:        a.limits(),
		OnWrongSignIn: func(kind apperr.Kind) { a.metrics.WrongSignIn(kind.New().Code()) },
	})
	if err != nil {
		return err
	}
	a.Children = child.New(child.Config{Store: a.Store, Hub: a.hub, Clock: o.Clock, Random: o.Random})
	a.Devlogs = devlog.New(devlog.Config{
		Store: a.Store, Hub: a.hub, Children: a.Children, Clock: o.Clock, Log: o.Log, OnTold: a.metrics.FeedLag,
	})
	return nil
}

// limits is nil where RATE_LIMITS lifts them.
func (a *App) limits() *ratelimit.Limiter {
	if a.Config.RateLimits == "off" {
		return nil
	}
	return ratelimit.New(a.options.Clock)
}

// socialProviders are those that are configured.
func (a *App) socialProviders() map[string]account.SocialProvider {
	if a.Config.FacebookURL == "" {
		return nil
	}
	return map[string]account.SocialProvider{"facebook": facebook.New(a.Config.FacebookURL)}
}

// Handler serves everything.
func (a *App) Handler() http.Handler { return a.handler }

// Leave makes /readyz fail, so that balancers send requests elsewhere, and has
// kept-alive connections end with their next answer. All is served until Drain.
func (a *App) Leave() { a.leaving.Store(true) }

// Metrics serves GET /metrics alone, for a listener that the public can't reach.
func (a *App) Metrics() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	return mux
}

// Drain closes the sockets and tells their clients when to come back.
func (a *App) Drain(ctx context.Context) error { return a.sockets.Shutdown(ctx) }

// Close ends the work in the background and closes the database, after the
// listener is closed.
func (a *App) Close() error {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	drained := a.sockets.Shutdown(ended)
	if errors.Is(drained, context.Canceled) {
		drained = nil
	}
	a.leaveReplicas()
	a.stop()
	a.running.Wait()
	a.Accounts.Close()
	a.Devlogs.Close()
	a.Outbox.Close()
	// What Flush has not sent is given up.
	_ = a.tracer.Close(ended)
	return errors.Join(drained, a.Store.Close())
}

// Flush sends the spans that are left, after the last request, until ctx ends.
// That a collector is away must not fail the end of the program.
func (a *App) Flush(ctx context.Context) {
	if err := a.tracer.Close(ctx); err != nil {
		a.options.Log.WarnContext(ctx, "spans are lost", "error", err)
	}
}

// LoadDemo fills a development database with the demo family and lets GraphiQL
// start with its token.
func (a *App) LoadDemo(ctx context.Context) error {
	parent, err := demo.Load(ctx, demo.Services{
		Accounts: a.Accounts, Children: a.Children, Devlogs: a.Devlogs, Outbox: a.Outbox, Clock: a.options.Clock,
	})
	if err != nil {
		return err
	}
	a.demoUserID = parent.ID
	return nil
}

func (a *App) edge() *rest.API {
	return &rest.API{
		Accounts: a.Accounts, Children: a.Children, Devlogs: a.Devlogs, Log: a.options.Log,
		Sunset: a.Config.Sunset, Count: a.count, CountError: a.metrics.Error, Trace: a.traceAction(),
	}
}

func (a *App) resolver() *graph.Resolver {
	return graph.NewResolver(a.Accounts, a.Children, a.Devlogs)
}
