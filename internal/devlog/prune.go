package devlog

import (
	"context"
	"time"

	"luxbff/ent/rejecteddevlog"
	"luxbff/internal/background"
)

const (
	// rejectedRetention is how long a rejected record is kept after it was sent last.
	rejectedRetention = 90 * 24 * time.Hour
	pruneInterval     = time.Hour
)

// Start prunes every hour, until Close.
func (s *Service) Start(ctx context.Context) {
	s.background = background.NewGroup(ctx, s.onPanic)
	s.background.Every(pruneInterval, func(ctx context.Context) {
		if err := s.Prune(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "prune rejected devlogs", "error", err)
		}
	})
}

// Close ends what Start began. It may be called without Start.
func (s *Service) Close() { s.background.Close() }

// Prune removes the rejected records that were sent last 90 days ago, a small batch a write.
func (s *Service) Prune(ctx context.Context) error {
	return s.store.DeleteInBatches(ctx, rejecteddevlog.Table, "rejected_at < $1", s.clock().Add(-rejectedRetention))
}
