package apptest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"luxbff/ent/migrate"
)

// Columns are those of a table that tests compare in another way than the rest.
type Columns struct {
	// Out are left out.
	Out []string
	// Set are random: it counts whether there is a value.
	Set []string
}

// Working are the columns that depend on when the worker of the outbox came by.
func Working() []string { return []string{"state", "attempts", "leased_until", "sent_at"} }

// Tables are all tables of the schema, by name.
func Tables() []string {
	names := make([]string, len(migrate.Tables))
	for i, table := range migrate.Tables {
		names[i] = table.Name
	}
	slices.Sort(names)
	return names
}

// Rows is every row of a table, as text, in the order of ids.
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
		all = append(all, row(names, values, columns))
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func row(names []string, values []any, columns Columns) string {
	var text strings.Builder
	for i, name := range names {
		switch {
		case slices.Contains(columns.Out, name):
		case slices.Contains(columns.Set, name):
			fmt.Fprintf(&text, "%s=%v ", name, values[i] != nil)
		default:
			fmt.Fprintf(&text, "%s=%v ", name, values[i])
		}
	}
	return text.String()
}

// Dump is every row of every table, but for what changes by itself and what a
// refused guess may change: how often somebody guessed.
func (s *Server) Dump(t testing.TB) map[string][]string {
	t.Helper()
	columns := Columns{Out: append(Working(), "wrong_passwords", "blocked_until", "tries")}
	all := map[string][]string{}
	for _, table := range Tables() {
		all[table] = s.Rows(t, table, columns)
	}
	return all
}
