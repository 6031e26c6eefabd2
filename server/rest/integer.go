package rest

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

var errInteger = errors.New("not a whole number that is in range")

// parseInteger reads a whole number in any form that JSON has for it: 600, 600.0 and
// 6e2 are the same number, and 600.5 is none (rule 3 of the contract). Every digit
// counts: a float64 would round above 2^53. A number that is out of range is refused
// by the size of its exponent, before its digits are written out.
func parseInteger(text string) (int, error) {
	unsigned, isNegative := strings.CutPrefix(text, "-")
	mantissa, exponent, err := cutExponent(unsigned)
	if err != nil {
		return 0, err
	}
	whole, fraction, hasPoint := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if whole == "" || hasPoint && fraction == "" || strings.ContainsFunc(digits, isNoDigit) {
		return 0, errInteger
	}
	// The number is significant × 10^zeros.
	significant := strings.Trim(digits, "0")
	if significant == "" {
		return 0, nil
	}
	trailing := len(digits) - len(strings.TrimRight(digits, "0"))
	zeros := exponent - len(fraction) + trailing
	if zeros < 0 || len(significant)+zeros > maxDigits {
		return 0, errInteger
	}
	sign := ""
	if isNegative {
		sign = "-"
	}
	return strconv.Atoi(sign + significant + strings.Repeat("0", zeros))
}

// maxDigits is how many digits the greatest int has.
const maxDigits = 19

// cutExponent splits 6e2 into 6 and 2. A body is shorter than the greatest exponent that
// it gives, so one that is out of range stays so whatever the digits are.
func cutExponent(number string) (mantissa string, exponent int, err error) {
	at := strings.IndexAny(number, "eE")
	if at < 0 {
		return number, 0, nil
	}
	exponent, err = strconv.Atoi(number[at+1:])
	if errors.Is(err, strconv.ErrRange) {
		err = nil
	}
	return number[:at], min(max(exponent, math.MinInt32), math.MaxInt32), err
}

func isNoDigit(c rune) bool { return c < '0' || c > '9' }
