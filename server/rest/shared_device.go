package rest

import (
	"context"
	"net/http"

	"luxbff/ent"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/viewer"
)

// devicePage is the device page of LUX or of Addnox. They have these routes in common
// and differ in how much of a MAC they show.
type devicePage struct {
	mac func(whole string) string
}

func (p devicePage) routes() []Route {
	return []Route{
		signedIn(Route{
			Method: http.MethodGet, Path: "/device/child-device", Operation: "childUser",
			Summary:     "The device of a child",
			Description: "The device, and how far its logs are stored: last_log_file_id.",
			Errors:      []apperr.Kind{apperr.NotAuthorizedUser, apperr.DeviceNotFound},
		}, p.childDevice),
		signedIn(Route{
			Method: http.MethodGet, Path: "/device/get-all-device", Operation: "childUsers",
			Summary: "All children that have a device",
			Description: "One entry a child; a child without a device is left out. Addnox shows the whole MAC, LUX its last " +
				"four hex digits.",
			Errors: []apperr.Kind{apperr.UserIsNone},
		}, p.getAllDevice),
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
		}, p.checkDevice),
		signedIn(Route{
			Method: http.MethodPatch, Path: "/device/update-alias", Operation: "updateDeviceAlias",
			Summary:     "Rename a device",
			Description: "At most 100 characters, one of them visible; may be empty.",
			Errors:      []apperr.Kind{apperr.NotAuthorizedUser, apperr.NotFoundUser, apperr.NotFoundDevice, apperr.NotConnectedDevice},
		}, p.updateAlias),
	}
}

// familyMemberResponse is an entry of get-all-device: a device and the child that has
// it.
type familyMemberResponse struct {
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

func (p devicePage) familyMember(c *ent.ChildUser) familyMemberResponse {
	d := c.Edges.Device
	return familyMemberResponse{
		ID:              d.ID,
		RealUserID:      c.ID,
		ProjectID:       d.ProjectID,
		HardwareID:      d.HardwareID,
		NowFirmwareID:   d.NowFirmwareID,
		FirmwareVersion: d.FirmwareVersion,
		UniqueID:        orZero(d.UniqueID),
		SerialCode:      d.SerialCode,
		DeviceAlias:     d.DeviceAlias,
		MacID:           p.mac(d.MACID),
		CreatedAt:       instant(d.CreatedAt),
		LastLogFileID:   d.LastLogFileID,
		RootUserID:      c.RootUserID,
		FirstName:       c.FirstName,
		LastName:        c.LastName,
		Birthdate:       date{c.Birthdate},
		Gender:          string(c.Gender),
	}
}

func (p devicePage) getAllDevice(ctx context.Context, a *API, v viewer.Viewer, _ nothing) ([]familyMemberResponse, error) {
	children, err := a.Children.List(ctx, v)
	if err != nil {
		return nil, err
	}
	members := []familyMemberResponse{}
	for _, c := range children {
		if c.Edges.Device != nil {
			members = append(members, p.familyMember(c))
		}
	}
	return members, nil
}

// deviceResponse is a device; mac_id is as whole as the page shows it.
type deviceResponse struct {
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

// device gives a free device the child 0, since the pages have no null.
func (p devicePage) device(d *ent.Device) deviceResponse {
	return deviceResponse{
		ID:            d.ID,
		RealUserID:    orZero(d.ChildUserID),
		ProjectID:     d.ProjectID,
		HardwareID:    d.HardwareID,
		NowFirmwareID: d.NowFirmwareID,
		UniqueID:      orZero(d.UniqueID),
		SerialCode:    d.SerialCode,
		DeviceAlias:   d.DeviceAlias,
		MacID:         p.mac(d.MACID),
		CreatedAt:     instant(d.CreatedAt),
		LastLogFileID: d.LastLogFileID,
	}
}

type childDeviceRequest struct {
	RealUserID int `query:"real_user_id"`
}

func (p devicePage) childDevice(ctx context.Context, a *API, v viewer.Viewer, in childDeviceRequest) (deviceResponse, error) {
	d, err := a.Children.Device(ctx, v, in.RealUserID)
	if err != nil {
		return deviceResponse{}, err
	}
	return p.device(d), nil
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
	Detail     string         `json:"detail"`
	DeviceData deviceResponse `json:"device_data"`
}

func (p devicePage) checkDevice(ctx context.Context, a *API, v viewer.Viewer, in checkDeviceRequest) (deviceCheckResponse, error) {
	status, found, err := a.Children.CheckDevice(ctx, v, in.UniqueID)
	if err != nil {
		return deviceCheckResponse{}, err
	}
	detail := "Device Registerable"
	if status == child.ConnectionConfirmed {
		detail = "Connection Confirmed"
	}
	return deviceCheckResponse{detail, p.device(found)}, nil
}

type updateAliasRequest struct {
	DeviceID    int    `json:"device_id"`
	RealUserID  int    `json:"real_user_id"`
	DeviceAlias string `json:"device_alias"`
}

func (p devicePage) updateAlias(ctx context.Context, a *API, v viewer.Viewer, in updateAliasRequest) (deviceResponse, error) {
	renamed, err := a.Children.UpdateDeviceAlias(ctx, v, in.RealUserID, in.DeviceID, in.DeviceAlias)
	if err != nil {
		return deviceResponse{}, err
	}
	return p.device(renamed), nil
}
