package message

import (
	"context"
	"fmt"
	"time"

	"luxbff/ent/messagequota"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
)

// Quota bounds how many messages a day of UTC are sent on behalf of a subject. It is counted
// in the database, for all replicas together.
type Quota struct {
	// Name is that of the limit, by which refusals are counted.
	Name string
	// Subject is what is counted. Personal data stands here as a keyed digest.
	Subject string
	// PerDay is how many there may be; 0 is for any number, which is not counted.
	PerDay int
	// Field is the path of the input that names the subject; empty without one.
	Field string
}

// Beyond is what becomes of a message when its channel has had its day's messages.
type Beyond uint8

const (
	// RefuseBeyond has the change rolled back, so that whoever asked for the message knows.
	RefuseBeyond Beyond = iota
	// SendBeyond lets the message through: a change that nobody must be able to prevent by using
	// the day's messages up.
	SendBeyond
	// DropBeyond lets the change through without the message, for one that nobody waits for.
	DropBeyond
)

const (
	layoutOfDay = "2006-01-02"
	// quotasKeptFor is how long a day is kept after it began: longer than clocks of replicas
	// can differ.
	quotasKeptFor = 48 * time.Hour
	// unbounded counts without an end.
	unbounded = 1 << 30
)

// countAtEnd has the message counted as the last thing that the transaction does, and always
// in the same order: what the message names, and then its channel, which all transactions
// share. So no two wait for each other, and they wait only for as long as the commit of
// another takes.
func (o *Outbox) countAtEnd(tx *store.Tx, id int, m Message) {
	if !o.cfg.IsLimited {
		return
	}
	for i, quota := range m.Quotas {
		tx.BeforeCommit(fmt.Sprintf("%d %s", i, quota.Subject), func(ctx context.Context) error {
			_, err := o.count(ctx, tx, quota, RefuseBeyond)
			return err
		})
	}
	ofChannel := Quota{Name: m.Channel.String() + "-day", Subject: "channel " + m.Channel.String(), PerDay: o.cfg.DailyLimits[m.Channel]}
	tx.BeforeCommit("channel "+m.Channel.String(), func(ctx context.Context) error {
		isCounted, err := o.count(ctx, tx, ofChannel, m.Beyond)
		if err != nil || isCounted {
			return err
		}
		return tx.Message.DeleteOneID(id).Exec(ctx)
	})
}

// count adds one to a quota. It reports false for one that is used up, which is an error
// where beyond it is refused.
func (o *Outbox) count(ctx context.Context, tx *store.Tx, quota Quota, beyond Beyond) (isCounted bool, err error) {
	if quota.PerDay == 0 {
		return true, nil
	}
	limit := quota.PerDay
	if beyond == SendBeyond {
		limit = unbounded
	}
	now := o.cfg.Clock()
	const upsert = `INSERT INTO message_quota (subject, day, sent) VALUES ($1, $2, 1)
		ON CONFLICT (subject, day) DO UPDATE SET sent = message_quota.sent + 1 WHERE message_quota.sent < $3`
	result, err := tx.Exec(ctx, upsert, quota.Subject, now.UTC().Format(layoutOfDay), limit)
	if err != nil {
		return false, fmt.Errorf("count a message: %w", err)
	}
	changed, err := result.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("count a message: %w", err)
	}
	if changed > 0 {
		return true, nil
	}
	o.cfg.OnRefused(quota.Name)
	if beyond == DropBeyond {
		return false, nil
	}
	tomorrow := now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	return false, apperr.AtField(apperr.TooManyRequests.WithRetryAfter(tomorrow.Sub(now)), quota.Field)
}

// pruneQuotas deletes the counts of days that are over.
func (o *Outbox) pruneQuotas(ctx context.Context) error {
	before := o.cfg.Clock().Add(-quotasKeptFor).UTC().Format(layoutOfDay)
	for {
		old, err := o.cfg.Store.Read().MessageQuota.Query().Where(messagequota.DayLT(before)).Limit(pruneBatch).IDs(ctx)
		if err != nil || len(old) == 0 {
			return err
		}
		err = o.cfg.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.MessageQuota.Delete().Where(messagequota.IDIn(old...)).Exec(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("prune %d quotas of messages: %w", len(old), err)
		}
	}
}
