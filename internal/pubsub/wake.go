package pubsub

import (
	"context"
	"sync"
)

// Stream is what a transport lends to the one subscription that it runs: a way
// to be woken, a place for the error that ends the subscription, and what has to
// be known to take it up again. Resolvers reach it through [Waker], [End],
// [AtEnd], [Mark], [Recovered] and [Confirmed]; only transports hold it. The zero Stream
// wakes nobody and is ready for use.
type Stream struct {
	mu         sync.Mutex
	wake       func()
	taken      bool
	err        error
	resumption *resumption
	ended      bool
	atEnd      func()
}

// NewStream makes a stream whose transport is woken by wake, which must be safe
// to call from any goroutine and must not block. A nil wake is for transports
// that keep a goroutine waiting on the channel.
func NewStream(wake func()) *Stream { return &Stream{wake: wake} }

// Bind sets the waker of a stream that was made without one.
func (s *Stream) Bind(wake func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake = wake
}

// Close is called by the transport when the subscription has ended, however it
// did. Once more does no harm.
func (s *Stream) Close() {
	s.mu.Lock()
	fn := s.atEnd
	s.ended, s.atEnd = true, nil
	s.mu.Unlock()
	if fn != nil {
		fn()
	}
}

// Woken reports whether the resolver took the waker. If it did, the transport
// reads the subscription's channel only after being woken.
func (s *Stream) Woken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Err is the error that [End] left, nil for a subscription that is simply done.
func (s *Stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

type streamKey struct{}

// WithStream puts the stream into the context of a subscription.
func WithStream(ctx context.Context, s *Stream) context.Context {
	return context.WithValue(ctx, streamKey{}, s)
}

// WithWaker is [WithStream] for a stream of which only the waking matters. It
// ends with ctx.
func WithWaker(ctx context.Context, wake func()) context.Context {
	s := NewStream(wake)
	context.AfterFunc(ctx, s.Close)
	return WithStream(ctx, s)
}

// Waker takes the waker of the subscription that runs under ctx. With it the
// resolver needs no goroutine of its own: it registers a buffered channel and
// wake with whoever has the news, and returns the channel.
//
// Whoever puts a value on the channel calls wake once after that value, and
// once more after closing the channel. One call stands for one value: a value
// without a call waits for the next call.
//
// It is false where the transport has none; then a goroutine of the transport
// waits on the channel and nobody need be woken. Only the resolver of the
// subscription's own field may take it.
func Waker(ctx context.Context) (wake func(), ok bool) {
	s, _ := ctx.Value(streamKey{}).(*Stream)
	if s == nil {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = s.wake != nil
	return s.wake, s.taken
}

// AtEnd calls fn once the subscription under ctx has ended; at once if it has
// already. It costs less than context.AfterFunc, which it is without a stream in
// ctx. Only the resolver of the subscription's own field may call it, and only
// once. Fn must not block.
func AtEnd(ctx context.Context, fn func()) {
	s, _ := ctx.Value(streamKey{}).(*Stream)
	if s == nil {
		context.AfterFunc(ctx, fn)
		return
	}
	s.mu.Lock()
	ended := s.ended
	if !ended {
		s.atEnd = fn
	}
	s.mu.Unlock()
	if ended {
		fn()
	}
}

// End sets the error with which the subscription under ctx ends, to be called
// before its channel is closed. The client gets it through the error presenter,
// after the values that are still on the channel. The first error stays; without
// a stream in ctx it is dropped.
func End(ctx context.Context, err error) {
	s, _ := ctx.Value(streamKey{}).(*Stream)
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}
