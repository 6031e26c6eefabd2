// Package feed is the event log of an account: uploads append to it in their own
// transaction, and subscribers read it, while it happens and after a break.
//
// The database is the log. [Service.Append] writes events as rows; package pubsub
// only says that there is something to read. A notification that is lost therefore
// costs at most one poll (10 s), never an event.
//
// The package imports neither internal/devlog, which appends to it, nor gqlgen nor
// net/http.
package feed

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"luxbff/internal/auth"
	"luxbff/internal/background"
	"luxbff/internal/child"
	"luxbff/internal/pubsub"
	"luxbff/internal/store"
)

// Retention is how long an event stays in the feed.
const Retention = 7 * 24 * time.Hour

// Config is what the package needs from outside.
type Config struct {
	Store    *store.Store
	Hub      *pubsub.Hub
	Children *child.Service
	// Sessions check the token of a subscription that names its claims; nil where none does.
	Sessions *auth.Sessions
	Clock    func() time.Time
	Log      *slog.Logger
	// OnDelivered is called with the time between a change and the moment when its
	// event was handed to the subscriber's transport. Replayed events don't count:
	// their age says when the client was away, not how fast the server is. It may
	// be nil.
	OnDelivered func(lag time.Duration)
	// OnPanic is called with each panic in the background, which then goes on. Where it is
	// nil, a panic ends the program.
	OnPanic func(ctx context.Context, p *background.Panic)
}

// Service appends events and serves subscribers.
type Service struct {
	store        *store.Store
	hub          *pubsub.Hub
	children     *child.Service
	sessions     *auth.Sessions
	clock        func() time.Time
	log          *slog.Logger
	onDelivered  func(lag time.Duration)
	onPanic      func(ctx context.Context, p *background.Panic)
	resumePoints resumePoints
	acks         acks
	childFilters childFilters
	sharedReads  sharedReads
	subscribers  atomic.Int64
	pollNow      background.Signal
	running      *background.Group // nil before Start
}

// New makes the service. Its work in the background begins with [Service.Start].
func New(c Config) *Service {
	if c.OnDelivered == nil {
		c.OnDelivered = func(time.Duration) {}
	}
	return &Service{
		store: c.Store, hub: c.Hub, children: c.Children, sessions: c.Sessions, clock: c.Clock, log: c.Log, onDelivered: c.OnDelivered, onPanic: c.OnPanic,
		resumePoints: resumePoints{store: c.Store, clock: c.Clock},
		acks:         newAcks(),
		childFilters: childFilters{byChild: map[int]childFilter{}},
		sharedReads:  newSharedReads(),
		pollNow:      background.NewSignal(),
	}
}

// Start polls for events whose notification was lost, saves acknowledgements and
// prunes old events, until Close.
func (s *Service) Start(ctx context.Context) {
	s.running = background.NewGroup(ctx, s.onPanic)
	s.running.Supervise(s.pollUntilDone)
	s.running.Every(pruneInterval, s.pruneAndLog)
	s.running.Supervise(s.saveAcksUntilDone)
}

// Close ends what Start began, after a last save of acknowledgements.
func (s *Service) Close() { s.running.Close() }
