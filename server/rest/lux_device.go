package rest

import (
	"context"
	"net/http"

	"luxbff/internal/apperr"
	"luxbff/internal/viewer"
)

// luxDeviceRoutes are the routes of the LUX device page that Addnox does not have, or has
// with differences.
func luxDeviceRoutes() []Route {
	return []Route{
		signedIn(devlogRoute("Without a finish_flag the use still runs: such a temporary log is stored 30 seconds "+
			"earlier than sent, and the first log with a finish_flag completes it."), uploadDevlogs),
		signedIn(Route{
			Method: http.MethodPost, Path: "/device/alimtalk", Operation: "sendImpedanceAlert",
			Summary: "Tell of poor electrode contact",
			Description: "Sends a KakaoTalk message to the phone of the account if is_device_alim_talk_enabled and the phone is Korean, " +
				"else an SMS. Within 60 seconds after an alert it succeeds and sends nothing more.",
			Errors: []apperr.Kind{apperr.PhoneNotFound, apperr.AlimtalkSendFailed},
		}, alimtalk),
	}
}

// alimtalk answers null, as the page has it.
func alimtalk(ctx context.Context, a *API, v viewer.Viewer, _ nothing) (any, error) {
	return nil, a.Accounts.SendImpedanceAlert(ctx, v)
}

// devlogRequest has the records as log_arrays, or is the bare array of them that older
// apps send.
type devlogRequest struct {
	LogArrays []devlogRecord `json:"log_arrays"`
	Bare      []devlogRecord `array:"body"`
}

func uploadDevlogs(ctx context.Context, a *API, v viewer.Viewer, in devlogRequest) (doneResponse, error) {
	return storeDevlogs(ctx, a, v, append(in.LogArrays, in.Bare...))
}
