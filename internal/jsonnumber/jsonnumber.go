// Package jsonnumber reads the numbers of JSON, which has one kind of them: 600, 600.0
// and 6e2 are the same. It imports nothing of this module, so that every surface reads
// them alike.
package jsonnumber

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
)

// longestInt64 is the number of digits of the largest int64.
const longestInt64 = 19

// Whole gives the integer that a JSON number stands for, and false for one with a
// fraction, one out of the range of int64, and a text that is no number. It counts with
// the digits as they were sent: a float64 would round an integer above 2^53 and take a
// small fraction for none. A number that is out of range is refused by its exponent,
// before its digits are written out.
func Whole(number json.Number) (whole int64, ok bool) {
	unsigned, isNegative := strings.CutPrefix(string(number), "-")
	mantissa, exponent, ok := cutExponent(unsigned)
	integer, fraction, hasPoint := strings.Cut(mantissa, ".")
	digits := integer + fraction
	if !ok || integer == "" || hasPoint && fraction == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	// The number is significant × 10^zeros.
	significant := strings.Trim(digits, "0")
	if significant == "" {
		return 0, true
	}
	trailing := len(digits) - len(strings.TrimRight(digits, "0"))
	zeros := exponent - len(fraction) + trailing
	if zeros < 0 || len(significant)+zeros > longestInt64 {
		return 0, false
	}
	sign := ""
	if isNegative {
		sign = "-"
	}
	whole, err := strconv.ParseInt(sign+significant+strings.Repeat("0", zeros), 10, 64)
	return whole, err == nil
}

// cutExponent splits 6e2 into 6 and 2. No text is as long as the greatest exponent that
// it gives, so one that is out of range stays so whatever the digits are, and no sum
// with it overflows.
func cutExponent(number string) (mantissa string, exponent int, ok bool) {
	at := strings.IndexAny(number, "eE")
	if at < 0 {
		return number, 0, true
	}
	exponent, err := strconv.Atoi(number[at+1:])
	return number[:at], min(max(exponent, math.MinInt32), math.MaxInt32), err == nil || errors.Is(err, strconv.ErrRange)
}
