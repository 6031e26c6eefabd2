package auth

import (
	"context"
	"time"

	"luxbff/ent/identity"
	"luxbff/ent/installation"
	"luxbff/ent/session"
	"luxbff/ent/verificationcode"
	"luxbff/internal/auth/token"
	"luxbff/internal/background"
)

// How long rows stay after they have served, and how often Start looks for them.
const (
	// codeRetention is far past the end of every code, valid_token and reset link.
	codeRetention = 96 * time.Hour
	// incompleteRetention is how long a sign-up of Addnox may stay incomplete.
	incompleteRetention = 90 * 24 * time.Hour
	pruneInterval       = time.Hour
	// closeLimit is how long the end of the program waits for a database that is gone.
	closeLimit = 2 * time.Second
)

// Start prunes every hour, and stores the uses of sessions every few seconds, until Close.
func (s *Service) Start(ctx context.Context) {
	s.background = background.NewGroup(ctx, s.cfg.OnPanic)
	s.background.Supervise(s.storeUsesUntilDone)
	s.background.Every(pruneInterval, func(ctx context.Context) {
		if err := s.Prune(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.ErrorContext(ctx, "prune accounts", "error", err)
		}
	})
}

// Close ends what Start began, after the uses of sessions that are not stored yet were
// stored. It may be called without Start.
func (s *Service) Close() { s.background.Close() }

// storeUsesUntilDone stores the uses of sessions every [useInterval] until ctx ends, and
// those that are left then.
func (s *Service) storeUsesUntilDone(ctx context.Context) {
	store := func(ctx context.Context) {
		if err := s.Sessions.StoreUses(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.WarnContext(ctx, "store uses of sessions", "error", err)
		}
	}
	background.Every(ctx, useInterval, store)
	// The end of ctx must not break off the last write, nor a database that is gone hold it up.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	store(last)
}

// Prune removes codes, sessions, installations and incomplete sign-ups that are past their
// time, a small batch a write.
func (s *Service) Prune(ctx context.Context) error {
	now := s.cfg.Clock()
	for _, expired := range []struct {
		table, condition string
		before           time.Time
	}{
		{verificationcode.Table, "created_at < $1", now.Add(-codeRetention)},
		{session.Table, "expires_at < $1", now.Add(-token.Skew)},
		{installation.Table, "used_at < $1", now.Add(-installationRetention)},
		{identity.Table, "root_user_id IS NULL AND created_at < $1", now.Add(-incompleteRetention)},
	} {
		if err := s.store.DeleteInBatches(ctx, expired.table, expired.condition, expired.before); err != nil {
			return err
		}
	}
	return nil
}
