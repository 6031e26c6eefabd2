package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"

	"entgo.io/ent/dialect"
	"github.com/jackc/pgx/v5"
)

// QueryWithList is Query for a list of any length, which the query finds as the table
// list(value). Each element becomes a JSON value, so the columns of a list of arrays are
// value->>0, value->>1, …, as text: a number needs a CAST. The list is one argument.
// $2, $3, … stand for the others.
func (s *Store) QueryWithList(ctx context.Context, list any, query string, args ...any) (*Rows, error) {
	query, args, err := withList(s.engine.reader().engine, list, query, args)
	if err != nil {
		return nil, err
	}
	return s.Query(ctx, query, args...)
}

// QueryWithList is Query with a list, as that of Store.
func (tx *Tx) QueryWithList(ctx context.Context, list any, query string, args ...any) (*Rows, error) {
	query, args, err := withList(tx.conn.engine, list, query, args)
	if err != nil {
		return nil, err
	}
	return tx.Query(ctx, query, args...)
}

// ExecWithList is Exec with a list, as that of QueryWithList.
func (tx *Tx) ExecWithList(ctx context.Context, list any, query string, args ...any) (sql.Result, error) {
	query, args, err := withList(tx.conn.engine, list, query, args)
	if err != nil {
		return nil, err
	}
	return tx.Exec(ctx, query, args...)
}

// withList puts the list before the arguments, and the table before the query. PostgreSQL
// plans it anew each time: it would keep a plan of when the table was empty, which reads
// all of it, until long after an import has filled it.
func withList(engine string, list any, query string, args []any) (string, []any, error) {
	text, err := json.Marshal(list)
	if err != nil {
		return "", nil, err
	}
	args = append([]any{string(text)}, args...)
	if engine == dialect.Postgres {
		return "WITH list(value) AS (SELECT value FROM json_array_elements($1::json)) " + query,
			append([]any{pgx.QueryExecModeExec}, args...), nil
	}
	return "WITH list(value) AS (SELECT value FROM json_each($1)) " + query, args, nil
}

// ValueRows lists the placeholders of so many rows for an INSERT or a VALUES, of which first
// is the number of the first: ($1, $2), ($3, $4).
func ValueRows(first, rows, columns int) string {
	text := make([]byte, 0, rows*(6*columns+4))
	for row := range rows {
		if row > 0 {
			text = append(text, ", "...)
		}
		text = append(text, '(')
		text = appendPlaceholders(text, first+row*columns, columns)
		text = append(text, ')')
	}
	return string(text)
}

// Placeholders lists n placeholders, of which first is the number of the first.
func Placeholders(first, n int) string {
	return string(appendPlaceholders(make([]byte, 0, 6*n), first, n))
}

func appendPlaceholders(text []byte, first, n int) []byte {
	for i := range n {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = append(text, '$')
		text = strconv.AppendInt(text, int64(first+i), 10)
	}
	return text
}
