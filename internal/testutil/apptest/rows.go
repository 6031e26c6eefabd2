package apptest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"luxbff/ent/migrate"
	"luxbff/ent/usageday"
)

// Columns are those that tests compare in another way than the rest.
type Columns struct {
	// Ignored are left out.
	Ignored []string
	// Random are shown as whether there is a value, because the value differs from
	// run to run.
	Random []string
}

// WorkerColumns are the columns that depend on what the workers have done yet: that of
// the outbox with a message, and that of the uses of sessions.
func WorkerColumns() []string {
	return []string{
		"state", "attempts", "leased_until", "sent_at", "provider", "provider_id", "check_at", "checks", "delivered_at", "last_used_at",
	}
}

// Tables are all tables of the schema, by name.
func Tables() []string {
	names := make([]string, len(migrate.Tables))
	for i, table := range migrate.Tables {
		names[i] = table.Name
	}
	slices.Sort(names)
	return names
}

// Rows are the rows of a table as text, in the order of their ids.
func (s *Server) Rows(t testing.TB, table string, columns Columns) []string {
	t.Helper()
	found, err := s.App.Store.Query(t.Context(), "SELECT * FROM "+table+" ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	names, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for found.Next() {
		values, targets := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := found.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		all = append(all, formatRow(names, values, columns))
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func formatRow(names []string, values []any, columns Columns) string {
	var text strings.Builder
	for i, name := range names {
		switch {
		case slices.Contains(columns.Ignored, name):
		case slices.Contains(columns.Random, name):
			fmt.Fprintf(&text, "%s=%v ", name, values[i] != nil)
		default:
			fmt.Fprintf(&text, "%s=%v ", name, values[i])
		}
	}
	return text.String()
}

// Dump is every row of every table but the usage, which the program writes by itself. Left out are the columns that change by
// themselves, and those that count wrong guesses, which a refused request may
// change.
func (s *Server) Dump(t testing.TB) map[string][]string {
	t.Helper()
	columns := Columns{Ignored: append(WorkerColumns(), "wrong_passwords", "blocked_until", "tries")}
	all := map[string][]string{}
	for _, table := range Tables() {
		if table == usageday.Table {
			continue
		}
		all[table] = s.Rows(t, table, columns)
	}
	return all
}
