package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"

	"luxbff/ent"
	"luxbff/internal/apperr"
)

var (
	errEnded    = apperr.Text("store: the transaction has ended")
	errRowsOpen = apperr.Text("store: rows of the statement before are still open")
)

// Tx is a transaction: an ent client and raw SQL in it. It is for the one
// goroutine that runs the function given to Write and ends with it.
type Tx struct {
	*ent.Client
	conn         *txConn
	beforeCommit []ordered
	afterCommit  []func()
}

// ordered is a function and its place among others.
type ordered struct {
	place string
	fn    func(context.Context) error
}

func newTx(engine string, conn entsql.ExecQuerier, hooks *Hooks) *Tx {
	guarded := &txConn{conn: conn, engine: engine, hooks: hooks}
	return &Tx{Client: ent.NewClient(ent.Driver(newDriver(engine, guarded, true, 0))), conn: guarded}
}

// Exec runs a statement written by hand. $1, $2, … stand for the arguments.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return tx.conn.ExecContext(ctx, query, args...)
}

// Query runs a statement written by hand that gives rows, which must be closed
// before the next statement.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	rows, err := tx.conn.QueryContext(ctx, query, args...) //nolint:rowserrcheck // the caller does
	if err != nil {
		return nil, err
	}
	return &Rows{rows, func() {}}, nil
}

// Insert runs an INSERT of n rows, written by hand, into a table that numbers its rows by an
// id, and gives their ids in the order of the rows. The text has no RETURNING, for which
// SQLite would gather the rows in a table of its own, a sixteenth of the time of an upload:
// its ids within a statement follow each other, and the driver knows the last one. So the
// text must not pass over a row that conflicts.
func (tx *Tx) Insert(ctx context.Context, n int, query string, args ...any) (ids []int, err error) {
	if tx.conn.engine == dialect.Postgres {
		return tx.queryIDs(ctx, n, query+" RETURNING id", args)
	}
	result, err := tx.Exec(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	last, err := result.LastInsertId()
	if err != nil {
		return nil, err
	}
	ids = make([]int, n)
	for i := range ids {
		ids[i] = int(last) - n + 1 + i
	}
	return ids, nil
}

// queryIDs runs a statement that gives n rows with an id each.
func (tx *Tx) queryIDs(ctx context.Context, n int, query string, args []any) (ids []int, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	ids = make([]int, 0, n)
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(ids) != n {
		return nil, fmt.Errorf("store: %d rows were inserted, want %d", len(ids), n)
	}
	return ids, nil
}

// BeforeCommit has fn called as one of the last steps of the transaction, after those with a
// lesser place; an error of it rolls the transaction back. It is for rows that many
// transactions change: they are locked for a short time, and in one order.
func (tx *Tx) BeforeCommit(place string, fn func(context.Context) error) {
	tx.beforeCommit = append(tx.beforeCommit, ordered{place, fn})
}

// AfterCommit has fn called once, when the write is durable and before Write
// returns; never after a rollback. The caller of Write waits for it, so it must not
// block for long.
func (tx *Tx) AfterCommit(fn func()) { tx.afterCommit = append(tx.afterCommit, fn) }

// Lock locks the rows of the table with these ids until the transaction ends: other
// transactions that lock them wait. It takes them in the order of the ids, so that two
// that lock the same rows cannot each wait for the other. SQLite has nothing to lock,
// as its writes run one at a time. Ids without a row are ignored.
func (tx *Tx) Lock(ctx context.Context, table string, ids ...int) error {
	if tx.conn.engine != dialect.Postgres || len(ids) == 0 {
		return nil
	}
	query := "SELECT id FROM " + quote(table) + " WHERE id = ANY($1) ORDER BY id FOR UPDATE"
	_, err := tx.Exec(ctx, query, ids)
	return err
}

// LockText has other transactions that lock the same text wait until this one ends. It is
// for what no row holds yet, and must come before the locks of rows. SQLite has nothing
// to lock.
func (tx *Tx) LockText(ctx context.Context, text string) error {
	if tx.conn.engine != dialect.Postgres {
		return nil
	}
	// Two texts of one hash only wait for each other.
	_, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", text)
	return err
}

// quote makes a name of an identifier, in either engine.
func quote(identifier string) string { return pgx.Identifier{identifier}.Sanitize() }

// run calls fn and lets no statement follow it. It gives the error for which the
// transaction must be rolled back: that of fn, or of a statement whose error fn
// ignored.
func (tx *Tx) run(ctx context.Context, limit time.Duration, fn Func) (err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			err = newPanicError(value)
		}
		if failed := tx.conn.end(); err == nil {
			err = failed
		}
	}()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	slices.SortStableFunc(tx.beforeCommit, func(a, b ordered) int { return strings.Compare(a.place, b.place) })
	for _, last := range tx.beforeCommit {
		if err := last.fn(ctx); err != nil {
			return err
		}
	}
	if guard, isGuarded := ctx.Value(guardKey{}).(Func); isGuarded && tx.conn.hasChanged() {
		return guard(ctx, tx)
	}
	return nil
}

