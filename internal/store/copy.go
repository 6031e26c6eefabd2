package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"luxbff/ent/migrate"
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
func Copy(ctx context.Context, from, to Config) ([]CopiedTable, error) {
	if isPostgres(from.URL) || !isPostgres(to.URL) {
		return nil, errors.New("store: a copy goes from file:… to postgres://…; to move a database within one engine use backup and restore, or pg_dump and pg_restore")
	}
	tables, err := parentsFirst(migrate.Tables)
	if err != nil {
		return nil, err
	}
	source, err := openSource(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("store: the source of the copy: %w", err)
	}
	defer func() { _ = source.close() }()
	target, err := openPostgres(ctx, to.withDefaults())
	if err != nil {
		return nil, err
	}
	defer func() { _ = target.close() }()
	if err := target.migrate(ctx); err != nil {
		return nil, err
	}
	job := copyJob{source: source, tables: tables}
	if err := job.run(ctx, target.writers); err != nil {
		return nil, fmt.Errorf("store: the copy did not end well: %w", err)
	}
	return job.done, nil
}

// copyJob is one copy under way.
type copyJob struct {
	source *copySource
	tables []*schema.Table
	done   []CopiedTable
}

// run copies within one transaction, on a connection of pgx: COPY takes rows as
// they come.
func (j *copyJob) run(ctx context.Context, target *sql.DB) error {
	conn, err := target.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return conn.Raw(func(driver any) error {
		return pgx.BeginFunc(ctx, driver.(*stdlib.Conn).Conn(), func(tx pgx.Tx) error {
			return j.copyAll(ctx, tx)
		})
	})
}

func (j *copyJob) copyAll(ctx context.Context, tx pgx.Tx) error {
	if err := lockEmpty(ctx, tx, j.tables); err != nil {
		return err
	}
	for _, table := range j.tables {
		read, err := j.send(ctx, tx, table)
		if err != nil {
			return fmt.Errorf("table %s: %w", table.Name, err)
		}
		written, err := readBack(ctx, tx, table)
		if err != nil {
			return fmt.Errorf("table %s: read back: %w", table.Name, err)
		}
		if read != written {
			return fmt.Errorf("table %s differs: %d rows with checksum %s were read, %d with %s are stored",
				table.Name, read.Rows, read.Checksum, written.Rows, written.Checksum)
		}
		j.done = append(j.done, written)
	}
	if _, err := tx.Exec(ctx, "ANALYZE "+tableNames(j.tables)); err != nil {
		return fmt.Errorf("gather statistics: %w", err)
	}
	return j.source.unchanged(ctx)
}

// lockEmpty keeps all others from writing until the transaction ends, and
// refuses rows that are there.
func lockEmpty(ctx context.Context, tx pgx.Tx, tables []*schema.Table) error {
	if _, err := tx.Exec(ctx, "LOCK TABLE "+tableNames(tables)+" IN EXCLUSIVE MODE"); err != nil {
		return fmt.Errorf("lock the target: %w", err)
	}
	for _, table := range tables {
		var taken bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM "+quote(table.Name)+")").Scan(&taken); err != nil {
			return err
		}
		if taken {
			return fmt.Errorf("the target is not empty: %s has rows; give it a database of its own", table.Name)
		}
	}
	return nil
}

// send streams a table to the target and sets the number that its next row gets.
func (j *copyJob) send(ctx context.Context, tx pgx.Tx, table *schema.Table) (CopiedTable, error) {
	rows, err := j.source.conn.QueryContext(ctx, selectAll(table))
	if err != nil {
		return CopiedTable{}, err
	}
	defer func() { _ = rows.Close() }()
	reading := newTableReader(table, rows)
	_, err = tx.CopyFrom(ctx, pgx.Identifier{table.Name}, columnNames(table), pgx.CopyFromFunc(reading.next))
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return CopiedTable{}, err
	}
	return reading.sum(), j.setSequence(ctx, tx, table)
}

