package store

import (
	"context"
	"database/sql"
	"time"
)

// Hooks are called with what the store does, for metrics and traces. A hook that is
// nil isn't called. They run in the goroutines that read and write: they must not
// block, nor use the store.
type Hooks struct {
	// Elapsed reads a clock that only runs forward. Without it only OnWrite is called.
	Elapsed func() time.Duration
	// OnStatement is called for each statement once its result or its first row is
	// there. Those that begin and end transactions are left out.
	OnStatement func(ctx context.Context, s Statement)
	// OnWriteBegun is called when the function given to Write is about to run, with
	// the time that it waited for its turn or for a connection.
	OnWriteBegun func(waited time.Duration)
	// OnCommit is called with the number of writes that shared a commit, and how long
	// it took until that was on disk.
	OnCommit func(writes int, took time.Duration)
	// OnWrite is called when a Write is asked for. The Write runs in the context that it
	// gives, and at the end calls the function that it gives.
	OnWrite func(ctx context.Context) (context.Context, func(error))
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

// Stats reads how busy the store is.
func (s *Store) Stats() Stats {
	stats := s.engine.stats()
	stats.Writes = int(s.writes.Load())
	return stats
}

// now is the clock's time, 0 without a clock.
func (h *Hooks) now() time.Duration {
	if h.Elapsed == nil {
		return 0
	}
	return h.Elapsed()
}

func (h *Hooks) statement(ctx context.Context, query string, inWrite bool, began time.Duration, err error) {
	if h.Elapsed != nil && h.OnStatement != nil {
		h.OnStatement(ctx, Statement{Query: query, InWrite: inWrite, Took: h.Elapsed() - began, Err: err})
	}
}

func (h *Hooks) writeBegun(queuedAt time.Duration) {
	if h.Elapsed != nil && h.OnWriteBegun != nil {
		h.OnWriteBegun(h.Elapsed() - queuedAt)
	}
}

func (h *Hooks) committed(writes int, began time.Duration) {
	if h.Elapsed != nil && h.OnCommit != nil {
		h.OnCommit(writes, h.Elapsed()-began)
	}
}

func (h *Hooks) write(ctx context.Context) (context.Context, func(error)) {
	if h.OnWrite == nil {
		return ctx, func(error) {}
	}
	return h.OnWrite(ctx)
}
