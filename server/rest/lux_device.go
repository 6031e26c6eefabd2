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
		signedIn(http.MethodGet, "/device/child-device", "childUser", childDevice,
			apperr.NotAuthorizedUser, apperr.DeviceNotFound),
		signedIn(http.MethodGet, "/device/get-all-device", "childUsers", getAllDevice, apperr.UserIsNone),
		signedIn(http.MethodPost, "/device/set-my-device", "registerDevice", setMyDevice,
			apperr.SerialCodeNotValid, apperr.NotAuthorizedUser, apperr.NotFoundUser, apperr.NotFoundDevice,
			apperr.AlreadyConnectedDevice),
		signedIn(http.MethodPatch, "/device/un-connect", "unregisterDevice", unConnect,
			apperr.NotAuthorizedUser, apperr.NotFoundUser, apperr.NotFoundDevice),
		signedIn(http.MethodGet, "/device/check-device", "checkDevice", checkDevice,
			apperr.NotFoundDevice, apperr.AlreadyConnectedDevice),
		signedIn(http.MethodPatch, "/device/update-alias", "updateDeviceAlias", updateAlias,
			apperr.NotAuthorizedUser, apperr.NotFoundUser, apperr.NotFoundDevice, apperr.NotConnectedDevice),
		signedIn(http.MethodPost, "/device/devlog", "uploadDevlogs", uploadDevlogs,
			apperr.NotAuthorizedUser, apperr.NotFoundDevice, apperr.NotFoundUser, apperr.NotConnectedDevice,
			apperr.UpdateDeviceLogFailed, apperr.CreateDeviceLogFailed),
		signedIn(http.MethodPost, "/device/alimtalk", "sendImpedanceAlert", alimtalk,
			apperr.PhoneNotFound, apperr.AlimtalkSendFailed),
	}
}

