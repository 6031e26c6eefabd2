package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"entgo.io/ent/dialect"
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

// withList puts the list before the arguments, and the table before the query.
func withList(engine string, list any, query string, args []any) (string, []any, error) {
	text, err := json.Marshal(list)
	if err != nil {
		return "", nil, err
	}
	selectList := "SELECT value FROM json_each($1)"
	if engine == dialect.Postgres {
		selectList = "SELECT value FROM json_array_elements($1::json)"
	}
	return "WITH list(value) AS (" + selectList + ") " + query, append([]any{string(text)}, args...), nil
}
