package rest

import (
	"context"
	"net/http"

	"luxbff/ent"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/viewer"
)

// luxDeviceRoutes are the routes of the LUX device page.
func luxDeviceRoutes() []Route {
	return []Route{
		signedIn(Route{
			Method: http.MethodGet, Path: "/device/child-device", Operation: "childUser",
			Summary:     "The device of a child",
			Description: "The device, and how far its logs are stored: last_log_file_id.",
			Errors:      []apperr.Kind{apperr.NotAuthorizedUser, apperr.DeviceNotFound},
		}, childDevice),
		signedIn(getAllDeviceRoute(), getAllDevice),
		signedIn(Route{
			Method: http.MethodPost, Path: "/device/set-my-device", Operation: "registerDevice",
			Summary: "Register a device to a child",
			Description: "Registered again to the same child it changes its unique_id alone. A child that comes back to its " +
				"device goes on where its logs stood, another child starts at 0.",
			Errors: []apperr.Kind{
				apperr.SerialCodeNotValid, apperr.NotAuthorizedUser, apperr.NotFoundUser, apperr.NotFoundDevice,
				apperr.AlreadyConnectedDevice,
			},
		}, setMyDevice),
		signedIn(Route{
			Method: http.MethodPatch, Path: "/device/un-connect", Operation: "unregisterDevice",
			Summary:     "Free the device of a child",
			Description: "The device keeps its unique_id.",
			Errors:      []apperr.Kind{apperr.NotAuthorizedUser, apperr.NotFoundUser, apperr.NotFoundDevice},
		}, unConnect),
		signedIn(Route{
			Method: http.MethodGet, Path: "/device/check-device", Operation: "checkDevice",
			Summary:     "May I connect this device?",
			Description: "Connection Confirmed: a child of the account has it. Device Registerable: nobody has it.",
			Errors:      []apperr.Kind{apperr.NotFoundDevice, apperr.AlreadyConnectedDevice},
		}, checkDevice),
		signedIn(Route{
			Method: http.MethodPatch, Path: "/device/update-alias", Operation: "updateDeviceAlias",
			Summary:     "Rename a device",
			Description: "At most 100 characters; may be empty.",
			Errors:      []apperr.Kind{apperr.NotAuthorizedUser, apperr.NotFoundUser, apperr.NotFoundDevice, apperr.NotConnectedDevice},
		}, updateAlias),
		signedIn(Route{
			Method: http.MethodPost, Path: "/device/devlog", Operation: "uploadDevlogs",
			Summary: "Upload usage logs",
			Description: "All are stored or none is, in the order of the array. Sending a log again is safe and changes " +
				"nothing. Without a finish_flag the use still runs: such a temporary log is stored 30 seconds " +
				"earlier than sent, and the first log with a finish_flag completes it.",
			Errors: []apperr.Kind{
				apperr.NotAuthorizedUser, apperr.NotFoundDevice, apperr.NotFoundUser, apperr.NotConnectedDevice,
				apperr.UpdateDeviceLogFailed, apperr.CreateDeviceLogFailed,
			},
		}, uploadDevlogs),
		signedIn(Route{
			Method: http.MethodPost, Path: "/device/alimtalk", Operation: "sendImpedanceAlert",
			Summary:     "Tell of poor electrode contact",
			Description: "Sends a KakaoTalk message to the phone of the account.",
			Errors:      []apperr.Kind{apperr.PhoneNotFound, apperr.AlimtalkSendFailed},
		}, alimtalk),
	}
}

// luxDeviceResponse is a device as the LUX device page has it.
type luxDeviceResponse struct {
	ID            int     `json:"id"`
	RealUserID    int     `json:"real_user_id"`
	ProjectID     int     `json:"project_id"`
	HardwareID    int     `json:"hardware_id"`
	NowFirmwareID int     `json:"now_firmware_id"`
	UniqueID      string  `json:"unique_id"`
	SerialCode    string  `json:"serial_code"`
	DeviceAlias   string  `json:"device_alias"`
	MacID         string  `json:"mac_id"`
	CreatedAt     instant `json:"created_at"`
	LastLogFileID int     `json:"last_log_file_id"`
}

// newLuxDeviceResponse gives a free device the child 0, since the page has no null.
func newLuxDeviceResponse(d *ent.Device) luxDeviceResponse {
	return luxDeviceResponse{
		ID:            d.ID,
		RealUserID:    orZero(d.ChildUserID),
		ProjectID:     d.ProjectID,
		HardwareID:    d.HardwareID,
		NowFirmwareID: d.NowFirmwareID,
		UniqueID:      orZero(d.UniqueID),
		SerialCode:    d.SerialCode,
		DeviceAlias:   d.DeviceAlias,
		MacID:         lastFourOfMAC(d.MACID),
		CreatedAt:     instant(d.CreatedAt),
		LastLogFileID: d.LastLogFileID,
	}
}

type childDeviceRequest struct {
	RealUserID int `query:"real_user_id"`
}

