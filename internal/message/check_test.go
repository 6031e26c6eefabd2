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

	entmessage "luxbff/ent/message"
	"luxbff/internal/message"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/storetest"
)

// scripted is a provider that does what its script says, one step a call. It counts what it
// has taken, whether or not it said so.
type scripted struct {
	mu      sync.Mutex
	sends   []error
	results []message.Result // an empty one is no answer
	taken   []string
	asked   int
}

func (s *scripted) Send(_ context.Context, id int, m message.Message) (message.Accepted, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if len(s.sends) > 0 {
		err, s.sends = s.sends[0], s.sends[1:]
	}
	if err == nil || errors.Is(err, message.ErrUncertain) {
		s.taken = append(s.taken, m.Channel.String()+" "+m.Text)
	}
	return message.Accepted{Provider: "scripted", ID: fmt.Sprint("M", id), CheckAfter: 5 * time.Second}, err
}

func (s *scripted) Check(_ context.Context, accepted message.Accepted) (message.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if accepted.Provider != "scripted" || !strings.HasPrefix(accepted.ID, "M") || len(s.results) == 0 {
		return message.Result{}, errors.New("no answer")
	}
	result := s.results[0]
	s.results = s.results[1:]
	if result.Outcome == "" {
		return result, errors.New("busy")
	}
	return result, nil
}

// newScriptedWorld serves all channels by one provider.
func newScriptedWorld(t *testing.T, provider message.Sender) *world {
	t.Helper()
	w := newWorld(t, false)
	w.serve(provider)
	return w
}

// serve gives the world an outbox whose channels all go to one provider.
func (w *world) serve(provider message.Sender) {
	w.Outbox = message.New(message.Config{
		Store: w.store, Clock: w.clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Senders: map[entmessage.Channel]message.Sender{
			entmessage.ChannelSms: provider, entmessage.ChannelAlimtalk: provider, entmessage.ChannelEmail: provider,
		},
		OnChecked: func(channel entmessage.Channel, outcome message.Outcome) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.checks = append(w.checks, channel.String()+" "+string(outcome))
		},
	})
}

func (w *world) check(t *testing.T, want int) {
	t.Helper()
	if checked, err := w.Check(t.Context()); err != nil || checked != want {
		t.Fatalf("checked %d, %v; want %d", checked, err, want)
	}
}

// run sends and checks what is due, minute by minute, until nothing is left to do or two
// days have passed.
func (w *world) run(t *testing.T) {
	t.Helper()
	for range 2 * 24 * 60 {
		if _, err := w.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, err := w.store.Read().Message.Query().
			Where(entmessage.Or(entmessage.StateEQ(entmessage.StatePending), entmessage.CheckAtNotNil())).Count(t.Context()); err != nil || n == 0 {
			return
		}
		w.clock.Add(time.Minute)
	}
}

func alimtalk(text string) message.Message {
	return message.Message{Channel: entmessage.ChannelAlimtalk, Purpose: entmessage.PurposeImpedanceAlert, To: "+821012345678", Text: text}
}

