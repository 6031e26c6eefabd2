package message

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/ent/predicate"
	"luxbff/internal/background"
	"luxbff/internal/store"
)

const (
	// batch is how many messages a worker takes at a time.
	batch = 16
	// sendLimit is how long one delivery may take.
	sendLimit = 20 * time.Second
	// lease is how long a message stays with a worker that says no more: longer
	// than a whole batch, one delivery after another, can take.
	lease = (batch + 1) * sendLimit
	// poll finds messages that became due, or were left by a worker that died.
	poll = 5 * time.Second
	// firstRetry doubles with each attempt up to lastRetry.
	firstRetry = 2 * time.Second
	lastRetry  = 10 * time.Minute
	// maxAttempts is when a message is given up as dead.
	maxAttempts = 10
	// kept is how long a message that was sent or given up stays as a record.
	kept       = 30 * 24 * time.Hour
	pruneEvery = time.Hour
	pruneBatch = 500
	// maxReason is how much of a provider's error is kept.
	maxReason = 500
)

// Start delivers in the background until Close, first what an earlier process
// left.
func (o *Outbox) Start(ctx context.Context) {
	o.running = background.NewGroup(ctx)
	o.due.Notify()
	o.running.EveryOrWhen(poll, o.due, func(ctx context.Context) {
		_, err := o.Deliver(ctx)
		o.logFailure(ctx, "deliver messages", err)
	})
	o.running.Every(pruneEvery, func(ctx context.Context) {
		o.logFailure(ctx, "prune messages", o.Prune(ctx))
	})
}

// Close stops delivering and waits for a delivery under way. What is left is
// delivered by the next process.
func (o *Outbox) Close() { o.running.Close() }

func (o *Outbox) logFailure(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		o.cfg.Log.ErrorContext(ctx, "outbox: failed", "step", what, "error", err)
	}
}

// Prune removes messages that were sent or given up 30 days ago, a small batch a
// write.
func (o *Outbox) Prune(ctx context.Context) error {
	for {
		old, err := o.cfg.Store.Read().Message.Query().
			Where(entmessage.StateIn(entmessage.StateSent, entmessage.StateDead), entmessage.DueAtLT(o.cfg.Clock().Add(-kept))).
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

// Deliver sends all that is due now and reports how many messages it tried.
func (o *Outbox) Deliver(ctx context.Context) (int, error) {
	tried := 0
	for ctx.Err() == nil {
		claimed, err := o.claim(ctx)
		if err != nil || len(claimed) == 0 {
			return tried, err
		}
		for _, m := range claimed {
			if err := o.deliver(ctx, m); err != nil {
				return tried, err
			}
			tried++
		}
	}
	return tried, ctx.Err()
}

// claim leases due messages to this worker. A message that another worker took
// in the meantime fails the condition of the update and is left out.
func (o *Outbox) claim(ctx context.Context) (claimed []*ent.Message, err error) {
	now := o.cfg.Clock()
	due, err := o.cfg.Store.Read().Message.Query().
		Where(free(now)).
		Order(ent.Asc(entmessage.FieldDueAt, entmessage.FieldID)).
		Limit(batch).
		All(ctx)
	if err != nil || len(due) == 0 {
		return nil, err
	}
	err = o.cfg.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		claimed = claimed[:0]
		for _, m := range due {
			taken, err := tx.Message.Update().
				Where(entmessage.ID(m.ID), free(now)).
				SetLeasedUntil(now.Add(lease)).
				AddAttempts(1).
				Save(ctx)
			if err != nil {
				return fmt.Errorf("lease a message: %w", err)
			}
			if taken == 1 {
				m.Attempts++
				claimed = append(claimed, m)
			}
		}
		return nil
	})
	return claimed, err
}

func free(now time.Time) predicate.Message {
	return entmessage.And(
		entmessage.StateEQ(entmessage.StatePending),
		entmessage.DueAtLTE(now),
		entmessage.Or(entmessage.LeasedUntilIsNil(), entmessage.LeasedUntilLTE(now)),
	)
}

func (o *Outbox) deliver(ctx context.Context, m *ent.Message) error {
	sent := o.send(ctx, m)
	if ctx.Err() != nil {
		return ctx.Err() // the lease runs out and another process tries again
	}
	became := after(m.Attempts, sent)
	return o.cfg.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		tx.AfterCommit(func() { o.cfg.OnTried(m.Channel, became) })
		update := tx.Message.Update().Where(entmessage.ID(m.ID)).ClearLeasedUntil()
		switch became {
		case entmessage.StateSent:
			o.markSent(update)
		case entmessage.StateDead:
			o.blank(update.SetState(entmessage.StateDead).SetLastError(reason(sent)))
		case entmessage.StatePending:
			update.SetDueAt(o.cfg.Clock().Add(o.backoff(m.Attempts))).SetLastError(reason(sent))
		}
		return update.Exec(ctx)
	})
}

// after is what a message becomes by a try.
func after(attempts int, sent error) entmessage.State {
	switch {
	case sent == nil:
		return entmessage.StateSent
	case attempts >= maxAttempts, errors.Is(sent, ErrPermanent):
		return entmessage.StateDead
	}
	return entmessage.StatePending
}

func (o *Outbox) send(ctx context.Context, m *ent.Message) error {
	sender, served := o.cfg.Senders[m.Channel]
	if !served {
		return ErrNoSender
	}
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	return sender.Send(ctx, m.ID, Message{
		Channel: m.Channel, To: m.To, Text: m.Text, RootUserID: m.RootUserID,
	})
}

func (o *Outbox) markSent(update *ent.MessageUpdate) {
	o.blank(update.SetState(entmessage.StateSent).SetSentAt(o.cfg.Clock()).ClearLastError())
}

func (o *Outbox) blank(update *ent.MessageUpdate) {
	if !o.cfg.KeepText {
		update.SetText("")
	}
}

// backoff doubles with each attempt; half of it is left to chance, so that
// messages that failed together do not come back together.
func (o *Outbox) backoff(attempts int) time.Duration {
	whole := lastRetry
	if doublings := attempts - 1; doublings < 16 {
		whole = min(lastRetry, firstRetry<<doublings)
	}
	var chance [8]byte
	if _, err := o.cfg.Random.Read(chance[:]); err != nil {
		return whole
	}
	return whole/2 + time.Duration(binary.BigEndian.Uint64(chance[:])%uint64(whole/2)) //nolint:gosec // less than whole, which is one
}

func reason(err error) string {
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}
