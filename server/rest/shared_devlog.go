package rest

import (
	"context"
	"net/http"

	"luxbff/internal/apperr"
	"luxbff/internal/devlog"
	"luxbff/internal/viewer"
)

// devlogRoute is on both device pages; they differ in what a record without a finish_flag
// is.
func devlogRoute(unfinished string) Route {
	return Route{
		Method: http.MethodPost, Path: "/device/devlog", Operation: "uploadDevlogs",
		Summary: "Upload usage logs",
		Description: "All are stored or none is, in the order of the array. Sending a log again is safe and changes " +
			"nothing. The records come as log_arrays or as a bare array. " + unfinished,
		Errors: []apperr.Kind{
			apperr.NotAuthorizedUser, apperr.NotFoundDevice, apperr.NotFoundUser, apperr.NotConnectedDevice,
			apperr.UpdateDeviceLogFailed, apperr.CreateDeviceLogFailed,
		},
	}
}

// devlogRecord is one use of the device, which goes on while it has no finish_flag.
type devlogRecord struct {
	usedDevice
	DetailData devlogDetail `json:"detail_data"`
	LogFileID  *int         `json:"log_file_id"`
}

type devlogDetail struct {
	treatment
	FinishFlag *finishFlag `json:"finish_flag"`
}

// usedDevice is the device of a record and the child that used it.
type usedDevice struct {
	RealUserID int    `json:"real_user_id"`
	DeviceID   int    `json:"device_id"`
	UniqueID   string `json:"unique_id"`
}

// treatment is what the device measured.
type treatment struct {
	TreatmentDate wallClock `json:"treatment_date"`
	LastIntensity int       `json:"last_intensity"`
	TreatmentTime int       `json:"treatment_time"`
}

// storeDevlogs stores an upload. The domain bounds the number of records and stores all
// of them or none.
func storeDevlogs(ctx context.Context, a *API, v viewer.Viewer, sent []devlogRecord) (doneResponse, error) {
	records := make([]devlog.Record, len(sent))
	for i, r := range sent {
		records[i] = devlog.Record{
			ChildUserID:     r.RealUserID,
			DeviceID:        r.DeviceID,
			UniqueID:        r.UniqueID,
			TreatmentDate:   r.DetailData.TreatmentDate.Clock,
			TreatmentOffset: r.DetailData.TreatmentDate.Offset,
			FinishFlag:      r.DetailData.FinishFlag.orNil(),
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
