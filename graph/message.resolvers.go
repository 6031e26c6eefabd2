package graph

import (
	"context"
	"strings"

	"luxbff/ent"
	"luxbff/graph/generated"
	"luxbff/graph/model"
	"luxbff/internal/message/history"
)

func (r *messageResolver) Channel(ctx context.Context, obj *history.Message) (model.MessageChannel, error) {
	return model.MessageChannel(strings.ToUpper(string(obj.Channel))), nil
}

func (r *messageResolver) Purpose(ctx context.Context, obj *history.Message) (*model.MessagePurpose, error) {
	if obj.Purpose == nil {
		return nil, nil //nolint:nilnil // an older release stored it
	}
	purpose := model.MessagePurpose(strings.ToUpper(string(*obj.Purpose)))
	return &purpose, nil
}

func (r *messageResolver) Status(ctx context.Context, obj *history.Message) (model.MessageStatus, error) {
	return model.MessageStatus(obj.Status), nil
}

func (r *messageResolver) Reason(ctx context.Context, obj *history.Message) (*model.MessageReason, error) {
	if obj.Reason == nil {
		return nil, nil //nolint:nilnil // nothing is wrong
	}
	reason := model.MessageReason(*obj.Reason)
	return &reason, nil
}

func (r *subscriptionResolver) MessageStatus(ctx context.Context, id *int) (<-chan *history.Message, error) {
	return r.sent.Subscribe(ctx, detachedViewer(ctx), history.SubscribeParams{ID: id})
}

func (r *userResolver) Messages(ctx context.Context, obj *ent.User, first *int, after *string) (*model.MessageConnection, error) {
	page, err := r.messages(ctx, obj, history.PageParams{First: first, After: after})
	if err != nil {
		return nil, err
	}
	return newMessageConnection(page), nil
}

func (r *Resolver) Message() generated.MessageResolver { return &messageResolver{r} }

type messageResolver struct{ *Resolver }
