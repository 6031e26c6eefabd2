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
	"luxbff/internal/message"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/storetest"
)

// provider stands in for what sends: it answers with the errors it was given,
// one a call, and remembers what it got.
type provider struct {
	mu   sync.Mutex
	errs []error
	got  []string
	sent chan struct{}
}

func (p *provider) Send(_ context.Context, _ int, m message.Message) (message.Accepted, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, m.To+" "+m.Text)
	var err error
	if len(p.errs) > 0 {
		err, p.errs = p.errs[0], p.errs[1:]
	}
	if p.sent != nil {
		p.sent <- struct{}{}
	}
	return message.Accepted{Provider: "provider"}, err
}

func (p *provider) received() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.got...)
}

type world struct {
	*message.Outbox
	store    *store.Store
	provider *provider

	clock  *testutil.Clock
	mu     sync.Mutex
	states []entmessage.State
	checks []string
}

func newWorld(t *testing.T, keepText bool) *world {
	t.Helper()
	w := &world{store: storetest.Open(t), provider: &provider{}, clock: testutil.NewClock(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))}
	w.Outbox = w.another(keepText)
	return w
}

// another is an outbox on the same database, as a second replica has.
func (w *world) another(keepText bool) *message.Outbox {
	return message.New(message.Config{
		Store: w.store, Senders: map[entmessage.Channel]message.Sender{entmessage.ChannelSms: w.provider},
		KeepText: keepText, Clock: w.clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		OnTried: func(_ entmessage.Channel, state entmessage.State) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.states = append(w.states, state)
		},
	})
}

func sms(text string) message.Message {
	return message.Message{Channel: entmessage.ChannelSms, Purpose: entmessage.PurposePhoneCode, To: "+821012345678", Text: text}
}

func (w *world) enqueue(t *testing.T, messages ...message.Message) {
	t.Helper()
	err := w.store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, m := range messages {
			if err := w.Enqueue(ctx, tx, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) deliver(t *testing.T, want int) {
	t.Helper()
	if tried, err := w.Deliver(t.Context()); err != nil || tried != want {
		t.Fatalf("tried %d, %v; want %d", tried, err, want)
	}
}

func (w *world) rows(t *testing.T) []*ent.Message {
	t.Helper()
	rows, err := w.store.Read().Message.Query().Order(ent.Asc(entmessage.FieldID)).All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestDeliverSendsOnceInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	var want []string
	for i := range 40 {
		w.enqueue(t, sms(fmt.Sprint(i)))
		want = append(want, fmt.Sprintf("+821012345678 %d", i))
	}
	w.deliver(t, 40)
	w.deliver(t, 0)
	if diff := cmp.Diff(want, w.provider.received()); diff != "" {
		t.Error(diff)
	}
	for _, row := range w.rows(t) {
		if row.State != entmessage.StateSent || row.Text != "" || row.SentAt == nil || row.Attempts != 1 || row.LeasedUntil != nil {
			t.Fatalf("%v", row)
		}
	}
}

func TestARolledBackWriteSendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	failure := errors.New("the cause went wrong")
	err := w.store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(w.Enqueue(ctx, tx, sms("never")), failure)
	})
	if !errors.Is(err, failure) {
		t.Fatal(err)
	}
	w.deliver(t, 0)
}

func TestAChannelWithoutSenderStoresNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	err := w.store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return w.Enqueue(ctx, tx, message.Message{Channel: entmessage.ChannelEmail, To: "a@b.example", Text: "x"})
	})
	if !errors.Is(err, message.ErrNoSender) || len(w.rows(t)) != 0 {
		t.Errorf("%v, %d rows", err, len(w.rows(t)))
	}
}

func TestOneIntentIsOneMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	m := sms("once")
	m.DedupKey = "impedance-7"
	w.enqueue(t, m, m)
	w.enqueue(t, m)
	w.deliver(t, 1)
}

func TestFailuresAreTriedAgainLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.provider.errs = []error{errors.New("busy"), errors.New("busy still")}
	w.enqueue(t, sms("patient"))
	w.deliver(t, 1)
	w.deliver(t, 0)
	if row := w.rows(t)[0]; row.State != entmessage.StatePending || *row.LastError != "busy" || row.Text != "patient" {
		t.Errorf("%v", row)
	}
	w.clock.Add(2 * time.Second)
	w.deliver(t, 1)
	w.clock.Add(time.Second) // the second wait is at least two
	w.deliver(t, 0)
	w.clock.Add(3 * time.Second)
	w.deliver(t, 1)
	if row := w.rows(t)[0]; row.State != entmessage.StateSent || row.LastError != nil || row.Attempts != 3 {
		t.Errorf("%v", row)
	}
}

