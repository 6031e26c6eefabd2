package auth

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"luxbff/ent/session"
	"luxbff/internal/store"
)

const (
	// useResolution is how exactly the last use of a session is known: a use within it
	// of the one that is stored is not written.
	useResolution = time.Minute
	// useInterval is how often the uses of all sessions are written together.
	useInterval = 5 * time.Second
	// useBatch bounds how many rows one statement writes.
	useBatch = 500
)

// uses are the last uses of sessions that are not stored yet. A request leaves its use
// here and goes on: the one after a pause is that of the home screen, which must not
// wait for a write.
type uses struct {
	mu      sync.Mutex
	pending map[int]time.Time
}

// note keeps the use of a session. The caller has seen that the one that is stored is
// older than useResolution.
func (u *uses) note(sessionID int, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.pending == nil {
		u.pending = map[int]time.Time{}
	}
	u.pending[sessionID] = at
}

// of gives the last use of a session, where the one that is stored may be older.
func (u *uses) of(sessionID int, stored time.Time) time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	if at := u.pending[sessionID]; at.After(stored) {
		return at
	}
	return stored
}

func (u *uses) take() map[int]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.pending
	u.pending = nil
	return taken
}

// StoreUses writes the last uses that this replica has seen. What can't be written is
// left out: the next use of the session is noted again.
func (s *Sessions) StoreUses(ctx context.Context) error {
	taken := s.uses.take()
	if len(taken) == 0 {
		return nil
	}
	// One time for all of a batch makes one statement of it. It is less than useInterval
	// late.
	newest := slices.MaxFunc(slices.Collect(maps.Values(taken)), time.Time.Compare)
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(taken)), useBatch) {
		err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			return tx.Session.Update().
				Where(session.IDIn(ids...), session.Or(session.LastUsedAtIsNil(), session.LastUsedAtLT(newest))).
				SetLastUsedAt(newest).
				Exec(ctx)
		})
		if err != nil {
			return fmt.Errorf("store the last uses of sessions: %w", err)
		}
	}
	return nil
}
