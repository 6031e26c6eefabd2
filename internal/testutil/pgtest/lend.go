package pgtest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Lender lends copies of a template. To make and drop a database takes PostgreSQL
// some 400 ms, to empty one 5: so a lent database stays on the server, named
// after the template and a number, and is emptied when it is lent again, all
// tables but Keep, whose rows must be as they were. Which are lent is said by
// session locks, so those of a process that ended are free at once.
type Lender struct {
	Server, Template, Keep string

	mu   sync.Mutex
	idle []*loan
}

// loan is one database of this process, with a connection to the server's own
// database, which holds the lock, and one inside. Both stay open for the next
// borrower: to connect costs more than to empty.
type loan struct {
	holder, inside *pgx.Conn
	name, address  string
	// keep is the table that is not emptied.
	keep string
	// shape is what the tables were like when the database was made.
	shape string
	// empty deletes all rows and has ids begin at 1 again.
	empty string
}

// Lend gives an empty database that is the caller's alone until giveBack, which
// must follow the caller's last connection.
func (l *Lender) Lend(ctx context.Context) (address string, giveBack func(), err error) {
	lent := l.take()
	if lent == nil {
		if lent, err = l.another(ctx); err != nil {
			return "", nil, err
		}
	}
	if err := l.clean(ctx, lent); err != nil {
		return "", nil, errors.Join(err, lent.holder.Close(ctx))
	}
	return lent.address, func() { l.put(lent) }, nil
}

func (l *Lender) take() *loan {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.idle) == 0 {
		return nil
	}
	last := l.idle[len(l.idle)-1]
	l.idle = l.idle[:len(l.idle)-1]
	return last
}

func (l *Lender) put(lent *loan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = append(l.idle, lent)
}

// another takes the first number that nobody has.
func (l *Lender) another(ctx context.Context) (*loan, error) {
	holder, err := pgx.Connect(ctx, l.Server)
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s_%d", l.Template, n)
		var mine bool
		if err := holder.QueryRow(ctx, "SELECT pg_try_advisory_lock(hashtext($1))", name).Scan(&mine); err != nil {
			return nil, errors.Join(err, holder.Close(ctx))
		}
		if mine {
			address, err := Named(l.Server, name)
			return &loan{holder: holder, name: name, address: address, keep: l.Keep}, err
		}
	}
}

// clean empties the database. One of another process, one whose tables are not
// as they were, and one that somebody won't leave is made anew.
func (l *Lender) clean(ctx context.Context, lent *loan) error {
	if lent.inside != nil {
		if clean, err := lent.emptied(ctx); clean && err == nil {
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
	return lent.enter(ctx)
}

func (d *loan) emptied(ctx context.Context) (clean bool, err error) {
	var alone bool
	var shape string
	if err := d.inside.QueryRow(ctx, aloneQuery).Scan(&alone); err != nil || !alone {
		return false, err
	}
	if err := d.inside.QueryRow(ctx, shapeQuery, d.keep).Scan(&shape); err != nil || shape != d.shape {
		return false, err
	}
	_, err = d.inside.Exec(ctx, d.empty, pgx.QueryExecModeSimpleProtocol)
	return err == nil, err
}

// enter connects to a database just made.
func (d *loan) enter(ctx context.Context) (err error) {
	if d.inside, err = pgx.Connect(ctx, d.address); err != nil {
		return err
	}
	return d.inside.QueryRow(ctx, "SELECT ("+shapeQuery+"), ("+emptyQuery+")", d.keep).Scan(&d.shape, &d.empty)
}

const (
	// aloneQuery ends the connections of others and waits for those that are closing.
	aloneQuery = `SELECT coalesce(bool_and(pg_terminate_backend(pid, 5000)), true) FROM pg_stat_activity
		WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`

	// shapeQuery is a digest of what a test may have changed besides rows that are
	// deleted: tables, indexes and sequences, columns, triggers, functions and the
	// rows that are kept.
	shapeQuery = `SELECT md5(string_agg(thing, ',' ORDER BY thing)) FROM (
		SELECT relkind::text || relname || relnatts || relchecks || relhastriggers AS thing FROM pg_class
			WHERE relnamespace = 'public'::regnamespace
		UNION ALL SELECT tgname FROM pg_trigger WHERE NOT tgisinternal
		UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
		UNION ALL SELECT query_to_xml(format('SELECT * FROM %I', $1::text), false, false, '')::text) AS everything`

	// emptyQuery writes the statements. Rows that refer to others go with them or
	// let go of them, so that the order doesn't matter.
	emptyQuery = `SELECT string_agg(format('DELETE FROM %1$I; SELECT setval(pg_get_serial_sequence(%1$L, ''id''), 1, false);', tablename), ' ')
		FROM pg_tables WHERE schemaname = 'public' AND tablename <> $1::text`
)
