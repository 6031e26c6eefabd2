package rest

import (
	"context"
	"net/http"

	"luxbff/ent"
	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/child"
	"luxbff/internal/fault"
	"luxbff/internal/viewer"
)

// luxUserRoutes are the routes of the LUX user page.
func luxUserRoutes() []Route {
	return []Route{
		signedIn(http.MethodGet, "/user/me", "me", luxMe, fault.UserIsNone, fault.UserIsDeleted),
		signedIn(http.MethodPost, "/user/create-real-user", "createChildUser", luxCreateRealUser,
			fault.RealUserCreateFailed, fault.SerialCodeNotValid, fault.NotAuthorizedUser, fault.NotFoundDevice,
			fault.AlreadyConnectedDevice),
		signedIn(http.MethodGet, "/user/real-user/{id}", "childUser", realUser,
			fault.NotAuthorizedUser, fault.RealUserNotFound),
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

func showMe(e *Edge, u *ent.User) me {
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
		NeedToPwdChange:        e.Accounts.NeedsPasswordChange(u),
	}
}

// luxMeOut has the device settings, which Addnox doesn't know.
type luxMeOut struct {
	me
	IsDeviceMuted             bool `json:"is_device_muted"`
	IsDeviceAlimTalkEnabled   bool `json:"is_device_alim_talk_enabled"`
	IsBasestationAlertEnabled bool `json:"is_basestation_alert_enabled"`
}

func luxMe(_ context.Context, e *Edge, v viewer.Viewer, _ nothing) (luxMeOut, error) {
	return luxMeOut{
		me:                        showMe(e, v.User),
		IsDeviceMuted:             v.User.IsDeviceMuted,
		IsDeviceAlimTalkEnabled:   v.User.IsDeviceAlimTalkEnabled,
		IsBasestationAlertEnabled: v.User.IsBasestationAlertEnabled,
	}, nil
}

type luxCreateRealUserIn struct {
	newChild
	UniqueID string `json:"unique_id"`
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

type luxCreateRealUserOut struct {
	RealUserID    int          `json:"real_user_id"`
	FirstName     string       `json:"first_name"`
	LastName      string       `json:"last_name"`
	Birthdate     date         `json:"birthdate"`
	Gender        vocab.Gender `json:"gender"`
	DeviceID      int          `json:"device_id"`
	NowFirmwareID int          `json:"now_firmware_id"`
	UniqueID      string       `json:"unique_id"`
	SerialCode    string       `json:"serial_code"`
	DeviceAlias   string       `json:"device_alias"`
	LastLogFileID int          `json:"last_log_file_id"`
	CreatedAt     instant      `json:"created_at"`
}

func luxCreateRealUser(
	ctx context.Context, e *Edge, v viewer.Viewer, in luxCreateRealUserIn,
) (luxCreateRealUserOut, error) {
	made, err := e.Children.Create(ctx, v, in.params(&in.UniqueID))
	if err != nil {
		return luxCreateRealUserOut{}, err
	}
	d := made.Edges.Device
	return luxCreateRealUserOut{
		RealUserID:    made.ID,
		FirstName:     made.FirstName,
		LastName:      made.LastName,
		Birthdate:     date{made.Birthdate},
		Gender:        made.Gender,
		DeviceID:      d.ID,
		NowFirmwareID: d.NowFirmwareID,
		UniqueID:      orZero(d.UniqueID),
		SerialCode:    d.SerialCode,
		DeviceAlias:   d.DeviceAlias,
		LastLogFileID: d.LastLogFileID,
		CreatedAt:     instant(made.CreatedAt),
	}, nil
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

func realUser(ctx context.Context, e *Edge, v viewer.Viewer, in realUserIn) (realUserOut, error) {
	return showRealUser(e.Children.Get(ctx, v, in.ID))
}
