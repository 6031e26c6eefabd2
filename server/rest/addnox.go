package rest

import (
	"slices"

	"luxbff/internal/apperr"
)

// addnox gives the surface of the Withnox & Addnox page. It is served under both
// names, and both answer alike.
func addnox(name, prefix string) Surface {
	return Surface{
		Name:   name,
		Prefix: prefix,
		Routes: slices.Concat(
			sharedAuthRoutes(), addnoxAuthRoutes(), sharedUserRoutes(), addnoxUserRoutes(), devicePage{wholeMAC}.routes(),
			addnoxDeviceRoutes()),
		errorBody:    detailBody,
		expiredToken: apperr.Unauthenticated, // which the page calls "incorrect or expired"
	}
}
