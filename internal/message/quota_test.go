package message_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/ent/messagequota"
	"luxbff/internal/apperr"
	"luxbff/internal/message"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/storetest"
)

// limited is an outbox whose channels send so many messages a day.
type limited struct {
	*message.Outbox
	store   *store.Store
	clock   *testutil.Clock
	mu      sync.Mutex
	refused []string
}

func newLimited(t *testing.T, db *store.Store, clock *testutil.Clock, perDay int) *limited {
	t.Helper()
	l := &limited{store: db, clock: clock}
	limits := map[entmessage.Channel]int{}
	for channel := range message.Development(slog.New(slog.DiscardHandler)) {
		limits[channel] = perDay
	}
	l.Outbox = message.New(message.Config{
		Store: db, Senders: message.Development(slog.New(slog.DiscardHandler)), Clock: clock.Now, Random: rand.Reader,
		Log: slog.New(slog.DiscardHandler), IsLimited: true, DailyLimits: limits,
		OnRefused: func(limit string) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.refused = append(l.refused, limit)
		},
	})
	return l
}

func evening() *testutil.Clock {
	return testutil.NewClock(time.Date(2026, 3, 4, 22, 0, 0, 0, time.UTC))
}

// send stores the messages in one transaction.
func (l *limited) send(t *testing.T, messages ...message.Message) error {
	t.Helper()
	return l.store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, m := range messages {
			if err := l.Enqueue(ctx, tx, m); err != nil {
				return err
			}
		}
		return nil
	})
}

// counts are the rows of the quotas, as "subject day sent".
func counts(t *testing.T, db *store.Store) []string {
	t.Helper()
	rows, err := db.Read().MessageQuota.Query().Order(ent.Asc(messagequota.FieldSubject, messagequota.FieldDay)).All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, row := range rows {
		all = append(all, fmt.Sprintf("%s %s %d", row.Subject, row.Day, row.Sent))
	}
	return all
}

func email(text string) message.Message {
	return message.Message{Channel: entmessage.ChannelEmail, Purpose: entmessage.PurposeEmailCode, To: "a@lux.example", Text: text}
}

func TestAChannelHasItsDay(t *testing.T) {
	t.Parallel()
	l := newLimited(t, storetest.Open(t), evening(), 2)
	for range 2 {
		if err := l.send(t, sms("allowed")); err != nil {
			t.Fatal(err)
		}
	}
	// All of a transaction is refused, and what it would have counted elsewhere as well.
	err := l.send(t, email("beside it"), sms("refused"))
	var refused *apperr.Error
	if !errors.As(err, &refused) || refused.Kind != apperr.TooManyRequests || refused.RetryAfter() != 2*time.Hour {
		t.Errorf("beyond the limit: %v", err)
	}
	if diff := cmp.Diff([]string{"channel sms 2026-03-04 2"}, counts(t, l.store)); diff != "" {
		t.Error(diff)
	}
	if n := l.store.Read().Message.Query().CountX(t.Context()); n != 2 {
		t.Errorf("%d messages are stored", n)
	}
	if diff := cmp.Diff([]string{"sms-day"}, l.refused); diff != "" {
		t.Error(diff)
	}
	if err := l.send(t, email("another channel")); err != nil {
		t.Error(err)
	}
	l.clock.Add(2 * time.Hour)
	if err := l.send(t, sms("the next day")); err != nil {
		t.Error(err)
	}
}

func TestWhatBecomesOfMessagesBeyondTheLimit(t *testing.T) {
	t.Parallel()
	l := newLimited(t, storetest.Open(t), evening(), 1)
	report, push := sms("report"), message.Message{Channel: entmessage.ChannelPush, Purpose: entmessage.PurposeNewSignIn, To: "token", Text: "push"}
	report.Beyond, push.Beyond = message.SendBeyond, message.DropBeyond
	for range 3 {
		if err := l.send(t, report, push); err != nil {
			t.Fatal(err)
		}
	}
	var stored []string
	for _, m := range l.store.Read().Message.Query().Order(ent.Asc(entmessage.FieldID)).AllX(t.Context()) {
		stored = append(stored, m.Text)
	}
	if diff := cmp.Diff([]string{"report", "push", "report", "report"}, stored); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"channel push 2026-03-04 1", "channel sms 2026-03-04 3"}, counts(t, l.store)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"push-day", "push-day"}, l.refused); diff != "" {
		t.Error(diff)
	}
	if err := l.send(t, sms("refused")); !apperr.Is(err, apperr.TooManyRequests) {
		t.Errorf("an SMS: %v", err)
	}
}

