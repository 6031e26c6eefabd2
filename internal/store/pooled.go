package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// readOnly has the server refuse writes until the transaction ends, which here is the
// one that PostgreSQL makes of all statements that are sent before it is asked to answer.
const readOnly = "SELECT set_config('transaction_read_only', 'on', true)"

// pooledReaders makes connections for reads through a pooler that gives a connection of
// the server to each transaction. What is set on such a connection would hold for
// whoever gets it next, and not for the reader, so each read says itself that it only
// reads. That goes with it in one message: a transaction of three messages takes twice
// as long, and holds the connection of the server meanwhile.
type pooledReaders struct{ driver.Connector }

// Connect makes one connection.
func (c pooledReaders) Connect(ctx context.Context) (driver.Conn, error) {
	made, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := made.(*stdlib.Conn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("store: pgx made a connection of type %T", made), made.Close())
	}
	return pooledReader{conn}, nil
}

// errCancel is what pgx gets instead of a connection to cancel a statement on.
var errCancel = errors.New("store: no statement is cancelled through a pooler")

type connectingKey struct{}

// asConnecting marks a context in which a connection is made to run statements on.
func asConnecting(ctx context.Context) context.Context {
	return context.WithValue(ctx, connectingKey{}, true)
}

// refuseCancels gives a dialer that makes no connection to cancel a statement on, which
// pgx does in a context of its own. PgBouncer 1.18 crashed of such requests under load.
// The connection of the client is closed all the same, and PgBouncer then closes that of
// the server.
func refuseCancels(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if ctx.Value(connectingKey{}) == nil {
			return nil, errCancel
		}
		return dial(ctx, network, addr)
	}
}

// connecting marks the contexts in which a pool connects.
type connecting struct{ driver.Connector }

// Connect makes one connection.
func (c connecting) Connect(ctx context.Context) (driver.Conn, error) {
	return c.Connector.Connect(asConnecting(ctx))
}

// pooledReader is one connection of pooledReaders.
type pooledReader struct{ *stdlib.Conn }

// QueryContext runs a read.
func (c pooledReader) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	results, err := c.send(ctx, query, args)
	if err != nil {
		return nil, err
	}
	rows, _ := results.Query() // rows.Err gives its error, too
	// An error of the query comes before its first row, and nobody knows the columns before.
	isRow := rows.Next()
	if err := rows.Err(); err != nil {
		_ = results.Close() // gives the same error
		return nil, err
	}
	return &pooledRows{results: results, rows: rows, types: c.Conn.Conn().TypeMap(), isRow: isRow}, nil
}

// ExecContext runs a statement without rows, for ent, which asks that a reader has it.
func (c pooledReader) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	results, err := c.send(ctx, query, args)
	if err != nil {
		return nil, err
	}
	tag, err := results.Exec()
	return driver.RowsAffected(tag.RowsAffected()), cmp.Or(err, results.Close())
}

// send sends the statement behind readOnly. An error that comes before anything was
// sent has database/sql take another connection.
func (c pooledReader) send(ctx context.Context, query string, args []driver.NamedValue) (pgx.BatchResults, error) {
	conn := c.Conn.Conn()
	if conn.IsClosed() {
		return nil, driver.ErrBadConn
	}
	var values []any
	for _, arg := range args {
		// A batch takes no mode for one statement, and this one plans each anew, which is what
		// the mode of a statement with a list is for.
		if _, isMode := arg.Value.(pgx.QueryExecMode); !isMode {
			values = append(values, arg.Value)
		}
	}
	var batch pgx.Batch
	batch.Queue(readOnly)
	batch.Queue(query, values...)
	results := conn.SendBatch(ctx, &batch)
	_, err := results.Exec()
	if err == nil {
		return results, nil
	}
	_ = results.Close() // gives the same error
	if pgconn.SafeToRetry(err) {
		return nil, driver.ErrBadConn
	}
	return nil, err
}

// pooledRows are the rows of a read. They stand for stdlib.Rows, which cannot be made of
// a pgx.Batch.
type pooledRows struct {
	results pgx.BatchResults
	rows    pgx.Rows
	types   *pgtype.Map
	isRow   bool // the rows are at one that Next has not given yet
}

// Columns gives their names.
func (r *pooledRows) Columns() []string {
	var names []string
	for _, field := range r.rows.FieldDescriptions() {
		names = append(names, field.Name)
	}
	return names
}

// Next gives the next row, io.EOF after the last.
func (r *pooledRows) Next(into []driver.Value) (err error) {
	if !r.isRow && !r.rows.Next() {
		return cmp.Or(r.rows.Err(), io.EOF)
	}
	r.isRow = false
	for i, field := range r.rows.FieldDescriptions() {
		if into[i], err = r.value(field, r.rows.RawValues()[i]); err != nil {
			return fmt.Errorf("column %s: %w", field.Name, err)
		}
	}
	return nil
}

// value is what stdlib.Rows gives for a column: text for all that database/sql has no
// type for. An array is an error, as it comes in a form of its own; no column is one.
func (r *pooledRows) value(field pgconn.FieldDescription, raw []byte) (driver.Value, error) {
	if raw == nil {
		return nil, nil
	}
	switch field.DataTypeOID {
	case pgtype.BoolOID:
		return scan[bool](r.types, field, raw)
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID:
		return scan[int64](r.types, field, raw)
	case pgtype.Float4OID, pgtype.Float8OID:
		return scan[float64](r.types, field, raw)
	case pgtype.DateOID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		return scan[time.Time](r.types, field, raw)
	case pgtype.ByteaOID:
		return scan[[]byte](r.types, field, raw)
	}
	return scan[string](r.types, field, raw)
}

func scan[T any](types *pgtype.Map, field pgconn.FieldDescription, raw []byte) (driver.Value, error) {
	var value T
	err := types.Scan(field.DataTypeOID, field.Format, raw, &value)
	return value, err
}

// Close ends the transaction, and so gives the connection of the server back.
func (r *pooledRows) Close() error {
	r.rows.Close()
	return cmp.Or(r.rows.Err(), r.results.Close())
}
