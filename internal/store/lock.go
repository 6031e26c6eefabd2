package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"entgo.io/ent/dialect"
)

// Lock makes other transactions that lock the same rows of table wait until this
// one ends. Rows are locked in the order of their ids, so that two transactions
// never wait for each other. On SQLite, whose writer is alone, it does nothing.
func (tx *Tx) Lock(ctx context.Context, table string, ids ...int) error {
	if tx.conn.engine != dialect.Postgres || len(ids) == 0 {
		return nil
	}
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = strconv.Itoa(id)
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(
		`SELECT id FROM %q WHERE id IN (%s) ORDER BY id FOR UPDATE`, table, strings.Join(list, ",")))
	if err != nil {
		return fmt.Errorf("lock %s: %w", table, err)
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}
