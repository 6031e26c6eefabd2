package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"luxbff/ent"
	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/viewer"
)

// userRoutes are the routes that the LUX and the Addnox user pages share.
func userRoutes() []Route {
	return []Route{
		signedIn(http.MethodPatch, "/user/root-user", "updateUser", updateUser, apperr.UserIsNone, apperr.UserIsDeleted),
		signedIn(http.MethodPost, "/user/push/set-token", "setPushToken", setPushToken,
			apperr.PushPermissionDenied, apperr.PushTokenUpdateFailed),
		signedIn(http.MethodDelete, "/user/root-user", "deleteAccount", deleteAccount, apperr.SignInTypeNotFound),
		signedIn(http.MethodGet, "/user/real-user/{id}", "childUser", realUser,
			apperr.NotAuthorizedUser, apperr.RealUserNotFound),
		signedIn(http.MethodPatch, "/user/real-user/{id}", "updateChildUser", updateRealUserByPath,
			apperr.NotAuthorizedUser, apperr.RealUserNotFound),
		signedIn(http.MethodPatch, "/user/update-real-user", "updateChildUser", updateRealUser,
			apperr.NotAuthorizedUser, apperr.RealUserNotFound),
		signedIn(http.MethodDelete, "/user/delete-real-user", "deleteChildUser", deleteRealUser,
			apperr.NotAuthorizedUser, apperr.RealUserNotFound, apperr.RealUserDeleteFailed),
	}
}

