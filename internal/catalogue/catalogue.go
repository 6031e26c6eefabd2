// Package catalogue holds the devices that exist, as the factory lists them: it
// imports the factory's CSV files. Who has a device is the business of
// internal/child. It imports neither gqlgen nor net/http.
package catalogue

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"luxbff/internal/apperr"
	"luxbff/internal/store"
)

const (
	// stepLines is how many lines are written at a time. A larger step takes fewer
	// commits, but has others wait for the write lock of SQLite as long as it takes.
	stepLines = 500
	// progressLines is after how many lines progress is reported while a file is read.
	progressLines = 1000
	// maxTries bounds how often a step or a read is tried that the database cannot serve,
	// and triesPause is the pause after each. A try waits for a locked SQLite file for five
	// seconds, in which a server that has an upload to store at any moment may never leave
	// it free just when it is asked for.
	maxTries   = 10
	triesPause = time.Second
)

// Config is what an Importer needs. Store and Clock must be set.
type Config struct {
	Store *store.Store
	// Clock says when a device came into the catalogue.
	Clock func() time.Time
	// Elapsed reads a clock that only runs forward, by which a step is measured. Without
	// it one step follows the other at once, which keeps other writers of an SQLite file
	// waiting.
	Elapsed func() time.Duration
	// Log gets what is tried again; nil means slog.Default().
	Log *slog.Logger
	// Progress is called often, in the goroutine of the import.
	Progress func(Progress)
	// StepLines is how many lines are written at a time; 0 means 500, the most is 2,500.
	StepLines int
}

// Progress is how far an import has come.
type Progress struct {
	Phase Phase
	// Lines of the Phase are done, Of of them are to do, 0 where nobody knows.
	Lines, Of int
}

// Phase is a part of an import.
type Phase string

// An import reads and checks the file, compares it with the database, and writes what
// differs.
const (
	Reading   Phase = "reading"
	Comparing Phase = "comparing"
	Writing   Phase = "writing"
)

// Importer writes the devices of a file into the database.
type Importer struct{ cfg Config }

// New makes an importer.
func New(cfg Config) *Importer {
	if cfg.Progress == nil {
		cfg.Progress = func(Progress) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.StepLines == 0 {
		cfg.StepLines = stepLines
	}
	return &Importer{cfg}
}

// Imported counts what a file changed. Conflicts are the lines that are stored without
// their unique id, because another device that somebody has bears it.
type Imported struct {
	Added, Updated, Unchanged int
	Conflicts                 []LineError
}

func (i *Imported) add(more Imported) {
	i.Added += more.Added
	i.Updated += more.Updated
	i.Unchanged += more.Unchanged
	i.Conflicts = append(i.Conflicts, more.Conflicts...)
}

// StoppedError is why an import ended before its end. What it wrote by then stays, whole
// lines only, and importing the same file again ends as if it had not been stopped.
type StoppedError struct {
	Written, Of int // lines that differ from the database
	Cause       error
}

// Error says what to do.
func (e *StoppedError) Error() string {
	return fmt.Sprintf("stopped after %d of %d changes, which stay; import the file again: %v", e.Written, e.Of, e.Cause)
}

// Unwrap gives the cause.
func (e *StoppedError) Unwrap() error { return e.Cause }

// Import stores the devices of a file. A device whose serial code is stored already is
// updated. Who has it doesn't change, and while somebody has it, its unique id doesn't
// either: the app may have set that one when it registered the device.
//
// An app may also have registered a device under a unique id that the factory has given
// to another. If nobody has that device now, it gives the unique id back. If somebody has
// it, it keeps it: his app knows the device by it. A MAC may move from one device of the
// file to another, but not away from a device that the file leaves out.
//
// The whole file is checked first, also against the database, and a wrong one is refused
// with a *FileError; nothing is locked meanwhile. Then the lines that differ are written
// in steps, each a transaction that other writers can come between. A step that cannot be
// written ends the import with a *StoppedError, which counts what was; one of its causes
// is a *LineError, where another import has given away the MAC of a line meanwhile. The
// Imported that comes with it counts the steps before. Two imports at once take turns
// step by step: of two files that differ in a device, it ends as one of them says.
func (i *Importer) Import(ctx context.Context, file io.Reader) (Imported, error) {
	read, err := readFile(ctx, file, func(n int) { i.cfg.Progress(Progress{Phase: Reading, Lines: n}) })
	if err != nil {
		return Imported{}, err
	}
	p, err := i.compare(ctx, read)
	if err != nil {
		return Imported{}, err
	}
	done, err := i.write(ctx, read.entries, p)
	slices.SortFunc(done.Conflicts, func(a, b LineError) int { return a.Line - b.Line })
	return done, err
}

// write writes the steps of the plan one after the other.
func (i *Importer) write(ctx context.Context, entries []entry, p plan) (Imported, error) {
	done, changes := p.unchanged, 0
	for _, step := range p.steps {
		changes += len(step)
	}
	written := 0
	for n, step := range p.steps {
		i.cfg.Progress(Progress{Phase: Writing, Lines: written, Of: changes})
		batch := make([]entry, len(step))
		for k, at := range step {
			batch[k] = entries[at]
		}
		began := i.elapsed()
		var stored Imported
		err := i.try(ctx, func() (err error) {
			stored, err = i.writeStep(ctx, batch)
			return err
		})
		if err == nil {
			done.add(stored)
			written += len(step)
		}
		if err == nil && n < len(p.steps)-1 {
			err = pause(ctx, i.elapsed()-began)
		}
		if err != nil {
			return done, &StoppedError{Written: written, Of: changes, Cause: err}
		}
	}
	i.cfg.Progress(Progress{Phase: Writing, Lines: written, Of: changes})
	return done, nil
}

// try calls work, and again where the database cannot serve it now.
func (i *Importer) try(ctx context.Context, work func() error) error {
	for try := 1; ; try++ {
		err := work()
		if !apperr.Is(err, apperr.Unavailable) || try == maxTries {
			return err
		}
		i.cfg.Log.WarnContext(ctx, "the import waits for the database", "try", try, "of", maxTries, "error", apperr.Describe(err))
		if pause(ctx, triesPause) != nil {
			return err
		}
	}
}

func (i *Importer) elapsed() time.Duration {
	if i.cfg.Elapsed == nil {
		return 0
	}
	return i.cfg.Elapsed()
}

// pause gives way to other writers for as long as the step before has taken. Whoever
// waits for the write lock of an SQLite file asks for it again and again, with pauses of
// up to 100 ms, and would hardly ever find it free between two steps.
func pause(ctx context.Context, length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
