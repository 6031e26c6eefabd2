package store

import (
	"context"
	"sync"
	"time"

	"luxbff/internal/apperr"
)

// ErrReadOnly is the finding about a database that can be read and takes no writes.
var ErrReadOnly = apperr.Text("store: the database is read-only")

// ErrFileMoved is what each write to an SQLite database gets whose file is no longer at
// its path. SQLite itself would go on writing to the file that it holds open: what is
// stored there would be gone with the next start.
var ErrFileMoved = apperr.Text("store: the database file was moved, deleted or replaced: put it back, or restart the program")

const (
	// probeEvery is for how long a write that was stored shows that others can be, and so
	// does a probe. A probe of SQLite waits for the disk.
	probeEvery = 5 * time.Second
	// probeAgain is the same for a probe after which a write has failed.
	probeAgain = time.Second
	// probeWait bounds how long somebody who asks waits for a probe. It may have to wait for
	// its turn behind long writes, which say nothing against the database.
	probeWait = time.Second
	// probeLimit bounds a probe itself. One that takes longer has failed.
	probeLimit = 15 * time.Second
)

// CheckWritable asks whether the database takes writes, and gives nil if it does. Its
// errors are apperr.Unavailable; ErrReadOnly and ErrFileMoved are among them. On
// PostgreSQL it asks a connection of the writers and writes nothing; on SQLite it writes
// one page as it was, because a disk that is full or read-only shows itself in no other
// way. It may be called at any time and rate: what a write or a call before it has found
// counts for some seconds, and it never waits for long.
func (s *Store) CheckWritable(ctx context.Context) error {
	probe := s.writable.newest(s.engine.probe) //nolint:contextcheck // a probe outlives whoever asked for it first
	if probe == nil {
		return nil
	}
	timer := time.NewTimer(probeWait)
	defer timer.Stop()
	select {
	case <-probe.done:
		return explain(probe.err)
	case <-timer.C:
		return explain(probe.before)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// writability remembers what is known of whether the database takes writes.
type writability struct {
	lasting context.Context // ends with the store
	stop    context.CancelFunc

	mu sync.Mutex
	// lastStored is when a write was stored, zero where a later one failed because the
	// database could not serve.
	lastStored  time.Time
	lastRefused time.Time // when a write failed so
	probe       *probe    // the newest, nil before the first
	probes      sync.WaitGroup
}

// probe is one question to the database whether it takes writes.
type probe struct {
	began  time.Time
	before error // what the probe before it has found
	done   chan struct{}
	err    error // may be read once done is closed
}

func newWritability() *writability {
	lasting, stop := context.WithCancel(context.Background())
	return &writability{lasting: lasting, stop: stop}
}

// note takes notice of how a write ended. A write that had nothing to change has shown
// nothing.
func (w *writability) note(tx *Tx, err error) {
	isStored := err == nil && tx.conn.changed
	isRefused := apperr.Is(err, apperr.Unavailable)
	if !isStored && !isRefused {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if isStored {
		w.lastStored = now()
	} else {
		w.lastStored, w.lastRefused = time.Time{}, now()
	}
}

// newest gives the probe that answers now, after it has begun one if the last is too
// old. It is nil where a write was stored a moment ago. A store that is closed takes none.
func (w *writability) newest(run func(context.Context) error) *probe {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lasting.Err() != nil {
		closed := &probe{done: make(chan struct{}), err: unavailableError{ErrClosed}}
		close(closed.done)
		return closed
	}
	if now().Sub(w.lastStored) < probeEvery {
		return nil
	}
	if w.probe != nil {
		lasts := probeEvery
		if w.lastRefused.After(w.probe.began) {
			lasts = probeAgain
		}
		if !w.probe.isDone() || now().Sub(w.probe.began) < lasts {
			return w.probe
		}
	}
	began := &probe{began: now(), done: make(chan struct{})}
	if w.probe != nil {
		began.before = w.probe.err
	}
	w.probe = began
	w.probes.Go(func() {
		defer close(began.done)
		ctx, cancel := context.WithTimeout(w.lasting, probeLimit)
		defer cancel()
		began.err = run(ctx)
	})
	return began
}

func (p *probe) isDone() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// close ends the probe that is under way, and lets none begin.
func (w *writability) close() {
	w.mu.Lock()
	w.stop()
	w.mu.Unlock()
	w.probes.Wait()
}

// now is for the ages of probes and connections alone. They are compared with each other,
// and with nothing that is stored or shown.
func now() time.Time { return time.Now() } //nolint:forbidigo // no rule goes by it
