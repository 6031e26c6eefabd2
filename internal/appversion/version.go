// Package appversion decides which versions of which apps are still served: it compares
// version numbers and holds the minimums that an operator has set. It knows neither HTTP nor
// GraphQL, and imports the standard library alone.
package appversion

import (
	"cmp"
	"strings"
)

// Version is a version of an app as its numbers, without zeros at their beginning and without
// numbers that are zero at its end: 2.1 and 2.01.0 are the same. The zero value is 0.
type Version struct{ numbers string }

// Parse reads dotted numbers such as 2.1.0. What follows a "-", a "+" or a space, as the build
// in 2.1.0-45 and 2.1.0 (45), counts for nothing. It is false for anything else.
func Parse(text string) (v Version, ok bool) {
	if end := strings.IndexAny(text, "-+ "); end >= 0 {
		text = text[:end]
	}
	numbers := strings.Split(text, ".")
	for i, number := range numbers {
		if number == "" || strings.Trim(number, "0123456789") != "" {
			return Version{}, false
		}
		numbers[i] = strings.TrimLeft(number, "0")
	}
	for len(numbers) > 0 && numbers[len(numbers)-1] == "" {
		numbers = numbers[:len(numbers)-1]
	}
	return Version{strings.Join(numbers, ".")}, true
}

// Compare is negative where v is older than other, 0 where they are the same, and positive
// where v is newer. Numbers may have any length.
func (v Version) Compare(other Version) int {
	mine, theirs := v.numbers, other.numbers
	for mine != "" || theirs != "" {
		var a, b string
		a, mine, _ = strings.Cut(mine, ".")
		b, theirs, _ = strings.Cut(theirs, ".")
		if order := cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)); order != 0 {
			return order
		}
	}
	return 0
}
