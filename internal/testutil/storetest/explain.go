package storetest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"luxbff/internal/store"
)

// OpenRecording opens a fresh database whose statements are kept, those that have the
// part.
func OpenRecording(t testing.TB, part string) (db *store.Store, statements *[]string) {
	t.Helper()
	statements = new([]string)
	var mu sync.Mutex
	cfg := Config(URL(t))
	cfg.Hooks = store.Hooks{Elapsed: func() time.Duration { return 0 }, OnStatement: func(_ context.Context, s store.Statement) {
		if strings.Contains(s.Query, part) && !strings.Contains(s.Query, "EXPLAIN") {
			mu.Lock()
			defer mu.Unlock()
			*statements = append(*statements, s.Query)
		}
	}}
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, statements
}

// Explain gives the plan of a statement. PostgreSQL would read a small table as a whole,
// so that is switched off.
func Explain(t testing.TB, db *store.Store, statement string, args ...any) string {
	t.Helper()
	var plan strings.Builder
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		plan.Reset()
		explain := "EXPLAIN QUERY PLAN "
		if strings.HasPrefix(os.Getenv("LUXBFF_TEST_DATABASE_URL"), "postgres") {
			explain = "EXPLAIN "
			if _, err := tx.Exec(ctx, "SET LOCAL enable_seqscan = off"); err != nil {
				return err
			}
		}
		rows, err := tx.Query(ctx, explain+statement, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		for rows.Next() {
			line := make([]any, len(columns))
			for i := range line {
				line[i] = new(any)
			}
			if err := rows.Scan(line...); err != nil {
				return err
			}
			fmt.Fprintln(&plan, *line[len(line)-1].(*any))
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatalf("explain %s: %v", statement, err)
	}
	return plan.String()
}
