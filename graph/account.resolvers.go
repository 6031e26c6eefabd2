package graph

import (
	"context"
	"fmt"

	"luxbff/ent"
	"luxbff/graph/generated"
	"luxbff/graph/model"
)

func (r *mutationResolver) SendSmsCode(ctx context.Context, input model.SendSmsCodeInput) (*model.SendSmsCodePayload, error) {
	panic(fmt.Errorf("not implemented: SendSmsCode - sendSmsCode"))
}

func (r *mutationResolver) VerifySmsCode(ctx context.Context, input model.VerifySmsCodeInput) (*model.VerifySmsCodePayload, error) {
	panic(fmt.Errorf("not implemented: VerifySmsCode - verifySmsCode"))
}

func (r *mutationResolver) SignUp(ctx context.Context, input model.SignUpInput) (*model.SignUpPayload, error) {
	panic(fmt.Errorf("not implemented: SignUp - signUp"))
}

func (r *mutationResolver) SignIn(ctx context.Context, input model.SignInInput) (*model.SignInPayload, error) {
	panic(fmt.Errorf("not implemented: SignIn - signIn"))
}

func (r *mutationResolver) RefreshToken(ctx context.Context, input model.RefreshTokenInput) (*model.RefreshTokenPayload, error) {
	panic(fmt.Errorf("not implemented: RefreshToken - refreshToken"))
}

func (r *mutationResolver) SignOut(ctx context.Context) (*model.SignOutPayload, error) {
	panic(fmt.Errorf("not implemented: SignOut - signOut"))
}

func (r *queryResolver) Me(ctx context.Context) (*ent.User, error) {
	panic(fmt.Errorf("not implemented: Me - me"))
}

func (r *userResolver) IsPhoneNumberChecked(ctx context.Context, obj *ent.User) (bool, error) {
	panic(fmt.Errorf("not implemented: IsPhoneNumberChecked - isPhoneNumberChecked"))
}

func (r *userResolver) NeedsPersonalInfoUpdate(ctx context.Context, obj *ent.User) (bool, error) {
	panic(fmt.Errorf("not implemented: NeedsPersonalInfoUpdate - needsPersonalInfoUpdate"))
}

func (r *userResolver) NeedsPasswordChange(ctx context.Context, obj *ent.User) (bool, error) {
	panic(fmt.Errorf("not implemented: NeedsPasswordChange - needsPasswordChange"))
}

func (r *userResolver) LocalID(ctx context.Context, obj *ent.User) (*string, error) {
	panic(fmt.Errorf("not implemented: LocalID - localId"))
}

func (r *userResolver) NotificationSettings(ctx context.Context, obj *ent.User) (*ent.User, error) {
	panic(fmt.Errorf("not implemented: NotificationSettings - notificationSettings"))
}

func (r *userResolver) Policy(ctx context.Context, obj *ent.User) (*ent.Consent, error) {
	panic(fmt.Errorf("not implemented: Policy - policy"))
}

func (r *userResolver) Facebook(ctx context.Context, obj *ent.User) (*model.FacebookLink, error) {
	panic(fmt.Errorf("not implemented: Facebook - facebook"))
}

func (r *userResolver) PushDevices(ctx context.Context, obj *ent.User) ([]*ent.PushDevice, error) {
	panic(fmt.Errorf("not implemented: PushDevices - pushDevices"))
}

func (r *userResolver) ChildUsers(ctx context.Context, obj *ent.User) ([]*ent.ChildUser, error) {
	panic(fmt.Errorf("not implemented: ChildUsers - childUsers"))
}

func (r *Resolver) User() generated.UserResolver { return &userResolver{r} }

type userResolver struct{ *Resolver }
