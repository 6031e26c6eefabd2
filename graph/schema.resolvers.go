package graph

import (
	"context"

	"luxbff/ent"
	"luxbff/graph/generated"
	"luxbff/graph/globalid"
	"luxbff/internal/apperr"
)

func (r *childUserResolver) GlobalID(ctx context.Context, obj *ent.ChildUser) (globalid.ID, error) {
	return globalid.ID{Type: globalid.ChildUser, ID: obj.ID}, nil
}

func (r *deviceResolver) GlobalID(ctx context.Context, obj *ent.Device) (globalid.ID, error) {
	return globalid.ID{Type: globalid.Device, ID: obj.ID}, nil
}

func (r *devlogResolver) GlobalID(ctx context.Context, obj *ent.Devlog) (globalid.ID, error) {
	return globalid.ID{Type: globalid.Devlog, ID: obj.ID}, nil
}

func (r *queryResolver) Node(ctx context.Context, id globalid.ID) (globalid.Node, error) {
	found, err := r.node(ctx, id)
	if err != nil {
		return nil, apperr.AtField(err, "id")
	}
	return found, nil
}

func (r *userResolver) GlobalID(ctx context.Context, obj *ent.User) (globalid.ID, error) {
	return globalid.ID{Type: globalid.User, ID: obj.ID}, nil
}

func (r *Resolver) Mutation() generated.MutationResolver { return &mutationResolver{r} }

func (r *Resolver) Query() generated.QueryResolver { return &queryResolver{r} }

func (r *Resolver) Subscription() generated.SubscriptionResolver { return &subscriptionResolver{r} }

type (
	mutationResolver     struct{ *Resolver }
	queryResolver        struct{ *Resolver }
	subscriptionResolver struct{ *Resolver }
)
