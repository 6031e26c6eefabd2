package graph

import (
	"context"

	"luxbff/graph/model"
	"luxbff/internal/account"
)

// UpdatePolicy refuses consent to push without a push token, as LUX does.
func (r *mutationResolver) UpdatePolicy(ctx context.Context, input model.UpdatePolicyInput) (*model.UpdatePolicyPayload, error) {
	policy, err := r.accounts.Consents.Update(ctx, currentViewer(ctx), account.UpdatePolicyParams{
		IsPushAgree:      input.IsPushAgree.Value(),
		IsMarketingAgree: input.IsMarketingAgree.Value(),
		PushToken:        input.Token.Value(),
		NeedsPushToken:   true,
	})
	if err != nil {
		return nil, err
	}
	policy.Edges.RootUser.Edges.Consent = policy
	return &model.UpdatePolicyPayload{Policy: policy, User: policy.Edges.RootUser}, nil
}

func (r *mutationResolver) SetPushToken(ctx context.Context, input model.SetPushTokenInput) (*model.SetPushTokenPayload, error) {
	if err := r.accounts.Push.SetToken(ctx, currentViewer(ctx), account.SetPushTokenParams{Token: input.Token}); err != nil {
		return nil, err
	}
	return &model.SetPushTokenPayload{Ok: true}, nil
}

func (r *mutationResolver) AddPushDevice(ctx context.Context, input model.AddPushDeviceInput) (*model.AddPushDevicePayload, error) {
	added, err := r.accounts.Push.AddDevice(ctx, currentViewer(ctx), account.PushDeviceParams{RegistrationID: input.RegistrationID})
	if err != nil {
		return nil, err
	}
	return &model.AddPushDevicePayload{PushDevice: added, User: added.Edges.RootUser}, nil
}

func (r *mutationResolver) RemovePushDevice(ctx context.Context, input model.RemovePushDeviceInput) (*model.RemovePushDevicePayload, error) {
	changed, err := r.accounts.Push.RemoveOwnDevice(ctx, currentViewer(ctx), account.PushDeviceParams{RegistrationID: input.RegistrationID})
	if err != nil {
		return nil, err
	}
	return &model.RemovePushDevicePayload{Ok: true, User: changed}, nil
}
