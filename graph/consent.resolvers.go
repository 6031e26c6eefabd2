package graph

import (
	"context"

	"luxbff/graph/model"
	"luxbff/internal/account"
)

// UpdatePolicy refuses consent to push without a push token, as LUX does. The payload's
// user is the viewer's row: consent is stored in a table of its own and changes nothing in
// it. The same goes for push devices below.
func (r *mutationResolver) UpdatePolicy(ctx context.Context, input model.UpdatePolicyInput) (*model.UpdatePolicyPayload, error) {
	v := currentViewer(ctx)
	policy, err := r.accounts.Consents.Update(ctx, v, account.UpdatePolicyParams{
		IsPushAgree:      input.IsPushAgree.Value(),
		IsMarketingAgree: input.IsMarketingAgree.Value(),
		PushToken:        input.Token.Value(),
		NeedsPushToken:   true,
	})
	if err != nil {
		return nil, err
	}
	return &model.UpdatePolicyPayload{Policy: policy, User: v.User}, nil
}

func (r *mutationResolver) SetPushToken(ctx context.Context, input model.SetPushTokenInput) (*model.SetPushTokenPayload, error) {
	if err := r.accounts.Push.SetToken(ctx, currentViewer(ctx), account.SetPushTokenParams{Token: input.Token}); err != nil {
		return nil, err
	}
	return &model.SetPushTokenPayload{Ok: true}, nil
}

func (r *mutationResolver) AddPushDevice(ctx context.Context, input model.AddPushDeviceInput) (*model.AddPushDevicePayload, error) {
	v := currentViewer(ctx)
	added, err := r.accounts.Push.AddDevice(ctx, v, account.PushDeviceParams{RegistrationID: input.RegistrationID})
	if err != nil {
		return nil, err
	}
	return &model.AddPushDevicePayload{PushDevice: added, User: v.User}, nil
}

func (r *mutationResolver) RemovePushDevice(ctx context.Context, input model.RemovePushDeviceInput) (*model.RemovePushDevicePayload, error) {
	v := currentViewer(ctx)
	err := r.accounts.Push.RemoveDevice(ctx, v.RootUserID(), account.PushDeviceParams{RegistrationID: input.RegistrationID})
	if err != nil {
		return nil, err
	}
	return &model.RemovePushDevicePayload{Ok: true, User: v.User}, nil
}
