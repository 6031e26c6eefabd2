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

func (r *mutationResolver) UpdateChildUser(ctx context.Context, input model.UpdateChildUserInput) (*model.UpdateChildUserPayload, error) {
	v, err := viewer.From(ctx)
	if err != nil {
		return nil, err
	}
	changed, err := r.children.Update(ctx, v, input.ChildUserID, child.UpdateParams{
		FirstName: input.FirstName.Value(),
		LastName:  input.LastName.Value(),
		Birthdate: input.Birthdate.Value(),
		Gender:    input.Gender.Value(),
	})
	if err != nil {
		return nil, err
	}
	return &model.UpdateChildUserPayload{ChildUser: changed}, nil
}

func (r *mutationResolver) DeleteChildUser(ctx context.Context, input model.DeleteChildUserInput) (*model.DeleteChildUserPayload, error) {
	v, err := viewer.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.children.Delete(ctx, v, input.ChildUserID, orEmpty(input.UniqueID.Value())); err != nil {
		return nil, err
	}
	return &model.DeleteChildUserPayload{ChildUserID: input.ChildUserID}, nil
}

func (r *mutationResolver) RegisterDevice(ctx context.Context, input model.RegisterDeviceInput) (*model.RegisterDevicePayload, error) {
	v, err := viewer.From(ctx)
	if err != nil {
		return nil, err
	}
	registered, err := r.children.Register(ctx, v, input.ChildUserID, child.DeviceParams{
		SerialCode: input.SerialCode,
		MacID:      input.MacID,
		UniqueID:   input.UniqueID.Value(),
	})
	if err != nil {
		return nil, err
	}
	return &model.RegisterDevicePayload{Device: registered}, nil
}

func (r *mutationResolver) UnregisterDevice(ctx context.Context, input model.UnregisterDeviceInput) (*model.UnregisterDevicePayload, error) {
	v, err := viewer.From(ctx)
	if err != nil {
		return nil, err
	}
	freed, err := r.children.Unregister(ctx, v, input.ChildUserID, input.UniqueID)
	if err != nil {
		return nil, err
	}
	return &model.UnregisterDevicePayload{Device: freed}, nil
}

func (r *mutationResolver) UpdateDeviceAlias(ctx context.Context, input model.UpdateDeviceAliasInput) (*model.UpdateDeviceAliasPayload, error) {
	v, err := viewer.From(ctx)
	if err != nil {
		return nil, err
	}
	renamed, err := r.children.Rename(ctx, v, input.ChildUserID, input.DeviceID, input.DeviceAlias)
	if err != nil {
		return nil, err
	}
	return &model.UpdateDeviceAliasPayload{Device: renamed}, nil
}

func (r *mutationResolver) SendImpedanceAlert(ctx context.Context) (*model.SendImpedanceAlertPayload, error) {
	v, err := viewer.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.accounts.SendImpedanceAlert(ctx, v); err != nil {
		return nil, err
	}
	return &model.SendImpedanceAlertPayload{Ok: true}, nil
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

func (r *queryResolver) CheckDevice(ctx context.Context, uniqueID string) (*model.DeviceCheck, error) {
	v, err := viewer.From(ctx)
	if err != nil {
		return nil, err
	}
	status, found, err := r.children.Check(ctx, v, uniqueID)
	if err != nil {
		return nil, err
	}
	return &model.DeviceCheck{Status: status, Device: found}, nil
}

func (r *Resolver) ChildUser() generated.ChildUserResolver { return &childUserResolver{r} }

func (r *Resolver) Device() generated.DeviceResolver { return &deviceResolver{r} }

type (
	childUserResolver struct{ *Resolver }
	deviceResolver    struct{ *Resolver }
)
