package live_test

import (
	"slices"
	"testing"

	"luxbff/internal/live"
)

func TestMarksComeInTheirOrder(t *testing.T) {
	t.Parallel()
	stream := live.NewStream(nil)
	ctx := live.WithStream(t.Context(), stream)
	var confirmed []string
	live.Confirmed(ctx, func(mark string) { confirmed = append(confirmed, mark) })
	live.Recovered(ctx)
	live.Mark(ctx, "a")
	live.Mark(ctx, "b")
	first, second := stream.Taken(), stream.Taken()
	if first.Mark != "a" || !first.Recovered || second.Mark != "b" || second.Recovered {
		t.Errorf("taken %+v and %+v", first, second)
	}
	live.Mark(ctx, "c")
	third := stream.Taken()
	third.Confirm(third.Mark)
	if third.Mark != "c" || !slices.Equal(confirmed, []string{"c"}) {
		t.Errorf("taken %+v, confirmed %v", third, confirmed)
	}
}

func TestValuesWithoutMarks(t *testing.T) {
	t.Parallel()
	stream := live.NewStream(nil)
	ctx := live.WithStream(t.Context(), stream)
	if sent := stream.Taken(); sent.Mark != "" || sent.Recovered || sent.Confirm != nil {
		t.Errorf("of a plain value is known %+v", sent)
	}
	live.Mark(ctx, "a") // nobody asks what arrives
	if sent := stream.Taken(); sent.Mark != "a" || sent.Confirm != nil {
		t.Errorf("taken %+v", sent)
	}
	if sent := stream.Taken(); sent.Mark != "" {
		t.Errorf("taken twice: %+v", sent)
	}
	live.Mark(t.Context(), "a") // nobody to tell
	live.Recovered(t.Context())
	live.Confirmed(t.Context(), func(string) { t.Error("confirmed by nobody") })
}
