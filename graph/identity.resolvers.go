package graph

import (
	"context"

	"luxbff/ent"
	"luxbff/graph/model"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
)

func (r *mutationResolver) SignInWithProvider(ctx context.Context, input model.SignInWithProviderInput) (*model.SignInWithProviderPayload, error) {
	signedIn, err := r.auth.SignInSocial(ctx, socialParams(input.Provider, input.Token, input.Nonce))
	if err != nil {
		return nil, err
	}
	return &model.SignInWithProviderPayload{User: signedIn.User, Tokens: newTokens(signedIn.Tokens)}, nil
}

func (r *mutationResolver) SignUpWithProvider(ctx context.Context, input model.SignUpWithProviderInput) (*model.SignUpWithProviderPayload, error) {
	signedIn, err := r.accounts.SignUps.BySocial(ctx, account.SocialSignUpParams{
		ValidToken:   input.ValidToken,
		TokenRefused: apperr.SignUpTokenInvalid,
		Email:        input.Email,
		SocialParams: socialParams(input.Provider, input.Token, input.Nonce),
		Person: account.Person{
			FirstName:        input.FirstName,
			LastName:         input.LastName,
			Birthdate:        input.Birthdate,
			Gender:           input.Gender,
			Phone:            input.Phone,
			IsPushAgree:      input.IsPushAgree,
			IsMarketingAgree: input.IsMarketingAgree,
			NationalCode:     input.NationalCode,
		},
	})
	if err != nil {
		return nil, err
	}
	return &model.SignUpWithProviderPayload{User: signedIn.User, Tokens: newTokens(signedIn.Tokens)}, nil
}

func (r *mutationResolver) ConnectProvider(ctx context.Context, input model.ConnectProviderInput) (*model.ConnectProviderPayload, error) {
	renewed, err := r.accounts.Credentials.Connect(ctx, currentViewer(ctx), socialParams(input.Provider, input.Token, input.Nonce))
	if err != nil {
		return nil, err
	}
	return &model.ConnectProviderPayload{User: renewed.User, Tokens: newRenewedTokens(renewed)}, nil
}

func (r *mutationResolver) DisconnectProvider(ctx context.Context, input model.DisconnectProviderInput) (*model.DisconnectProviderPayload, error) {
	renewed, err := r.accounts.Credentials.Disconnect(ctx, currentViewer(ctx), providerName(input.Provider))
	if err != nil {
		return nil, err
	}
	return &model.DisconnectProviderPayload{User: renewed.User, Tokens: newRenewedTokens(renewed)}, nil
}

// Identities come with the other names by which the account signs in.
func (r *userResolver) Identities(ctx context.Context, obj *ent.User) ([]*model.Identity, error) {
	names, err := r.signInNames(ctx, obj)
	return newIdentities(names), err
}
