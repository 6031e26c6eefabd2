package pubsub_test

import (
	"slices"
	"testing"

	"luxbff/internal/pubsub"
)

func TestMarksComeInTheirOrder(t *testing.T) {
	t.Parallel()
	stream := pubsub.NewStream(nil)
	ctx := pubsub.WithStream(t.Context(), stream)
	var confirmed []string
	pubsub.Confirmed(ctx, func(mark string) { confirmed = append(confirmed, mark) })
	pubsub.Recovered(ctx)
	pubsub.Mark(ctx, "a")
	pubsub.Mark(ctx, "b")
	first, second := stream.Taken(), stream.Taken()
	if first.Mark != "a" || !first.Recovered || second.Mark != "b" || second.Recovered {
		t.Errorf("taken %+v and %+v", first, second)
	}
	pubsub.Mark(ctx, "c")
	third := stream.Taken()
	third.Confirm(third.Mark)
	if third.Mark != "c" || !slices.Equal(confirmed, []string{"c"}) {
		t.Errorf("taken %+v, confirmed %v", third, confirmed)
	}
}

func TestValuesWithoutMarks(t *testing.T) {
	t.Parallel()
	stream := pubsub.NewStream(nil)
	ctx := pubsub.WithStream(t.Context(), stream)
	if sent := stream.Taken(); sent.Mark != "" || sent.Recovered || sent.Confirm != nil {
		t.Errorf("of a plain value is known %+v", sent)
	}
	pubsub.Mark(ctx, "a") // nobody asks what arrives
	if sent := stream.Taken(); sent.Mark != "a" || sent.Confirm != nil {
		t.Errorf("taken %+v", sent)
	}
	if sent := stream.Taken(); sent.Mark != "" {
		t.Errorf("taken twice: %+v", sent)
	}
	pubsub.Mark(t.Context(), "a") // nobody to tell
	pubsub.Recovered(t.Context())
	pubsub.Confirmed(t.Context(), func(string) { t.Error("confirmed by nobody") })
}
