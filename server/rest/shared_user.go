package rest

import (
	"context"
	"net/http"

	"luxbff/ent"
	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/viewer"
)

// sharedUserRoutes are the routes that the LUX and the Addnox user pages share.
func sharedUserRoutes() []Route {
	return []Route{
		signedIn(Route{
			Method: http.MethodPatch, Path: "/user/root-user", Operation: "updateUser",
			Summary:     "Change the account's own data",
			Description: "What is absent or null stays as it is.",
			Errors:      []apperr.Kind{apperr.UserIsNone, apperr.UserIsDeleted},
		}, updateUser),
		signedIn(Route{
			Method: http.MethodPost, Path: "/user/push/set-token", Operation: "setPushToken",
			Summary: "Set the push token",
			Description: "Needs consent to push. A token names one phone: it moves from the account that had it. Answers the " +
				"token, as a JSON string.",
			Errors: []apperr.Kind{apperr.PushPermissionDenied, apperr.PushTokenUpdateFailed},
		}, setPushToken),
		signedIn(Route{
			Method: http.MethodDelete, Path: "/user/root-user", Operation: "deleteAccount",
			Summary: "Delete the account",
			Description: "With its children and their usage logs, for good. Devices, e-mail, phone and links are free for a " +
				"new account, and every session ends.",
			Errors: []apperr.Kind{apperr.SignInTypeNotFound},
		}, deleteAccount),
		signedIn(Route{
			Method: http.MethodGet, Path: "/user/real-user/{id}", Operation: "childUser",
			Summary:     "One child",
			Description: "The child's own data.",
			Errors:      []apperr.Kind{apperr.NotAuthorizedUser, apperr.RealUserNotFound},
		}, realUser),
		signedIn(Route{
			Method: http.MethodPatch, Path: "/user/real-user/{id}", Operation: "updateChildUser",
			Summary:     "Change a child's data",
			Description: "What is absent or null stays. The id of the body must be that of the path.",
			Errors:      []apperr.Kind{apperr.NotAuthorizedUser, apperr.RealUserNotFound},
		}, updateRealUserByPath),
		signedIn(Route{
			Method: http.MethodPatch, Path: "/user/update-real-user", Operation: "updateChildUser",
			Summary:     "Change a child's data",
			Description: "What is absent or null stays.",
			Errors:      []apperr.Kind{apperr.NotAuthorizedUser, apperr.RealUserNotFound},
		}, updateRealUser),
		signedIn(Route{
			Method: http.MethodDelete, Path: "/user/delete-real-user", Operation: "deleteChildUser",
			Summary: "Delete a child",
			Description: "Removes its usage logs from every answer and frees its device, which must be named if there is one. Both parameters " +
				"may come in the query or in the body.",
			Errors: []apperr.Kind{apperr.NotAuthorizedUser, apperr.RealUserNotFound, apperr.RealUserDeleteFailed},
		}, deleteRealUser),
	}
}

// meRoute is on both pages; LUX has the settings of the device in the response.
func meRoute() Route {
	return Route{
		Method: http.MethodGet, Path: "/user/me", Operation: "me",
		Summary: "The signed-in account",
		Description: "Personal data, and what the app should ask the user to complete. On LUX with the notification " +
			"settings of the device.",
		Errors: []apperr.Kind{apperr.UserIsNone, apperr.UserIsDeleted},
	}
}

// policyRoute is on both pages; they differ in what consent to push needs.
func policyRoute() Route {
	return Route{
		Method: http.MethodPatch, Path: "/user/policy", Operation: "updatePolicy",
		Summary: "Change consent",
		Description: "To push notifications and to marketing; what is absent or null stays. Consent to push needs a push " +
			"token on LUX: one that was set before, or token here. Withdrawing consent keeps the token. Booleans " +
			"come as true and false or as 1 and 0, and go back in the kind in which they came.",
		Errors: []apperr.Kind{apperr.UserNotFound, apperr.UserPolicyNotFound, apperr.UserPolicyUpdateFailed},
	}
}

// createRealUserRoute is on both pages; they differ in unique_id and mac_id.
func createRealUserRoute() Route {
	return Route{
		Method: http.MethodPost, Path: "/user/create-real-user", Operation: "createChildUser",
		Summary:     "Create a child with its device",
		Description: "Both or neither. The device is named by the code printed on it and its MAC.",
		Errors: []apperr.Kind{
			apperr.RealUserCreateFailed, apperr.SerialCodeNotValid, apperr.NotAuthorizedUser,
			apperr.NotFoundDevice, apperr.AlreadyConnectedDevice,
		},
	}
}

