package graph

import (
	"context"

	"luxbff/ent"
	"luxbff/graph/generated"
	"luxbff/graph/model"
	"luxbff/internal/child"
	"luxbff/internal/viewer"
)

func (r *childUserResolver) Device(ctx context.Context, obj *ent.ChildUser) (*ent.Device, error) {
	return obj.Edges.Device, nil
}

func (r *deviceResolver) ChildUser(ctx context.Context, obj *ent.Device) (*ent.ChildUser, error) {
	return r.owner(ctx, obj)
}

func (r *mutationResolver) CreateChildUser(ctx context.Context, input model.CreateChildUserInput) (*model.CreateChildUserPayload, error) {
	v, err := viewer.From(ctx)
	if err != nil {
		return nil, err
	}
	made, err := r.children.Create(ctx, v, child.CreateParams{
		FirstName: input.FirstName,
		LastName:  input.LastName,
		Birthdate: input.Birthdate,
		Gender:    input.Gender,
		DeviceParams: child.DeviceParams{
			SerialCode: input.SerialCode,
			MacID:      input.MacID,
			UniqueID:   input.UniqueID.Value(),
		},
	})
	if err != nil {
		return nil, err
	}
	return &model.CreateChildUserPayload{ChildUser: made}, nil
}

func (r *queryResolver) ChildUsers(ctx context.Context) ([]*ent.ChildUser, error) {
	v, err := viewer.From(ctx)
	if err != nil {
		return nil, err
	}
	return r.children.List(ctx, v)
}

func (r *queryResolver) ChildUser(ctx context.Context, id int) (*ent.ChildUser, error) {
	v, err := viewer.From(ctx)
	if err != nil {
		return nil, err
	}
	return r.children.Get(ctx, v, id)
}

func (r *Resolver) ChildUser() generated.ChildUserResolver { return &childUserResolver{r} }

func (r *Resolver) Device() generated.DeviceResolver { return &deviceResolver{r} }

type (
	childUserResolver struct{ *Resolver }
	deviceResolver    struct{ *Resolver }
)
