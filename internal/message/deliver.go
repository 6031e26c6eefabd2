package message

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/ent/predicate"
	"luxbff/internal/apperr"
	"luxbff/internal/background"
	"luxbff/internal/store"
)

const (
	// claimBatch is how many messages a worker claims at a time.
	claimBatch = 16
	// sendTimeout bounds one delivery.
	sendTimeout = 20 * time.Second
	// lease is how long a message is the worker's that claimed it: far longer than a batch
	// can take, and to store its outcomes. After it another worker may claim it, as the first
	// must have died.
	lease = (claimBatch + 1) * sendTimeout
	// pollInterval is how late a message may be that became due for another try, or
	// that a worker left when it died. New messages do not wait for it.
	pollInterval = 5 * time.Second
	// firstRetry is the pause before the second try. It doubles with each try up to
	// lastRetry.
	firstRetry = 2 * time.Second
	lastRetry  = 10 * time.Minute
	// maxAttempts is the number of tries after which a message is dead.
	maxAttempts = 10
	// recordTries is how often it is tried to store an outcome, recordPause apart, while the
	// database is away. After it the lease runs out as if the worker had died.
	recordTries = 60
	recordPause = time.Second
	// maxErrorText is how many bytes of a provider's error are kept.
	maxErrorText = 500
)

// Start delivers, checks and prunes in the background until Close. It begins with what an
// earlier process left.
func (o *Outbox) Start(ctx context.Context) {
	o.running = background.NewGroup(ctx, o.cfg.OnPanic)
	o.due.Notify()
	o.running.EveryOrWhen(pollInterval, o.due, func(ctx context.Context) {
		_, err := o.Deliver(ctx)
		o.logFailure(ctx, "deliver messages", err)
	})
	o.running.Every(checkInterval, func(ctx context.Context) {
		_, err := o.Check(ctx)
		o.logFailure(ctx, "check messages", err)
	})
	o.running.Every(pruneInterval, func(ctx context.Context) {
		o.logFailure(ctx, "prune messages", o.Prune(ctx))
	})
}

// Close stops delivering and waits for the delivery under way. What is left is
// delivered by another replica, or the next process. Without Start it does nothing.
func (o *Outbox) Close() { o.running.Close() }

func (o *Outbox) logFailure(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		o.cfg.Log.ErrorContext(ctx, "outbox: failed", "step", what, "error", err)
	}
}

// Deliver sends all that is due now, and gives how many messages it tried. A
// message that could not be sent is no error of it. What it has claimed it sends to all
// recipients at once, and to each in turn: a code must not expire behind mails to a server
// that is silent, nor come before the one that it replaces.
func (o *Outbox) Deliver(ctx context.Context) (int, error) {
	tried := 0
	for ctx.Err() == nil {
		claimed, err := o.claim(ctx)
		if err != nil || len(claimed) == 0 {
			return tried, err
		}
		byRecipient := map[string][]*ent.Message{}
		for _, m := range claimed {
			byRecipient[m.To] = append(byRecipient[m.To], m)
		}
		failures := make(chan error, len(claimed))
		for _, messages := range byRecipient {
			go func() {
				for _, m := range messages {
					failures <- o.recovering(ctx, func() error { return o.deliver(ctx, m) })
				}
			}()
		}
		for range claimed {
			err = errors.Join(err, <-failures)
		}
		tried += len(claimed)
		if err != nil {
			return tried, err
		}
	}
	return tried, ctx.Err()
}

// claim leases due messages to this worker. It reads them outside the transaction,
// which so lasts only as long as the updates. A message that another worker claimed in
// between no longer meets the condition of its update, and is left out.
func (o *Outbox) claim(ctx context.Context) (claimed []*ent.Message, err error) {
	now := o.cfg.Clock()
	if o.claimed.isAfter(now) {
		if err := o.makeDue(ctx, now); err != nil {
			return nil, err
		}
	}
	due, err := o.cfg.Store.Read().Message.Query().
		Where(claimable(now)).
		Order(ent.Asc(entmessage.FieldDueAt, entmessage.FieldID)).
		Limit(claimBatch).
		All(ctx)
	if err != nil || len(due) == 0 {
		return nil, err
	}
	err = o.cfg.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		claimed = claimed[:0]
		for _, m := range due {
			updated, err := tx.Message.Update().
				Where(entmessage.ID(m.ID), claimable(now)).
				SetLeasedUntil(now.Add(lease)).
				AddAttempts(1).
				Save(ctx)
			if err != nil {
				return fmt.Errorf("lease a message: %w", err)
			}
			if updated == 1 {
				m.Attempts++
				claimed = append(claimed, m)
			}
		}
		return nil
	})
	return claimed, err
}

