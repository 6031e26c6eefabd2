package app

import (
	"context"
	"errors"
	"time"

	"luxbff/internal/usage"
)

// shownUsage is how much is shown where nothing else is asked for.
const shownUsage = 30 * 24 * time.Hour

// ListUsage opens the database for an operator and gives what versions of apps use, beside
// the programs that serve it: without a first day that of the last 30 days. What the programs
// have counted in the last minute is not in it yet.
func ListUsage(ctx context.Context, cfg Config, filter usage.Filter) ([]usage.Total, error) {
	if filter.Since.IsZero() {
		filter.Since = clock().Add(-shownUsage)
	}
	db, err := openStore(ctx, cfg)
	if err != nil {
		return nil, err
	}
	listed, err := usage.NewOperator(db).List(ctx, filter)
	return listed, errors.Join(err, db.Close())
}
