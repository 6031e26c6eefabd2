package store

import (
	"context"
	"database/sql"
	"time"

	entsql "entgo.io/ent/dialect/sql"
)

// maxReadAttempts bounds how often a read is tried that meets an error after which it may
// succeed at once: a migration has changed a table under its kept statement, or a standby
// needs the rows that it reads gone.
const maxReadAttempts = 3

// readConn runs the reads of ent and those written by hand.
type readConn struct {
	engine string
	conn   entsql.ExecQuerier
	hooks  *Hooks
	limit  time.Duration // of one read, 0 for none
}

// Rows are those of a statement written by hand. They must be closed.
type Rows struct {
	*sql.Rows
	end context.CancelFunc // of the read's limit
}

// Err is why there are no more rows, nil after the last. Where the database cannot
// serve it is an apperr.Unavailable, as it would be from Query.
func (r *Rows) Err() error { return explain(r.Rows.Err()) }

// Close gives the connection back.
func (r *Rows) Close() error {
	defer r.end()
	return r.Rows.Close()
}

// withReadLimit gives a context for one read, which ends after the limit, if there is
// one. The caller calls end after the last row: the limit is for the rows, too.
func withReadLimit(ctx context.Context, limit time.Duration) (limited context.Context, end context.CancelFunc) {
	if limit == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, limit)
}

// ExecContext is there because ent asks for it. What it could write is refused by
// the connections of the pool.
func (c *readConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	countStatement(ctx)
	began := c.hooks.now()
	result, err := c.conn.ExecContext(ctx, query, args...)
	c.hooks.statement(ctx, query, false, began, err)
	return result, explain(err)
}

// QueryContext runs a read. A context that has ended already is looked at here, as
// SQLite's pool looks at none (preparedPool.QueryContext).
func (c *readConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	countStatement(ctx)
	for attempt := 1; ; attempt++ {
		began := c.hooks.now()
		rows, err := c.conn.QueryContext(ctx, query, args...)
		c.hooks.statement(ctx, query, false, began, err)
		if attempt == maxReadAttempts || retryable(nil, err) == nil {
			return rows, explain(err)
		}
	}
}

func (c *readConn) driver() entDriver { return newDriver(c.engine, c, false, c.limit) }
