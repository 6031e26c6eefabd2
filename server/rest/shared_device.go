package rest

import (
	"context"
	"net/http"

	"luxbff/ent"
	"luxbff/internal/apperr"
	"luxbff/internal/viewer"
)

// getAllDeviceRoute is on both pages; they differ in how much of a MAC they show.
func getAllDeviceRoute() Route {
	return Route{
		Method: http.MethodGet, Path: "/device/get-all-device", Operation: "childUsers",
		Summary: "All children that have a device",
		Description: "One entry a child; a child without a device is left out. Addnox shows the whole MAC, LUX its last " +
			"four hex digits.",
		Errors: []apperr.Kind{apperr.UserIsNone},
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

func newFamilyMemberResponse(c *ent.ChildUser, mac func(string) string) familyMemberResponse {
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

// listFamily lists the children that have a device. The page's mac says how much of a
// MAC it shows.
func listFamily(ctx context.Context, a *API, v viewer.Viewer, mac func(string) string) ([]familyMemberResponse, error) {
	children, err := a.Children.List(ctx, v)
	if err != nil {
		return nil, err
	}
	members := []familyMemberResponse{}
	for _, c := range children {
		if c.Edges.Device != nil {
			members = append(members, newFamilyMemberResponse(c, mac))
		}
	}
	return members, nil
}
