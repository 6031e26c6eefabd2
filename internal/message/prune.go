package message

import (
	"context"
	"errors"
	"fmt"
	"time"

	entmessage "luxbff/ent/message"
	"luxbff/internal/store"
)

const (
	// keptFor is how long a message that was sent, given up or has expired stays as a record.
	keptFor       = 30 * 24 * time.Hour
	pruneInterval = time.Hour
	// pruneBatch is how many messages one write deletes.
	pruneBatch = 500
)

// Prune deletes messages that were sent, given up or expired 30 days ago, and the counts of
// days that are over. Each batch is a write of its own, so that no other write waits for all
// of them.
func (o *Outbox) Prune(ctx context.Context) error {
	return errors.Join(o.pruneMessages(ctx), o.pruneQuotas(ctx))
}

func (o *Outbox) pruneMessages(ctx context.Context) error {
	for {
		old, err := o.cfg.Store.Read().Message.Query().
			Where(entmessage.StateIn(entmessage.StateSent, entmessage.StateDelivered, entmessage.StateDead, entmessage.StateExpired), entmessage.DueAtLT(o.cfg.Clock().Add(-keptFor))).
			Limit(pruneBatch).
			IDs(ctx)
		if err != nil || len(old) == 0 {
			return err
		}
		err = o.cfg.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Message.Delete().Where(entmessage.IDIn(old...)).Exec(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("prune %d messages: %w", len(old), err)
		}
	}
}
