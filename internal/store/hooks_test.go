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

// watched is what a store told.
type watched struct {
	mu         sync.Mutex
	statements []store.Statement
	waited     int
	groups     []int
	writes     []error
}

// watch takes everything in, on a clock that steps a second a reading.
func (w *watched) watch() store.Hooks {
	var clock time.Duration
	told := func(note func()) {
		w.mu.Lock()
		defer w.mu.Unlock()
		note()
	}
	return store.Hooks{
		Elapsed: func() time.Duration {
			w.mu.Lock()
			defer w.mu.Unlock()
			clock += time.Second
			return clock
		},
		Statement: func(_ context.Context, s store.Statement) { told(func() { w.statements = append(w.statements, s) }) },
		Waited:    func(time.Duration) { told(func() { w.waited++ }) },
		Committed: func(writes int, _ time.Duration) { told(func() { w.groups = append(w.groups, writes) }) },
		Write: func(ctx context.Context) (context.Context, func(error)) {
			return context.WithValue(ctx, watchedKey{}, "within"), func(err error) {
				told(func() { w.writes = append(w.writes, err) })
			}
		},
	}
}

type watchedKey struct{}

func openWatched(t *testing.T, w *watched) *store.Store {
	t.Helper()
	opened, err := store.Open(t.Context(), store.Config{URL: storetest.URL(t), Watch: w.watch()})
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

func TestWatchIsToldOfReadsAndWrites(t *testing.T) {
	t.Parallel()
	var w watched
	s := openWatched(t, &w)
	if _, err := s.Read().Message.Query().Count(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	for _, outcome := range []error{nil, refused} {
		err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if ctx.Value(watchedKey{}) != "within" {
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

	w.mu.Lock()
	defer w.mu.Unlock()
	var kinds []bool
	for _, one := range w.statements {
		kinds = append(kinds, one.InWrite)
		if one.Err != nil || one.Took < time.Second || !strings.Contains(one.Query, "messages") {
			t.Errorf("told of %+v", one)
		}
	}
	if !slices.Equal(kinds, []bool{false, true, true}) {
		t.Errorf("told of statements in a write: %v", kinds)
	}
	if w.waited != 2 || len(w.writes) != 2 || w.writes[0] != nil || !errors.Is(w.writes[1], refused) {
		t.Errorf("told of %d waits and the writes %v", w.waited, w.writes)
	}
	committed := 0
	for _, writes := range w.groups {
		committed += writes
	}
	if committed == 0 {
		t.Error("told of no commit")
	}
}

func TestWatchIsToldOfAFailedStatement(t *testing.T) {
	t.Parallel()
	var w watched
	s := openWatched(t, &w)
	if rows, err := s.Query(t.Context(), "SELECT nothing FROM nowhere"); err == nil {
		_ = rows.Close()
		t.Fatal("a table that isn't there was read")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.statements) != 1 || w.statements[0].Err == nil {
		t.Errorf("told of %+v", w.statements)
	}
}
