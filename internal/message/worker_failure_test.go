package message_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	entmessage "luxbff/ent/message"
	"luxbff/internal/background"
	"luxbff/internal/message"
)

// dying is a provider at whose first check the process ends.
type dying struct {
	scripted
	die context.CancelFunc
}

func (d *dying) Check(ctx context.Context, accepted message.Accepted) (message.Result, error) {
	if d.die != nil {
		d.die()
		d.die = nil
		return message.Result{}, ctx.Err()
	}
	return d.scripted.Check(ctx, accepted)
}

// TestAKilledWorkerRepeatsOnce: a worker is killed after the provider has taken a message
// and before that is stored.
func TestAKilledWorkerRepeatsOnce(t *testing.T) {
	t.Parallel()
	provider := &scripted{results: []message.Result{{Outcome: message.Delivered}}}
	w := newScriptedWorld(t, provider)
	w.enqueue(t, sms("a"))
	ctx, kill := context.WithCancel(t.Context())
	killed := message.New(message.Config{
		Store: w.store, Senders: map[entmessage.Channel]message.Sender{entmessage.ChannelSms: killing{provider, kill}},
		Clock: w.clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if _, err := killed.Deliver(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	w.run(t)
	if row := w.rows(t)[0]; row.State != entmessage.StateDelivered || len(provider.taken) != 2 {
		t.Errorf("taken %d times: %v", len(provider.taken), row)
	}
}

// killing is a provider that takes a message of a worker that is killed then.
type killing struct {
	*scripted
	kill context.CancelFunc
}

func (k killing) Send(ctx context.Context, id int, m message.Message) (message.Accepted, error) {
	defer k.kill()
	return k.scripted.Send(ctx, id, m)
}

func TestResultsArePrunedAsOthers(t *testing.T) {
	t.Parallel()
	w := newScriptedWorld(t, &scripted{results: []message.Result{{Outcome: message.Delivered}}})
	w.enqueue(t, sms("a"))
	w.run(t)
	w.clock.Add(31 * 24 * time.Hour)
	if err := w.Prune(t.Context()); err != nil || len(w.rows(t)) != 0 {
		t.Errorf("%v, left are %v", err, w.rows(t))
	}
}

// TestAPanicIsAFailedTry: a Sender that panics, with what it was to send, ends neither the
// worker nor the other messages; nobody gets a message more than twice for it.
func TestAPanicIsAFailedTry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	var panics []string
	provider := &panicking{scripted: scripted{results: []message.Result{{Outcome: message.Delivered}}}}
	w.Outbox = message.New(message.Config{
		Store: w.store, Senders: map[entmessage.Channel]message.Sender{entmessage.ChannelSms: provider},
		Clock: w.clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		OnPanic: func(_ context.Context, p *background.Panic) { panics = append(panics, string(p.Stack)) },
	})
	w.enqueue(t, sms("cursed"), sms("blessed"))
	w.deliver(t, 2)
	if row := w.rows(t)[0]; row.State != entmessage.StatePending || strings.Contains(*row.LastError, "cursed") {
		t.Errorf("after a panic: %v", row)
	}
	w.run(t)
	cursed, blessed := w.rows(t)[0], w.rows(t)[1]
	if cursed.State != entmessage.StateDead || cursed.Attempts != 2 || blessed.State != entmessage.StateDelivered || blessed.Checks != 2 {
		t.Errorf("%v\n%v", cursed, blessed)
	}
	if len(panics) != 3 || !strings.Contains(panics[0], "panicking") || strings.Contains(strings.Join(panics, ""), "cursed") {
		t.Errorf("%d panics: %v", len(panics), panics)
	}
}

// panicking is a provider whose client panics at some messages, and at the first check.
type panicking struct {
	scripted
	hasPanicked bool
}

func (p *panicking) Send(ctx context.Context, id int, m message.Message) (message.Accepted, error) {
	if m.Text == "cursed" {
		panic(m.Text)
	}
	return p.scripted.Send(ctx, id, m)
}

func (p *panicking) Check(ctx context.Context, accepted message.Accepted) (message.Result, error) {
	if !p.hasPanicked {
		p.hasPanicked = true
		panic("ohno")
	}
	return p.scripted.Check(ctx, accepted)
}