// TestWhatBecomesOfAMessage: each answer of a provider leads to the state that
// docs/operating.md names.
func TestWhatBecomesOfAMessage(t *testing.T) {
	t.Parallel()
	busy := errors.New("status 503")
	silent := fmt.Errorf("no answer: %w", message.ErrUncertain)
	refused := fmt.Errorf("code 3010: %w", message.ErrPermanent)
	underWay, delivered := message.Result{Outcome: message.UnderWay}, message.Result{Outcome: message.Delivered}
	unreachable := message.Result{Outcome: message.Failed, Code: "3104"}
	for name, c := range map[string]struct {
		message message.Message
		script  *scripted
		states  []entmessage.State
		taken   []string
		lastErr string
		checks  []string
	}{
		"delivered": {
			sms("a"),
			&scripted{results: []message.Result{underWay, {}, delivered}},
			[]entmessage.State{"delivered"},
			[]string{"sms a"},
			"",
			[]string{"sms under_way", "sms unanswered", "sms delivered"},
		},
		"an unreachable phone": {
			sms("a"),
			&scripted{results: []message.Result{underWay, {Outcome: message.Failed, Code: "3043"}}},
			[]entmessage.State{"dead"},
			[]string{"sms a"},
			"scripted: not delivered, code 3043",
			[]string{"sms under_way", "sms failed"},
		},
		"refused": {sms("a"), &scripted{sends: []error{refused}}, []entmessage.State{"dead"}, nil, refused.Error(), nil},
		"busy, then delivered": {
			sms("a"),
			&scripted{sends: []error{busy, busy}, results: []message.Result{delivered}},
			[]entmessage.State{"delivered"},
			[]string{"sms a"},
			"",
			[]string{"sms delivered"},
		},
		"busy for long": {
			sms("a"),
			&scripted{sends: []error{busy, busy, busy, busy, busy, busy, busy, busy, busy, busy}},
			[]entmessage.State{"dead"},
			nil, busy.Error(), nil,
		},
		"taken, but silent once": {
			sms("a"),
			&scripted{sends: []error{silent}, results: []message.Result{delivered}},
			[]entmessage.State{"delivered"},
			[]string{"sms a", "sms a"},
			"",
			[]string{"sms delivered"},
		},
		"taken, but silent": {
			sms("a"),
			&scripted{sends: []error{silent, busy, busy, silent}},
			[]entmessage.State{"dead"},
			[]string{"sms a", "sms a"},
			silent.Error(), nil,
		},
		"silent, then busy for long": {
			sms("a"),
			&scripted{sends: []error{silent, busy, busy, busy, busy, busy, busy, busy, busy, busy}},
			[]entmessage.State{"dead"},
			[]string{"sms a"},
			"status 503; an earlier try: " + message.ErrUncertain.Error(), nil,
		},
		"an Alimtalk that arrives": {
			alimtalk("a"),
			&scripted{results: []message.Result{delivered}},
			[]entmessage.State{"delivered"},
			[]string{"alimtalk a"},
			"",
			[]string{"alimtalk delivered"},
		},
		"an Alimtalk to somebody without Kakao": {
			alimtalk("a"),
			&scripted{results: []message.Result{underWay, unreachable, delivered}},
			[]entmessage.State{"dead", "delivered"},
			[]string{"alimtalk a", "sms a"},
			"scripted: not delivered, code 3104",
			[]string{"alimtalk under_way", "alimtalk failed", "sms delivered"},
		},
		"an Alimtalk that is refused": {
			alimtalk("a"),
			&scripted{sends: []error{refused}, results: []message.Result{delivered}},
			[]entmessage.State{"dead", "delivered"},
			[]string{"sms a"},
			refused.Error(),
			[]string{"sms delivered"},
		},
		"an Alimtalk that the provider replaced": {
			alimtalk("a"),
			&scripted{results: []message.Result{{Outcome: message.Delivered, IsReplaced: true}}},
			[]entmessage.State{"delivered"},
			[]string{"alimtalk a"},
			"",
			[]string{"alimtalk delivered"},
		},
		"an Alimtalk that the provider replaced in vain": {
			alimtalk("a"),
			&scripted{results: []message.Result{{Outcome: message.Failed, Code: "3043", IsReplaced: true}}},
			[]entmessage.State{"dead"},
			[]string{"alimtalk a"},
			"scripted: not delivered, code 3043",
			[]string{"alimtalk failed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newScriptedWorld(t, c.script)
			w.enqueue(t, c.message)
			w.run(t)
			var states []entmessage.State
			for _, row := range w.rows(t) {
				states = append(states, row.State)
				if isKept := row.State == entmessage.StateDead && row.Channel == entmessage.ChannelAlimtalk; (row.Text != "") != isKept || row.CheckAt != nil || (row.DeliveredAt != nil) != (row.State == entmessage.StateDelivered) {
					t.Errorf("%v", row)
				}
			}
			if diff := cmp.Diff(c.states, states); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.taken, c.script.taken); diff != "" {
				t.Errorf("the provider has taken (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.checks, w.checks); diff != "" {
				t.Errorf("checks (-want +got):\n%s", diff)
			}
			lastErr := ""
			if row := w.rows(t)[0]; row.LastError != nil {
				lastErr = *row.LastError
			}
			if lastErr != c.lastErr {
				t.Errorf("the last error is %q, want %q", lastErr, c.lastErr)
			}
		})
	}
}

// TestRetryAfterIsObeyed, also where it is longer than the pause of the outbox.
func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"long": time.Hour, "none": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newScriptedWorld(t, &scripted{sends: []error{&message.LaterError{After: after, Err: errors.New("status 429")}}})
			w.enqueue(t, sms("a"))
			began := w.clock.Now()
			w.deliver(t, 1)
			due := w.rows(t)[0].DueAt.Sub(began)
			if due < after || after == 0 && (due < time.Second || due > 2*time.Second) {
				t.Errorf("it is due after %v", due)
			}
			w.clock.Add(due - 2*time.Millisecond) // the times of a database are rounded
			w.deliver(t, 0)
			w.clock.Add(4 * time.Millisecond)
			w.deliver(t, 1)
		})
	}
}

