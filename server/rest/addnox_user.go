package rest

import (
	"context"

	"luxbff/ent/vocab"
	"luxbff/internal/viewer"
)

// addnoxUserRoutes are the user routes that differ from those of LUX.
func addnoxUserRoutes() []Route {
	return []Route{
		signedIn(meRoute(), addnoxMe),
		signedIn(policyRoute(), updatePolicy(false)),
		signedIn(createRealUserRoute(), addnoxCreateRealUser),
	}
}

func addnoxMe(_ context.Context, a *API, v viewer.Viewer, _ nothing) (meResponse, error) {
	return newMeResponse(a, v.User), nil
}

// addnoxCreateRealUserRequest can lack the unique_id, which the page does not know.
type addnoxCreateRealUserRequest struct {
	childFields
	UniqueID *string `json:"unique_id"`
}

type addnoxCreateRealUserResponse struct {
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
	MacID         string       `json:"mac_id"`
	LastLogFileID int          `json:"last_log_file_id"`
	CreatedAt     instant      `json:"created_at"`
}

func addnoxCreateRealUser(
	ctx context.Context, a *API, v viewer.Viewer, in addnoxCreateRealUserRequest,
) (addnoxCreateRealUserResponse, error) {
	made, err := a.Children.Create(ctx, v, in.params(in.UniqueID))
	if err != nil {
		return addnoxCreateRealUserResponse{}, err
	}
	d := made.Edges.Device
	return addnoxCreateRealUserResponse{
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
		MacID:         wholeMAC(d.MACID),
		LastLogFileID: d.LastLogFileID,
		CreatedAt:     instant(made.CreatedAt),
	}, nil
}
