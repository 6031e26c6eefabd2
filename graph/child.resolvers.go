package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"luxbff/ent"
	"luxbff/graph/generated"
	"luxbff/graph/model"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/message/history"
)

// Device is loaded with the child, in one statement for the whole family. So are all
// objects that lead from one to another: a field that read its own could fail, in an event
// of a feed for example, because the other was deleted meanwhile.
func (r *childUserResolver) Device(ctx context.Context, obj *ent.ChildUser) (*ent.Device, error) {
	return obj.Edges.Device, nil
}

func (r *deviceResolver) ChildUser(ctx context.Context, obj *ent.Device) (*ent.ChildUser, error) {
	return obj.Edges.ChildUser, nil
}

func (r *mutationResolver) CreateChildUser(ctx context.Context, input model.CreateChildUserInput) (*model.CreateChildUserPayload, error) {
	made, err := r.children.Create(ctx, currentViewer(ctx), child.CreateParams{
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
	changed, err := r.children.Update(ctx, currentViewer(ctx), input.ChildUserID, child.UpdateParams{
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
	if err := r.children.Delete(ctx, currentViewer(ctx), input.ChildUserID, orEmpty(input.UniqueID.Value())); err != nil {
		return nil, err
	}
	return &model.DeleteChildUserPayload{ChildUserID: input.ChildUserID}, nil
}

func (r *mutationResolver) RegisterDevice(ctx context.Context, input model.RegisterDeviceInput) (*model.RegisterDevicePayload, error) {
	registered, err := r.children.RegisterDevice(ctx, currentViewer(ctx), input.ChildUserID, child.DeviceParams{
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
	freed, err := r.children.UnregisterDevice(ctx, currentViewer(ctx), input.ChildUserID, input.UniqueID)
	if err != nil {
		return nil, err
	}
	return &model.UnregisterDevicePayload{Device: freed}, nil
}

func (r *mutationResolver) UpdateDeviceAlias(ctx context.Context, input model.UpdateDeviceAliasInput) (*model.UpdateDeviceAliasPayload, error) {
	renamed, err := r.children.UpdateDeviceAlias(ctx, currentViewer(ctx), input.ChildUserID, input.DeviceID, input.DeviceAlias)
	if err != nil {
		return nil, err
	}
	return &model.UpdateDeviceAliasPayload{Device: renamed}, nil
}

func (r *mutationResolver) SendImpedanceAlert(ctx context.Context) (*model.SendImpedanceAlertPayload, error) {
	if err := r.accounts.SendImpedanceAlert(ctx, currentViewer(ctx)); err != nil {
		return nil, err
	}
	return &model.SendImpedanceAlertPayload{Ok: true}, nil
}

func (r *queryResolver) ChildUsers(ctx context.Context) ([]*ent.ChildUser, error) {
	return r.family(ctx, currentViewer(ctx).User)
}

// ChildUser looks in the family where the query has other fields, which may show it as well:
// among fifty children to read one costs half of what to read all does, with a page of its
// logs. A child that isn't there is asked for, because the error says whether there is one.
func (r *queryResolver) ChildUser(ctx context.Context, id int) (*ent.ChildUser, error) {
	if !isOnlyField(graphql.GetOperationContext(ctx).Operation) {
		family, err := r.family(ctx, currentViewer(ctx).User)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(family, func(c *ent.ChildUser) bool { return c.ID == id }); i >= 0 {
			return family[i], nil
		}
	}
	found, err := r.children.Get(ctx, currentViewer(ctx), id)
	return found, apperr.AtField(err, "id")
}

func (r *queryResolver) CheckDevice(ctx context.Context, uniqueID string) (*model.DeviceCheck, error) {
	family, err := r.family(ctx, currentViewer(ctx).User)
	if err != nil {
		return nil, err
	}
	status, found, err := r.children.CheckDeviceBeside(ctx, currentViewer(ctx), family, uniqueID)
	if err != nil {
		return nil, apperr.AtField(err, "uniqueId")
	}
	return &model.DeviceCheck{Status: status, Device: found}, nil
}

func (r *sendImpedanceAlertPayloadResolver) Message(ctx context.Context, obj *model.SendImpedanceAlertPayload) (*history.Message, error) {
	return r.sent.NewestAlert(ctx, currentViewer(ctx).RootUserID())
}

func (r *Resolver) ChildUser() generated.ChildUserResolver { return &childUserResolver{r} }

func (r *Resolver) Device() generated.DeviceResolver { return &deviceResolver{r} }

func (r *Resolver) SendImpedanceAlertPayload() generated.SendImpedanceAlertPayloadResolver {
	return &sendImpedanceAlertPayloadResolver{r}
}

type (
	childUserResolver                 struct{ *Resolver }
	deviceResolver                    struct{ *Resolver }
	sendImpedanceAlertPayloadResolver struct{ *Resolver }
)