// TestChecksEnd: a provider that never knows what became of a message is asked less and
// less, for a bit more than a day.
func TestChecksEnd(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]message.Result{"under way": {Outcome: message.UnderWay}, "no answer": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider := &scripted{}
			for range 100 {
				provider.results = append(provider.results, result)
			}
			w := newScriptedWorld(t, provider)
			w.enqueue(t, alimtalk("a"))
			w.deliver(t, 1)
			w.check(t, 0)
			w.clock.Add(5 * time.Second)
			w.check(t, 1)
			w.clock.Add(9 * time.Second)
			w.check(t, 0)
			if row := w.rows(t)[0]; row.Text != "a" {
				t.Errorf("before its result is known the text of an Alimtalk is %q", row.Text)
			}
			began := w.clock.Now()
			w.run(t)
			row, took := w.rows(t)[0], w.clock.Now().Sub(began)
			if row.State != entmessage.StateSent || row.Text != "" || row.Checks != 16 || provider.asked != 16 || took < 24*time.Hour || took > 36*time.Hour {
				t.Errorf("asked %d times in %v: %v", provider.asked, took, row)
			}
		})
	}
}

// TestTwoWorkersCheckOnce: the second leaves a check alone until the first must have died.
func TestTwoWorkersCheckOnce(t *testing.T) {
	t.Parallel()
	provider := &dying{scripted: scripted{results: []message.Result{{Outcome: message.Failed, Code: "3104"}}}}
	w := newScriptedWorld(t, provider)
	w.enqueue(t, alimtalk("a"))
	w.deliver(t, 1)
	w.clock.Add(time.Minute)
	ctx, die := context.WithCancel(t.Context())
	provider.die = die
	if _, err := w.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	w.check(t, 0)
	w.clock.Add(6 * time.Minute)
	w.check(t, 1)
	w.check(t, 0)
	w.deliver(t, 1)
	if diff := cmp.Diff([]string{"alimtalk a", "sms a"}, provider.taken); diff != "" {
		t.Errorf("the provider has taken (-want +got):\n%s", diff)
	}
}

// TestStatementsOfTheWorkersUseAnIndex, so that none costs more for what was sent before.
func TestStatementsOfTheWorkersUseAnIndex(t *testing.T) {
	t.Parallel()
	db, statements := storetest.OpenRecording(t, "messages")
	w := &world{store: db, clock: testutil.NewClock(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))}
	w.serve(&scripted{results: []message.Result{{}, {Outcome: message.Failed, Code: "3104"}, {Outcome: message.Delivered}}})
	w.enqueue(t, alimtalk("a"))
	w.run(t)
	if err := w.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	checks := 0
	for _, statement := range *statements {
		if strings.HasPrefix(statement, "INSERT") || strings.Contains(statement, "COUNT") { // the test counts
			continue
		}
		plan := storetest.ExplainAny(t, db, statement)
		if !strings.Contains(plan, "message_") && !strings.Contains(plan, "PRIMARY KEY") && !strings.Contains(plan, "messages_pkey") {
			t.Errorf("%s runs by\n%s", statement, plan)
		}
		if strings.Contains(plan, "message_check_at") {
			checks++
		}
	}
	if checks == 0 {
		t.Error("no statement finds due checks by their index")
	}
}

// TestTry sends one message in one try and gives what is known of it when the caller's time
// is up.
func TestTry(t *testing.T) {
	t.Parallel()
	busy := errors.New("status 503")
	for name, c := range map[string]struct {
		sends   []error
		want    entmessage.State
		lastErr string
	}{
		"busy":    {[]error{busy}, entmessage.StateDead, busy.Error()},
		"taken":   {nil, entmessage.StateSent, ""},
		"refused": {[]error{message.ErrPermanent}, entmessage.StateDead, message.ErrPermanent.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newScriptedWorld(t, &scripted{sends: c.sends})
			w.enqueue(t, sms("of somebody else"))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			m := sms("try")
			m.Purpose = entmessage.PurposeTest
			got, err := w.Try(ctx, m)
			if err != nil || got.State != c.want || got.ID != 2 || (got.LastError == nil) != (c.lastErr == "") || got.LastError != nil && *got.LastError != c.lastErr {
				t.Errorf("%v, %v", got, err)
			}
			if other := w.rows(t)[0]; other.State != entmessage.StatePending || other.Attempts != 0 {
				t.Errorf("it has sent another message: %v", other)
			}
		})
	}
	if _, err := newScriptedWorld(t, &scripted{}).Try(t.Context(), message.Message{Channel: entmessage.ChannelPush, Purpose: entmessage.PurposeTest, To: "token"}); !errors.Is(err, message.ErrNoSender) {
		t.Errorf("without a sender: %v", err)
	}
}
