package store

import (
	"context"
	"database/sql"
	"time"
)

// Hooks is told what the store does, for metrics and traces. A function that is
// nil isn't called. They run on the way of each read and write: they must not
// block, nor use the store.
type Hooks struct {
	// Elapsed reads a clock that only runs forward. Without it nothing is told but
	// Write.
	Elapsed func() time.Duration
	// Statement is told of each statement once its answer or its first row is
	// there. Those that begin and end transactions are not told.
	Statement func(ctx context.Context, s Statement)
	// Waited is told how long a write waited until it began.
	Waited func(waited time.Duration)
	// Committed is told how many writes shared a commit and how long that took
	// until it was on disk.
	Committed func(writes int, took time.Duration)
	// Write is told when a Write is asked for. The Write runs in the context that it
	// gives, and at the end calls what it gives.
	Write func(ctx context.Context) (context.Context, func(error))
}

// Statement is an SQL statement that has run.
type Statement struct {
	// Query is its text, with placeholders for its arguments.
	Query string
	// InWrite says that it was part of a Write.
	InWrite bool
	Took    time.Duration
	Err     error
}

// Stats is how busy the store is.
type Stats struct {
	// Read and Write are the connections. On SQLite the writer has one, and keeps it.
	Read, Write sql.DBStats
	// Writes is how many writes wait or run.
	Writes int
}

// Stats tells how busy the store is.
func (s *Store) Stats() Stats {
	stats := s.engine.stats()
	stats.Writes = int(s.writes.Load())
	return stats
}

// now is the reading before something that will be told of.
func (w *Hooks) now() time.Duration {
	if w.Elapsed == nil {
		return 0
	}
	return w.Elapsed()
}

func (w *Hooks) statement(ctx context.Context, query string, inWrite bool, began time.Duration, err error) {
	if w.Elapsed != nil && w.Statement != nil {
		w.Statement(ctx, Statement{Query: query, InWrite: inWrite, Took: w.Elapsed() - began, Err: err})
	}
}

func (w *Hooks) waited(since time.Duration) {
	if w.Elapsed != nil && w.Waited != nil {
		w.Waited(w.Elapsed() - since)
	}
}

func (w *Hooks) committed(writes int, began time.Duration) {
	if w.Elapsed != nil && w.Committed != nil {
		w.Committed(writes, w.Elapsed()-began)
	}
}

func (w *Hooks) write(ctx context.Context) (context.Context, func(error)) {
	if w.Write == nil {
		return ctx, func(error) {}
	}
	return w.Write(ctx)
}
