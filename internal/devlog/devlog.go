// Package devlog holds usage logs: uploads and the rules by which a temporary
// log becomes a complete one, the history of a child, and the feed that tells
// of every change. It imports neither gqlgen nor net/http.
package devlog

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"luxbff/ent/vocab"
	"luxbff/internal/child"
	"luxbff/internal/pubsub"
	"luxbff/internal/store"
)

// Config is what the package needs from outside.
type Config struct {
	Store    *store.Store
	Hub      *pubsub.Hub
	Children *child.Service
	Clock    func() time.Time
	Log      *slog.Logger
	// OnTold is told of each event that happened while its subscriber listened: how
	// long after the change the transport was handed it. Nil is told nothing.
	OnTold func(lag time.Duration)
}

// Service answers for devlogs.
type Service struct {
	store    *store.Store
	hub      *pubsub.Hub
	children *child.Service
	clock    func() time.Time
	log      *slog.Logger
	pollNow  chan struct{} // holds one value while a poll is asked for
	onTold   func(lag time.Duration)
	feeds    atomic.Int64
	filtered filtered
	receipts receipts
	stop     context.CancelFunc
	running  sync.WaitGroup
}

// New makes the service.
func New(c Config) *Service {
	if c.OnTold == nil {
		c.OnTold = func(time.Duration) {}
	}
	return &Service{
		store: c.Store, hub: c.Hub, children: c.Children, clock: c.Clock, log: c.Log, onTold: c.OnTold,
		pollNow:  make(chan struct{}, 1),
		filtered: filtered{feeds: map[int]*filter{}},
		receipts: receipts{waiting: map[reader]int64{}, news: make(chan struct{}, 1)},
	}
}

// MaxRecords is the most records one upload may hold.
const MaxRecords = 1000

// startDelay is how long after the start of a use the app sends its temporary
// log (LUX device page, "Upload Temporary Usage Log").
const startDelay = 30 * time.Second

// Record is one log as a phone sends it. TreatmentTime is in seconds.
type Record struct {
	ChildUserID   int
	DeviceID      int
	UniqueID      string
	TreatmentDate vocab.LocalDateTime
	FinishFlag    *vocab.FinishFlag // nil while the use runs
	LastIntensity int
	TreatmentTime int
	LogFileID     *int
}

// temporary reports whether the use still runs.
func (r Record) temporary() bool { return r.FinishFlag == nil }

// date is the start of the use as it is stored.
func (r Record) date() vocab.LocalDateTime {
	if r.temporary() {
		return r.TreatmentDate.Add(-startDelay)
	}
	return r.TreatmentDate
}
