package schematest

import (
	"context"
	"slices"
	"sync"

	"luxbff/internal/pubsub"
)

// feedQueue is how many values wait for a reader of a feed; those beyond are lost.
const feedQueue = 1024

// Board publishes to the feeds that are subscribed to it, and counts what a test
// waits for.
type Board struct {
	mu      sync.Mutex
	feeds   map[*feed]struct{}
	changed chan struct{} // closed at each change
	waits   int
	acked   []string
	preload string
}

type feed struct {
	*pubsub.Subscription
	values  chan any
	padding string
	ends    bool
}

func newBoard() *Board {
	return &Board{feeds: map[*feed]struct{}{}, changed: make(chan struct{})}
}

func (b *Board) subscribe(ctx context.Context, subscription *pubsub.Subscription, padding int, ends bool) chan any {
	f := &feed{Subscription: subscription, values: make(chan any, feedQueue), ends: ends}
	for len(f.padding) < padding {
		f.padding += "0123456789"
	}
	f.EnableNotify()
	b.mu.Lock()
	b.feeds[f] = struct{}{}
	if b.preload != "" {
		f.values <- b.preload
		f.Notify()
	}
	b.announce()
	b.mu.Unlock()
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.feeds, f)
		b.announce()
	})
	return f.values
}

// announce needs the mutex.
func (b *Board) announce() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *Board) countWait() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waits++
	b.announce()
}

func (b *Board) noteAck(cursor string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acked = append(b.acked, cursor)
	b.announce()
}

// Preload has later feeds get the text while their resolver still runs.
func (b *Board) Preload(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.preload = text
}

// Publish puts the text, which is its own cursor, on every feed that has room.
func (b *Board) Publish(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for f := range b.feeds {
		if len(f.values) < cap(f.values) {
			f.SetNextCursor(text)
		}
		select {
		case f.values <- text + f.padding:
			f.Notify()
		default:
		}
	}
}

// Finish closes every feed; those that were asked for with "ends" end with the
// error.
func (b *Board) Finish(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for f := range b.feeds {
		if f.ends {
			f.Fail(err)
		}
		close(f.values)
		f.Notify()
		delete(b.feeds, f)
	}
}

// Feeds counts those that are subscribed.
func (b *Board) Feeds() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.feeds)
}

// Waits counts the resolvers of "wait" and "slow" that have begun.
func (b *Board) Waits() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waits
}

// Acked lists the cursors of resumed feeds that were acknowledged.
func (b *Board) Acked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.acked)
}

// State is what Await is about.
type State struct {
	// Feeds counts those that are subscribed, Waits the resolvers of "wait" and
	// "slow" that have begun.
	Feeds, Waits int
	// Acked are the cursors of resumed feeds that were acknowledged.
	Acked []string
}

// Await waits until the board is as the condition says.
func (b *Board) Await(ctx context.Context, condition func(State) bool) error {
	for {
		b.mu.Lock()
		ok, changed := condition(State{len(b.feeds), b.waits, b.acked}), b.changed
		b.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
