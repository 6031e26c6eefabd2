package rest

import (
	"context"

	"luxbff/internal/viewer"
)

// addnoxDeviceRoutes are the device routes of Addnox that differ from those of LUX.
func addnoxDeviceRoutes() []Route {
	return []Route{
		signedIn(devlogRoute("In a bare array every use has ended, so each record needs finish_flag, which is text, and "+
			"log_file_id. In log_arrays a record without a finish_flag is a use that still runs, as on LUX."), addnoxUploadDevlogs),
	}
}

// addnoxDevlogRequest is the bare array of the page, or the log_arrays of LUX with its
// rules.
type addnoxDevlogRequest struct {
	LogArrays []devlogRecord   `json:"log_arrays"`
	Bare      []completeRecord `array:"body"`
}

// completeRecord is a use that has ended.
type completeRecord struct {
	usedDevice
	DetailData completeDetail `json:"detail_data"`
	LogFileID  int            `json:"log_file_id"`
}

type completeDetail struct {
	treatment
	FinishFlag finishFlag `json:"finish_flag"`
}

func addnoxUploadDevlogs(ctx context.Context, a *API, v viewer.Viewer, in addnoxDevlogRequest) (doneResponse, error) {
	records := in.LogArrays
	for _, r := range in.Bare {
		records = append(records, devlogRecord{
			usedDevice: r.usedDevice,
			DetailData: devlogDetail{r.DetailData.treatment, &r.DetailData.FinishFlag},
			LogFileID:  &r.LogFileID,
		})
	}
	return storeDevlogs(ctx, a, v, records)
}
