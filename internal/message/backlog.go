package message

import (
	"context"
	"fmt"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
)

// Backlog counts what has not been sent, for the metrics.
type Backlog struct {
	Pending int
	// Dead are those given up. They count until they are pruned.
	Dead int
	// Oldest is how long the oldest pending message has waited, 0 without one.
	Oldest time.Duration
}

// Backlog counts what has not been sent.
func (o *Outbox) Backlog(ctx context.Context) (b Backlog, err error) {
	messages := o.cfg.Store.Read().Message
	if b.Dead, err = messages.Query().Where(entmessage.StateEQ(entmessage.StateDead)).Count(ctx); err != nil {
		return Backlog{}, fmt.Errorf("count dead messages: %w", err)
	}
	pending := messages.Query().Where(entmessage.StateEQ(entmessage.StatePending))
	if b.Pending, err = pending.Clone().Count(ctx); err != nil || b.Pending == 0 {
		return b, err
	}
	oldest, err := pending.Order(entmessage.ByCreatedAt()).Select(entmessage.FieldCreatedAt).First(ctx)
	switch {
	case ent.IsNotFound(err): // sent meanwhile
		return b, nil
	case err != nil:
		return Backlog{}, fmt.Errorf("read the oldest message: %w", err)
	}
	b.Oldest = o.cfg.Clock().Sub(oldest.CreatedAt)
	return b, nil
}
