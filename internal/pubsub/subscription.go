package pubsub

import (
	"context"
	"sync"
)

// Subscription is what a transport and a feed share of one running subscription.
// The transport makes it and puts it into the context of the operation with
// [WithSubscription]; the resolver, and through it the feed, takes it out with
// [SubscriptionFrom]. The values themselves go over the channel that the resolver
// returns; here stands what a channel cannot say: that there is a value to fetch,
// which cursor it has, and with which error the subscription ends.
//
// The feed calls EnableNotify, Notify, SetNextCursor, MarkRecovered, OnAck, Refuse, Fail
// and OnClose; the transport SetNotify, NotifyEnabled, TakeDelivery, Refusal, Err and Close.
// All methods may be called from any goroutine. The zero value is ready for use, so
// that a transport can hold it within its own state: a server holds one for each
// subscriber, and it costs 56 bytes and no allocation of its own.
type Subscription struct {
	mu            sync.Mutex
	notify        func()
	onClose       func()
	err           error
	deliveries    *deliveries
	notifyEnabled bool
	refused       bool // err is why the client has no right to it
	closed        bool
	detached      bool // it has no transport, so nobody will call TakeDelivery
}

// deliveries is what the transport has to know of values to come. It is nil while
// no value is on its way and the feed asks for no acknowledgement, so that an idle
// subscription does not keep it.
type deliveries struct {
	cursors   []string // of the values on the channel, oldest first
	recovered bool
	onAck     func(cursor string)
}

func (d *deliveries) empty() bool { return len(d.cursors) == 0 && !d.recovered && d.onAck == nil }

// Delivery is what a transport has to know of a value that it sends.
type Delivery struct {
	// Cursor is empty for a value that has none.
	Cursor string
	// Recovered is true for the first value of a subscription that was resumed
	// without a gap; the transport says so to the client with that value.
	Recovered bool
	// Ack reports that the client has received the value with this cursor. It is
	// nil where nobody asks.
	Ack func(cursor string)
}

type subscriptionKey struct{}

// NewSubscription makes a subscription whose transport is notified by the given
// function, which must be safe to call from any goroutine and must not block. Nil
// is for transports that keep a goroutine waiting on the channel.
func NewSubscription(notify func()) *Subscription { return &Subscription{notify: notify} }

// WithSubscription puts the subscription into the context of its operation.
func WithSubscription(ctx context.Context, s *Subscription) context.Context {
	return context.WithValue(ctx, subscriptionKey{}, s)
}

// SubscriptionFrom gives the subscription that runs under ctx. Only the resolver of
// the subscription's own field may ask for it, and only once. Without one, as where
// a test calls a feed directly, it makes one that is closed when ctx ends and has
// no transport.
func SubscriptionFrom(ctx context.Context) *Subscription {
	if s, ok := ctx.Value(subscriptionKey{}).(*Subscription); ok {
		return s
	}
	s := &Subscription{detached: true}
	context.AfterFunc(ctx, s.Close)
	return s
}

// SetNotify sets the function that notifies the transport, for a zero Subscription.
// It must be called before the resolver runs.
func (s *Subscription) SetNotify(notify func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notify = notify
}

// EnableNotify promises that [Subscription.Notify] is called for each value. It
// reports whether the transport can be notified; if so, no goroutine waits on the
// channel from then on. If not, a goroutine of the transport waits on it, and
// Notify has no effect.
func (s *Subscription) EnableNotify() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notifyEnabled = s.notify != nil
	return s.notifyEnabled
}

// NotifyEnabled reports whether the feed notifies, so that the transport must read
// the channel only when it is notified.
func (s *Subscription) NotifyEnabled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notifyEnabled
}

// Notify tells the transport that one more value can be read from the channel. It
// is called once after each value that was put on it, and once after it was closed:
// a value without a call stays on the channel until the next call. The channel must
// be buffered, because nobody waits on its other side.
func (s *Subscription) Notify() {
	s.mu.Lock()
	notify := s.notify
	s.mu.Unlock()
	if notify != nil {
		notify()
	}
}

// SetNextCursor names the value that is put on the channel next, so that the client
// can say how far it came: over SSE it is the event's id. A feed names either all
// its values or none.
func (s *Subscription) SetNextCursor(cursor string) {
	s.updateDeliveries(func(d *deliveries) { d.cursors = append(d.cursors, cursor) })
}

// MarkRecovered says that the subscription goes on where it was broken off and that
// no value in between is missing. The client learns it with the first value.
func (s *Subscription) MarkRecovered() {
	s.updateDeliveries(func(d *deliveries) { d.recovered = true })
}

// OnAck has fn called with the cursor of a value that the client has surely
// received; the values before it have arrived as well, so that not each cursor is
// named. Fn runs on a goroutine of the transport and must not block. A transport
// that cannot know what arrived never calls it.
func (s *Subscription) OnAck(fn func(cursor string)) {
	s.updateDeliveries(func(d *deliveries) { d.onAck = fn })
}

func (s *Subscription) updateDeliveries(update func(*deliveries)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.detached {
		return // nobody would ever take it away
	}
	if s.deliveries == nil {
		s.deliveries = &deliveries{}
	}
	update(s.deliveries)
}

// TakeDelivery is called by the transport once for each value that it takes from
// the channel, and gives what there is to know of it.
func (s *Subscription) TakeDelivery() Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.deliveries
	if d == nil {
		return Delivery{}
	}
	delivery := Delivery{Recovered: d.recovered, Ack: d.onAck}
	d.recovered = false
	if len(d.cursors) > 0 {
		delivery.Cursor, d.cursors = d.cursors[0], d.cursors[1:]
	}
	if len(d.cursors) == 0 {
		d.cursors = nil
	}
	if d.empty() {
		s.deliveries = nil
	}
	return delivery
}

// Fail sets the error with which the subscription ends. It is called before the
// channel is closed; the client gets the error, through the error presenter, after
// the values that are still on the channel. The first error stays.
func (s *Subscription) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

// Refuse says that the client has lost its right, by which the operation is answered
// instead of by the error of its resolver. It is called before the resolver returns.
func (s *Subscription) Refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.refused = err, true
}

// Refusal is the error that Refuse set.
func (s *Subscription) Refusal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.refused {
		return nil
	}
	return s.err
}

// Err is the error that Fail set, nil for a subscription that is simply complete.
func (s *Subscription) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// OnClose calls fn once the subscription has ended, at once if it has already. The
// feed takes it instead of context.AfterFunc, which costs 0.5 KB for each
// subscription. It may be called once, and fn must not block.
func (s *Subscription) OnClose(fn func()) {
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.onClose = fn
	}
	s.mu.Unlock()
	if closed {
		fn()
	}
}

// Close is called by the transport when the subscription has ended, however it did.
// A second call has no effect.
func (s *Subscription) Close() {
	s.mu.Lock()
	fn := s.onClose
	s.closed, s.onClose = true, nil
	s.mu.Unlock()
	if fn != nil {
		fn()
	}
}
