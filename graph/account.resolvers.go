package graph

import (
	"context"

	"luxbff/ent"
	"luxbff/graph/generated"
	"luxbff/graph/model"
	"luxbff/internal/account"
	"luxbff/internal/auth"
)

func (r *mutationResolver) SendSmsCode(ctx context.Context, input model.SendSmsCodeInput) (*model.SendSmsCodePayload, error) {
	err := r.auth.Codes.SendSMS(ctx, auth.SendSMSParams{Phone: input.Phone, Purpose: input.Purpose.Value()})
	if err != nil {
		return nil, err
	}
	return &model.SendSmsCodePayload{Ok: true}, nil
}

func (r *mutationResolver) VerifySmsCode(ctx context.Context, input model.VerifySmsCodeInput) (*model.VerifySmsCodePayload, error) {
	validToken, err := r.auth.Codes.VerifySMS(ctx, auth.VerifySMSParams{Phone: input.Phone, Code: input.Code})
	if err != nil {
		return nil, err
	}
	return &model.VerifySmsCodePayload{ValidToken: validToken}, nil
}

func (r *mutationResolver) SignUp(ctx context.Context, input model.SignUpInput) (*model.SignUpPayload, error) {
	signedIn, err := r.accounts.SignUps.ByEmail(ctx, account.SignUpParams{
		ValidToken: input.ValidToken,
		Email:      input.Email,
		Password:   input.Password,
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
	return &model.SignUpPayload{User: signedIn.User, Tokens: newTokens(signedIn.Tokens)}, nil
}

func (r *mutationResolver) SignIn(ctx context.Context, input model.SignInInput) (*model.SignInPayload, error) {
	signedIn, err := r.auth.SignIn(ctx, auth.SignInParams{Email: input.Email, Password: input.Password})
	if err != nil {
		return nil, err
	}
	return &model.SignInPayload{User: signedIn.User, Tokens: newTokens(signedIn.Tokens)}, nil
}

func (r *mutationResolver) RefreshToken(ctx context.Context, input model.RefreshTokenInput) (*model.RefreshTokenPayload, error) {
	fresh, err := r.auth.Sessions.Refresh(ctx, input.RefreshToken)
	if err != nil {
		return nil, err
	}
	return &model.RefreshTokenPayload{Tokens: newTokens(fresh)}, nil
}

func (r *mutationResolver) SignOut(ctx context.Context) (*model.SignOutPayload, error) {
	if err := r.auth.Sessions.SignOut(ctx, currentViewer(ctx)); err != nil {
		return nil, err
	}
	return &model.SignOutPayload{Ok: true}, nil
}

func (r *mutationResolver) UpdateUser(ctx context.Context, input model.UpdateUserInput) (*model.UpdateUserPayload, error) {
	changed, err := r.accounts.Profiles.Update(ctx, currentViewer(ctx), account.UpdateUserParams{
		FirstName: input.FirstName.Value(),
		LastName:  input.LastName.Value(),
		Birthdate: input.Birthdate.Value(),
		Gender:    input.Gender.Value(),
		Email:     input.Email.Value(),
	})
	if err != nil {
		return nil, err
	}
	return &model.UpdateUserPayload{User: changed}, nil
}

func (r *mutationResolver) ChangePhone(ctx context.Context, input model.ChangePhoneInput) (*model.ChangePhonePayload, error) {
	changed, err := r.accounts.Profiles.ChangePhone(ctx, currentViewer(ctx), account.ChangePhoneParams{Phone: input.Phone, Code: input.Validnum})
	if err != nil {
		return nil, err
	}
	return &model.ChangePhonePayload{User: changed}, nil
}

func (r *mutationResolver) UpdateNotificationSettings(ctx context.Context, input model.UpdateNotificationSettingsInput) (*model.UpdateNotificationSettingsPayload, error) {
	changed, err := r.accounts.Profiles.UpdateNotifications(ctx, currentViewer(ctx), account.NotificationSettings{
		IsDeviceMuted:             input.IsDeviceMuted.Value(),
		IsDeviceAlimTalkEnabled:   input.IsDeviceAlimTalkEnabled.Value(),
		IsBasestationAlertEnabled: input.IsBasestationAlertEnabled.Value(),
	})
	if err != nil {
		return nil, err
	}
	return &model.UpdateNotificationSettingsPayload{User: changed}, nil
}

func (r *mutationResolver) DeleteAccount(ctx context.Context) (*model.DeleteAccountPayload, error) {
	if err := r.accounts.Delete(ctx, currentViewer(ctx), account.DeleteAccountParams{}); err != nil {
		return nil, err
	}
	return &model.DeleteAccountPayload{Ok: true}, nil
}

// Me costs no statement: authentication has read the row already.
func (r *queryResolver) Me(ctx context.Context) (*ent.User, error) {
	return currentViewer(ctx).User, nil
}

func (r *userResolver) IsPhoneNumberChecked(ctx context.Context, obj *ent.User) (bool, error) {
	return account.IsPhoneNumberChecked(obj), nil
}

func (r *userResolver) NeedsPersonalInfoUpdate(ctx context.Context, obj *ent.User) (bool, error) {
	return account.NeedsPersonalInfoUpdate(obj), nil
}

func (r *userResolver) NeedsPasswordChange(ctx context.Context, obj *ent.User) (bool, error) {
	return r.accounts.Profiles.NeedsPasswordChange(obj), nil
}

// LocalID and Facebook are in the table of identities, which is read only if a query
// asks for one of them.
func (r *userResolver) LocalID(ctx context.Context, obj *ent.User) (*string, error) {
	names, err := r.signInNames(ctx, obj)
	return names.LocalID, err
}

// NotificationSettings are columns of the account, so the type is bound to the same row.
func (r *userResolver) NotificationSettings(ctx context.Context, obj *ent.User) (*ent.User, error) {
	return obj, nil
}

func (r *userResolver) Policy(ctx context.Context, obj *ent.User) (*ent.Consent, error) {
	return r.policy(ctx, obj)
}

func (r *userResolver) Facebook(ctx context.Context, obj *ent.User) (*model.FacebookLink, error) {
	names, err := r.signInNames(ctx, obj)
	if err != nil {
		return nil, err
	}
	return &model.FacebookLink{Attached: names.Facebook.Attached, Name: names.Facebook.Name}, nil
}

func (r *userResolver) PushDevices(ctx context.Context, obj *ent.User) ([]*ent.PushDevice, error) {
	return r.pushDevices(ctx, obj)
}

func (r *userResolver) ChildUsers(ctx context.Context, obj *ent.User) ([]*ent.ChildUser, error) {
	return r.family(ctx, obj)
}

func (r *Resolver) User() generated.UserResolver { return &userResolver{r} }

type userResolver struct{ *Resolver }