// setSequence goes on where SQLite is, which never gives a number twice: an id
// that was deleted may still be named by a token or a cursor.
func (j *copyJob) setSequence(ctx context.Context, tx pgx.Tx, table *schema.Table) error {
	for _, key := range table.PrimaryKey {
		if !key.Increment {
			continue
		}
		var last int64
		query := "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = $1), 0)"
		if err := j.source.conn.QueryRowContext(ctx, query, table.Name).Scan(&last); err != nil {
			return err
		}
		if last == 0 {
			continue
		}
		set := "SELECT setval(pg_get_serial_sequence($1, $2), $3)"
		if _, err := tx.Exec(ctx, set, quote(table.Name), key.Name, last); err != nil {
			return fmt.Errorf("set the sequence: %w", err)
		}
	}
	return nil
}

func readBack(ctx context.Context, tx pgx.Tx, table *schema.Table) (CopiedTable, error) {
	rows, err := tx.Query(ctx, selectAll(table))
	if err != nil {
		return CopiedTable{}, err
	}
	defer rows.Close()
	reading := newTableReader(table, rows)
	for {
		values, err := reading.next()
		if values == nil || err != nil {
			return reading.sum(), err
		}
	}
}

// copySource is the SQLite database that is read, as it is at one moment.
type copySource struct {
	db      *sql.DB
	conn    *sql.Conn
	version int64
}

func openSource(ctx context.Context, cfg Config) (_ *copySource, err error) {
	address, err := parseSQLite(cfg.URL)
	if err != nil {
		return nil, err
	}
	s := &copySource{}
	if s.db, err = openReadOnly(ctx, address); err != nil {
		return nil, err
	}
	if err := s.begin(ctx, cfg); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *copySource) begin(ctx context.Context, cfg Config) (err error) {
	missing, err := pending(ctx, s.db, dialect.SQLite, versionTableInSQLite, (&sqlite{cfg: cfg}).migrations())
	if err != nil {
		return err
	}
	if missing > 0 {
		return fmt.Errorf("%d migrations are missing: run `server migrate` on it first", missing)
	}
	if err := checkContent(ctx, s.db); err != nil {
		return err
	}
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return err
	}
	if s.version, err = s.dataVersion(ctx); err != nil {
		return err
	}
	_, err = s.conn.ExecContext(ctx, "BEGIN")
	return err
}

// unchanged ends the moment and refuses a source that somebody wrote to since it
// began: what was stored then would be missing from the copy.
func (s *copySource) unchanged(ctx context.Context) error {
	if _, err := s.conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		return err
	}
	now, err := s.dataVersion(ctx)
	if err != nil {
		return err
	}
	if now != s.version {
		return errors.New("the source was written to meanwhile: stop the program that serves it, and copy again")
	}
	return nil
}

// dataVersion changes when another connection has committed.
func (s *copySource) dataVersion(ctx context.Context) (version int64, err error) {
	return version, s.conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version)
}

func (s *copySource) close() error {
	if s.conn != nil {
		_ = s.conn.Close()
	}
	return s.db.Close()
}

// anyRows are rows of either engine.
type anyRows interface {
	Next() bool
	Scan(into ...any) error
	Err() error
}

// tableReader reads rows of a table in the form that both engines share, and
// sums them up.
type tableReader struct {
	table *schema.Table
	rows  anyRows
	cells []*cell
	into  []any
	count int64
	hash  hash.Hash
}

func newTableReader(table *schema.Table, rows anyRows) *tableReader {
	r := &tableReader{table: table, rows: rows, hash: sha256.New()}
	for _, column := range table.Columns {
		c := &cell{column: column}
		r.cells, r.into = append(r.cells, c), append(r.into, c)
	}
	return r
}

// next gives the values of the next row, nil after the last.
func (r *tableReader) next() ([]any, error) {
	if !r.rows.Next() {
		return nil, r.rows.Err()
	}
	if err := r.rows.Scan(r.into...); err != nil {
		return nil, fmt.Errorf("row %d: %w", r.count+1, err)
	}
	values := make([]any, len(r.cells))
	var line []byte
	for i, c := range r.cells {
		values[i] = c.value
		line = c.append(line)
	}
	r.hash.Write(line)
	r.count++
	return values, nil
}

