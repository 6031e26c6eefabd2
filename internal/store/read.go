package store

import (
	"context"
	"database/sql"
	"time"

	entsql "entgo.io/ent/dialect/sql"
)

// readConn runs the reads of ent and those written by hand.
type readConn struct {
	engine string
	conn   entsql.ExecQuerier
	watch  *Hooks
	limit  time.Duration // of one read, 0 for none
}

// Rows are those of a statement written by hand.
type Rows struct {
	*sql.Rows
	end context.CancelFunc
}

// Err is why there are no more rows, nil after the last.
func (r *Rows) Err() error { return unavailable(r.Rows.Err()) }

// Close lets the connection go.
func (r *Rows) Close() error {
	defer r.end()
	return r.Rows.Close()
}

// bounded is a context that ends after the limit, if there is one, or with end,
// which must follow the last row.
func bounded(ctx context.Context, limit time.Duration) (within context.Context, end context.CancelFunc) {
	if limit == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, limit)
}

// ExecContext is there for ent; the readers refuse what it could write.
func (c *readConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	count(ctx)
	began := c.watch.now()
	result, err := c.conn.ExecContext(ctx, query, args...)
	c.watch.statement(ctx, query, false, began, err)
	return result, unavailable(err)
}

// QueryContext runs a read.
func (c *readConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	count(ctx)
	began := c.watch.now()
	rows, err := c.conn.QueryContext(ctx, query, args...)
	c.watch.statement(ctx, query, false, began, err)
	return rows, unavailable(err)
}

func (c *readConn) driver() entDriver { return newDriver(c.engine, c, false, c.limit) }
