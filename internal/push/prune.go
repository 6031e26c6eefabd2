package push

import (
	"context"
	"fmt"
	"time"

	"luxbff/ent"
	"luxbff/ent/pushdevice"
	"luxbff/ent/user"
	"luxbff/internal/background"
	"luxbff/internal/store"
)

const (
	// tokenLifetime is how long after an app has set it last a token is used: FCM takes one
	// of an app that was not opened for as long for expired.
	tokenLifetime = 270 * 24 * time.Hour
	pruneInterval = time.Hour
	// pruneStep is how many ids one statement looks at, and pruneSteps how many statements a
	// run makes of each table.
	pruneStep  = 1000
	pruneSteps = 100
)

// Start prunes every hour, until Close.
func (s *Service) Start(ctx context.Context) {
	s.background = background.NewGroup(ctx, s.onPanic)
	s.background.Every(pruneInterval, func(ctx context.Context) {
		if err := s.Prune(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "prune push tokens", "error", err)
		}
	})
}

// Close ends what Start began. It may be called without Start.
func (s *Service) Close() { s.background.Close() }

// Prune removes the tokens that no app has set for 270 days. One that is older than its stamp
// gets that of today, and so has as long again. No index holds the stamps, which each start of
// an app would have to move: the rows are gone through in the order of their ids. A run looks
// at the next 100,000 ids and no more, however many there are, and only a step with something
// to do writes.
func (s *Service) Prune(ctx context.Context) error {
	s.pruning.Lock()
	defer s.pruning.Unlock()
	today := s.now().Truncate(24 * time.Hour)
	if err := s.pruneUsers(ctx, today, today.Add(-tokenLifetime)); err != nil {
		return fmt.Errorf("prune push tokens: %w", err)
	}
	if err := s.pruneDevices(ctx, today, today.Add(-tokenLifetime)); err != nil {
		return fmt.Errorf("prune push devices: %w", err)
	}
	return nil
}

func (s *Service) pruneUsers(ctx context.Context, today, old time.Time) error {
	users := s.store.Read().User
	last, err := users.Query().Order(ent.Desc(user.FieldID)).FirstID(ctx)
	if err != nil {
		return ignoreNotFound(err)
	}
	for range pruneSteps {
		inStep := user.And(user.IDGT(s.prunedUsers), user.IDLTE(s.prunedUsers+pruneStep), user.PushTokenNotNil())
		due, err := users.Query().Where(inStep, user.Or(user.PushTokenSetAtIsNil(), user.PushTokenSetAtLT(old))).Exist(ctx)
		if err != nil {
			return err
		}
		if due {
			err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				err := tx.User.Update().Where(inStep, user.PushTokenSetAtLT(old)).ClearPushToken().ClearPushTokenSetAt().Exec(ctx)
				if err != nil {
					return err
				}
				return tx.User.Update().Where(inStep, user.PushTokenSetAtIsNil()).SetPushTokenSetAt(today).Exec(ctx)
			})
			if err != nil {
				return err
			}
		}
		if s.prunedUsers += pruneStep; s.prunedUsers >= last {
			s.prunedUsers = 0
			return nil
		}
	}
	return nil
}

func (s *Service) pruneDevices(ctx context.Context, today, old time.Time) error {
	devices := s.store.Read().PushDevice
	last, err := devices.Query().Order(ent.Desc(pushdevice.FieldID)).FirstID(ctx)
	if err != nil {
		return ignoreNotFound(err)
	}
	for range pruneSteps {
		inStep := pushdevice.And(pushdevice.IDGT(s.prunedDevices), pushdevice.IDLTE(s.prunedDevices+pruneStep))
		due, err := devices.Query().Where(inStep, pushdevice.Or(pushdevice.AddedAtIsNil(), pushdevice.AddedAtLT(old))).Exist(ctx)
		if err != nil {
			return err
		}
		if due {
			err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				if _, err := tx.PushDevice.Delete().Where(inStep, pushdevice.AddedAtLT(old)).Exec(ctx); err != nil {
					return err
				}
				return tx.PushDevice.Update().Where(inStep, pushdevice.AddedAtIsNil()).SetAddedAt(today).Exec(ctx)
			})
			if err != nil {
				return err
			}
		}
		if s.prunedDevices += pruneStep; s.prunedDevices >= last {
			s.prunedDevices = 0
			return nil
		}
	}
	return nil
}

// ignoreNotFound is for a table without rows.
func ignoreNotFound(err error) error {
	if ent.IsNotFound(err) {
		return nil
	}
	return err
}
