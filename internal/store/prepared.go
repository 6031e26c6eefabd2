package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"luxbff/ent/column"
)

const (
	// maxPrepared bounds the statements kept prepared: each takes 3 to 11 KiB on each
	// connection, outside Go's heap, so 200 on 8 connections take some 10 MiB.
	maxPrepared = 200
	// maxPlaceholders is the most placeholders of a read that is kept prepared:
	// "IN (?, ?, …)" is another text for each length of the list, and long lists would
	// take the room of all other statements.
	maxPlaceholders = 12
)

// preparedPool keeps the reads of a pool prepared, because database/sql and SQLite's
// driver would compile the SQL anew each time it runs. A read of a row by its id takes
// 12 µs of a core instead of 26 (BenchmarkRead). It may go when the driver keeps
// statements by itself, as pgx does for PostgreSQL.
type preparedPool struct {
	db *sql.DB
	// statements is replaced and never changed, so that finding one takes no lock: all
	// reads of the program come through here.
	statements atomic.Pointer[map[string]*sql.Stmt]
	mu         sync.Mutex // held to add a statement
}

func newPreparedPool(db *sql.DB) *preparedPool {
	pool := &preparedPool{db: db}
	pool.statements.Store(&map[string]*sql.Stmt{})
	return pool
}

// ExecContext is there because ent asks for it. The connections refuse what it could
// write.
func (p *preparedPool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return p.db.ExecContext(ctx, query, args...)
}

// QueryContext runs a read, prepared if there is room for it. The end of ctx does not
// interrupt it. For a context that can end, database/sql and the driver each start a
// goroutine for every read that waits for it: 19 µs of a core instead of 12 for a row
// by its id (BenchmarkRead, cancellable). It may go when they no longer do so, or when
// a read may take long enough to be worth interrupting.
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

// prepare gives the prepared statement, nil for a query that is not to be kept.
func (p *preparedPool) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := (*p.statements.Load())[query]; stmt != nil {
		return stmt, nil
	}
	if len(*p.statements.Load()) >= maxPrepared || strings.Count(query, "?")+strings.Count(query, "$") > maxPlaceholders {
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	statements := *p.statements.Load()
	if stmt := statements[query]; stmt != nil || len(statements) >= maxPrepared {
		return stmt, nil
	}
	stmt, err := p.db.PrepareContext(ctx, forSQLite(query))
	if err != nil {
		return nil, err
	}
	statements = maps.Clone(statements)
	statements[query] = stmt
	p.statements.Store(&statements)
	return stmt, nil
}

// close closes the pool, which closes its statements.
func (p *preparedPool) close() error { return p.db.Close() }

// forSQLite gives the query as SQLite runs it fastest.
func forSQLite(query string) string { return unnamed(column.ForSQLite(query)) }

// unnamed gives the query with ? for $1, $2, … if each stands in it once and in this order.
// To SQLite $1 is a name like any other, and its driver asks for the name of each value that
// it binds, for which SQLite goes through the names before it: in an insert of 100 rows that
// was half of the writer's time.
func unnamed(query string) string {
	text := make([]byte, 0, len(query))
	quoted, next := false, 1
	for i := 0; i < len(query); i++ {
		if query[i] == '\'' {
			quoted = !quoted
		}
		if quoted || query[i] != '$' {
			text = append(text, query[i])
			continue
		}
		end := i + 1
		for end < len(query) && '0' <= query[end] && query[end] <= '9' {
			end++
		}
		if query[i+1:end] != strconv.Itoa(next) {
			return query
		}
		text = append(text, '?')
		next++
		i = end - 1
	}
	return string(text)
}

// preparedConn keeps the statements of one connection prepared, for the reason that
// preparedPool does. Where there are too many, the least recently used is closed. It is
// for one goroutine.
type preparedConn struct {
	conn       *sql.Conn
	statements *simplelru.LRU[string, *sql.Stmt]
}

func newPreparedConn(conn *sql.Conn) (*preparedConn, error) {
	statements, err := simplelru.NewLRU(maxPrepared, func(_ string, stmt *sql.Stmt) { _ = stmt.Close() })
	return &preparedConn{conn: conn, statements: statements}, err
}

// ExecContext runs a statement to its end, whatever becomes of ctx: to interrupt one
// has SQLite roll back the whole transaction, and so the writes of others that share
// it.
func (c *preparedConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx = context.WithoutCancel(ctx)
	stmt, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

// QueryContext is ExecContext for a statement with rows.
func (c *preparedConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx = context.WithoutCancel(ctx)
	stmt, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

func (c *preparedConn) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := c.statements.Get(query); ok {
		return stmt, nil
	}
	stmt, err := c.conn.PrepareContext(ctx, forSQLite(query))
	if err != nil {
		return nil, err
	}
	c.statements.Add(query, stmt)
	return stmt, nil
}

// close returns the connection to its pool.
func (c *preparedConn) close() error {
	c.statements.Purge()
	return c.conn.Close()
}

// discard closes the connection itself, and so ends a transaction in whatever
// state it is. database/sql closes a connection that reports itself bad, and would put
// any other back into the pool as it is.
func (c *preparedConn) discard() {
	c.statements.Purge()
	_ = c.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = c.conn.Close()
}
