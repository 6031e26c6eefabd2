// Package paging holds the cursors of Relay connections whose elements are in the order of
// their ids. It imports internal/apperr alone.
package paging

import (
	"encoding/base64"
	"strconv"
	"strings"

	"luxbff/internal/apperr"
)

// Cursor names the place of an element by its kind, as "devlog", and its id. It is neither
// secret nor a right.
func Cursor(kind string, id int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind + ":" + strconv.Itoa(id)))
}

// ParseCursor returns the id that a cursor of the kind names, 0 for no cursor. It refuses
// whatever [Cursor] did not write with CursorNotValid, under the name of the argument.
func ParseCursor(kind, argument string, cursor *string) (id int, err error) {
	if cursor == nil {
		return 0, nil
	}
	decoded, err := base64.RawURLEncoding.DecodeString(*cursor)
	digits, _ := strings.CutPrefix(string(decoded), kind+":")
	id, notANumber := strconv.Atoi(digits)
	if err != nil || notANumber != nil || id < 1 || Cursor(kind, id) != *cursor {
		return 0, apperr.CursorNotValid.WithField(argument)
	}
	return id, nil
}