// meResponse is the account as both pages have it.
type meResponse struct {
	RootUserID             int                `json:"root_user_id"`
	FirstName              *string            `json:"first_name"`
	LastName               *string            `json:"last_name"`
	Birthdate              *date              `json:"birthdate"`
	Gender                 *vocab.Gender      `json:"gender"`
	Phone                  *string            `json:"phone"`
	IsPhoneNumberChecked   bool               `json:"is_phone_number_checked"`
	RegisterType           vocab.RegisterType `json:"register_type"`
	NationalCode           *string            `json:"national_code"`
	NeedPersonalInfoUpdate bool               `json:"need_personal_info_update"`
	NeedToPwdChange        bool               `json:"need_to_pwd_change"`
}

func newMeResponse(a *API, u *ent.User) meResponse {
	return meResponse{
		RootUserID:             u.ID,
		FirstName:              u.FirstName,
		LastName:               u.LastName,
		Birthdate:              newDate(u.Birthdate),
		Gender:                 u.Gender,
		Phone:                  u.Phone,
		IsPhoneNumberChecked:   account.IsPhoneNumberChecked(u),
		RegisterType:           u.RegisterType,
		NationalCode:           u.NationalCode,
		NeedPersonalInfoUpdate: account.NeedsPersonalInfoUpdate(u),
		NeedToPwdChange:        a.Accounts.Profiles.NeedsPasswordChange(u),
	}
}

// personUpdateRequest is what a PATCH of an account or of a child can change.
type personUpdateRequest struct {
	FirstName *string       `json:"first_name"`
	LastName  *string       `json:"last_name"`
	Birthdate *date         `json:"birthdate"`
	Gender    *vocab.Gender `json:"gender"`
}

type rootUserResponse struct {
	ID                   int                `json:"id"`
	FirstName            *string            `json:"first_name"`
	LastName             *string            `json:"last_name"`
	Birthdate            *date              `json:"birthdate"`
	Gender               *vocab.Gender      `json:"gender"`
	Phone                *string            `json:"phone"`
	IsPhoneNumberChecked bool               `json:"is_phone_number_checked"`
	RegisterType         vocab.RegisterType `json:"register_type"`
}

func updateUser(ctx context.Context, a *API, v viewer.Viewer, in personUpdateRequest) (rootUserResponse, error) {
	u, err := a.Accounts.Profiles.Update(ctx, v, account.UpdateUserParams{
		FirstName: in.FirstName, LastName: in.LastName, Birthdate: in.Birthdate.orNil(), Gender: in.Gender,
	})
	if err != nil {
		return rootUserResponse{}, err
	}
	return rootUserResponse{
		ID:                   u.ID,
		FirstName:            u.FirstName,
		LastName:             u.LastName,
		Birthdate:            newDate(u.Birthdate),
		Gender:               u.Gender,
		Phone:                u.Phone,
		IsPhoneNumberChecked: account.IsPhoneNumberChecked(u),
		RegisterType:         u.RegisterType,
	}, nil
}

type policyRequest struct {
	IsPushAgree      *flag   `json:"is_push_agree"`
	IsMarketingAgree *flag   `json:"is_marketing_agree"`
	Token            *string `json:"token"`
}

// response answers each flag in the kind in which it came, and one that was not sent in
// the kind of the other.
func (in policyRequest) response(policy *ent.Consent) policyResponse {
	push, marketing := in.IsPushAgree, in.IsMarketingAgree
	if push == nil {
		push = marketing
	}
	if marketing == nil {
		marketing = push
	}
	return policyResponse{
		IsPushAgree:        push.like(policy.IsPushAgree),
		IsMarketingAgree:   marketing.like(policy.IsMarketingAgree),
		PushAgreeDate:      (*instant)(policy.PushAgreeDate),
		MarketingAgreeDate: (*instant)(policy.MarketingAgreeDate),
	}
}

type policyResponse struct {
	IsPushAgree        flag     `json:"is_push_agree"`
	IsMarketingAgree   flag     `json:"is_marketing_agree"`
	PushAgreeDate      *instant `json:"push_agree_date"`
	MarketingAgreeDate *instant `json:"marketing_agree_date"`
}

// updatePolicy makes the handler of a page. LUX refuses consent to push without a push
// token; the Addnox page has no error for it.
func updatePolicy(needsPushToken bool) func(context.Context, *API, viewer.Viewer, policyRequest) (policyResponse, error) {
	return func(ctx context.Context, a *API, v viewer.Viewer, in policyRequest) (policyResponse, error) {
		policy, err := a.Accounts.Consents.Update(ctx, v, account.UpdatePolicyParams{
			IsPushAgree: in.IsPushAgree.orNil(), IsMarketingAgree: in.IsMarketingAgree.orNil(),
			PushToken: in.Token, NeedsPushToken: needsPushToken,
		})
		if err != nil {
			return policyResponse{}, err
		}
		return in.response(policy), nil
	}
}

