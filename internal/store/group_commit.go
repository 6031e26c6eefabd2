package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"entgo.io/ent/dialect"

	"luxbff/internal/apperr"
)

const (
	// maxGroupWrites bounds the writes that share one commit, and so how long the
	// first of them waits for the others. Most is gained early: with 64 callers, groups
	// of 8 are four to six times as fast as no groups, and groups of 64 six to eight.
	maxGroupWrites = 64
	// maxGroupStatements bounds the same wait where single writes are large, as an
	// import is: past it the group takes no more writes and commits.
	maxGroupStatements = 1000
	// maxOutcomeWait bounds how long a caller whose context ended waits for the
	// outcome of a write that has begun.
	maxOutcomeWait = 30 * time.Second
)

// errGoexit is the error of a write whose function ended its goroutine, as
// testing.T.FailNow does.
var errGoexit = apperr.Text("store: a function given to Write ended its goroutine")

// groupCommitter is the one writer of an SQLite file. Its goroutine owns the one
// connection that writes. It takes the writes that wait, runs them in one transaction,
// commits them together, and only then answers them.
//
// A savepoint for each would keep what goes wrong in one from the others. But few writes
// fail, and most of those before they have changed anything, while SQLite copies every page
// that changes in a savepoint. So the group runs without savepoints, and where a write
// has failed that may have changed something, all is rolled back and those that had succeeded
// run again, now each in a savepoint.
//
// This is for speed. A commit with synchronous=FULL waits until the disk has the
// journal, which takes longer than the statements before it; a group waits once. With
// 64 callers on two busy cores it stores six to eight times as many writes a second as
// one transaction each (BenchmarkWrite, with the same settings). A single caller gains
// and loses nothing, as nobody waits for a group to fill. It may go when no
// installation on SQLite has more than a few phones that upload at once: a transaction
// for each write, on one connection, keeps every other promise of Write.
type groupCommitter struct {
	db      *sql.DB
	check   func() error  // that the file is still the one that was opened
	limit   time.Duration // of one function given to Write
	log     *slog.Logger
	hooks   *Hooks
	queue   chan *queuedWrite // without room: a write is in it only while it is taken
	writes  inFlight
	stopped chan struct{}

	// What follows belongs to the goroutine.
	conn  *preparedConn // nil before the first write, and after an error
	group []*queuedWrite
}

// queuedWrite is one call of Write on its way through the groupCommitter.
type queuedWrite struct {
	ctx      context.Context
	fn       Func
	queuedAt time.Duration // on the clock of the Hooks

	// What follows may be read once done is closed.
	tx   *Tx
	err  error
	done chan struct{}
}

func newGroupCommitter(db *sql.DB, cfg Config, check func() error) *groupCommitter {
	c := &groupCommitter{
		db:      db,
		check:   check,
		limit:   cfg.WriteLimit,
		log:     cfg.Log,
		hooks:   &cfg.Hooks,
		queue:   make(chan *queuedWrite),
		stopped: make(chan struct{}),
	}
	go c.run()
	return c
}

// write hands fn to the goroutine and waits for its outcome.
func (c *groupCommitter) write(ctx context.Context, fn Func) (*Tx, error) {
	if !c.writes.begin() {
		return nil, ErrClosed
	}
	defer c.writes.end()
	w := &queuedWrite{ctx: ctx, fn: fn, done: make(chan struct{}), queuedAt: c.hooks.now()}
	select {
	case c.queue <- w:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-w.done:
		return w.tx, w.err
	case <-ctx.Done():
		return c.waitForOutcome(ctx, w)
	}
}

// waitForOutcome waits for a write that has begun though its context has ended: it
// may be stored all the same, and the caller should know. It does not wait for
// ever, as fn may hang.
func (c *groupCommitter) waitForOutcome(ctx context.Context, w *queuedWrite) (*Tx, error) {
	timer := time.NewTimer(maxOutcomeWait)
	defer timer.Stop()
	select {
	case <-w.done:
		return w.tx, w.err
	case <-timer.C:
		c.writes.beginOther()
		go c.finishAbandoned(context.WithoutCancel(ctx), w)
		return nil, fmt.Errorf("%w: %w", ErrOutcomeUnknown, ctx.Err())
	}
}

// finishAbandoned runs what follows the commit of a write, in the place of the
// caller that waits for it no longer.
func (c *groupCommitter) finishAbandoned(ctx context.Context, w *queuedWrite) {
	defer c.writes.end()
	<-w.done
	if w.err == nil {
		w.tx.runAfterCommit(ctx, c.log)
	}
}

// close lets the writes that wait run and ends the goroutine.
func (c *groupCommitter) close() {
	if c.writes.close() {
		close(c.queue)
	}
	<-c.stopped
}

// run is the goroutine. Where a function given to Write ends it, which no recover
// can prevent, another goroutine takes its place.
func (c *groupCommitter) run() {
	queueClosed := false
	defer func() {
		if queueClosed {
			return
		}
		c.dropConnection()
		c.finishGroup(errGoexit)
		go c.run()
	}()
	for first := range c.queue {
		c.commitGroup(first)
	}
	if c.conn != nil {
		_ = c.conn.close()
	}
	queueClosed = true
	close(c.stopped)
}

