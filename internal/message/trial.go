package message

import (
	"context"
	"fmt"
	"time"

	"luxbff/ent"
	"luxbff/internal/store"
)

// trialInterval is how often a provider is asked about a message that somebody waits for.
const trialInterval = 2 * time.Second

// Try sends one message at once, in one try, and asks what became of it until the provider
// knows or ctx ends. It gives the message as it is stored then. What the provider has not
// said by the end of ctx, a running server learns later.
//
// Errors: [ErrNoSender].
func (o *Outbox) Try(ctx context.Context, m Message) (*ent.Message, error) {
	var stored *ent.Message
	err := o.cfg.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if stored, err = o.insert(ctx, tx, m); err != nil {
			return err
		}
		// It is this worker's, and has no try left after this one.
		stored, err = tx.Message.UpdateOneID(stored.ID).SetAttempts(maxAttempts).SetLeasedUntil(o.cfg.Clock().Add(lease)).Save(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := o.deliver(ctx, stored); err != nil {
		return nil, err
	}
	ticker := time.NewTicker(trialInterval)
	defer ticker.Stop()
	for {
		now, err := o.cfg.Store.Read().Message.Get(context.WithoutCancel(ctx), stored.ID)
		if err != nil {
			return nil, fmt.Errorf("read a message: %w", err)
		}
		if HasEnded(now) {
			return now, nil
		}
		select {
		case <-ctx.Done():
			return now, nil
		case <-ticker.C:
		}
		if err := o.check(ctx, now); err != nil && ctx.Err() == nil {
			return nil, err
		}
	}
}
