package graph

import (
	"context"

	"luxbff/graph/model"
	"luxbff/internal/account"
	"luxbff/internal/auth"
)

func (r *mutationResolver) RegisterLocal(ctx context.Context, input model.RegisterLocalInput) (*model.RegisterLocalPayload, error) {
	signedIn, err := r.accounts.SignUps.ByLocalID(ctx, account.RegisterLocalParams{
		LocalID: input.LocalID, Password: input.Password, Email: input.Email.Value(),
	})
	if err != nil {
		return nil, err
	}
	return &model.RegisterLocalPayload{User: signedIn.User, Tokens: newTokens(signedIn.Tokens)}, nil
}

func (r *mutationResolver) SignInLocal(ctx context.Context, input model.SignInLocalInput) (*model.SignInLocalPayload, error) {
	signedIn, err := r.auth.SignInLocal(ctx, auth.SignInLocalParams{
		LocalID: input.LocalID, Password: input.Password,
	})
	if err != nil {
		return nil, err
	}
	return &model.SignInLocalPayload{User: signedIn.User, Tokens: newTokens(signedIn.Tokens)}, nil
}

func (r *mutationResolver) SignInWithFacebook(ctx context.Context, input model.SignInWithFacebookInput) (*model.SignInWithFacebookPayload, error) {
	signedIn, err := r.accounts.SignUps.SignInWithFacebook(ctx, account.FacebookParams{
		FacebookID: input.FacebookID, FacebookToken: input.FacebookToken,
	})
	if err != nil {
		return nil, err
	}
	return &model.SignInWithFacebookPayload{User: signedIn.User, Tokens: newTokens(signedIn.Tokens)}, nil
}

func (r *mutationResolver) ChangePassword(ctx context.Context, input model.ChangePasswordInput) (*model.ChangePasswordPayload, error) {
	renewed, err := r.accounts.Credentials.ChangePassword(ctx, currentViewer(ctx), account.ChangePasswordParams{
		OldPassword: input.OldPassword, NewPassword: input.NewPassword,
	})
	if err != nil {
		return nil, err
	}
	return &model.ChangePasswordPayload{User: renewed.User, Tokens: newRenewedTokens(renewed)}, nil
}

func (r *mutationResolver) CreateLocalCredential(ctx context.Context, input model.CreateLocalCredentialInput) (*model.CreateLocalCredentialPayload, error) {
	renewed, err := r.accounts.Credentials.CreateLocal(ctx, currentViewer(ctx), account.CreateLocalCredentialParams{
		LocalID: input.LocalID, Password: input.Password,
	})
	if err != nil {
		return nil, err
	}
	return &model.CreateLocalCredentialPayload{User: renewed.User, Tokens: newRenewedTokens(renewed)}, nil
}

func (r *mutationResolver) ConnectFacebook(ctx context.Context, input model.ConnectFacebookInput) (*model.ConnectFacebookPayload, error) {
	renewed, err := r.accounts.Credentials.ConnectFacebook(ctx, currentViewer(ctx), account.FacebookParams{
		FacebookID: input.FacebookID, FacebookToken: input.FacebookToken,
	})
	if err != nil {
		return nil, err
	}
	return &model.ConnectFacebookPayload{User: renewed.User, Tokens: newRenewedTokens(renewed)}, nil
}

func (r *mutationResolver) DisconnectFacebook(ctx context.Context) (*model.DisconnectFacebookPayload, error) {
	renewed, err := r.accounts.Credentials.DisconnectFacebook(ctx, currentViewer(ctx), auth.SessionTokens)
	if err != nil {
		return nil, err
	}
	return &model.DisconnectFacebookPayload{User: renewed.User, Tokens: newRenewedTokens(renewed)}, nil
}

func (r *mutationResolver) SendEmailVerification(ctx context.Context, input model.SendEmailVerificationInput) (*model.SendEmailVerificationPayload, error) {
	err := r.accounts.Emails.SendVerification(ctx, currentViewer(ctx), account.SendEmailVerificationParams{Email: input.Email.Value()})
	if err != nil {
		return nil, err
	}
	return &model.SendEmailVerificationPayload{Ok: true}, nil
}

func (r *mutationResolver) VerifyEmail(ctx context.Context, input model.VerifyEmailInput) (*model.VerifyEmailPayload, error) {
	changed, err := r.accounts.Emails.Verify(ctx, currentViewer(ctx), account.VerifyEmailParams{Code: input.Code})
	if err != nil {
		return nil, err
	}
	return &model.VerifyEmailPayload{User: changed}, nil
}

func (r *mutationResolver) FindAccount(ctx context.Context, input model.FindAccountInput) (*model.FindAccountPayload, error) {
	found, err := r.accounts.Recovery.FindAccount(ctx, account.FindAccountParams{Phone: input.Phone, Code: input.Validnum})
	if err != nil {
		return nil, err
	}
	return &model.FindAccountPayload{Email: found.Email, Provider: found.Provider}, nil
}

func (r *mutationResolver) RequestPasswordReset(ctx context.Context, input model.RequestPasswordResetInput) (*model.RequestPasswordResetPayload, error) {
	err := r.accounts.Recovery.RequestPasswordReset(ctx, account.RequestPasswordResetParams{Email: input.Email})
	if err != nil {
		return nil, err
	}
	return &model.RequestPasswordResetPayload{Ok: true}, nil
}

func (r *mutationResolver) ResetPassword(ctx context.Context, input model.ResetPasswordInput) (*model.ResetPasswordPayload, error) {
	err := r.accounts.Recovery.ResetPassword(ctx, account.ResetPasswordParams{Token: input.Token, NewPassword: input.NewPassword})
	if err != nil {
		return nil, err
	}
	return &model.ResetPasswordPayload{Ok: true}, nil
}

func (r *mutationResolver) RevertEmail(ctx context.Context, input model.RevertEmailInput) (*model.RevertEmailPayload, error) {
	if err := r.accounts.Emails.Revert(ctx, account.RevertEmailParams{Token: input.Token}); err != nil {
		return nil, err
	}
	return &model.RevertEmailPayload{Ok: true}, nil
}
