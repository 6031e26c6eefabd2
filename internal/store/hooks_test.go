package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"luxbff/internal/store"
	"luxbff/internal/testutil/storetest"
)

// calls are what a store called its hooks with.
type calls struct {
	mu         sync.Mutex
	statements []store.Statement
	waited     int
	groups     []int
	writes     []error
}

// hooks record every call, on a clock that steps a second a reading.
func (c *calls) hooks() store.Hooks {
	var clock time.Duration
	record := func(call func()) {
		c.mu.Lock()
		defer c.mu.Unlock()
		call()
	}
	return store.Hooks{
		Elapsed: func() time.Duration {
			c.mu.Lock()
			defer c.mu.Unlock()
			clock += time.Second
			return clock
		},
		OnStatement:  func(_ context.Context, s store.Statement) { record(func() { c.statements = append(c.statements, s) }) },
		OnWriteBegun: func(time.Duration) { record(func() { c.waited++ }) },
		OnCommit:     func(writes int, _ time.Duration) { record(func() { c.groups = append(c.groups, writes) }) },
		OnWrite: func(ctx context.Context) (context.Context, func(error)) {
			return context.WithValue(ctx, withinKey{}, "within"), func(err error) {
				record(func() { c.writes = append(c.writes, err) })
			}
		},
	}
}

type withinKey struct{}

func openWithHooks(t *testing.T, c *calls) *store.Store {
	t.Helper()
	cfg := storetest.Config(storetest.URL(t))
	cfg.Hooks = c.hooks()
	opened, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	return opened
}

func TestHooksAreCalledForReadsAndWrites(t *testing.T) {
	t.Parallel()
	var c calls
	s := openWithHooks(t, &c)
	if _, err := s.Read().Message.Query().Count(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	for _, outcome := range []error{nil, refused} {
		err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if ctx.Value(withinKey{}) != "within" {
				t.Error("the write doesn't run in the context that it was given")
			}
			if stats := s.Stats(); stats.Writes != 1 || stats.Write.InUse != 1 {
				t.Errorf("within a write the stats are %+v", stats)
			}
			_, err := tx.Exec(ctx, "DELETE FROM messages")
			return errors.Join(err, outcome)
		})
		if !errors.Is(err, outcome) {
			t.Fatal(err)
		}
	}
	if stats := s.Stats(); stats.Writes != 0 || stats.Read.MaxOpenConnections == 0 {
		t.Errorf("the stats are %+v", stats)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	var kinds []bool
	for _, one := range c.statements {
		kinds = append(kinds, one.InWrite)
		if one.Err != nil || one.Took < time.Second || !strings.Contains(one.Query, "messages") {
			t.Errorf("called with %+v", one)
		}
	}
	if !slices.Equal(kinds, []bool{false, true, true}) {
		t.Errorf("called with statements in a write: %v", kinds)
	}
	if c.waited != 2 || len(c.writes) != 2 || c.writes[0] != nil || !errors.Is(c.writes[1], refused) {
		t.Errorf("called with %d waits and the writes %v", c.waited, c.writes)
	}
	committed := 0
	for _, writes := range c.groups {
		committed += writes
	}
	if committed == 0 {
		t.Error("called with no commit")
	}
}

func TestHooksAreCalledForAFailedStatement(t *testing.T) {
	t.Parallel()
	var c calls
	s := openWithHooks(t, &c)
	if rows, err := s.Query(t.Context(), "SELECT nothing FROM nowhere"); err == nil {
		_ = rows.Close()
		t.Fatal("a table that isn't there was read")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.statements) != 1 || c.statements[0].Err == nil {
		t.Errorf("called with %+v", c.statements)
	}
}
