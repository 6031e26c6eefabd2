package domaintest

import (
	"context"
	"errors"
	"testing"

	"luxbff/internal/apperr"
	"luxbff/internal/store"
)

// WantError fails the test unless err is of the kind and names the field.
func WantError(t testing.TB, err error, kind apperr.Kind, field string) {
	t.Helper()
	var got *apperr.Error
	if !errors.As(err, &got) {
		t.Fatalf("got the error %v, want %q", err, kind.New())
	}
	if got.Kind != kind || got.Field != field {
		t.Errorf("got %q on %q, want %q on %q", got, got.Field, kind.New(), field)
	}
}

// Counts are the numbers of rows that the domain has stored; Registered counts the
// devices that a child has.
type Counts struct{ Children, Registered, Devlogs, Events int }

// Count counts the rows of the database.
func (k *Kit) Count(t testing.TB) Counts {
	t.Helper()
	var c Counts
	rows, err := k.Store.Query(context.Background(), `SELECT
		(SELECT count(*) FROM child_users), (SELECT count(*) FROM devices WHERE child_user_id IS NOT NULL),
		(SELECT count(*) FROM devlogs), (SELECT count(*) FROM devlog_events)`)
	if err != nil {
		t.Fatalf("count rows: %v", err)
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		t.Fatalf("count rows: %v", rows.Err())
	}
	if err := rows.Scan(&c.Children, &c.Registered, &c.Devlogs, &c.Events); err != nil {
		t.Fatalf("count rows: %v", err)
	}
	return c
}

// Write runs fn in a transaction, for rows that no domain function makes.
func (k *Kit) Write(t testing.TB, fn store.Func) {
	t.Helper()
	if err := k.Store.Write(context.Background(), fn); err != nil {
		t.Fatalf("write: %v", err)
	}
}
