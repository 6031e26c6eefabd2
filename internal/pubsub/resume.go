package pubsub

import "context"

// resumption is what a stream knows of being taken up again: nil while no
// value is on its way and nobody asks what arrived.
type resumption struct {
	marks     []string // of the values on the channel, oldest first
	recovered bool
	confirmed func(mark string)
}

// idle reports whether there is nothing to remember.
func (r *resumption) idle() bool { return len(r.marks) == 0 && !r.recovered && r.confirmed == nil }

// Mark names the value that is put on the channel next, so that the client can
// say how far it came: over SSE it is the event's id. A resolver marks either
// all its values or none.
func Mark(ctx context.Context, mark string) {
	change(ctx, func(r *resumption) { r.marks = append(r.marks, mark) })
}

// Recovered says that the subscription goes on where it was broken off and that
// nothing in between is missing. The client is told with the first value.
func Recovered(ctx context.Context) {
	change(ctx, func(r *resumption) { r.recovered = true })
}

// Confirmed has fn called with the mark of a value that the client has surely
// received; the values before it have arrived as well. Marks may be passed over.
// Fn runs on a goroutine of the transport and must not block. A transport that
// can't know what arrived never calls it.
func Confirmed(ctx context.Context, fn func(mark string)) {
	change(ctx, func(r *resumption) { r.confirmed = fn })
}

func change(ctx context.Context, with func(*resumption)) {
	s, _ := ctx.Value(streamKey{}).(*Stream)
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resumption == nil {
		s.resumption = &resumption{}
	}
	with(s.resumption)
}

// Sent is what a transport has to know of the value that it just took from the
// channel. Recovered is true for the first value of a resumed subscription.
// Confirm says later that the client has received the value; it is nil where
// nobody asks.
type Sent struct {
	Mark      string
	Recovered bool
	Confirm   func(mark string)
}

// Taken is called by the transport once for each value that it takes from the
// channel.
func (s *Stream) Taken() Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.resumption
	if r == nil {
		return Sent{}
	}
	sent := Sent{Recovered: r.recovered, Confirm: r.confirmed}
	r.recovered = false
	if len(r.marks) > 0 {
		sent.Mark, r.marks = r.marks[0], r.marks[1:]
	}
	if len(r.marks) == 0 {
		r.marks = nil
	}
	if r.idle() {
		s.resumption = nil
	}
	return sent
}
