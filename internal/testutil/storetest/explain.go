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
	return explain(t, db, statement, func(ctx context.Context, tx *store.Tx) (string, error) {
		return readPlan(ctx, tx, explaining()+statement, args...)
	})
}

// ExplainAmongMany is Explain where the tables have so many rows that PostgreSQL has a choice.
func ExplainAmongMany(t testing.TB, db *store.Store, statement string, args ...any) (plan string) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		plan, err = readPlan(ctx, tx, explaining()+statement, args...)
		return err
	})
	if err != nil {
		t.Fatalf("explain %s: %v", statement, err)
	}
	return plan
}

func explaining() string {
	if IsPostgres() {
		return "EXPLAIN "
	}
	return "EXPLAIN QUERY PLAN "
}

// ExplainAny is Explain for a statement whatever its arguments are, as the program runs it
// again and again.
func ExplainAny(t testing.TB, db *store.Store, statement string) string {
	t.Helper()
	numbered := 0
	for strings.Contains(statement, fmt.Sprintf("$%d", numbered+1)) {
		numbered++
	}
	return explain(t, db, statement, func(ctx context.Context, tx *store.Tx) (plan string, err error) {
		if !IsPostgres() {
			return readPlan(ctx, tx, "EXPLAIN QUERY PLAN "+statement, make([]any, numbered+strings.Count(statement, "?"))...)
		}
		for _, prepare := range []string{"SET LOCAL plan_cache_mode = force_generic_plan", "PREPARE explained AS " + statement} {
			if _, err := tx.Exec(ctx, prepare); err != nil {
				return "", err
			}
		}
		execute := "EXPLAIN EXECUTE explained"
		if numbered > 0 {
			execute += "(NULL" + strings.Repeat(", NULL", numbered-1) + ")"
		}
		if plan, err = readPlan(ctx, tx, execute); err != nil {
			return "", err
		}
		_, err = tx.Exec(ctx, "DEALLOCATE explained")
		return plan, err
	})
}

// IsPostgres reports whether the tests run on PostgreSQL.
func IsPostgres() bool { return strings.HasPrefix(os.Getenv("LUXBFF_TEST_DATABASE_URL"), "postgres") }

func explain(t testing.TB, db *store.Store, statement string, ask func(context.Context, *store.Tx) (string, error)) (plan string) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		if IsPostgres() {
			if _, err := tx.Exec(ctx, "SET LOCAL enable_seqscan = off"); err != nil {
				return err
			}
		}
		plan, err = ask(ctx, tx)
		return err
	})
	if err != nil {
		t.Fatalf("explain %s: %v", statement, err)
	}
	return plan
}

// readPlan gives the last column of each row, a line each.
func readPlan(ctx context.Context, tx *store.Tx, query string, args ...any) (string, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	var plan strings.Builder
	for rows.Next() {
		line := make([]any, len(columns))
		for i := range line {
			line[i] = new(any)
		}
		if err := rows.Scan(line...); err != nil {
			return "", err
		}
		fmt.Fprintln(&plan, *line[len(line)-1].(*any))
	}
	return plan.String(), rows.Err()
}