// TestQuotasHoldForAllReplicasTogether has two send at once, in transactions that count the
// same subjects in other orders.
func TestQuotasHoldForAllReplicasTogether(t *testing.T) {
	t.Parallel()
	url, clock := storetest.URL(t), evening()
	replicas := []*limited{newLimited(t, storetest.OpenAt(t, url), clock, 1000), newLimited(t, storetest.OpenAt(t, url), clock, 1000)}
	const limit = 15
	errs := testutil.Concurrently(60, func(i int) error {
		first, second := sms("a"), email("b")
		first.Quotas = []message.Quota{{Name: "phone", Subject: "phone", PerDay: 1000}, {Name: "block", Subject: "block", PerDay: limit}}
		if i%2 == 0 {
			return replicas[0].send(t, first, second)
		}
		return replicas[1].send(t, second, first)
	})
	stored, refused := 0, 0
	for _, err := range errs {
		switch {
		case err == nil:
			stored++
		case apperr.Is(err, apperr.TooManyRequests):
			refused++
		default:
			t.Error(err)
		}
	}
	want := []string{"block 2026-03-04 15", "channel email 2026-03-04 15", "channel sms 2026-03-04 15", "phone 2026-03-04 15"}
	if diff := cmp.Diff(want, counts(t, replicas[0].store)); diff != "" || stored != limit || refused != len(errs)-limit {
		t.Errorf("%d stored, %d refused: %s", stored, refused, diff)
	}
	if n := replicas[0].store.Read().Message.Query().CountX(t.Context()); n != 2*limit {
		t.Errorf("%d messages are stored", n)
	}
}

func TestNothingIsCountedWithoutALimit(t *testing.T) {
	t.Parallel()
	l := newLimited(t, storetest.Open(t), evening(), 0)
	w := newWorld(t, true)
	m := sms("x")
	m.Quotas = []message.Quota{{Name: "phone", Subject: "phone", PerDay: 1}}
	w.enqueue(t, m, m) // the limits are lifted
	if got := counts(t, w.store); len(got) != 0 {
		t.Errorf("counted: %q", got)
	}
	if err := l.send(t, sms("x")); err != nil || len(counts(t, l.store)) != 0 {
		t.Errorf("%v, counted: %q", err, counts(t, l.store))
	}
	err := l.send(t, m, m)
	if !apperr.Is(err, apperr.TooManyRequests) || len(l.refused) == 0 || l.refused[0] != "phone" {
		t.Errorf("%v, refused %q", err, l.refused)
	}
}

func TestOldDaysArePruned(t *testing.T) {
	t.Parallel()
	l := newLimited(t, storetest.Open(t), evening(), 10)
	for range 4 {
		if err := l.send(t, sms("x")); err != nil {
			t.Fatal(err)
		}
		l.clock.Add(24 * time.Hour)
	}
	if err := l.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"channel sms 2026-03-06 1", "channel sms 2026-03-07 1"}, counts(t, l.store)); diff != "" {
		t.Error(diff)
	}
}

func TestQuotasAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	db, statements := storetest.OpenRecording(t, "message_quota")
	l := newLimited(t, db, evening(), 10)
	if err := l.send(t, sms("x")); err != nil {
		t.Fatal(err)
	}
	l.clock.Add(96 * time.Hour)
	if err := l.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(*statements) != 4 { // the count, a day that is over, its row, no further one
		t.Fatalf("statements: %q", *statements)
	}
	for _, statement := range (*statements)[1:] {
		if plan := storetest.ExplainAny(t, db, statement); !strings.Contains(plan, "messagequota_day") && !strings.Contains(plan, "pkey") && !strings.Contains(plan, "PRIMARY KEY") {
			t.Errorf("%s: %s", statement, plan)
		}
	}
}