// commitGroup runs the first write and those that wait by then in one transaction,
// and answers them.
func (c *groupCommitter) commitGroup(first *queuedWrite) {
	if err := c.begin(); err != nil {
		c.dropConnection()
		c.refuseQueued(first, err)
		return
	}
	err := c.runGroup(first)
	if err == nil {
		err = c.commit()
	}
	if err != nil {
		// Nothing is known of the transaction's state, and to roll it back may fail, too.
		// The end of its connection is the end of it.
		c.dropConnection()
		err = fmt.Errorf("store: the transaction was rolled back: %w", err)
	}
	c.finishGroup(err)
}

// refuseQueued answers the first write and those that wait by then. Where another
// program has locked the file, begin has waited for it as long as SQLite does, and
// each of them would wait as long again.
func (c *groupCommitter) refuseQueued(first *queuedWrite, err error) {
	for w := first; w != nil; w = c.nextQueued() {
		w.finish(err)
	}
}

func (c *groupCommitter) commit() error {
	began := c.hooks.now()
	err := c.exec("COMMIT")
	if err == nil && len(c.group) > 0 {
		c.hooks.committed(len(c.group), began)
	}
	return err
}

// runGroup runs the first write and those that wait by then, without waiting for
// more. With its error nothing of the group can be stored.
func (c *groupCommitter) runGroup(first *queuedWrite) error {
	statements := 0
	for w := first; w != nil; w = c.nextQueued() {
		if err := w.ctx.Err(); err != nil {
			w.finish(err)
			continue
		}
		c.hooks.writeBegun(w.queuedAt)
		c.group = append(c.group, w)
		c.runMember(w.ctx, w)
		if w.err != nil && w.tx.conn.touched {
			return c.runGroupAgain()
		}
		statements += w.tx.conn.statements
		if len(c.group) == maxGroupWrites || statements > maxGroupStatements {
			break
		}
	}
	return nil
}

// nextQueued is nil where no write waits.
func (c *groupCommitter) nextQueued() *queuedWrite {
	select {
	case w := <-c.queue:
		return w
	default:
		return nil
	}
}

// runMember runs one write. What goes wrong in it is its own error.
func (c *groupCommitter) runMember(ctx context.Context, w *queuedWrite) {
	w.tx = newTx(dialect.SQLite, c.conn, c.hooks)
	w.err = w.tx.run(ctx, c.limit, w.fn)
}

// runGroupAgain rolls back what the group has done so far, and runs those of its writes
// that had succeeded again. A write that succeeded is stored although its context has ended
// since, and so it does not end the second run. The error given back is one after which
// nothing of the transaction can be relied on: SQLite ends it by itself on a full disk, a
// failed read or lack of memory.
func (c *groupCommitter) runGroupAgain() error {
	failed := c.group[len(c.group)-1]
	if err := c.exec("ROLLBACK"); err != nil {
		return fmt.Errorf("%w (after: %v)", err, failed.tx.conn.failed) //nolint:errorlint // the error of one write must not be matched in the group's
	}
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, w := range c.group {
		if w.err != nil {
			continue
		}
		if err := c.runInSavepoint(w); err != nil {
			return err
		}
	}
	return nil
}

// runInSavepoint runs a write again. The savepoint makes it whole or nothing without the
// others of its group.
func (c *groupCommitter) runInSavepoint(w *queuedWrite) error {
	if err := c.exec("SAVEPOINT member"); err != nil {
		return err
	}
	c.runMember(context.WithoutCancel(w.ctx), w)
	if w.err != nil {
		if err := c.exec("ROLLBACK TO member"); err != nil {
			return fmt.Errorf("%w (after: %v)", err, w.tx.conn.failed) //nolint:errorlint // the error of one write must not be matched in the group's
		}
	}
	return c.exec("RELEASE member")
}

// begin takes the write lock of the file before the first statement. A transaction
// that reads first and takes the lock later fails at once, whatever the busy timeout,
// when another program has written in between.
//
// The file is looked at each time, which takes a microsecond: a write is acknowledged
// only if the next start can find it.
func (c *groupCommitter) begin() error {
	if err := c.check(); err != nil {
		return err
	}
	if c.conn == nil {
		if err := c.connect(); err != nil {
			return err
		}
	}
	return c.exec("BEGIN IMMEDIATE")
}

func (c *groupCommitter) connect() error {
	conn, err := c.db.Conn(context.Background())
	if err != nil {
		return fmt.Errorf("store: connect the writer: %w", err)
	}
	c.conn, err = newPreparedConn(conn)
	return err
}

// exec runs a statement that is the group's and not one caller's, so no caller's
// context can end it.
func (c *groupCommitter) exec(statement string) error {
	_, err := c.conn.ExecContext(context.Background(), statement)
	return err
}

// dropConnection closes the connection and with it its transaction, in whatever
// state that is. The next group connects anew.
func (c *groupCommitter) dropConnection() {
	if c.conn != nil {
		c.conn.discard()
		c.conn = nil
	}
}

// finishGroup answers each write of the group: with its own error, or else with
// the group's.
func (c *groupCommitter) finishGroup(err error) {
	for _, w := range c.group {
		if w.err == nil {
			w.err = err
		}
		close(w.done)
	}
	clear(c.group)
	c.group = c.group[:0]
}

func (w *queuedWrite) finish(err error) {
	w.err = err
	close(w.done)
}
