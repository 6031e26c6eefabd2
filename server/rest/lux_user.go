package rest

import (
	"context"
	"net/http"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/viewer"
)

// luxUserRoutes are the routes of the LUX user page that Addnox does not have, or has
// with differences.
func luxUserRoutes() []Route {
	return []Route{
		signedIn(meRoute(), luxMe),
		signedIn(policyRoute(), updatePolicy(true)),
		signedIn(createRealUserRoute(), luxCreateRealUser),
		signedIn(Route{
			Method: http.MethodPost, Path: "/user/change-phone", Operation: "changePhone",
			Summary:     "Change the phone number",
			Description: "Have a code sent to the new number with send-sms-auth first.",
			Errors:      []apperr.Kind{apperr.CodeExpired, apperr.CodeInvalid, apperr.UserPreviouslyDeleted, apperr.PhoneTaken},
		}, changePhone),
		signedIn(Route{
			Method: http.MethodPatch, Path: "/user/notification", Operation: "updateNotificationSettings",
			Summary:     "Change the notification settings",
			Description: "Booleans come as true and false or as 1 and 0, and go back in the kind in which they came.",
			Errors:      []apperr.Kind{apperr.UserNotFound, apperr.NotificationUpdateFailed},
		}, updateNotification),
	}
}

// luxMeResponse adds the settings of the device, which Addnox does not know.
type luxMeResponse struct {
	meResponse
	IsDeviceMuted             bool `json:"is_device_muted"`
	IsDeviceAlimTalkEnabled   bool `json:"is_device_alim_talk_enabled"`
	IsBasestationAlertEnabled bool `json:"is_basestation_alert_enabled"`
}

func luxMe(_ context.Context, a *API, v viewer.Viewer, _ nothing) (luxMeResponse, error) {
	return luxMeResponse{
		meResponse:                newMeResponse(a, v.User),
		IsDeviceMuted:             v.User.IsDeviceMuted,
		IsDeviceAlimTalkEnabled:   v.User.IsDeviceAlimTalkEnabled,
		IsBasestationAlertEnabled: v.User.IsBasestationAlertEnabled,
	}, nil
}

// luxCreateRealUserRequest must have the unique_id.
type luxCreateRealUserRequest struct {
	childFields
	UniqueID string `json:"unique_id"`
}

type luxCreateRealUserResponse struct {
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
	ctx context.Context, a *API, v viewer.Viewer, in luxCreateRealUserRequest,
) (luxCreateRealUserResponse, error) {
	made, err := a.Children.Create(ctx, v, in.params(&in.UniqueID))
	if err != nil {
		return luxCreateRealUserResponse{}, err
	}
	d := made.Edges.Device
	return luxCreateRealUserResponse{
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

func changePhone(ctx context.Context, a *API, v viewer.Viewer, in phoneCodeRequest) (doneResponse, error) {
	_, err := a.Accounts.Profiles.ChangePhone(ctx, v, account.ChangePhoneParams{Phone: in.Phone, Code: orZero(in.Validnum)})
	return doneResponse{http.StatusOK, "Root user phone updated"}, err
}

// notification is request and response alike.
type notification struct {
	IsDeviceMuted             flag `json:"is_device_muted"`
	IsDeviceAlimTalkEnabled   flag `json:"is_device_alim_talk_enabled"`
	IsBasestationAlertEnabled flag `json:"is_basestation_alert_enabled"`
}

func updateNotification(ctx context.Context, a *API, v viewer.Viewer, in notification) (notification, error) {
	_, err := a.Accounts.Profiles.UpdateNotifications(ctx, v, account.NotificationSettings{
		IsDeviceMuted:             &in.IsDeviceMuted.on,
		IsDeviceAlimTalkEnabled:   &in.IsDeviceAlimTalkEnabled.on,
		IsBasestationAlertEnabled: &in.IsBasestationAlertEnabled.on,
	})
	return in, err
}
