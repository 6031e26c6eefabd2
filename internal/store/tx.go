package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"

	"luxbff/ent"
)

var (
	errEnded    = errors.New("store: the transaction has ended")
	errRowsOpen = errors.New("store: rows of the statement before are still open")
)

// Tx is a transaction: an ent client and raw SQL in it. It is for the one
// goroutine that runs the function given to Write and ends with it.
type Tx struct {
	*ent.Client
	conn  *txConn
	hooks []func()
}

func newTx(engine string, conn entsql.ExecQuerier, watch *Hooks) *Tx {
	guarded := &txConn{conn: conn, engine: engine, watch: watch}
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

// AfterCommit has fn called once, when the write is durable and before Write
// returns; never after a rollback. It must not block for long.
func (tx *Tx) AfterCommit(fn func()) { tx.hooks = append(tx.hooks, fn) }

// Lock takes the rows of the table with these ids, in the order of the ids, and
// holds them until the transaction ends: other transactions that lock them wait.
// SQLite has nothing to lock, as its one writer runs alone. Rows that are not
// there are passed over.
func (tx *Tx) Lock(ctx context.Context, table string, ids ...int) error {
	if tx.conn.engine != dialect.Postgres || len(ids) == 0 {
		return nil
	}
	query := "SELECT id FROM " + quote(table) + " WHERE id = ANY($1) ORDER BY id FOR UPDATE"
	_, err := tx.Exec(ctx, query, ids)
	return err
}

// quote makes a name of an identifier, in either engine.
func quote(identifier string) string { return pgx.Identifier{identifier}.Sanitize() }

// run calls fn and ends the transaction for it, and gives the error that
// decides: that of fn, or of a statement that fn passed over.
func (tx *Tx) run(ctx context.Context, limit time.Duration, fn Func) (err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			err = panicked(value)
		}
		if failed := tx.conn.end(); err == nil {
			err = failed
		}
	}()
	return fn(ctx, tx)
}

// committed calls the hooks, each in spite of a panic of another.
func (tx *Tx) committed(ctx context.Context, log *slog.Logger) {
	for _, hook := range tx.hooks {
		if err := call(hook); err != nil {
			log.ErrorContext(ctx, "after commit", "error", err)
		}
	}
}

func call(hook func()) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = panicked(value)
		}
	}()
	hook()
	return nil
}

func panicked(value any) error {
	if err, ok := value.(error); ok {
		return fmt.Errorf("store: panic: %w\n%s", err, debug.Stack())
	}
	return fmt.Errorf("store: panic: %v\n%s", value, debug.Stack())
}

// txConn runs the statements of one transaction. After one has failed it runs
// no more, on either engine: PostgreSQL would refuse them, and SQLite may have
// rolled back, so that they would be stored on their own.
type txConn struct {
	engine string
	watch  *Hooks
	mu     sync.Mutex
	conn   entsql.ExecQuerier
	rows   *sql.Rows
	failed error
	ended  bool
	ran    int
}

// ExecContext runs a statement without rows.
func (c *txConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	began := c.watch.now()
	result, err := c.conn.ExecContext(ctx, query, args...)
	c.watch.statement(ctx, query, true, began, err)
	c.failed = err
	return result, err
}

// QueryContext runs a statement with rows.
func (c *txConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	began := c.watch.now()
	rows, err := c.conn.QueryContext(ctx, query, args...)
	c.watch.statement(ctx, query, true, began, err)
	c.rows, c.failed = rows, err
	return rows, err
}

// ready says whether another statement may run, and counts it.
func (c *txConn) ready(ctx context.Context) error {
	if c.ended {
		return errEnded
	}
	if c.failed == nil && c.rows != nil {
		c.failed = afterRows(c.rows)
	}
	if c.failed == nil {
		c.failed = ctx.Err()
	}
	if c.failed != nil {
		return c.failed
	}
	c.rows = nil
	c.ran++
	count(ctx)
	return nil
}

// afterRows is why no statement may follow these rows. Rows may fail after the
// first was given, as a deadlock does.
func afterRows(rows *sql.Rows) error {
	// Columns is the one thing that closed rows refuse.
	if _, err := rows.Columns(); err == nil {
		return errRowsOpen
	}
	return rows.Err()
}

// end closes what fn left open, refuses what it may still try, and gives the
// error that spoils the transaction.
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
	}
	return c.failed
}
