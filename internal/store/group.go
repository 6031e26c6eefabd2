package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"entgo.io/ent/dialect"
)

const (
	// groupCap bounds the writes that share one commit.
	groupCap = 64
	// statementsCap bounds how many statements of others the first of a group
	// waits for: past it the group takes no more writes and commits.
	statementsCap = 1000
	// patience bounds how long a caller whose context ended waits for the
	// outcome of a write that has begun.
	patience = 30 * time.Second
)

// errLeft is the error of a write whose function ended its goroutine, as
// testing.T.FailNow does.
var errLeft = errors.New("store: a function given to Write ended its goroutine")

// writer is the one writer of an SQLite file: a goroutine that owns a
// connection, takes the writes that wait, runs each in a savepoint of one
// transaction, and answers them all once that is committed, with one sync of the disk.
type writer struct {
	db      *sql.DB
	limit   time.Duration
	log     *slog.Logger
	watch   *Hooks
	queue   chan *job
	stopped chan struct{}

	drain drain

	// What follows belongs to the goroutine.
	conn  *preparedConn
	group []*job
}

// job is one write on its way through the writer.
type job struct {
	ctx  context.Context
	fn   Func
	tx   *Tx
	err  error
	done chan struct{}
	// asked is when, on the clock of the Watch.
	asked time.Duration
}

func newWriter(db *sql.DB, cfg Config) *writer {
	w := &writer{
		db:      db,
		limit:   cfg.WriteLimit,
		log:     cfg.Log,
		watch:   &cfg.Watch,
		queue:   make(chan *job),
		stopped: make(chan struct{}),
	}
	go w.loop()
	return w
}

// write hands fn to the goroutine and waits for its answer.
func (w *writer) write(ctx context.Context, fn Func) (*Tx, error) {
	if !w.drain.enter() {
		return nil, ErrClosed
	}
	defer w.drain.leave()
	work := &job{ctx: ctx, fn: fn, done: make(chan struct{}), asked: w.watch.now()}
	select {
	case w.queue <- work:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-work.done:
		return work.tx, work.err
	case <-ctx.Done():
		return w.outlast(ctx, work)
	}
}

// outlast waits on for a caller that is gone, but not for ever.
func (w *writer) outlast(ctx context.Context, work *job) (*Tx, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-work.done:
		return work.tx, work.err
	case <-timer.C:
		w.drain.enterAgain()
		go w.finish(context.WithoutCancel(ctx), work)
		return nil, fmt.Errorf("%w: %w", ErrOutcomeUnknown, ctx.Err())
	}
}

// finish does for a write what its caller did not stay to do.
func (w *writer) finish(ctx context.Context, work *job) {
	defer w.drain.leave()
	<-work.done
	if work.err == nil {
		work.tx.committed(ctx, w.log)
	}
}

// close lets the writes that wait run and ends the goroutine.
func (w *writer) close() {
	if w.drain.close() {
		close(w.queue)
	}
	<-w.stopped
}

// loop is the goroutine. A function that ends it has another take its place.
func (w *writer) loop() {
	ended := false
	defer func() {
		if !ended {
			w.restart()
		}
	}()
	for first := range w.queue {
		w.serve(first)
	}
	if w.conn != nil {
		_ = w.conn.close()
	}
	ended = true
	close(w.stopped)
}

func (w *writer) restart() {
	w.afresh()
	w.answer(errLeft)
	go w.loop()
}

// serve runs one group to its answers.
func (w *writer) serve(first *job) {
	if err := w.begin(); err != nil {
		w.afresh()
		w.refuse(first, err)
		return
	}
	err := w.fill(first)
	if err == nil {
		err = w.commit()
	}
	if err != nil {
		w.afresh()
		err = fmt.Errorf("store: the transaction was rolled back: %w", err)
	}
	w.answer(err)
}

// refuse answers the first write and those that wait by then: they have waited for
// the file as long, and would each do so again.
func (w *writer) refuse(first *job, err error) {
	for work := first; work != nil; work = w.next() {
		work.answer(err)
	}
}

func (w *writer) commit() error {
	began := w.watch.now()
	err := w.do("COMMIT")
	if err == nil && len(w.group) > 0 {
		w.watch.committed(len(w.group), began)
	}
	return err
}

// fill runs the first write and those that wait by then, without waiting for
// more. Its error spoils the whole group.
func (w *writer) fill(first *job) error {
	statements := 0
	for work := first; work != nil; work = w.next() {
		if err := work.ctx.Err(); err != nil {
			work.answer(err)
			continue
		}
		w.watch.waited(work.asked)
		w.group = append(w.group, work)
		if err := w.member(work); err != nil {
			return err
		}
		statements += work.tx.conn.ran
		if len(w.group) == groupCap || statements > statementsCap {
			break
		}
	}
	return nil
}

func (w *writer) next() *job {
	select {
	case work := <-w.queue:
		return work
	default:
		return nil
	}
}

// member runs one write in its savepoint. What goes wrong in it is the job's
// error and harms no other; the error given back is that of a savepoint, after
// which nothing of the transaction can be relied on: SQLite ends it by itself on
// a full disk, a failed read or lack of memory.
func (w *writer) member(work *job) error {
	if err := w.do("SAVEPOINT member"); err != nil {
		return err
	}
	work.tx = newTx(dialect.SQLite, w.conn, w.watch)
	work.err = work.tx.run(work.ctx, w.limit, work.fn)
	if work.err != nil {
		if err := w.do("ROLLBACK TO member"); err != nil {
			return fmt.Errorf("%w (after: %v)", err, work.tx.conn.failed) //nolint:errorlint // the member's error must not be matched in the group's
		}
	}
	return w.do("RELEASE member")
}

// begin takes the write lock of the file before the first statement: to take it
// later, after a read, may fail at once whatever the busy timeout.
func (w *writer) begin() error {
	if w.conn == nil {
		if err := w.connect(); err != nil {
			return err
		}
	}
	return w.do("BEGIN IMMEDIATE")
}

func (w *writer) connect() error {
	conn, err := w.db.Conn(context.Background())
	if err != nil {
		return fmt.Errorf("store: connect the writer: %w", err)
	}
	w.conn, err = newPreparedConn(conn)
	return err
}

func (w *writer) do(statement string) error {
	_, err := w.conn.ExecContext(context.Background(), statement)
	return err
}

// afresh drops the connection and with it whatever state its transaction is in.
func (w *writer) afresh() {
	if w.conn != nil {
		w.conn.discard()
		w.conn = nil
	}
}

// answer tells every member of the group its outcome: its own error, or else
// the group's.
func (w *writer) answer(err error) {
	for _, work := range w.group {
		if work.err == nil {
			work.err = err
		}
		close(work.done)
	}
	clear(w.group)
	w.group = w.group[:0]
}

func (j *job) answer(err error) {
	j.err = err
	close(j.done)
}