// TestExpiredMessagesAreNotSent: the provider was away for longer than the code is good
// for.
func TestExpiredMessagesAreNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.provider.errs = []error{errors.New("away"), errors.New("away")}
	code, link := sms("code"), sms("link")
	code.ExpiresAt, link.ExpiresAt = w.clock.Now().Add(3*time.Minute), w.clock.Now().Add(30*time.Minute)
	w.enqueue(t, code, link)
	w.deliver(t, 2)
	w.clock.Add(3 * time.Minute)
	w.deliver(t, 2)
	w.clock.Add(time.Hour)
	w.deliver(t, 0)
	expired, sent := w.rows(t)[0], w.rows(t)[1]
	if expired.State != entmessage.StateExpired || expired.Text != "" || expired.LeasedUntil != nil || sent.State != entmessage.StateSent {
		t.Errorf("%v\n%v", expired, sent)
	}
	want := []string{"+821012345678 code", "+821012345678 link", "+821012345678 link"}
	if diff := cmp.Diff(want, w.provider.received()); diff != "" {
		t.Errorf("the provider got (-want +got):\n%s", diff)
	}
	w.clock.Add(30 * 24 * time.Hour)
	if err := w.Prune(t.Context()); err != nil || len(w.rows(t)) != 0 {
		t.Errorf("%v, left are %v", err, w.rows(t))
	}
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	for range 10 {
		w.provider.errs = append(w.provider.errs, errors.New(strings.Repeat("é", 400)))
	}
	w.enqueue(t, sms("hopeless"))
	for range 10 {
		w.deliver(t, 1)
		w.clock.Add(10 * time.Minute)
	}
	w.provider.errs = []error{fmt.Errorf("no such number: %w", message.ErrPermanent)}
	w.enqueue(t, sms("refused"))
	w.deliver(t, 1)
	w.clock.Add(time.Hour)
	w.deliver(t, 0)
	for _, row := range w.rows(t) {
		if row.State != entmessage.StateDead || row.Text != "" || row.LastError == nil {
			t.Errorf("%v", row)
		}
	}
}

func TestAMessageOfADeadWorkerIsFreeAfterItsLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	ctx, die := context.WithCancel(t.Context())
	w.provider.sent = make(chan struct{}, 1)
	w.enqueue(t, sms("left behind"))
	killed := make(chan error, 1)
	stuck := message.New(message.Config{
		Store: w.store, Senders: map[entmessage.Channel]message.Sender{entmessage.ChannelSms: waiting{}},
		Clock: w.clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	go func() {
		_, err := stuck.Deliver(waitingFor(ctx, die))
		killed <- err
	}()
	if err := <-killed; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	w.deliver(t, 0)
	w.clock.Add(6 * time.Minute)
	w.deliver(t, 1)
}

type dieKey struct{}

func waitingFor(ctx context.Context, die context.CancelFunc) context.Context {
	return context.WithValue(ctx, dieKey{}, die)
}

// waiting is a sender whose process ends while it sends.
type waiting struct{}

func (waiting) Send(ctx context.Context, _ int, _ message.Message) (message.Accepted, error) {
	ctx.Value(dieKey{}).(context.CancelFunc)()
	<-ctx.Done()
	return message.Accepted{}, ctx.Err()
}

// silent is a sender that answers once something else was sent.
type silent struct{ until chan struct{} }

func (s silent) Send(ctx context.Context, _ int, _ message.Message) (message.Accepted, error) {
	select {
	case <-s.until:
		return message.Accepted{Provider: "silent"}, nil
	case <-ctx.Done():
		return message.Accepted{}, ctx.Err()
	}
}

// TestASilentProviderHoldsUpNobodyElse: the mails are claimed together with the SMS and
// before it, and their server answers only once the SMS was sent.
func TestASilentProviderHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.provider.sent = make(chan struct{}, 1)
	w.Outbox = message.New(message.Config{
		Store: w.store, Clock: w.clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Senders: map[entmessage.Channel]message.Sender{entmessage.ChannelSms: w.provider, entmessage.ChannelEmail: silent{w.provider.sent}},
	})
	mail := message.Message{Channel: entmessage.ChannelEmail, Purpose: entmessage.PurposeAccountReport, To: "kim@example.com", Text: "mail"}
	w.enqueue(t, mail, sms("code"))
	w.deliver(t, 2)
	for _, m := range w.store.Read().Message.Query().AllX(t.Context()) {
		if m.State != entmessage.StateSent || m.Attempts != 1 {
			t.Errorf("the %s is %s after %d attempts", m.Channel, m.State, m.Attempts)
		}
	}
}

func TestTwoWorkersNeverSendTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	for i := range 60 {
		w.enqueue(t, sms(fmt.Sprint(i)))
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if _, err := w.another(false).Deliver(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	seen := map[string]int{}
	for _, got := range w.provider.received() {
		seen[got]++
	}
	if len(seen) != 60 || len(w.provider.received()) != 60 {
		t.Errorf("%d messages in %d deliveries", len(seen), len(w.provider.received()))
	}
}

func TestTheWorkerIsWokenByTheCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.provider.sent = make(chan struct{}, 2)
	w.Start(t.Context())
	defer w.Close()
	w.enqueue(t, sms("first"))
	<-w.provider.sent
	w.enqueue(t, sms("second"))
	<-w.provider.sent
}