// luxDevice is a device as the LUX device page shows it.
type luxDevice struct {
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

// showLuxDevice shows a free device with child 0.
func showLuxDevice(d *ent.Device) luxDevice {
	return luxDevice{
		ID:            d.ID,
		RealUserID:    orZero(d.ChildUserID),
		ProjectID:     d.ProjectID,
		HardwareID:    d.HardwareID,
		NowFirmwareID: d.NowFirmwareID,
		UniqueID:      orZero(d.UniqueID),
		SerialCode:    d.SerialCode,
		DeviceAlias:   d.DeviceAlias,
		MacID:         lastFour(d.MACID),
		CreatedAt:     instant(d.CreatedAt),
		LastLogFileID: d.LastLogFileID,
	}
}

// familyMember is one entry of get-all-device: a device and the child that has it.
type familyMember struct {
	ID              int     `json:"id"`
	RealUserID      int     `json:"real_user_id"`
	ProjectID       int     `json:"project_id"`
	HardwareID      int     `json:"hardware_id"`
	NowFirmwareID   int     `json:"now_firmware_id"`
	FirmwareVersion string  `json:"firmware_version"`
	UniqueID        string  `json:"unique_id"`
	SerialCode      string  `json:"serial_code"`
	DeviceAlias     string  `json:"device_alias"`
	MacID           string  `json:"mac_id"`
	CreatedAt       instant `json:"created_at"`
	LastLogFileID   int     `json:"last_log_file_id"`
	RootUserID      int     `json:"root_user_id"`
	FirstName       string  `json:"first_name"`
	LastName        string  `json:"last_name"`
	Birthdate       date    `json:"birthdate"`
	Gender          string  `json:"gender"`
}

func showFamilyMember(c *ent.ChildUser, mac func(string) string) familyMember {
	d := c.Edges.Device
	return familyMember{
		ID:              d.ID,
		RealUserID:      c.ID,
		ProjectID:       d.ProjectID,
		HardwareID:      d.HardwareID,
		NowFirmwareID:   d.NowFirmwareID,
		FirmwareVersion: d.FirmwareVersion,
		UniqueID:        orZero(d.UniqueID),
		SerialCode:      d.SerialCode,
		DeviceAlias:     d.DeviceAlias,
		MacID:           mac(d.MACID),
		CreatedAt:       instant(d.CreatedAt),
		LastLogFileID:   d.LastLogFileID,
		RootUserID:      c.RootUserID,
		FirstName:       c.FirstName,
		LastName:        c.LastName,
		Birthdate:       date{c.Birthdate},
		Gender:          string(c.Gender),
	}
}

type childDeviceIn struct {
	RealUserID int `query:"real_user_id"`
}

func childDevice(ctx context.Context, e *API, v viewer.Viewer, in childDeviceIn) (luxDevice, error) {
	d, err := e.Children.Device(ctx, v, in.RealUserID)
	if err != nil {
		return luxDevice{}, err
	}
	return showLuxDevice(d), nil
}

func getAllDevice(ctx context.Context, e *API, v viewer.Viewer, _ nothing) ([]familyMember, error) {
	return family(ctx, e, v, lastFour)
}

// family lists the children that have a device.
func family(ctx context.Context, e *API, v viewer.Viewer, mac func(string) string) ([]familyMember, error) {
	children, err := e.Children.List(ctx, v)
	if err != nil {
		return nil, err
	}
	members := []familyMember{}
	for _, c := range children {
		if c.Edges.Device != nil {
			members = append(members, showFamilyMember(c, mac))
		}
	}
	return members, nil
}

type setMyDeviceIn struct {
	SerialCode string `query:"serial_code"`
	MacID      string `query:"mac_id"`
	UniqueID   string `query:"unique_id"`
	RealUserID int    `query:"real_user_id"`
}

// connected is the answer of set-my-device, whose page spells its status in
// lower case, unlike all others.
type connected struct {
	StatusCode int    `json:"statuscode"`
	Message    string `json:"message"`
}

func setMyDevice(ctx context.Context, e *API, v viewer.Viewer, in setMyDeviceIn) (connected, error) {
	_, err := e.Children.RegisterDevice(ctx, v, in.RealUserID, child.DeviceParams{
		SerialCode: in.SerialCode, MacID: in.MacID, UniqueID: &in.UniqueID,
	})
	return connected{http.StatusOK, "device connected"}, err
}

type unConnectIn struct {
	UniqueID   string `query:"unique_id"`
	RealUserID int    `query:"real_user_id"`
}

func unConnect(ctx context.Context, e *API, v viewer.Viewer, in unConnectIn) (done, error) {
	_, err := e.Children.UnregisterDevice(ctx, v, in.RealUserID, in.UniqueID)
	return done{http.StatusOK, "device unconnected"}, err
}

type checkDeviceIn struct {
	UniqueID string `query:"unique_id"`
}

type deviceCheck struct {
	Detail     string    `json:"detail"`
	DeviceData luxDevice `json:"device_data"`
}

func checkDevice(ctx context.Context, e *API, v viewer.Viewer, in checkDeviceIn) (deviceCheck, error) {
	status, found, err := e.Children.CheckDevice(ctx, v, in.UniqueID)
	if err != nil {
		return deviceCheck{}, err
	}
	detail := "Device Registerable"
	if status == child.ConnectionConfirmed {
		detail = "Connection Confirmed"
	}
	return deviceCheck{detail, showLuxDevice(found)}, nil
}

type updateAliasIn struct {
	DeviceID    int    `json:"device_id"`
	RealUserID  int    `json:"real_user_id"`
	DeviceAlias string `json:"device_alias"`
}

func updateAlias(ctx context.Context, e *API, v viewer.Viewer, in updateAliasIn) (luxDevice, error) {
	renamed, err := e.Children.UpdateDeviceAlias(ctx, v, in.RealUserID, in.DeviceID, in.DeviceAlias)
	if err != nil {
		return luxDevice{}, err
	}
	return showLuxDevice(renamed), nil
}

func alimtalk(ctx context.Context, e *API, v viewer.Viewer, _ nothing) (any, error) {
	return nil, e.Accounts.SendImpedanceAlert(ctx, v)
}

type devlogIn struct {
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

func uploadDevlogs(ctx context.Context, e *API, v viewer.Viewer, in devlogIn) (done, error) {
	records := make([]devlog.Record, len(in.LogArrays))
	for i, r := range in.LogArrays {
		records[i] = devlog.Record{
			ChildUserID:   r.RealUserID,
			DeviceID:      r.DeviceID,
			UniqueID:      r.UniqueID,
			TreatmentDate: r.DetailData.TreatmentDate.LocalDateTime,
			FinishFlag:    r.DetailData.FinishFlag,
			LastIntensity: r.DetailData.LastIntensity,
			TreatmentTime: r.DetailData.TreatmentTime,
			LogFileID:     r.LogFileID,
		}
	}
	stored, err := e.Devlogs.Upload(ctx, v, records)
	if err != nil {
		return done{}, err
	}
	if stored.AllTemporary {
		return done{http.StatusOK, "Temp devlog saved successfully"}, nil
	}
	return done{http.StatusOK, "Devlog saved successfully"}, nil
}
