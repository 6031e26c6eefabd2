package app

import (
	"context"

	"luxbff/internal/devlog"
)

// OpenRejectedDevlogs opens the database for the commands of an operator.
func OpenRejectedDevlogs(ctx context.Context, cfg Config) (rejected *devlog.Operator, closeStore func() error, err error) {
	db, err := openStore(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	return devlog.NewOperator(db), db.Close, nil
}
