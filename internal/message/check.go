package message

import (
	"context"
	"fmt"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/store"
)

// Outcome is how far a message has come after its provider took it.
type Outcome string

// The outcomes of a message.
const (
	// UnderWay is a message of which the provider knows no end yet.
	UnderWay Outcome = "under_way"
	// Delivered is a message that has reached its recipient's device.
	Delivered Outcome = "delivered"
	// Failed is a message that reaches nobody any more.
	Failed Outcome = "failed"
	// Unanswered is a check that has failed: the provider is asked again. No [Checker]
	// gives it.
	Unanswered Outcome = "unanswered"
)

// Result is what a provider says became of a message that it has taken.
type Result struct {
	Outcome Outcome
	// Code is why it failed, as the provider names it.
	Code string
	// IsReplaced is set where the provider itself has sent an SMS in the place of an
	// Alimtalk: the result is then that of the SMS.
	IsReplaced bool
}

// Checker is a [Sender] that can be asked what became of a message. An error is no result:
// the provider is asked again later.
type Checker interface {
	Check(ctx context.Context, accepted Accepted) (Result, error)
}

const (
	// checkInterval is how late a check may be.
	checkInterval = 5 * time.Second
	// firstPause is the pause after the first check. It doubles with each check up to
	// lastPause.
	firstPause = 10 * time.Second
	lastPause  = 6 * time.Hour
	// maxChecks is the number of checks after which a message stays sent: a bit more than
	// a day after it was.
	maxChecks = 16
)

// Check asks the providers what became of the messages whose check is due, and gives how
// many it asked about. A provider that gives no answer is no error of it.
func (o *Outbox) Check(ctx context.Context) (int, error) {
	checked := 0
	for ctx.Err() == nil {
		claimed, err := o.claimChecks(ctx)
		if err != nil || len(claimed) == 0 {
			return checked, err
		}
		for _, m := range claimed {
			if err := o.check(ctx, m); err != nil {
				return checked, err
			}
			checked++
		}
	}
	return checked, ctx.Err()
}

// claimChecks puts due checks off by a lease, so that no other worker makes them unless
// this one dies. As for a claim to send, the condition of the update settles a race.
func (o *Outbox) claimChecks(ctx context.Context) (claimed []*ent.Message, err error) {
	now := o.cfg.Clock()
	due, err := o.cfg.Store.Read().Message.Query().
		Where(entmessage.CheckAtLTE(now)).
		Order(ent.Asc(entmessage.FieldCheckAt, entmessage.FieldID)).
		Limit(claimBatch).
		All(ctx)
	if err != nil || len(due) == 0 {
		return nil, err
	}
	err = o.cfg.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		claimed = claimed[:0]
		for _, m := range due {
			updated, err := tx.Message.Update().
				Where(entmessage.ID(m.ID), entmessage.CheckAtLTE(now)).
				SetCheckAt(now.Add(lease)).
				AddChecks(1).
				Save(ctx)
			if err != nil {
				return fmt.Errorf("lease a check: %w", err)
			}
			if updated == 1 {
				claimed = append(claimed, m)
			}
		}
		return nil
	})
	return claimed, err
}

// check asks about one message and stores what became of it.
func (o *Outbox) check(ctx context.Context, m *ent.Message) error {
	result, checkErr := o.ask(ctx, m)
	if ctx.Err() != nil {
		return ctx.Err() // the lease runs out and another process asks again
	}
	if checkErr != nil {
		result.Outcome = Unanswered
	}
	return o.cfg.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		tx.AfterCommit(func() { o.cfg.OnChecked(m.Channel, result.Outcome) })
		o.changesAtCommit(tx, m.RootUserID)
		now := o.cfg.Clock()
		update := tx.Message.Update().Where(entmessage.ID(m.ID), entmessage.StateEQ(entmessage.StateSent))
		switch result.Outcome {
		case Delivered:
			o.clearText(update.SetState(entmessage.StateDelivered).SetDeliveredAt(now).ClearCheckAt().ClearLastError())
		case Failed:
			o.clearSecret(m, update.SetState(entmessage.StateDead).ClearCheckAt().
				SetLastError(fmt.Sprintf("%s: not delivered, code %s", textOf(m.Provider), result.Code)))
		case Unanswered:
			update.SetLastError(errorText(m, checkErr))
			o.checkLater(update, m.Checks+1, now)
		case UnderWay:
			o.checkLater(update, m.Checks+1, now)
		}
		updated, err := update.Save(ctx)
		if err != nil {
			return fmt.Errorf("store a result: %w", err)
		}
		if updated == 0 || result.Outcome != Failed || result.IsReplaced {
			return nil
		}
		return o.sendSMSInstead(ctx, tx, m)
	})
}

// checkLater sets when the provider is asked next, after so many checks, or that it is not
// asked any more: the message then stays sent.
func (o *Outbox) checkLater(update *ent.MessageUpdate, checks int, now time.Time) {
	if checks >= maxChecks {
		o.clearText(update.ClearCheckAt())
		return
	}
	update.SetCheckAt(now.Add(min(lastPause, firstPause<<(checks-1))))
}

func (o *Outbox) ask(ctx context.Context, m *ent.Message) (Result, error) {
	checker, ok := o.cfg.Senders[m.Channel].(Checker)
	if !ok {
		return Result{}, ErrNoSender
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	var result Result
	err := o.recovering(ctx, func() (err error) {
		result, err = checker.Check(ctx, Accepted{Provider: textOf(m.Provider), ID: textOf(m.ProviderID)})
		return err
	})
	return result, err
}

// sendSMSInstead stores an SMS in the place of an Alimtalk that reaches nobody. The dedup
// key keeps it one.
func (o *Outbox) sendSMSInstead(ctx context.Context, tx *store.Tx, m *ent.Message) error {
	if m.Channel != entmessage.ChannelAlimtalk || m.Purpose == nil || m.Text == "" || o.cfg.Senders[entmessage.ChannelSms] == nil {
		return nil
	}
	sms := Message{
		Channel: entmessage.ChannelSms, Purpose: *m.Purpose, To: m.To, Text: m.Text, RootUserID: m.RootUserID,
		DedupKey: fmt.Sprintf("sms-instead-of-%d", m.ID),
		Beyond:   SendBeyond, // there are no more of them than the day has Alimtalk
	}
	if m.ExpiresAt != nil {
		sms.ExpiresAt = *m.ExpiresAt
	}
	return o.Enqueue(ctx, tx, sms)
}
