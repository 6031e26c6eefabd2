package rest

import (
	"slices"

	"luxbff/internal/apperr"
)

// lux gives the surface of the LUX pages.
func lux() Surface {
	return Surface{
		Name:   "LUX",
		Prefix: "/api/v1/lux",
		Routes: slices.Concat(
			sharedAuthRoutes(), luxAuthRoutes(), sharedUserRoutes(), luxUserRoutes(), devicePage{lastFourOfMAC}.routes(), luxDeviceRoutes()),
		errorBody:    detailBody,
		expiredToken: apperr.TokenIsExpired,
	}
}
