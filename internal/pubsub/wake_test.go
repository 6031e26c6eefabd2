package pubsub_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"luxbff/internal/pubsub"
)

func TestWakerIsTheTransports(t *testing.T) {
	t.Parallel()
	woken := 0
	stream := pubsub.NewStream(func() { woken++ })
	ctx := pubsub.WithStream(t.Context(), stream)
	if stream.Woken() {
		t.Error("the waker is taken before anybody took it")
	}
	wake, ok := pubsub.Waker(ctx)
	if !ok || !stream.Woken() {
		t.Fatal("the waker isn't given, or its taking isn't told")
	}
	wake()
	wake()
	if woken != 2 {
		t.Errorf("woken %d times, want 2", woken)
	}
	if wake, ok := pubsub.Waker(pubsub.WithWaker(t.Context(), func() { woken = 10 })); ok {
		wake()
	}
	if woken != 10 {
		t.Error("WithWaker's waker isn't given")
	}
}

func TestNoWakerWithoutTransport(t *testing.T) {
	t.Parallel()
	if wake, ok := pubsub.Waker(t.Context()); ok || wake != nil {
		t.Error("a bare context wakes")
	}
	for name, stream := range map[string]*pubsub.Stream{"without wake": pubsub.NewStream(nil), "the zero stream": {}} {
		if wake, ok := pubsub.Waker(pubsub.WithStream(t.Context(), stream)); ok || wake != nil || stream.Woken() {
			t.Errorf("%s wakes", name)
		}
	}
}

func TestFirstErrorEndsTheStream(t *testing.T) {
	t.Parallel()
	stream := pubsub.NewStream(nil)
	ctx := pubsub.WithStream(t.Context(), stream)
	if stream.Err() != nil {
		t.Errorf("a new stream has ended with %v", stream.Err())
	}
	pubsub.End(ctx, io.EOF)
	pubsub.End(ctx, io.ErrClosedPipe)
	if !errors.Is(stream.Err(), io.EOF) {
		t.Errorf("ended with %v", stream.Err())
	}
	pubsub.End(t.Context(), io.EOF) // nobody to tell
}

func TestAtEnd(t *testing.T) {
	t.Parallel()
	stream := pubsub.NewStream(nil)
	ctx, ended := pubsub.WithStream(t.Context(), stream), 0
	pubsub.AtEnd(ctx, func() { ended++ })
	if ended != 0 {
		t.Error("called before the end")
	}
	stream.Close()
	stream.Close()
	if ended != 1 {
		t.Errorf("called %d times at the end, want once", ended)
	}
	pubsub.AtEnd(ctx, func() { ended = 10 })
	if ended != 10 {
		t.Error("not called after the end")
	}
}

func TestAtEndOfAContext(t *testing.T) {
	t.Parallel()
	for name, with := range map[string]func(context.Context) context.Context{
		"without a stream": func(ctx context.Context) context.Context { return ctx },
		"with a waker":     func(ctx context.Context) context.Context { return pubsub.WithWaker(ctx, func() {}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			pubsub.AtEnd(with(ctx), func() { close(ended) })
			cancel()
			<-ended
		})
	}
}

func TestBoundStreamWakes(t *testing.T) {
	t.Parallel()
	var stream pubsub.Stream
	ctx := pubsub.WithStream(t.Context(), &stream)
	if _, ok := pubsub.Waker(ctx); ok || stream.Woken() {
		t.Error("the zero stream has a waker")
	}
	woken := false
	stream.Bind(func() { woken = true })
	if wake, ok := pubsub.Waker(ctx); ok {
		wake()
	}
	if !woken || !stream.Woken() {
		t.Error("the bound waker isn't given")
	}
}
