package rest

import "slices"

// addnox gives the surface of the Withnox & Addnox page. It is served under both
// names, and both answer alike.
func addnox(name, prefix string) Surface {
	return Surface{
		Name:   name,
		Prefix: prefix,
		Routes: slices.Concat(
			sharedAuthRoutes(), addnoxAuthRoutes(), sharedUserRoutes(), addnoxUserRoutes(), addnoxDeviceRoutes()),
		errorBody: detailBody,
	}
}
