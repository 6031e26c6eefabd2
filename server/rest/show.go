package rest

import "strings"

// orZero is what p points to, or the zero value: a surface without null.
func orZero[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// lastFour is a MAC as LUX shows it: its last four hex digits.
func lastFour(mac string) string {
	digits := strings.ReplaceAll(mac, ":", "")
	return digits[max(0, len(digits)-4):]
}

// whole is a MAC as Addnox shows it.
func whole(mac string) string { return mac }
