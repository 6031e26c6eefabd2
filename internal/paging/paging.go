// Package paging holds the cursors of Relay connections whose elements are in the order of
// their ids, or of another number and then of their ids. It imports internal/apperr alone.
package paging

import (
	"encoding/base64"
	"strconv"
	"strings"

	"luxbff/internal/apperr"
)

// Cursor names the place of an element by its kind, as "devlog", and the numbers by which
// the elements are in order. It is neither secret nor a right.
func Cursor(kind string, place ...int) string {
	text := kind
	for _, number := range place {
		text += ":" + strconv.Itoa(number)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// ParseCursor returns the id that a cursor of the kind names, 0 for no cursor. It refuses
// whatever [Cursor] did not write with CursorNotValid, under the name of the argument.
func ParseCursor(kind, argument string, cursor *string) (id int, err error) {
	if cursor == nil {
		return 0, nil
	}
	place := []int{0}
	if !parse(kind, *cursor, place) {
		return 0, apperr.CursorNotValid.WithField(argument)
	}
	return place[0], nil
}

// ParsePair is [ParseCursor] for a cursor of two numbers, of which the second is the id.
func ParsePair(kind, argument, cursor string) (first, id int, err error) {
	place := []int{0, 0}
	if !parse(kind, cursor, place) {
		return 0, 0, apperr.CursorNotValid.WithField(argument)
	}
	return place[0], place[1], nil
}

// parse sets as many numbers as the place has. The last is an id, and no number is negative.
func parse(kind, cursor string, place []int) bool {
	decoded, err := base64.RawURLEncoding.DecodeString(cursor)
	numbers := strings.Split(string(decoded), ":")
	if err != nil || len(numbers) != 1+len(place) {
		return false
	}
	for i := range place {
		if place[i], err = strconv.Atoi(numbers[1+i]); err != nil || place[i] < 0 {
			return false
		}
	}
	return place[len(place)-1] >= 1 && Cursor(kind, place...) == cursor
}