type guardKey struct{}

// WithGuard gives a context in which guard is the last step of every write that has changed
// something. An error of it rolls the write back. So whoever asks for an action, which may
// write once, several times or never, can note in the action's own transaction that it has
// written, or can keep it from writing.
func WithGuard(ctx context.Context, guard Func) context.Context {
	return context.WithValue(ctx, guardKey{}, guard)
}

// runAfterCommit calls the functions given to AfterCommit. A panic of one is logged:
// the write is stored, and neither its caller nor the other functions must fail.
func (tx *Tx) runAfterCommit(ctx context.Context, log *slog.Logger) {
	for _, fn := range tx.afterCommit {
		if err := recovered(fn); err != nil {
			log.ErrorContext(ctx, "after commit", "error", err)
		}
	}
}

// recovered calls fn and gives a panic of it as an error.
func recovered(fn func()) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = newPanicError(value)
		}
	}()
	fn()
	return nil
}

// panicError is a panic of a function that was given to the store.
type panicError struct {
	value any
	stack []byte
}

func newPanicError(value any) error { return &panicError{value, debug.Stack()} }

// Error gives the value and the stack.
func (e *panicError) Error() string { return fmt.Sprintf("store: panic: %v\n%s", e.value, e.stack) }

// LogText gives the stack, and of the value what may stand in a log.
func (e *panicError) LogText() string {
	return "store: panic: " + apperr.DescribePanic(e.value) + "\n" + string(e.stack)
}

// Unwrap gives the value if it is an error.
func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// txConn runs the statements of one transaction. After one has failed it runs
// no more, on either engine: PostgreSQL would refuse them, and SQLite may have
// rolled back by itself, so that they would be stored without what came before.
type txConn struct {
	engine  string
	hooks   *Hooks
	mu      sync.Mutex // a function given to Write may leave a goroutine behind
	conn    entsql.ExecQuerier
	rows    *sql.Rows // of the last statement, nil if it had none
	failed  error     // of the first statement that failed
	ended   bool
	changed bool // a statement has changed rows
	// touched says that the transaction may no longer be what it was before: a statement
	// that is no plain read has begun, or one has failed, with which SQLite may have ended
	// the transaction by itself.
	touched    bool
	statements int
}

// ExecContext runs a statement without rows.
func (c *txConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.begin(ctx, query); err != nil {
		return nil, err
	}
	began := c.hooks.now()
	result, err := c.conn.ExecContext(ctx, query, args...)
	c.hooks.statement(ctx, query, true, began, err)
	c.failed, c.touched = err, c.touched || err != nil
	if err == nil && !strings.HasPrefix(query, "SELECT") { // which may lock rows and changes none
		rows, countErr := result.RowsAffected()
		c.changed = c.changed || countErr == nil && rows > 0
	}
	return result, err
}

// QueryContext runs a statement with rows.
func (c *txConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.begin(ctx, query); err != nil {
		return nil, err
	}
	began := c.hooks.now()
	rows, err := c.conn.QueryContext(ctx, query, args...)
	c.hooks.statement(ctx, query, true, began, err)
	c.rows, c.failed, c.touched = rows, err, c.touched || err != nil
	c.changed = c.changed || err == nil && strings.HasPrefix(query, "INSERT")
	return rows, err
}

// begin counts a statement that is about to run, or gives the error for which it
// must not.
func (c *txConn) begin(ctx context.Context, query string) error {
	if c.ended {
		return errEnded
	}
	if c.failed == nil && c.rows != nil {
		c.failed = checkEnded(c.rows)
		c.touched = c.touched || c.failed != nil
	}
	if c.failed == nil {
		c.failed = ctx.Err()
	}
	if c.failed != nil {
		return c.failed
	}
	c.rows = nil
	c.statements++
	c.touched = c.touched || !strings.HasPrefix(query, "SELECT")
	countStatement(ctx)
	return nil
}

// checkEnded gives the error for which no statement may follow these rows: they are
// still open, or they failed after the first was given, as with a deadlock.
func checkEnded(rows *sql.Rows) error {
	// database/sql has no question for it, but closed rows refuse Columns.
	if _, err := rows.Columns(); err == nil {
		return errRowsOpen
	}
	return rows.Err()
}

// hasChanged reports whether a statement so far has changed rows.
func (c *txConn) hasChanged() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// end closes the rows that fn left open, lets no further statement run, and gives the
// error for which the transaction cannot be committed.
func (c *txConn) end() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.rows == nil {
		return c.failed
	}
	_ = c.rows.Close()
	if c.failed == nil {
		c.failed = c.rows.Err()
		c.touched = c.touched || c.failed != nil
	}
	return c.failed
}
