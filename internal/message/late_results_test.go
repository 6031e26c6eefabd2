package message_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/apperr"
	"luxbff/internal/message"
	"luxbff/internal/store"
	"luxbff/internal/testutil/storetest"
)

// TestAnAlimtalkIsReplacedOnce: one that the operator has sent again, and that is refused
// again, makes no second SMS. The SMS expires as the Alimtalk would have.
func TestAnAlimtalkIsReplacedOnce(t *testing.T) {
	t.Parallel()
	w := newScriptedWorld(t, &scripted{sends: []error{message.ErrPermanent, nil, message.ErrPermanent}})
	m := alimtalk("a")
	m.ExpiresAt = w.clock.Now().Add(time.Hour)
	w.enqueue(t, m)
	w.deliver(t, 2)
	if sms := w.rows(t)[1]; sms.Channel != entmessage.ChannelSms || sms.ExpiresAt == nil || !sms.ExpiresAt.Equal(m.ExpiresAt) {
		t.Errorf("%v", sms)
	}
	err := w.store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.Message.UpdateOneID(w.rows(t)[0].ID).SetState(entmessage.StatePending).Exec(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	w.deliver(t, 1)
	if rows := w.rows(t); len(rows) != 2 {
		t.Errorf("%v", rows)
	}
}

// TestALateResultChangesNothing: another worker has stored the result meanwhile.
func TestALateResultChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.serve(overtaken{&scripted{}, w})
	w.enqueue(t, alimtalk("a"))
	w.deliver(t, 1)
	w.clock.Add(time.Minute)
	w.check(t, 1)
	if rows := w.rows(t); len(rows) != 1 || rows[0].State != entmessage.StateDelivered {
		t.Errorf("%v", rows)
	}
}

// overtaken is a provider at whose check another worker stores that the message has arrived.
type overtaken struct {
	*scripted
	w *world
}

func (o overtaken) Check(ctx context.Context, _ message.Accepted) (message.Result, error) {
	err := o.w.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.Message.Update().SetState(entmessage.StateDelivered).ClearCheckAt().Exec(ctx)
	})
	return message.Result{Outcome: message.Failed, Code: "3104"}, err
}

// TestAnSMSInsteadGoesBeyondTheLimit: the day's SMS are used up, and the alert still arrives.
func TestAnSMSInsteadGoesBeyondTheLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	provider := &scripted{sends: []error{message.ErrPermanent}}
	w.Outbox = message.New(message.Config{
		Store: w.store, Clock: w.clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Senders:   map[entmessage.Channel]message.Sender{entmessage.ChannelSms: provider, entmessage.ChannelAlimtalk: provider},
		IsLimited: true, DailyLimits: map[entmessage.Channel]int{entmessage.ChannelSms: 1},
	})
	w.enqueue(t, alimtalk("a"), sms("b"))
	for range 3 {
		if _, err := w.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"sms b", "sms a"}, provider.taken); diff != "" {
		t.Errorf("the provider has taken (-want +got):\n%s", diff)
	}
}

// TestAMessagesOwnLimitRefuses: beyond it the change is refused, also where one beyond
// the channel's limit is dropped. It is counted before the channel.
func TestAMessagesOwnLimitRefuses(t *testing.T) {
	t.Parallel()
	l := newLimited(t, storetest.Open(t), evening(), 1)
	m := sms("x")
	m.Beyond = message.DropBeyond
	m.Quotas = []message.Quota{{Name: "phone", Subject: "phone", PerDay: 1}}
	if err := l.send(t, m); err != nil {
		t.Fatal(err)
	}
	if err := l.send(t, m); !apperr.Is(err, apperr.TooManyRequests) {
		t.Errorf("beyond its own limit: %v", err)
	}
	if diff := cmp.Diff([]string{"phone"}, l.refused); diff != "" {
		t.Error(diff)
	}
}

// TestAnOutcomeIsStoredOnceTheDatabaseIsBack: meanwhile nothing is sent twice.
func TestAnOutcomeIsStoredOnceTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.provider.errs = []error{message.ErrGone}
	calls := 0
	w.Outbox = message.New(message.Config{
		Store: w.store, Clock: w.clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Senders: map[entmessage.Channel]message.Sender{entmessage.ChannelSms: w.provider},
		OnGone: func(context.Context, *store.Tx, entmessage.Channel, string) error {
			if calls++; calls == 1 {
				return apperr.Unavailable.Wrap(errors.New("the database is away"))
			}
			return nil
		},
	})
	w.enqueue(t, sms("a"))
	w.deliver(t, 1)
	if row := w.rows(t)[0]; row.State != entmessage.StateDead || calls != 2 || len(w.provider.received()) != 1 {
		t.Errorf("stored %d times: %v", calls, row)
	}
}

// TestReasons: why a message has not arrived, and when nothing more is to be learnt of one.
func TestReasons(t *testing.T) {
	t.Parallel()
	now, uncertain, busy := time.Now(), "no answer: "+message.ErrUncertain.Error(), "busy"
	for want, m := range map[message.Reason]ent.Message{
		message.ReasonTooLate:             {State: entmessage.StateExpired},
		message.ReasonNotDelivered:        {State: entmessage.StateDead, SentAt: &now, Attempts: 1},
		message.ReasonUncertain:           {State: entmessage.StateDead, LastError: &uncertain, Attempts: 2},
		message.ReasonRefused:             {State: entmessage.StateDead, LastError: &busy, Attempts: 9},
		message.ReasonProviderUnavailable: {State: entmessage.StateDead, LastError: &busy, Attempts: 10},
	} {
		if got := message.ReasonOf(&m); got == nil || *got != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
	if message.HasEnded(&ent.Message{State: entmessage.StateSent, CheckAt: &now}) || !message.HasEnded(&ent.Message{State: entmessage.StateSent}) {
		t.Error("one that is sent ends with its last check")
	}
}