// lastTime is the last reading of a clock.
type lastTime struct {
	mu sync.Mutex
	at time.Time
}

// isAfter reports whether the clock was set back by a second or more since the last reading,
// and keeps this one.
func (l *lastTime) isAfter(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	isBack := l.at.Sub(now) >= time.Second
	l.at = now
	return isBack
}

// makeDue has every message that waits be tried at once. The clock was set back: a message
// of the time before would wait until the clock comes there again. One that waits for another
// try gets it early, which does no harm.
func (o *Outbox) makeDue(ctx context.Context, now time.Time) error {
	err := o.cfg.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.Message.Update().
			Where(entmessage.StateEQ(entmessage.StatePending), entmessage.DueAtGT(now), entmessage.LeasedUntilIsNil()).
			SetDueAt(now).
			Exec(ctx)
	})
	if err != nil {
		return fmt.Errorf("make messages due after the clock was set back: %w", err)
	}
	return nil
}

// claimable holds for messages that are due and that no worker has.
func claimable(now time.Time) predicate.Message {
	return entmessage.And(
		entmessage.StateEQ(entmessage.StatePending),
		entmessage.DueAtLTE(now),
		entmessage.Or(entmessage.LeasedUntilIsNil(), entmessage.LeasedUntilLTE(now)),
	)
}

// deliver tries to send one message and stores the outcome. What has expired is not sent:
// the provider may have been away for longer than its code was good for.
func (o *Outbox) deliver(ctx context.Context, m *ent.Message) error {
	var accepted Accepted
	var sendErr error
	state := entmessage.StateExpired
	if m.ExpiresAt == nil || o.cfg.Clock().Before(*m.ExpiresAt) {
		accepted, sendErr = o.send(ctx, m)
		state = stateAfter(m, sendErr)
	}
	if ctx.Err() != nil {
		return ctx.Err() // the lease runs out and another process tries again
	}
	return o.record(ctx, func(ctx context.Context, tx *store.Tx) error {
		tx.AfterCommit(func() { o.cfg.OnTried(m.Channel, state) })
		o.changesAtCommit(tx, m.RootUserID)
		// It comes before the message is locked: whoever deletes an account locks that first.
		if errors.Is(sendErr, ErrGone) {
			if err := o.cfg.OnGone(ctx, tx, m.Channel, m.To); err != nil {
				return fmt.Errorf("give up an address: %w", err)
			}
		}
		if m.IsDeletedOnceSent && state != entmessage.StatePending && !o.cfg.KeepText {
			return tx.Message.DeleteOneID(m.ID).Exec(ctx)
		}
		update := tx.Message.Update().Where(entmessage.ID(m.ID)).ClearLeasedUntil()
		switch state {
		case entmessage.StateSent:
			o.markSent(update, m, accepted)
		case entmessage.StateDead:
			o.clearSecret(m, update.SetState(entmessage.StateDead).SetLastError(errorText(m, sendErr)))
		case entmessage.StateExpired:
			o.clearSecret(m, update.SetState(entmessage.StateExpired))
		case entmessage.StatePending:
			update.SetDueAt(o.cfg.Clock().Add(o.pause(m.Attempts, sendErr))).SetLastError(errorText(m, sendErr))
		}
		if err := update.Exec(ctx); err != nil || state != entmessage.StateDead {
			return err
		}
		return o.sendSMSInstead(ctx, tx, m)
	})
}

// record stores the outcome of a try. While the database is away it tries again: the provider
// has the message, and without its outcome it would be sent once more.
func (o *Outbox) record(ctx context.Context, outcome store.Func) error {
	for tries := 1; ; tries++ {
		err := o.cfg.Store.Write(ctx, outcome)
		if tries == recordTries || !apperr.Is(err, apperr.Unavailable) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(recordPause):
		}
	}
}

// stateAfter is the state of a message after a try that ended with this error.
func stateAfter(m *ent.Message, sendErr error) entmessage.State {
	switch {
	case sendErr == nil:
		return entmessage.StateSent
	case m.Attempts >= maxAttempts, errors.Is(sendErr, ErrPermanent), errors.Is(sendErr, ErrGone), errors.Is(sendErr, ErrUncertain) && isUncertain(m):
		return entmessage.StateDead
	}
	return entmessage.StatePending
}

