package store

import (
	"context"
	"fmt"
)

// pruneBatch bounds how long one removal keeps other writes waiting.
const pruneBatch = 500

// DeleteInBatches deletes the rows of a table that meet the condition, a small batch a write,
// so that no other write waits for all of them. The condition has to find its rows by an
// index.
func (s *Store) DeleteInBatches(ctx context.Context, table, condition string, args ...any) error {
	statement := fmt.Sprintf(`DELETE FROM %[1]s WHERE id IN (SELECT id FROM %[1]s WHERE %[2]s LIMIT %[3]d)`,
		table, condition, pruneBatch)
	for {
		var removed int64
		err := s.Write(ctx, func(ctx context.Context, tx *Tx) error {
			result, err := tx.Exec(ctx, statement, args...)
			if err != nil {
				return err
			}
			removed, err = result.RowsAffected()
			return err
		})
		if err != nil {
			return fmt.Errorf("prune %s: %w", table, err)
		}
		if removed < pruneBatch {
			return nil
		}
	}
}
