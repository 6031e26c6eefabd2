// Package background runs what the program does beside its requests: work that
// is repeated at an interval or when it is asked for, and that has to end before
// the program does. It imports nothing of the program.
package background

import (
	"context"
	"runtime/debug"
	"sync"
	"time"
)

// Every calls fn each time interval has passed, the first time after one interval,
// and returns when ctx ends. Calls never overlap: a tick that comes during a call
// is kept for afterwards, more than one are dropped. A panic of fn goes on in its caller;
// a [Group] recovers from it. Tests move the time with testing/synctest.
func Every(ctx context.Context, interval time.Duration, fn func(ctx context.Context)) {
	EveryOrWhen(ctx, interval, nil, fn)
}

// EveryOrWhen is [Every] that calls fn after each notification of the signal as
// well, for work that the interval alone would bring too late.
func EveryOrWhen(ctx context.Context, interval time.Duration, signal Signal, fn func(ctx context.Context)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-signal:
		}
		// Select picks at random where several are ready; no call may begin after ctx
		// has ended.
		if ctx.Err() != nil {
			return
		}
		fn(ctx)
	}
}

// Signal notifies one goroutine that there is work. A receiver takes a
// notification from it as from any channel.
type Signal chan struct{}

// NewSignal makes a Signal.
func NewSignal() Signal { return make(Signal, 1) }

// Notify never blocks. Notifications that nobody has taken yet are one, so the
// receiver must look for all the work there is.
func (s Signal) Notify() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// Panic is a panic that was recovered from.
type Panic struct {
	// Value is what was panicked with. It may hold what somebody sent.
	Value any
	// Stack is where that was. It holds no values.
	Stack []byte
}

// Recover calls fn and gives the panic that ended it; nil if it returned.
func Recover(fn func()) (ended *Panic) {
	defer func() {
		if value := recover(); value != nil {
			ended = &Panic{Value: value, Stack: debug.Stack()}
		}
	}()
	fn()
	return nil
}

// restartPause keeps a worker that panics at once, again and again, from using up a core.
const restartPause = time.Second

// Group is a number of goroutines that end together. Its methods may be called
// from many goroutines.
type Group struct {
	ctx     context.Context
	cancel  context.CancelFunc
	onPanic func(ctx context.Context, p *Panic)
	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// NewGroup makes a Group without goroutines. The end of ctx is the end of their
// context, too. A panic in one of them is handed to onPanic and ends nothing else. Without
// onPanic it ends the program, as in any goroutine.
func NewGroup(ctx context.Context, onPanic func(ctx context.Context, p *Panic)) *Group {
	g := &Group{onPanic: onPanic}
	g.ctx, g.cancel = context.WithCancel(ctx)
	return g
}

// Go runs fn in a goroutine. Its context ends with Close, and fn must return
// then. After Close it does nothing.
func (g *Group) Go(fn func(ctx context.Context)) {
	g.start(func() { g.run(fn) })
}

// Supervise is [Group.Go] for work that lasts until Close: after a panic fn is called again.
func (g *Group) Supervise(fn func(ctx context.Context)) {
	g.start(func() {
		for !g.run(fn) {
			select {
			case <-g.ctx.Done():
				return
			case <-time.After(restartPause):
			}
		}
	})
}

func (g *Group) start(worker func()) {
	// The lock keeps a goroutine from being added once Close has begun to wait,
	// which a WaitGroup doesn't allow.
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.running.Go(worker)
	}
}

// run calls fn and reports whether it returned.
func (g *Group) run(fn func(ctx context.Context)) bool {
	if g.onPanic == nil {
		fn(g.ctx)
		return true
	}
	ended := Recover(func() { fn(g.ctx) })
	if ended == nil {
		return true
	}
	g.onPanic(g.ctx, ended)
	return false
}

// Every runs [Every] in a goroutine, which goes on after a panic.
func (g *Group) Every(interval time.Duration, fn func(ctx context.Context)) {
	g.Supervise(func(ctx context.Context) { Every(ctx, interval, fn) })
}

// EveryOrWhen runs [EveryOrWhen] in a goroutine, which goes on after a panic.
func (g *Group) EveryOrWhen(interval time.Duration, signal Signal, fn func(ctx context.Context)) {
	g.Supervise(func(ctx context.Context) { EveryOrWhen(ctx, interval, signal, fn) })
}

// Close ends the context of the goroutines and waits until all have returned. It
// may be called again, and on a nil Group, which is one that was never started.
func (g *Group) Close() {
	if g == nil {
		return
	}
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.cancel()
	g.running.Wait()
}
