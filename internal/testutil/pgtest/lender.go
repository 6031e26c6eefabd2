package pgtest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Lender lends copies of a template database to the tests of one process. To make and
// drop a database takes PostgreSQL some 400 ms, to empty one 5 ms. So a lent database
// stays on the server, named after the template and a number, and is emptied when it is
// lent again. A session lock for each number keeps processes apart: it ends with its
// process, also with one that crashed.
type Lender struct {
	Server, Template string
	// Keep is the table that is not emptied; its rows must stay as they were.
	Keep string

	mu   sync.Mutex
	idle []*loan
}

// loan is one database of this process, with one connection to the server's own
// database, which holds the lock, and one to the database itself. Both stay open for
// the next borrower, as connecting takes longer than emptying.
type loan struct {
	holder, inside *pgx.Conn
	name, address  string
	keep           string // the table that is not emptied
	shape          string // of the tables when the database was made, see shapeQuery
	reset          string // deletes all rows and has ids begin at 1 again
	truncate       string // does the same, and lets tables be small again
}

// Lend gives the URL of an empty database that is the caller's alone until giveBack,
// which must follow the caller's last connection.
func (l *Lender) Lend(ctx context.Context) (address string, giveBack func(), err error) {
	lent := l.takeIdle()
	if lent == nil {
		if lent, err = l.lockFree(ctx); err != nil {
			return "", nil, err
		}
	}
	if err := l.makeEmpty(ctx, lent); err != nil {
		return "", nil, errors.Join(err, lent.holder.Close(ctx))
	}
	return lent.address, func() { l.putIdle(lent) }, nil
}

// takeIdle is nil where every database of this process is lent.
func (l *Lender) takeIdle() *loan {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.idle) == 0 {
		return nil
	}
	last := l.idle[len(l.idle)-1]
	l.idle = l.idle[:len(l.idle)-1]
	return last
}

func (l *Lender) putIdle(lent *loan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = append(l.idle, lent)
}

// lockFree locks the first number that no process has.
func (l *Lender) lockFree(ctx context.Context) (*loan, error) {
	holder, err := pgx.Connect(ctx, l.Server)
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s_%d", l.Template, n)
		var locked bool
		if err := holder.QueryRow(ctx, "SELECT pg_try_advisory_lock(hashtext($1))", name).Scan(&locked); err != nil {
			return nil, errors.Join(err, holder.Close(ctx))
		}
		if locked {
			address, err := WithDatabase(l.Server, name)
			return &loan{holder: holder, name: name, address: address, keep: l.Keep}, err
		}
	}
}

// makeEmpty deletes the rows where that is enough. Otherwise it makes the database
// anew: where another process left it, where its tables are not as they were, and
// where somebody won't disconnect.
func (l *Lender) makeEmpty(ctx context.Context, lent *loan) error {
	if lent.inside != nil {
		if done, err := lent.deleteRows(ctx); done && err == nil {
			return nil
		}
		if err := lent.inside.Close(ctx); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		"DROP DATABASE IF EXISTS " + quote(lent.name) + " WITH (FORCE)",
		"CREATE DATABASE " + quote(lent.name) + " TEMPLATE " + quote(l.Template),
	} {
		if _, err := lent.holder.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return lent.connect(ctx)
}

// deleteRows reports whether the database is then as it was when it was made.
func (d *loan) deleteRows(ctx context.Context) (done bool, err error) {
	var alone bool
	var shape string
	if _, err := d.inside.Exec(ctx, "SELECT pg_terminate_backend(pid, 5000) FROM "+others); err != nil {
		return false, err
	}
	// The answer of pg_terminate_backend is false as well for a connection that has closed
	// meanwhile, as most do: so it is asked who is left.
	if err := d.inside.QueryRow(ctx, "SELECT count(*) = 0 FROM "+others).Scan(&alone); err != nil || !alone {
		return false, err
	}
	if err := d.inside.QueryRow(ctx, shapeQuery, d.keep).Scan(&shape); err != nil || shape != d.shape {
		return false, err
	}
	statements := d.reset
	var grown bool
	if err := d.inside.QueryRow(ctx, grownQuery, d.keep).Scan(&grown); err != nil {
		return false, err
	}
	if grown {
		statements = d.truncate
	}
	_, err = d.inside.Exec(ctx, statements, pgx.QueryExecModeSimpleProtocol)
	return err == nil, err
}

// connect connects to a database just made, and notes what it is like.
func (d *loan) connect(ctx context.Context) (err error) {
	if d.inside, err = pgx.Connect(ctx, d.address); err != nil {
		return err
	}
	return d.inside.QueryRow(ctx, "SELECT ("+shapeQuery+"), ("+resetQuery+"), ("+truncateQuery+")", d.keep).Scan(&d.shape, &d.reset, &d.truncate)
}

const (
	// others are the other connections to the database.
	others = `pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`

	// shapeQuery is a digest of what a test may have changed besides rows that are
	// deleted: tables, indexes and sequences, columns, triggers, functions, the rows that
	// are kept, and what ANALYZE has found, by which the next test's statements would be
	// planned.
	shapeQuery = `SELECT md5(string_agg(thing, ',' ORDER BY thing)) FROM (
		SELECT relkind::text || relname || relnatts || relchecks || relhastriggers AS thing FROM pg_class
			WHERE relnamespace = 'public'::regnamespace
		UNION ALL SELECT tgname FROM pg_trigger WHERE NOT tgisinternal
		UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
		UNION ALL SELECT tablename || '.' || attname FROM pg_stats WHERE schemaname = 'public'
		UNION ALL SELECT query_to_xml(format('SELECT * FROM %I', $1::text), false, false, '')::text) AS everything`

	// resetQuery writes the statements. The order of the tables doesn't matter, as the
	// foreign keys delete rows with those they refer to, or set the reference to NULL.
	resetQuery = `SELECT string_agg(format('DELETE FROM %1$I; SELECT setval(pg_get_serial_sequence(%1$L, ''id''), 1, false);', tablename), ' ')
		FROM pg_tables WHERE schemaname = 'public' AND tablename <> $1::text`

	// grownQuery reports whether a table would be planned for otherwise than a new one:
	// PostgreSQL takes a table that was never vacuumed for ten pages if it has fewer. The
	// pages of deleted rows count, and a vacuum notes how many rows it saw.
	grownQuery = `SELECT coalesce(bool_or(reltuples <> -1 OR pg_relation_size(oid) > 10 * 8192), false)
		FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> $1::text`

	// truncateQuery writes the statement that leaves nothing of the rows. It takes four
	// times as long as deleting a few.
	truncateQuery = `SELECT format('TRUNCATE %s RESTART IDENTITY', string_agg(quote_ident(tablename), ', '))
		FROM pg_tables WHERE schemaname = 'public' AND tablename <> $1::text`
)
