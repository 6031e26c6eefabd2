package rest

import (
	"encoding/json"

	"luxbff/internal/apperr"
	"luxbff/internal/jsonnumber"
)

var errInteger = apperr.Text("not a whole number that is in range")

// parseInteger reads a whole number of a body, a form, a query or a path: 600, 600.0 and
// 6e2 are the same number, and 600.5 is none (rule 3 of the contract).
func parseInteger(text string) (int, error) {
	n, ok := jsonnumber.Whole(json.Number(text))
	if !ok {
		return 0, errInteger
	}
	return int(n), nil
}
