package rest

import (
	"context"

	"luxbff/internal/viewer"
)

// addnoxDeviceRoutes are the device routes of Addnox. Its page documents none, but it
// names get-all-device as the place where apps find ids.
func addnoxDeviceRoutes() []Route {
	return []Route{
		signedIn(getAllDeviceRoute(), addnoxGetAllDevice),
	}
}

func addnoxGetAllDevice(ctx context.Context, a *API, v viewer.Viewer, _ nothing) ([]familyMemberResponse, error) {
	return listFamily(ctx, a, v, wholeMAC)
}