func (r *tableReader) sum() CopiedTable {
	return CopiedTable{Name: r.table.Name, Rows: r.count, Checksum: hex.EncodeToString(r.hash.Sum(nil))}
}

// cell is a value of a column: nil, an int64, a bool, a string, or a time to the
// microsecond, which is what PostgreSQL keeps.
type cell struct {
	column *schema.Column
	value  any
}

// Scan takes what a driver gives.
func (c *cell) Scan(given any) (err error) {
	if given == nil {
		c.value = nil
		return nil
	}
	switch c.column.Type {
	case field.TypeBool:
		c.value, err = scanned[bool](given)
	case field.TypeTime:
		var at time.Time
		at, err = scanned[time.Time](given)
		c.value = at.UTC().Truncate(time.Microsecond)
	case field.TypeInt, field.TypeInt8, field.TypeInt16, field.TypeInt32, field.TypeInt64:
		c.value, err = scanned[int64](given)
	case field.TypeString, field.TypeEnum:
		c.value, err = scanned[string](given)
	default:
		err = fmt.Errorf("no rule says how to copy a %s", c.column.Type)
	}
	if err != nil {
		return fmt.Errorf("column %s: %w", c.column.Name, err)
	}
	return nil
}

func scanned[T any](given any) (T, error) {
	var value sql.Null[T]
	err := value.Scan(given)
	return value.V, err
}

// append adds the value to what is summed up, so that no two rows look the same.
func (c *cell) append(line []byte) []byte {
	switch value := c.value.(type) {
	case int64:
		return binary.BigEndian.AppendUint64(append(line, 'i'), uint64(value)) //nolint:gosec // the bits, whatever the sign
	case bool:
		if value {
			return append(line, 't')
		}
		return append(line, 'f')
	case time.Time:
		return binary.BigEndian.AppendUint64(append(line, 'd'), uint64(value.UnixMicro()))
	case string:
		line = binary.BigEndian.AppendUint64(append(line, 's'), uint64(len(value)))
		return append(line, value...)
	}
	return append(line, 'n')
}

// parentsFirst orders tables so that each comes after those it refers to.
func parentsFirst(tables []*schema.Table) ([]*schema.Table, error) {
	var ordered []*schema.Table
	placed := map[*schema.Table]bool{}
	for len(ordered) < len(tables) {
		before := len(ordered)
		for _, table := range tables {
			if !placed[table] && refersTo(table, placed) {
				ordered = append(ordered, table)
				placed[table] = true
			}
		}
		if len(ordered) == before {
			return nil, errors.New("store: the tables refer to each other in a circle")
		}
	}
	return ordered, nil
}

// refersTo reports whether the table refers to these tables or itself alone.
func refersTo(table *schema.Table, these map[*schema.Table]bool) bool {
	for _, key := range table.ForeignKeys {
		if key.RefTable != table && !these[key.RefTable] {
			return false
		}
	}
	return true
}

func selectAll(table *schema.Table) string {
	var columns, order []string
	for _, column := range table.Columns {
		columns = append(columns, quote(column.Name))
	}
	for _, key := range table.PrimaryKey {
		order = append(order, quote(key.Name))
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + quote(table.Name) + " ORDER BY " + strings.Join(order, ", ")
}

func tableNames(tables []*schema.Table) string {
	names := make([]string, len(tables))
	for i, table := range tables {
		names[i] = quote(table.Name)
	}
	return strings.Join(names, ", ")
}

func columnNames(table *schema.Table) []string {
	names := make([]string, len(table.Columns))
	for i, column := range table.Columns {
		names[i] = column.Name
	}
	return names
}

// quote makes a name of an identifier, in either engine.
func quote(identifier string) string { return pgx.Identifier{identifier}.Sanitize() }