// isUncertain reports whether an earlier try may have reached the provider. The error that
// is kept says so.
func isUncertain(m *ent.Message) bool {
	return m.LastError != nil && strings.Contains(*m.LastError, ErrUncertain.Error())
}

func (o *Outbox) send(ctx context.Context, m *ent.Message) (Accepted, error) {
	sender, ok := o.cfg.Senders[m.Channel]
	if !ok {
		return Accepted{}, ErrNoSender
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	var accepted Accepted
	err := o.recovering(ctx, func() (err error) {
		accepted, err = sender.Send(ctx, m.ID, Message{
			Channel: m.Channel, Purpose: purposeOf(m), To: m.To, Title: textOf(m.Title), Text: m.Text, HTML: textOf(m.HTML), RootUserID: m.RootUserID,
		})
		return err
	})
	return accepted, err
}

// recovering makes a panic an error. Of a Sender it is one that leaves open whether the
// provider was asked.
func (o *Outbox) recovering(ctx context.Context, call func() error) (err error) {
	if o.cfg.OnPanic == nil {
		return call()
	}
	if ended := background.Recover(func() { err = call() }); ended != nil {
		o.cfg.OnPanic(ctx, ended)
		return fmt.Errorf("it panicked: %w", ErrUncertain)
	}
	return err
}

func textOf(stored *string) string {
	if stored == nil {
		return ""
	}
	return *stored
}

// purposeOf is empty for a message that an older release has stored.
func purposeOf(m *ent.Message) entmessage.Purpose {
	if m.Purpose == nil {
		return ""
	}
	return *m.Purpose
}

// markSent records who took a message. The text of an Alimtalk stays until its result is
// known: it may have to go out as an SMS.
func (o *Outbox) markSent(update *ent.MessageUpdate, m *ent.Message, accepted Accepted) {
	now := o.cfg.Clock()
	update.SetState(entmessage.StateSent).SetSentAt(now).ClearLastError().SetProvider(accepted.Provider)
	if accepted.ID != "" {
		update.SetProviderID(accepted.ID)
	}
	if accepted.CheckAfter > 0 {
		update.SetCheckAt(now.Add(accepted.CheckAfter))
	}
	if m.Channel != entmessage.ChannelAlimtalk || accepted.CheckAfter == 0 {
		o.clearText(update)
	}
}

// clearSecret leaves the text of a message that was given up, unless it is a secret one:
// the operator may have it sent after all.
func (o *Outbox) clearSecret(m *ent.Message, update *ent.MessageUpdate) {
	if IsSecret(m.Purpose) {
		o.clearText(update)
	}
}

func (o *Outbox) clearText(update *ent.MessageUpdate) {
	if !o.cfg.KeepText {
		update.SetText("").ClearHTML()
	}
}

// pause is how long a message waits for its next try: as long as the provider asks for, and
// no shorter than its attempts say.
func (o *Outbox) pause(attempts int, sendErr error) time.Duration {
	var later *LaterError
	if errors.As(sendErr, &later) {
		return max(later.After, o.backoff(attempts))
	}
	return o.backoff(attempts)
}

// backoff is the pause before the next try. It doubles with each attempt. Half of it
// is random, so that messages which failed together do not meet the provider together
// again.
func (o *Outbox) backoff(attempts int) time.Duration {
	whole := lastRetry
	if doublings := attempts - 1; doublings < 16 {
		whole = min(lastRetry, firstRetry<<doublings)
	}
	var random [8]byte
	if _, err := o.cfg.Random.Read(random[:]); err != nil {
		return whole
	}
	return whole/2 + time.Duration(binary.BigEndian.Uint64(random[:])%uint64(whole/2)) //nolint:gosec // less than whole, which is one
}

// errorText is what is kept of an error, cut between two characters. That a try may have
// reached the provider is kept over the errors of later tries.
func errorText(m *ent.Message, err error) string {
	text := err.Error()
	uncertain := ""
	if isUncertain(m) && !errors.Is(err, ErrUncertain) {
		uncertain = "; an earlier try: " + ErrUncertain.Error()
	}
	return strings.ToValidUTF8(text[:min(len(text), maxErrorText-len(uncertain))], "") + uncertain
}
