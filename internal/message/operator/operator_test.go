package operator_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	entmessage "luxbff/ent/message"
	"luxbff/internal/message"
	"luxbff/internal/message/operator"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/storetest"
)

// provider refuses what its text asks it to refuse.
type provider struct{ taken []string }

func (p *provider) Send(_ context.Context, _ int, m message.Message) (message.Accepted, error) {
	if strings.Contains(m.Text, "refuse") && len(p.taken) < 3 {
		return message.Accepted{}, fmt.Errorf("code 7: %w", message.ErrPermanent)
	}
	p.taken = append(p.taken, m.Text)
	return message.Accepted{Provider: "provider", ID: "M1"}, nil
}

type world struct {
	*operator.Service
	outbox   *message.Outbox
	provider *provider
	clock    *testutil.Clock
}

// newWorld has a message of each kind: a code and an alert that were sent, a code and an
// alert that were refused, an alert that has expired, and a mail that waits.
func newWorld(t *testing.T) *world {
	t.Helper()
	db, w := storetest.Open(t), &world{provider: &provider{}, clock: testutil.NewClock(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))}
	w.Service = operator.New(db, w.clock.Now)
	w.outbox = message.New(message.Config{
		Store: db, Clock: w.clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Senders: map[entmessage.Channel]message.Sender{entmessage.ChannelSms: w.provider, entmessage.ChannelEmail: w.provider},
	})
	enqueue := func(messages ...message.Message) {
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for _, m := range messages {
				if err := w.outbox.Enqueue(ctx, tx, m); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	sms := func(purpose entmessage.Purpose, text string) message.Message {
		return message.Message{Channel: entmessage.ChannelSms, Purpose: purpose, To: "+821012345678", Text: text}
	}
	expired := sms(entmessage.PurposeImpedanceAlert, "late alert")
	expired.ExpiresAt = w.clock.Now()
	enqueue(
		sms(entmessage.PurposeSignUpCode, "code 123456"), sms(entmessage.PurposeImpedanceAlert, "alert"),
		sms(entmessage.PurposeSignUpCode, "refuse 123456"), sms(entmessage.PurposeImpedanceAlert, "refuse this alert"), expired,
	)
	w.deliver(t, 5)
	w.clock.Add(time.Minute)
	enqueue(message.Message{Channel: entmessage.ChannelEmail, Purpose: entmessage.PurposeEmailCode, To: "parent@example.com", Text: "code 654321"})
	return w
}

func (w *world) deliver(t *testing.T, want int) {
	t.Helper()
	if tried, err := w.outbox.Deliver(t.Context()); err != nil || tried != want {
		t.Fatalf("tried %d, %v; want %d", tried, err, want)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		filter operator.Filter
		want   []int
	}{
		"all":             {operator.Filter{Limit: 10}, []int{6, 5, 4, 3, 2, 1}},
		"the newest":      {operator.Filter{Limit: 2}, []int{6, 5}},
		"dead":            {operator.Filter{State: entmessage.StateDead, Limit: 10}, []int{4, 3}},
		"expired":         {operator.Filter{State: entmessage.StateExpired, Limit: 10}, []int{5}},
		"delivered":       {operator.Filter{State: entmessage.StateDelivered, Limit: 10}, nil},
		"mails":           {operator.Filter{Channel: entmessage.ChannelEmail, Limit: 10}, []int{6}},
		"SMS that wait":   {operator.Filter{Channel: entmessage.ChannelSms, State: entmessage.StatePending, Limit: 10}, nil},
		"mails that wait": {operator.Filter{Channel: entmessage.ChannelEmail, State: entmessage.StatePending, Limit: 10}, []int{6}},
	} {
		listed, err := w.List(t.Context(), c.filter)
		var ids []int
		for _, m := range listed {
			ids = append(ids, m.ID)
		}
		if diff := cmp.Diff(c.want, ids); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
		if text := fmt.Sprintf("%+v", listed); strings.Contains(text, "123456") || strings.Contains(text, "654321") || strings.Contains(text, "+821012345678") || strings.Contains(text, "parent@") {
			t.Errorf("%s: it shows %s", name, text)
		}
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	signUpCode, alert, began := entmessage.PurposeSignUpCode, entmessage.PurposeImpedanceAlert, w.clock.Now().Add(-time.Minute)
	for id, want := range map[int]operator.Message{
		1: {
			ID: 1, Channel: "sms", Purpose: &signUpCode, Recipient: "+8210****5678", State: "sent", IsSecret: true, Attempts: 1,
			Provider: "provider", ProviderID: "M1", CreatedAt: began, DueAt: began, SentAt: &began,
		},
		4: {
			ID: 4, Channel: "sms", Purpose: &alert, Recipient: "+8210****5678", State: "dead", Text: "refuse this alert", Attempts: 1,
			LastError: "code 7: " + message.ErrPermanent.Error(), CreatedAt: began, DueAt: began,
		},
	} {
		got, err := w.Show(t.Context(), id)
		if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(time.Millisecond)); err != nil || diff != "" {
			t.Errorf("%d: %v (-want +got):\n%s", id, err, diff)
		}
	}
	if _, err := w.Show(t.Context(), 99); err == nil || !strings.Contains(err.Error(), "there is no message 99") {
		t.Errorf("%v", err)
	}
}

// TestRetry: what may go out again is sent as if it were new, and all else is refused with
// the reason.
func TestRetry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, 1)
	for id, want := range map[int]string{
		1: "message 1 is sent", 3: "its text is gone: its recipient has to ask for a new one", 6: "message 6 is sent", 99: "there is no message 99",
	} {
		if err := w.Retry(t.Context(), id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v, want %s", id, err, want)
		}
	}
	w.deliver(t, 0)
	if err := errors.Join(w.Retry(t.Context(), 4), w.Retry(t.Context(), 5)); err != nil {
		t.Fatal(err)
	}
	w.deliver(t, 2)
	if diff := cmp.Diff([]string{"code 123456", "alert", "code 654321", "refuse this alert", "late alert"}, w.provider.taken); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	again, err := w.Show(t.Context(), 5)
	if err != nil || again.State != entmessage.StateSent || again.ExpiresAt != nil || again.LastError != "" {
		t.Errorf("%+v, %v", again, err)
	}
	if err := w.Retry(t.Context(), 4); err == nil || !strings.Contains(err.Error(), "message 4 is sent") {
		t.Errorf("twice: %v", err)
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	counts := func() map[string]int {
		got, err := w.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		counted := map[string]int{}
		for _, c := range got {
			counted[c.Channel.String()+" "+c.State.String()] = c.Count
		}
		return counted
	}
	if diff := cmp.Diff(map[string]int{"email pending": 1, "sms sent": 2, "sms dead": 2, "sms expired": 1}, counts()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.clock.Add(24 * time.Hour)
	if diff := cmp.Diff(map[string]int{"email pending": 1}, counts()); diff != "" {
		t.Errorf("a day later (-want +got):\n%s", diff)
	}
}

// TestStatementsUseAnIndex: an operator's question must not slow the server down. The newest
// messages of all states are the last rows of the primary key.
func TestStatementsUseAnIndex(t *testing.T) {
	t.Parallel()
	db, statements := storetest.OpenRecording(t, "messages")
	s := operator.New(db, time.Now)
	_, listErr := s.List(t.Context(), operator.Filter{State: entmessage.StateDead, Channel: entmessage.ChannelSms, Limit: 10})
	_, countErr := s.Counts(t.Context())
	if err := errors.Join(listErr, countErr); err != nil || len(*statements) != 6 {
		t.Fatalf("%v, %d statements", err, len(*statements))
	}
	for _, statement := range *statements {
		if plan := storetest.ExplainAny(t, db, statement); !strings.Contains(plan, "message_state_due_at") {
			t.Errorf("%s runs by\n%s", statement, plan)
		}
	}
}
