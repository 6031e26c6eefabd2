// Package jsonnumber reads the numbers of JSON, which has one kind of them: 600, 600.0
// and 6e2 are the same. It imports nothing of this module, so that every surface reads
// them alike.
package jsonnumber

import (
	"encoding/json"
	"strconv"
	"strings"
)

// longestInt64 is the number of digits of the largest int64.
const longestInt64 = 19

// Whole gives the integer that a JSON number stands for, and false for one with a
// fraction or out of the range of int64. It counts with the digits as they were sent: a
// float64 would round an integer above 2^53 and take a small fraction for none.
func Whole(number json.Number) (whole int64, ok bool) {
	unsigned, negative := strings.CutPrefix(string(number), "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(unsigned), "e")
	integer, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(integer+fraction, "0")
	if !isDigits(integer + fraction) {
		return 0, false
	}
	if digits == "" {
		return 0, true
	}
	zeros, ok := shift(exponent, len(fraction))
	if !ok {
		return 0, false
	}
	significant := strings.TrimRight(digits, "0")
	zeros += len(digits) - len(significant)
	if zeros < 0 || len(significant)+zeros > longestInt64 {
		return 0, false
	}
	text := significant + strings.Repeat("0", zeros)
	if negative {
		text = "-" + text
	}
	whole, err := strconv.ParseInt(text, 10, 64)
	return whole, err == nil
}

// shift is by how many places the decimal point stands to the right of the last digit. It
// is false for an exponent that no int64 can have, so that the sum cannot overflow.
func shift(exponent string, fraction int) (places int, ok bool) {
	if exponent == "" {
		return -fraction, true
	}
	places, err := strconv.Atoi(exponent)
	if err != nil || places > longestInt64+fraction {
		return 0, false
	}
	return places - fraction, true
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
