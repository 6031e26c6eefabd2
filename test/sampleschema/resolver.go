package sampleschema

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/99designs/gqlgen/graphql"

	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
)

// ErrUnknown is a cause that no client may see.
var ErrUnknown = errors.New("disk on fire at /var/lib")

// NewSchema makes the executable schema.
func NewSchema() graphql.ExecutableSchema { return NewExecutableSchema(Config{Resolvers: resolver{}}) }

type resolver struct{}

func (resolver) Query() QueryResolver               { return query{} }
func (resolver) Mutation() MutationResolver         { return mutation{} }
func (resolver) Subscription() SubscriptionResolver { return subscription{} }
func (resolver) Item() ItemResolver                 { return item{} }

type (
	query        struct{}
	mutation     struct{}
	subscription struct{}
	item         struct{}
)

func (query) Hello(_ context.Context, name *string) (string, error) {
	if name == nil {
		return "Hello", nil
	}
	return "Hello, " + *name, nil
}

func (query) Born(_ context.Context, on vocab.Date) (vocab.Date, error) { return on, nil }

func (query) Items(_ context.Context, first *int) ([]*Item, error) { return items(countOf(first)), nil }

func (query) Pick(ctx context.Context, by PickInput) (string, error) {
	switch {
	case by.ID.IsSet():
		return fmt.Sprint("id ", *by.ID.Value()), nil
	case by.Name.IsSet():
		return "name " + *by.Name.Value(), nil
	}
	return query{}.Pick(ctx, *by.Next.Value())
}

func (query) PickAll(_ context.Context, by []*PickInput) (int, error) { return len(by), nil }

func (query) PickDeep(_ context.Context, by OrderInput) (string, error) {
	return fmt.Sprint(len(by.Picks.Value())), nil
}

// Echo shows what reached the resolver.
func (query) Echo(_ context.Context, input EchoInput, loud bool) (string, error) {
	shown, err := json.Marshal(map[string]any{"input": input, "loud": loud})
	return string(shown), err
}

func (query) Fail(ctx context.Context, how Failure) (*string, error) { return nil, fail(ctx, how) }

func (query) FailHard(ctx context.Context, how Failure) (string, error) { return "", fail(ctx, how) }

func fail(ctx context.Context, how Failure) error {
	switch how {
	case FailureKnown:
		return apperr.SerialCodeNotValid.WithField("input.serialCode")
	case FailurePanic:
		panic("the roof fell in")
	case FailureCancelled:
		<-ctx.Done()
		return ctx.Err()
	}
	return ErrUnknown
}

func (mutation) Rename(_ context.Context, input RenameInput) (*RenamePayload, error) {
	name := "unchanged"
	switch given := input.Name.Value(); {
	case given != nil:
		name = *given
	case input.Name.IsSet():
		name = "removed"
	}
	return &RenamePayload{Item: &Item{ID: input.ID, Name: name}}, nil
}

func (subscription) Ticks(context.Context) (<-chan int, error) {
	ticks := make(chan int, 1)
	ticks <- 1
	close(ticks)
	return ticks, nil
}

func (subscription) Changes(context.Context) (<-chan *Item, error) {
	changes := make(chan *Item, 2)
	for _, changed := range items(2) {
		changes <- changed
	}
	close(changes)
	return changes, nil
}

func (s subscription) ChangesOrNull(ctx context.Context) (<-chan *Item, error) { return s.Changes(ctx) }

func (item) Checked(ctx context.Context, checked *Item) (string, error) {
	if checked.ID == 1 {
		return "good", nil
	}
	return "", fail(ctx, FailureKnown)
}

func (item) Parent(_ context.Context, child *Item) (*Item, error) { return child, nil }

func (item) Items(_ context.Context, _ *Item, first *int) ([]*Item, error) {
	return items(countOf(first)), nil
}

// countOf is zero for null, which a client may send in place of the default.
func countOf(first *int) int {
	if first == nil {
		return 0
	}
	return *first
}

func items(count int) []*Item {
	made := make([]*Item, max(count, 0))
	for i := range made {
		made[i] = &Item{ID: i + 1, Name: fmt.Sprint("item ", i+1), Size: i}
	}
	return made
}
