package graph

import (
	"context"

	"luxbff/ent"
	"luxbff/graph/model"
	"luxbff/internal/message/history"
)

func (r *userResolver) Messages(ctx context.Context, obj *ent.User, first *int, after *string) (*model.MessageConnection, error) {
	page, err := r.messages(ctx, obj, history.PageParams{First: first, After: after})
	if err != nil {
		return nil, err
	}
	return newMessageConnection(page), nil
}