func TestCloseWithoutStart(t *testing.T) {
	t.Parallel()
	newWorld(t, false).Close()
}

func TestRecentShowsTheNewestFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.enqueue(t, sms("first"), message.Message{Channel: entmessage.ChannelSms, Purpose: entmessage.PurposePhoneCode, To: "+821011112222", Text: "another's"})
	w.clock.Add(time.Second)
	w.enqueue(t, sms("second"))
	w.deliver(t, 3)
	got, err := w.Recent(t.Context(), "+821012345678", 2)
	if err != nil {
		t.Fatal(err)
	}
	want := []message.Sent{
		{Channel: "sms", To: "+821012345678", Text: "second", CreatedAt: w.clock.Now()},
		{Channel: "sms", To: "+821012345678", Text: "first", CreatedAt: w.clock.Now().Add(-time.Second)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if all, err := w.Recent(t.Context(), "", 10); err != nil || len(all) != 3 {
		t.Errorf("%v, %v", all, err)
	}
}

func TestPruneKeepsWhatIsNewOrWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.enqueue(t, sms("old"))
	w.deliver(t, 1)
	w.provider.errs = []error{errors.New("busy")}
	w.enqueue(t, sms("waiting"))
	w.deliver(t, 1)
	w.clock.Add(30 * 24 * time.Hour)
	w.enqueue(t, sms("new"))
	w.clock.Add(time.Millisecond)
	if err := w.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, row := range w.rows(t) {
		left = append(left, row.Text)
	}
	if diff := cmp.Diff([]string{"waiting", "new"}, left); diff != "" {
		t.Error(diff)
	}
}

func TestTheLogHoldsNeitherAddressNorText(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	senders := message.Development(slog.New(slog.NewTextHandler(&log, nil)))
	for channel, sender := range senders {
		if _, err := sender.Send(t.Context(), 1, message.Message{Channel: channel, To: "+821012345678", Text: "123456"}); err != nil {
			t.Error(err)
		}
	}
	if len(senders) != 4 || strings.Contains(log.String(), "8210") || strings.Contains(log.String(), "123456") {
		t.Errorf("%d senders logged %s", len(senders), log.String())
	}
}

func TestBacklogAndWhatBecomesOfMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	want := func(pending, dead int, oldest time.Duration) {
		t.Helper()
		got, err := w.Backlog(t.Context())
		if wanted := (message.Backlog{Pending: pending, Dead: dead, Oldest: oldest}); err != nil || got != wanted {
			t.Errorf("backlog %+v, %v; want %+v", got, err, wanted)
		}
	}
	want(0, 0, 0)
	w.enqueue(t, sms("a"))
	w.clock.Add(time.Minute)
	w.enqueue(t, sms("b"), sms("c"))
	want(3, 0, time.Minute)
	w.provider.errs = []error{errors.New("busy"), nil, message.ErrPermanent}
	w.deliver(t, 3)
	want(1, 1, time.Minute)
	w.clock.Add(time.Minute)
	w.deliver(t, 1)
	want(0, 1, 0)
	tried := []entmessage.State{entmessage.StatePending, entmessage.StateSent, entmessage.StateDead, entmessage.StateSent}
	if diff := cmp.Diff(tried, w.states); diff != "" {
		t.Errorf("tries (-want +got):\n%s", diff)
	}
}

// TestNoRecordOfALastMessageStays, whether it is sent or given up; in development, which
// shows what was sent, it does.
func TestNoRecordOfALastMessageStays(t *testing.T) {
	t.Parallel()
	last := sms("goodbye")
	last.IsDeletedOnceSent = true
	for name, tc := range map[string]struct {
		keepText bool
		err      error
		left     int
	}{
		"sent": {false, nil, 0}, "given up": {false, message.ErrPermanent, 0},
		"tried again": {false, errors.New("busy"), 1}, "development": {true, nil, 1},
	} {
		w := newWorld(t, tc.keepText)
		w.provider.errs = []error{tc.err}
		w.enqueue(t, last)
		w.deliver(t, 1)
		if rows := w.rows(t); len(rows) != tc.left {
			t.Errorf("%s: %v", name, rows)
		}
	}
}

// TestClockIsSetBack: a message does not wait until the clock comes to the time again at
// which it was written.
func TestClockIsSetBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.enqueue(t, message.Message{Channel: entmessage.ChannelSms, Purpose: entmessage.PurposePhoneCode, To: "+821012345671", Text: "first"})
	if n, err := w.Deliver(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	w.enqueue(t, message.Message{Channel: entmessage.ChannelSms, Purpose: entmessage.PurposePhoneCode, To: "+821012345672", Text: "second"})
	w.clock.Add(-time.Hour)
	if n, err := w.Deliver(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if n, err := w.Deliver(t.Context()); n != 0 || err != nil {
		t.Errorf("%d more, %v", n, err)
	}
	if diff := cmp.Diff([]string{"+821012345671 first", "+821012345672 second"}, w.provider.received()); diff != "" {
		t.Errorf("the provider got (-want +got):\n%s", diff)
	}
}
