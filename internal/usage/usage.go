// Package usage counts which version of which app uses which REST route and which GraphQL
// operation, so that an operator knows what is still needed. It counts in memory, adds that to
// the rows of the day once a minute and when the program ends, and shows them. No row names
// an account. The package knows neither HTTP nor GraphQL: its caller says what is used.
package usage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"luxbff/internal/background"
	"luxbff/internal/store"
)

const (
	// MostRows is how many rows a surface has of one day, of all replicas together, besides
	// the one of [Other]. Names and versions are the clients' to choose: what comes beyond
	// it is counted as [Other].
	MostRows = 1_000
	// mostOfStrangers is how many of them those who are not signed in can take: they can
	// name any app at no cost, and must not crowd out those who use one.
	mostOfStrangers = MostRows / 2
	// Other is the name, the app and the version of what has no row of its own.
	Other = "other"

	flushInterval = time.Minute
	layout        = time.DateOnly
)

// Use is one request.
type Use struct {
	// Surface is GraphQL or a surface of the REST routes, Name an operation or a route.
	Surface, Name string
	// App and Version are what the app says of itself, or words for that it says nothing.
	App, Version string
}

// compare orders by surface, name, app and version.
func (u Use) compare(other Use) int {
	return cmp.Or(strings.Compare(u.Surface, other.Surface), strings.Compare(u.Name, other.Name),
		strings.Compare(u.App, other.App), strings.Compare(u.Version, other.Version))
}

// orOther is how a use without a row of its own is counted.
func (u Use) orOther() Use { return Use{u.Surface, Other, Other, Other} }

// row is where uses are counted.
type row struct {
	day string
	Use
}

func (r row) compare(other row) int {
	return cmp.Or(strings.Compare(r.day, other.day), r.Use.compare(other.Use))
}

// place is a part of the table whose rows are bounded.
type place struct{ day, surface string }

// tally is what is known here of a row.
type tally struct {
	unwritten int
	room      room
}

// room says whether the database has a row for a use.
type room uint8

const (
	notAsked room = iota
	hasRow
	hasNone // it is counted with the others
)

// Config is what a Service needs.
type Config struct {
	Store   *store.Store
	Clock   func() time.Time
	Log     *slog.Logger
	OnPanic func(context.Context, *background.Panic)
}

// Service counts. Its methods may be called from many goroutines.
type Service struct {
	cfg        Config
	background *background.Group

	flushing sync.Mutex // one flush at a time
	mu       sync.Mutex // guards what is below
	today    string
	tomorrow time.Time // when today ends
	tallies  map[row]*tally
	rows     map[place]int
}

// New makes it.
func New(cfg Config) *Service {
	return &Service{cfg: cfg, tallies: map[row]*tally{}, rows: map[place]int{}}
}

// Start writes what was counted every minute and prunes every hour, until Close.
func (s *Service) Start(ctx context.Context) {
	s.background = background.NewGroup(ctx, s.cfg.OnPanic)
	s.background.Every(flushInterval, func(ctx context.Context) { s.report(ctx, s.Flush(ctx)) })
	s.background.Every(pruneInterval, func(ctx context.Context) { s.report(ctx, s.Prune(ctx)) })
}

// Close ends what Start began and writes what is left, for which ctx gives the time. No more
// may be counted then. It may be called without Start.
func (s *Service) Close(ctx context.Context) {
	s.background.Close()
	s.report(ctx, s.Flush(ctx))
}

func (s *Service) report(ctx context.Context, err error) {
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		s.cfg.Log.ErrorContext(ctx, "the usage of the apps", "error", err)
	}
}

// Count counts one use. Only of who is signed in all rows of the day may be taken.
func (s *Service) Count(use Use, isSignedIn bool) {
	now := s.cfg.Clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !now.Before(s.tomorrow) || s.tomorrow.Sub(now) > 24*time.Hour {
		s.turnTo(now)
	}
	at := row{s.today, use}
	known := s.tallies[at]
	if known == nil {
		known = s.add(at, isSignedIn)
	}
	known.unwritten++
}

// turnTo begins the day of now, also where the clock was set back. What could not be written of
// days before the last one is given up.
func (s *Service) turnTo(now time.Time) {
	began := now.UTC().Truncate(24 * time.Hour)
	s.today, s.tomorrow = began.Format(layout), began.Add(24*time.Hour)
	yesterday := began.Add(-24 * time.Hour).Format(layout)
	for at, known := range s.tallies {
		if at.day < yesterday || at.day != s.today && known.unwritten == 0 {
			delete(s.tallies, at)
		}
	}
	for at := range s.rows {
		if at.day != s.today {
			delete(s.rows, at)
		}
	}
}

// add makes a tally for the row, or gives that of all others where the day is full.
func (s *Service) add(at row, isSignedIn bool) *tally {
	limit := MostRows
	if !isSignedIn {
		limit = mostOfStrangers
	}
	there := place{at.day, at.Surface}
	if s.rows[there] >= limit {
		at.Use = at.orOther()
		if others := s.tallies[at]; others != nil {
			return others
		}
	} else {
		s.rows[there]++
	}
	// The texts may be parts of a request, which would stay in memory with them.
	at.Use = Use{strings.Clone(at.Surface), strings.Clone(at.Name), strings.Clone(at.App), strings.Clone(at.Version)}
	added := &tally{}
	s.tallies[at] = added
	return added
}

// counted is what a flush adds to a row.
type counted struct {
	row
	uses int
	room room
}

// Flush adds what was counted since the last one to the rows of the day. What could not be
// written is kept for the next.
func (s *Service) Flush(ctx context.Context) error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	taken := s.take()
	if len(taken) == 0 {
		return nil
	}
	var rooms []room
	err := s.cfg.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		rooms, err = write(ctx, tx, taken)
		return err
	})
	s.settle(taken, rooms, err)
	if err != nil {
		return fmt.Errorf("write %d rows: %w", len(taken), err)
	}
	return nil
}

// take gives what has not been written, in the order in which all replicas write it, and
// counts it as written.
func (s *Service) take() (taken []counted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at, known := range s.tallies {
		if known.unwritten > 0 {
			taken = append(taken, counted{at, known.unwritten, known.room})
			known.unwritten = 0
		}
	}
	slices.SortFunc(taken, func(a, b counted) int { return a.compare(b.row) })
	return taken
}

// settle notes what became of a write. Where its outcome is not known it is taken for done: a
// minute that is missing misleads nobody, and one that counts twice might.
func (s *Service) settle(taken []counted, rooms []room, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, one := range taken {
		known := s.tallies[one.row]
		switch {
		case known == nil: // the day is long over
		case err == nil:
			known.room = rooms[i]
		case !errors.Is(err, store.ErrOutcomeUnknown):
			known.unwritten += one.uses
		}
	}
}
