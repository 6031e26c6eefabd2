package account

import (
	"context"
	"fmt"
	"time"

	"luxbff/ent/identity"
	"luxbff/ent/session"
	"luxbff/ent/verificationcode"
	"luxbff/internal/store"
)

// What is kept after it has served, and how often the rest is looked for.
const (
	// codesKept is past the end of every code, grant and reset.
	codesKept = 24 * time.Hour
	// begunKept is how long a sign-up of Addnox may stay begun.
	begunKept  = 90 * 24 * time.Hour
	pruneEvery = time.Hour
	// pruneBatch bounds how long one removal keeps other writes waiting.
	pruneBatch = 500
)

// Start removes what has served until Close.
func (s *Service) Start(ctx context.Context) {
	ctx, s.stop = context.WithCancel(ctx)
	s.running.Go(func() { s.keepPruning(ctx) })
}

// Close ends what Start began.
func (s *Service) Close() {
	if s.stop != nil {
		s.stop()
	}
	s.running.Wait()
}

func (s *Service) keepPruning(ctx context.Context) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.Prune(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.ErrorContext(ctx, "prune accounts", "error", err)
		}
	}
}

// Prune removes codes, sessions and begun sign-ups that are past their time, a
// small batch a write.
func (s *Service) Prune(ctx context.Context) error {
	now := s.now()
	for _, gone := range []struct {
		table, condition string
		before           time.Time
	}{
		{verificationcode.Table, "created_at < $1", now.Add(-codesKept)},
		{session.Table, "expires_at < $1", now},
		{identity.Table, "root_user_id IS NULL AND created_at < $1", now.Add(-begunKept)},
	} {
		statement := fmt.Sprintf(`DELETE FROM %[1]s WHERE id IN (SELECT id FROM %[1]s WHERE %[2]s LIMIT %[3]d)`,
			gone.table, gone.condition, pruneBatch)
		if err := s.pruneAll(ctx, statement, gone.before); err != nil {
			return fmt.Errorf("prune %s: %w", gone.table, err)
		}
	}
	return nil
}

func (s *Service) pruneAll(ctx context.Context, statement string, before time.Time) error {
	for {
		var removed int64
		err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			result, err := tx.Exec(ctx, statement, before)
			if err != nil {
				return err
			}
			removed, err = result.RowsAffected()
			return err
		})
		if err != nil || removed < pruneBatch {
			return err
		}
	}
}