// me is the account as both user pages show it.
type me struct {
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

func showMe(e *API, u *ent.User) me {
	return me{
		RootUserID:             u.ID,
		FirstName:              u.FirstName,
		LastName:               u.LastName,
		Birthdate:              compact(u.Birthdate),
		Gender:                 u.Gender,
		Phone:                  u.Phone,
		IsPhoneNumberChecked:   account.IsPhoneNumberChecked(u),
		RegisterType:           u.RegisterType,
		NationalCode:           u.NationalCode,
		NeedPersonalInfoUpdate: account.NeedsPersonalInfoUpdate(u),
		NeedToPwdChange:        e.Accounts.Profiles.NeedsPasswordChange(u),
	}
}

// personUpdate is what a PATCH of an account or a child may change.
type personUpdate struct {
	FirstName *string       `json:"first_name"`
	LastName  *string       `json:"last_name"`
	Birthdate *date         `json:"birthdate"`
	Gender    *vocab.Gender `json:"gender"`
}

type rootUserOut struct {
	ID                   int                `json:"id"`
	FirstName            *string            `json:"first_name"`
	LastName             *string            `json:"last_name"`
	Birthdate            *date              `json:"birthdate"`
	Gender               *vocab.Gender      `json:"gender"`
	Phone                *string            `json:"phone"`
	IsPhoneNumberChecked bool               `json:"is_phone_number_checked"`
	RegisterType         vocab.RegisterType `json:"register_type"`
}

func updateUser(ctx context.Context, e *API, v viewer.Viewer, in personUpdate) (rootUserOut, error) {
	u, err := e.Accounts.Profiles.Update(ctx, v, account.UpdateUserParams{
		FirstName: in.FirstName, LastName: in.LastName, Birthdate: in.Birthdate.orNil(), Gender: in.Gender,
	})
	if err != nil {
		return rootUserOut{}, err
	}
	return rootUserOut{
		ID:                   u.ID,
		FirstName:            u.FirstName,
		LastName:             u.LastName,
		Birthdate:            compact(u.Birthdate),
		Gender:               u.Gender,
		Phone:                u.Phone,
		IsPhoneNumberChecked: account.IsPhoneNumberChecked(u),
		RegisterType:         u.RegisterType,
	}, nil
}

type policyIn struct {
	IsPushAgree      *bool   `json:"is_push_agree"`
	IsMarketingAgree *bool   `json:"is_marketing_agree"`
	Token            *string `json:"token"`
}

type policyOut struct {
	IsPushAgree        bool     `json:"is_push_agree"`
	IsMarketingAgree   bool     `json:"is_marketing_agree"`
	PushAgreeDate      *instant `json:"push_agree_date"`
	MarketingAgreeDate *instant `json:"marketing_agree_date"`
}

// updatePolicy makes the policy route of a page. LUX refuses consent to push
// without a push token; the Addnox page has no such error.
func updatePolicy(needsPushToken bool) func(context.Context, *API, viewer.Viewer, policyIn) (policyOut, error) {
	return func(ctx context.Context, e *API, v viewer.Viewer, in policyIn) (policyOut, error) {
		policy, err := e.Accounts.Consents.Update(ctx, v, account.UpdatePolicyParams{
			IsPushAgree: in.IsPushAgree, IsMarketingAgree: in.IsMarketingAgree,
			PushToken: in.Token, NeedsPushToken: needsPushToken,
		})
		if err != nil {
			return policyOut{}, err
		}
		return policyOut{
			IsPushAgree:        policy.IsPushAgree,
			IsMarketingAgree:   policy.IsMarketingAgree,
			PushAgreeDate:      (*instant)(policy.PushAgreeDate),
			MarketingAgreeDate: (*instant)(policy.MarketingAgreeDate),
		}, nil
	}
}

type pushTokenIn struct {
	Token string `json:"token"`
}

// setPushToken answers the token, as a JSON string.
func setPushToken(ctx context.Context, e *API, v viewer.Viewer, in pushTokenIn) (string, error) {
	return in.Token, e.Accounts.Push.SetToken(ctx, v, account.SetPushTokenParams{Token: in.Token})
}

func deleteAccount(ctx context.Context, e *API, v viewer.Viewer, _ nothing) (done, error) {
	err := e.Accounts.Delete(ctx, v, account.DeleteAccountParams{NeedsSignInType: true})
	return done{http.StatusOK, "Root user deleted"}, err
}

// newChild is what both pages ask of a new child and its device.
type newChild struct {
	FirstName  string       `json:"first_name"`
	LastName   string       `json:"last_name"`
	Birthdate  date         `json:"birthdate"`
	Gender     vocab.Gender `json:"gender"`
	SerialCode string       `json:"serial_code"`
	MacID      string       `json:"mac_id"`
}

func (in newChild) params(uniqueID *string) child.CreateParams {
	return child.CreateParams{
		FirstName:    in.FirstName,
		LastName:     in.LastName,
		Birthdate:    in.Birthdate.Date,
		Gender:       in.Gender,
		DeviceParams: child.DeviceParams{SerialCode: in.SerialCode, MacID: in.MacID, UniqueID: uniqueID},
	}
}

// realUserOut is a child as both user pages show it.
type realUserOut struct {
	ID         int          `json:"id"`
	RootUserID int          `json:"root_user_id"`
	FirstName  string       `json:"first_name"`
	LastName   string       `json:"last_name"`
	Birthdate  date         `json:"birthdate"`
	Gender     vocab.Gender `json:"gender"`
}

func showRealUser(c *ent.ChildUser, err error) (realUserOut, error) {
	if err != nil {
		return realUserOut{}, err
	}
	return realUserOut{
		ID:         c.ID,
		RootUserID: c.RootUserID,
		FirstName:  c.FirstName,
		LastName:   c.LastName,
		Birthdate:  date{c.Birthdate},
		Gender:     c.Gender,
	}, nil
}

type realUserIn struct {
	ID int `path:"id"`
}

func realUser(ctx context.Context, e *API, v viewer.Viewer, in realUserIn) (realUserOut, error) {
	return showRealUser(e.Children.Get(ctx, v, in.ID))
}

type updateRealUserIn struct {
	ID int `json:"id"`
	personUpdate
}

func updateRealUser(ctx context.Context, e *API, v viewer.Viewer, in updateRealUserIn) (realUserOut, error) {
	return showRealUser(e.Children.Update(ctx, v, in.ID, child.UpdateParams{
		FirstName: in.FirstName, LastName: in.LastName, Birthdate: in.Birthdate.orNil(), Gender: in.Gender,
	}))
}

type updateRealUserByPathIn struct {
	PathID int `path:"id"`
	updateRealUserIn
}

var errTwoIDs = errors.New("the ids of path and body differ")

func updateRealUserByPath(
	ctx context.Context, e *API, v viewer.Viewer, in updateRealUserByPathIn,
) (realUserOut, error) {
	if in.PathID != in.ID {
		return realUserOut{}, apperr.BadRequest.Wrap(errTwoIDs)
	}
	return updateRealUser(ctx, e, v, in.updateRealUserIn)
}

type deleteRealUserIn struct {
	RealUserID int    `either:"real_user_id"`
	UniqueID   string `either:"unique_id"`
}

func deleteRealUser(ctx context.Context, e *API, v viewer.Viewer, in deleteRealUserIn) (done, error) {
	err := e.Children.Delete(ctx, v, in.RealUserID, in.UniqueID)
	return done{http.StatusOK, "Real user deleted successfully"}, err
}

// flag is a boolean that comes as true or false, or as 1 or 0, and goes back in
// the kind in which it came (rule 4 of the contract).
type flag struct {
	on, number bool
}

var errFlag = errors.New("not true, false, 1 or 0")

// UnmarshalJSON reads either kind.
func (f *flag) UnmarshalJSON(raw []byte) error {
	switch string(raw) {
	case "true", "false":
		*f = flag{on: string(raw) == "true"}
	case "1", "0":
		*f = flag{on: string(raw) == "1", number: true}
	default:
		return errFlag
	}
	return nil
}

// MarshalJSON writes the kind that came.
func (f flag) MarshalJSON() ([]byte, error) {
	switch {
	case !f.number:
		return json.Marshal(f.on)
	case f.on:
		return []byte("1"), nil
	}
	return []byte("0"), nil
}
