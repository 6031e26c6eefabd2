package rest

import (
	"context"
	"net/http"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/viewer"
)

// luxUserRoutes are the routes of the LUX user page that Addnox does not share.
func luxUserRoutes() []Route {
	return []Route{
		signedIn(http.MethodGet, "/user/me", "me", luxMe, apperr.UserIsNone, apperr.UserIsDeleted),
		signedIn(http.MethodPatch, "/user/policy", "updatePolicy", updatePolicy(true),
			apperr.UserNotFound, apperr.UserPolicyNotFound, apperr.UserPolicyUpdateFailed),
		signedIn(http.MethodPost, "/user/create-real-user", "createChildUser", luxCreateRealUser,
			apperr.RealUserCreateFailed, apperr.SerialCodeNotValid, apperr.NotAuthorizedUser, apperr.NotFoundDevice,
			apperr.AlreadyConnectedDevice),
		signedIn(http.MethodPost, "/user/change-phone", "changePhone", changePhone,
			apperr.CodeExpired, apperr.CodeInvalid, apperr.UserPreviouslyDeleted, apperr.PhoneTaken),
		signedIn(http.MethodPatch, "/user/notification", "updateNotificationSettings", updateNotification,
			apperr.UserNotFound, apperr.NotificationUpdateFailed),
	}
}

// luxMeOut has the device settings, which Addnox doesn't know.
type luxMeOut struct {
	me
	IsDeviceMuted             bool `json:"is_device_muted"`
	IsDeviceAlimTalkEnabled   bool `json:"is_device_alim_talk_enabled"`
	IsBasestationAlertEnabled bool `json:"is_basestation_alert_enabled"`
}

func luxMe(_ context.Context, e *API, v viewer.Viewer, _ nothing) (luxMeOut, error) {
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
	ctx context.Context, e *API, v viewer.Viewer, in luxCreateRealUserIn,
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

func changePhone(ctx context.Context, e *API, v viewer.Viewer, in phoneCodeIn) (done, error) {
	_, err := e.Accounts.Profiles.ChangePhone(ctx, v, account.ChangePhoneParams{Phone: in.Phone, Code: orZero(in.Validnum)})
	return done{http.StatusOK, "Root user phone updated"}, err
}

// notification goes in and comes back the same.
type notification struct {
	IsDeviceMuted             flag `json:"is_device_muted"`
	IsDeviceAlimTalkEnabled   flag `json:"is_device_alim_talk_enabled"`
	IsBasestationAlertEnabled flag `json:"is_basestation_alert_enabled"`
}

func updateNotification(ctx context.Context, e *API, v viewer.Viewer, in notification) (notification, error) {
	_, err := e.Accounts.Profiles.UpdateNotifications(ctx, v, account.NotificationSettings{
		IsDeviceMuted:             &in.IsDeviceMuted.on,
		IsDeviceAlimTalkEnabled:   &in.IsDeviceAlimTalkEnabled.on,
		IsBasestationAlertEnabled: &in.IsBasestationAlertEnabled.on,
	})
	return in, err
}