func childDevice(ctx context.Context, a *API, v viewer.Viewer, in childDeviceRequest) (luxDeviceResponse, error) {
	d, err := a.Children.Device(ctx, v, in.RealUserID)
	if err != nil {
		return luxDeviceResponse{}, err
	}
	return newLuxDeviceResponse(d), nil
}

func getAllDevice(ctx context.Context, a *API, v viewer.Viewer, _ nothing) ([]familyMemberResponse, error) {
	return listFamily(ctx, a, v, lastFourOfMAC)
}

type setMyDeviceRequest struct {
	SerialCode string `query:"serial_code"`
	MacID      string `query:"mac_id"`
	UniqueID   string `query:"unique_id"`
	RealUserID int    `query:"real_user_id"`
}

// connectedResponse spells its status in lower case, as the page of set-my-device
// does and no other.
type connectedResponse struct {
	StatusCode int    `json:"statuscode"`
	Message    string `json:"message"`
}

func setMyDevice(ctx context.Context, a *API, v viewer.Viewer, in setMyDeviceRequest) (connectedResponse, error) {
	_, err := a.Children.RegisterDevice(ctx, v, in.RealUserID, child.DeviceParams{
		SerialCode: in.SerialCode, MacID: in.MacID, UniqueID: &in.UniqueID,
	})
	return connectedResponse{http.StatusOK, "device connected"}, err
}

type unConnectRequest struct {
	UniqueID   string `query:"unique_id"`
	RealUserID int    `query:"real_user_id"`
}

func unConnect(ctx context.Context, a *API, v viewer.Viewer, in unConnectRequest) (doneResponse, error) {
	_, err := a.Children.UnregisterDevice(ctx, v, in.RealUserID, in.UniqueID)
	return doneResponse{http.StatusOK, "device unconnected"}, err
}

type checkDeviceRequest struct {
	UniqueID string `query:"unique_id"`
}

type deviceCheckResponse struct {
	Detail     string            `json:"detail"`
	DeviceData luxDeviceResponse `json:"device_data"`
}

func checkDevice(ctx context.Context, a *API, v viewer.Viewer, in checkDeviceRequest) (deviceCheckResponse, error) {
	status, found, err := a.Children.CheckDevice(ctx, v, in.UniqueID)
	if err != nil {
		return deviceCheckResponse{}, err
	}
	detail := "Device Registerable"
	if status == child.ConnectionConfirmed {
		detail = "Connection Confirmed"
	}
	return deviceCheckResponse{detail, newLuxDeviceResponse(found)}, nil
}

type updateAliasRequest struct {
	DeviceID    int    `json:"device_id"`
	RealUserID  int    `json:"real_user_id"`
	DeviceAlias string `json:"device_alias"`
}

func updateAlias(ctx context.Context, a *API, v viewer.Viewer, in updateAliasRequest) (luxDeviceResponse, error) {
	renamed, err := a.Children.UpdateDeviceAlias(ctx, v, in.RealUserID, in.DeviceID, in.DeviceAlias)
	if err != nil {
		return luxDeviceResponse{}, err
	}
	return newLuxDeviceResponse(renamed), nil
}

// alimtalk answers null, as the page has it.
func alimtalk(ctx context.Context, a *API, v viewer.Viewer, _ nothing) (any, error) {
	return nil, a.Accounts.SendImpedanceAlert(ctx, v)
}

// devlogRequest is an upload. The domain bounds the number of records and stores all of
// them or none.
type devlogRequest struct {
	LogArrays []devlogRecord `json:"log_arrays"`
}

type devlogRecord struct {
	RealUserID int          `json:"real_user_id"`
	DeviceID   int          `json:"device_id"`
	UniqueID   string       `json:"unique_id"`
	DetailData devlogDetail `json:"detail_data"`
	LogFileID  *int         `json:"log_file_id"`
}

type devlogDetail struct {
	TreatmentDate wallClock         `json:"treatment_date"`
	FinishFlag    *vocab.FinishFlag `json:"finish_flag"`
	LastIntensity int               `json:"last_intensity"`
	TreatmentTime int               `json:"treatment_time"`
}

func uploadDevlogs(ctx context.Context, a *API, v viewer.Viewer, in devlogRequest) (doneResponse, error) {
	records := make([]devlog.Record, len(in.LogArrays))
	for i, r := range in.LogArrays {
		records[i] = devlog.Record{
			ChildUserID:     r.RealUserID,
			DeviceID:        r.DeviceID,
			UniqueID:        r.UniqueID,
			TreatmentDate:   r.DetailData.TreatmentDate.Clock,
			TreatmentOffset: r.DetailData.TreatmentDate.Offset,
			FinishFlag:      r.DetailData.FinishFlag,
			LastIntensity:   r.DetailData.LastIntensity,
			TreatmentTime:   r.DetailData.TreatmentTime,
			LogFileID:       r.LogFileID,
		}
	}
	stored, err := a.Devlogs.Upload(ctx, v, records)
	if err != nil {
		return doneResponse{}, err
	}
	if stored.AllTemporary {
		return doneResponse{http.StatusOK, "Temp devlog saved successfully"}, nil
	}
	return doneResponse{http.StatusOK, "Devlog saved successfully"}, nil
}
