package store

import (
	"context"
	"database/sql"

	entsql "entgo.io/ent/dialect/sql"
)

// readConn runs the reads of ent and those written by hand.
type readConn struct {
	engine string
	conn   entsql.ExecQuerier
	watch  *Watch
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

func (c *readConn) driver() entDriver { return newDriver(c.engine, c, false) }
