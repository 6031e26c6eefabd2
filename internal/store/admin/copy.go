package admin

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"luxbff/ent/table"
	"luxbff/internal/store"
)

// CopiedTable is a table that is the same on both sides: so many rows, and the
// SHA-256 over all their values in the order of their ids.
type CopiedTable struct {
	Name     string
	Rows     int64
	Checksum string
}

// Copy moves a whole installation from the SQLite database from, which is only
// read, to the PostgreSQL database to, which it brings to this program's schema.
// Ids stay, and the next ones follow the highest ever given. Everything goes into
// one transaction, which ends well only if what is read back is what was read:
// a copy that fails or is interrupted leaves the target empty, and can be run
// again. It refuses a target that holds rows, a source of another version, and a
// source that is written to meanwhile. Memory does not grow with the rows.
func Copy(ctx context.Context, from, to store.Config) ([]CopiedTable, error) {
	if store.IsPostgres(from.URL) || !store.IsPostgres(to.URL) {
		return nil, errors.New("store: a copy goes from file:… to postgres://…; to move a database within one engine use backup and restore, or pg_dump and pg_restore")
	}
	tables, err := parentsFirst(table.All())
	if err != nil {
		return nil, err
	}
	source, err := openSource(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("store: the source of the copy: %w", err)
	}
	defer func() { _ = source.close() }()
	if err := migrateTarget(ctx, to); err != nil {
		return nil, err
	}
	c := copier{source: source, tables: tables}
	if err := c.run(ctx, to); err != nil {
		return nil, fmt.Errorf("store: the copy did not end well: %w", err)
	}
	return c.copied, nil
}

// migrateTarget waits for the target as a server would, and makes its tables.
func migrateTarget(ctx context.Context, to store.Config) (err error) {
	target, err := store.Open(ctx, to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	return target.Migrate(ctx)
}

// copier is one copy under way.
type copier struct {
	source *copySource
	tables []table.Table
	copied []CopiedTable
}

// run copies within one transaction. It connects by itself, with pgx and not
// through database/sql, which has no COPY: that takes the rows as they come.
func (c *copier) run(ctx context.Context, target store.Config) error {
	conn, err := store.ConnectPostgres(ctx, target)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return c.copyAll(ctx, tx) })
}

func (c *copier) copyAll(ctx context.Context, tx pgx.Tx) error {
	if err := lockEmpty(ctx, tx, c.tables); err != nil {
		return err
	}
	// The trigger would number logs that are older than the numbers of changes, which then
	// differ from their source.
	if _, err := tx.Exec(ctx, "ALTER TABLE devlogs DISABLE TRIGGER number_new_devlog"); err != nil {
		return fmt.Errorf("keep logs as they are: %w", err)
	}
	for _, copied := range c.tables {
		read, err := c.send(ctx, tx, copied)
		if err != nil {
			return fmt.Errorf("table %s: %w", copied.Name, err)
		}
		written, err := readBack(ctx, tx, copied)
		if err != nil {
			return fmt.Errorf("table %s: read back: %w", copied.Name, err)
		}
		if read != written {
			return fmt.Errorf("table %s differs: %d rows with checksum %s were read, %d with %s are stored",
				copied.Name, read.Rows, read.Checksum, written.Rows, written.Checksum)
		}
		c.copied = append(c.copied, written)
	}
	if _, err := tx.Exec(ctx, "ALTER TABLE devlogs ENABLE TRIGGER number_new_devlog"); err != nil {
		return fmt.Errorf("number logs again: %w", err)
	}
	// Without statistics PostgreSQL would plan the first requests as if the tables were
	// empty, until its autovacuum comes round.
	if _, err := tx.Exec(ctx, "ANALYZE "+tableNames(c.tables)); err != nil {
		return fmt.Errorf("gather statistics: %w", err)
	}
	return c.source.checkUnchanged(ctx)
}

// lockEmpty keeps all others from writing until the transaction ends, and
// refuses tables that have rows.
func lockEmpty(ctx context.Context, tx pgx.Tx, tables []table.Table) error {
	if _, err := tx.Exec(ctx, "LOCK TABLE "+tableNames(tables)+" IN EXCLUSIVE MODE"); err != nil {
		return fmt.Errorf("lock the target: %w", err)
	}
	for _, target := range tables {
		var hasRows bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM "+quote(target.Name)+")").Scan(&hasRows); err != nil {
			return err
		}
		if hasRows {
			return fmt.Errorf("the target is not empty: %s has rows; give it a database of its own", target.Name)
		}
	}
	return nil
}

// send streams a table to the target and sets the number that its next row gets.
func (c *copier) send(ctx context.Context, tx pgx.Tx, from table.Table) (CopiedTable, error) {
	rows, err := c.source.conn.QueryContext(ctx, selectAll(from))
	if err != nil {
		return CopiedTable{}, err
	}
	defer func() { _ = rows.Close() }()
	reader := newTableReader(from, rows)
	_, err = tx.CopyFrom(ctx, pgx.Identifier{from.Name}, columnNames(from), pgx.CopyFromFunc(reader.next))
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return CopiedTable{}, err
	}
	return reader.result(), c.setSequence(ctx, tx, from)
}

// setSequence has the target go on where SQLite is, which never gives a number
// twice: the id of a row that was deleted may still stand in a token or a cursor,
// and must not become another row's.
func (c *copier) setSequence(ctx context.Context, tx pgx.Tx, from table.Table) error {
	for _, column := range from.Columns {
		if !column.Increment {
			continue
		}
		var last int64
		query := "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = $1), 0)"
		if err := c.source.conn.QueryRowContext(ctx, query, from.Name).Scan(&last); err != nil {
			return err
		}
		if last == 0 {
			continue
		}
		set := "SELECT setval(pg_get_serial_sequence($1, $2), $3)"
		if _, err := tx.Exec(ctx, set, quote(from.Name), column.Name, last); err != nil {
			return fmt.Errorf("set the sequence: %w", err)
		}
	}
	return nil
}

func readBack(ctx context.Context, tx pgx.Tx, from table.Table) (CopiedTable, error) {
	rows, err := tx.Query(ctx, selectAll(from))
	if err != nil {
		return CopiedTable{}, err
	}
	defer rows.Close()
	reader := newTableReader(from, rows)
	for {
		values, err := reader.next()
		if values == nil || err != nil {
			return reader.result(), err
		}
	}
}
