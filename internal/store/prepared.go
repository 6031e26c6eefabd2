package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// statementCap bounds the statements kept prepared: each costs 3 to 11 KiB
	// for each connection, outside Go's heap.
	statementCap = 200
	// listCap is the most placeholders of a read that is kept: "IN (?, ?, …)" is
	// another text for each length of the list, and long ones would crowd out the rest.
	listCap = 12
)

// preparedPool keeps the reads of a pool prepared. SQLite's driver would
// otherwise prepare a statement each time it runs.
type preparedPool struct {
	db *sql.DB
	// known is replaced and never changed, so that a hit takes no lock.
	known atomic.Pointer[map[string]*sql.Stmt]
	mu    sync.Mutex
}

func newPreparedPool(db *sql.DB) *preparedPool {
	pool := &preparedPool{db: db}
	pool.known.Store(&map[string]*sql.Stmt{})
	return pool
}

// ExecContext is there for ent; the readers refuse what it could write.
func (p *preparedPool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return p.db.ExecContext(ctx, query, args...)
}

// QueryContext runs a read, prepared if there is room for it. It is not broken
// off once begun: a context that can end would cost two goroutines a read, and
// reads here are short.
func (p *preparedPool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx = context.WithoutCancel(ctx)
	stmt, err := p.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return p.db.QueryContext(ctx, query, args...)
	}
	return stmt.QueryContext(ctx, args...)
}

func (p *preparedPool) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := (*p.known.Load())[query]; stmt != nil {
		return stmt, nil
	}
	if len(*p.known.Load()) >= statementCap || strings.Count(query, "?")+strings.Count(query, "$") > listCap {
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known := *p.known.Load()
	if stmt := known[query]; stmt != nil || len(known) >= statementCap {
		return stmt, nil
	}
	stmt, err := p.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	known = maps.Clone(known)
	known[query] = stmt
	p.known.Store(&known)
	return stmt, nil
}

// close ends the pool; the database ends its statements with it.
func (p *preparedPool) close() error { return p.db.Close() }

// preparedConn keeps the statements of one connection prepared, the least
// recently used making way. It is for one goroutine.
type preparedConn struct {
	conn  *sql.Conn
	known *simplelru.LRU[string, *sql.Stmt]
}

func newPreparedConn(conn *sql.Conn) (*preparedConn, error) {
	known, err := simplelru.NewLRU(statementCap, func(_ string, stmt *sql.Stmt) { _ = stmt.Close() })
	return &preparedConn{conn: conn, known: known}, err
}

// ExecContext runs a statement to its end, whatever becomes of ctx: to break one
// off would have SQLite roll back the transaction, and all who share it.
func (c *preparedConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx = context.WithoutCancel(ctx)
	stmt, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

// QueryContext is to ExecContext what rows are to a result.
func (c *preparedConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx = context.WithoutCancel(ctx)
	stmt, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

func (c *preparedConn) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := c.known.Get(query); ok {
		return stmt, nil
	}
	stmt, err := c.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	c.known.Add(query, stmt)
	return stmt, nil
}

// close returns the connection to its pool.
func (c *preparedConn) close() error {
	c.known.Purge()
	return c.conn.Close()
}

// discard closes the connection itself, and so ends a transaction in whatever
// state it is.
func (c *preparedConn) discard() {
	c.known.Purge()
	_ = c.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = c.conn.Close()
}