type pushTokenRequest struct {
	Token string `json:"token"`
}

// setPushToken answers with the token itself, as a JSON string.
func setPushToken(ctx context.Context, a *API, v viewer.Viewer, in pushTokenRequest) (string, error) {
	return in.Token, a.Accounts.Push.SetToken(ctx, v, account.SetPushTokenParams{Token: in.Token})
}

func deleteAccount(ctx context.Context, a *API, v viewer.Viewer, _ nothing) (doneResponse, error) {
	err := a.Accounts.Delete(ctx, v, account.DeleteAccountParams{NeedsSignInType: true})
	return doneResponse{http.StatusOK, "Root user deleted"}, err
}

// childFields are what both pages ask of a new child and its device.
type childFields struct {
	FirstName  string       `json:"first_name"`
	LastName   string       `json:"last_name"`
	Birthdate  date         `json:"birthdate"`
	Gender     vocab.Gender `json:"gender"`
	SerialCode string       `json:"serial_code"`
	MacID      string       `json:"mac_id"`
}

func (in childFields) params(uniqueID *string) child.CreateParams {
	return child.CreateParams{
		FirstName:    in.FirstName,
		LastName:     in.LastName,
		Birthdate:    in.Birthdate.Date,
		Gender:       in.Gender,
		DeviceParams: child.DeviceParams{SerialCode: in.SerialCode, MacID: in.MacID, UniqueID: uniqueID},
	}
}

// realUserResponse is a child; both pages call it a real user.
type realUserResponse struct {
	ID         int          `json:"id"`
	RootUserID int          `json:"root_user_id"`
	FirstName  string       `json:"first_name"`
	LastName   string       `json:"last_name"`
	Birthdate  date         `json:"birthdate"`
	Gender     vocab.Gender `json:"gender"`
}

func newRealUserResponse(c *ent.ChildUser) realUserResponse {
	return realUserResponse{
		ID:         c.ID,
		RootUserID: c.RootUserID,
		FirstName:  c.FirstName,
		LastName:   c.LastName,
		Birthdate:  date{c.Birthdate},
		Gender:     c.Gender,
	}
}

type realUserRequest struct {
	ID int `path:"id"`
}

func realUser(ctx context.Context, a *API, v viewer.Viewer, in realUserRequest) (realUserResponse, error) {
	found, err := a.Children.Get(ctx, v, in.ID)
	if err != nil {
		return realUserResponse{}, err
	}
	return newRealUserResponse(found), nil
}

type updateRealUserRequest struct {
	ID int `json:"id"`
	personUpdateRequest
}

func updateRealUser(ctx context.Context, a *API, v viewer.Viewer, in updateRealUserRequest) (realUserResponse, error) {
	changed, err := a.Children.Update(ctx, v, in.ID, child.UpdateParams{
		FirstName: in.FirstName, LastName: in.LastName, Birthdate: in.Birthdate.orNil(), Gender: in.Gender,
	})
	if err != nil {
		return realUserResponse{}, err
	}
	return newRealUserResponse(changed), nil
}

// updateRealUserByPathRequest has the id twice, as the page has it; they must be equal.
type updateRealUserByPathRequest struct {
	PathID int `path:"id"`
	updateRealUserRequest
}

var errTwoIDs = apperr.Text("the ids of path and body differ")

func updateRealUserByPath(
	ctx context.Context, a *API, v viewer.Viewer, in updateRealUserByPathRequest,
) (realUserResponse, error) {
	if in.PathID != in.ID {
		return realUserResponse{}, apperr.BadRequest.Wrap(errTwoIDs)
	}
	return updateRealUser(ctx, a, v, in.updateRealUserRequest)
}

// deleteRealUserRequest can come in the query or in the body: a rule of the contract
// allows both for this route alone.
type deleteRealUserRequest struct {
	RealUserID int `either:"real_user_id"`
	// UniqueID may be absent only where the child has no device.
	UniqueID *string `either:"unique_id"`
}

func deleteRealUser(ctx context.Context, a *API, v viewer.Viewer, in deleteRealUserRequest) (doneResponse, error) {
	err := a.Children.Delete(ctx, v, in.RealUserID, orZero(in.UniqueID))
	if in.UniqueID == nil && apperr.Is(err, apperr.RealUserDeleteFailed) {
		err = apperr.BadRequest.Wrap(errMissing)
	}
	return doneResponse{http.StatusOK, "Real user deleted successfully"}, err
}
