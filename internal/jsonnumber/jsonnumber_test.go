package jsonnumber_test

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"luxbff/internal/jsonnumber"
)

func TestWhole(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "0.0": 0, "0e999999999999999999999": 0, "600": 600, "600.0": 600, "600.000": 600, "6e2": 600, "6E+2": 600,
		"6.0e2": 600, "60000e-2": 600, "0.06e4": 600, "-600.000": -600, "9223372036854775807": 9223372036854775807,
		"-9223372036854775808": -9223372036854775808, "9.223372036854775807e18": 9223372036854775807,
		"9007199254740993": 9007199254740993, "9007199254740993.0": 9007199254740993, "90071992547409930e-1": 9007199254740993,
		"1" + strings.Repeat("0", 100_000) + "e-100000": 1, "0." + strings.Repeat("0", 99_999) + "1e100000": 1,
	} {
		if got, ok := jsonnumber.Whole(json.Number(text)); !ok || got != want {
			t.Errorf("%.40s: got %d, %t", text, got, ok)
		}
	}
	for _, text := range []string{
		"600.5", "6e-1", "0.1", "600.0000000000000000001", "1e19", "1e400", "1e400000000", "1e1000000000", "-1e1000000000",
		"1e999999999999999999999", "1e-999999999999999999999", "1e9223372036854775807", "10e9223372036854775807",
		"1e-9223372036854775808", "1.5e-9223372036854775808", "9223372036854775808", "-9223372036854775809",
		strings.Repeat("9", 1<<20),
		"", "-", "--1", "+6", "six", "0x10", "1_000", "NaN", "Infinity", "1.", ".5", ".", "1.2.3", "e2", "1e", "1e1.0", "1ee2",
		" 1", "1 ", "1\x00", "\u0661",
	} {
		if got, ok := jsonnumber.Whole(json.Number(text)); ok {
			t.Errorf("%.40q: read as %d", text, got)
		}
	}
}

// TestWholeAgreesWithExactArithmetic compares with math/big on numbers of any spelling.
func TestWholeAgreesWithExactArithmetic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		exact, _ := new(big.Rat).SetString(text)
		want := exact.IsInt() && exact.Num().IsInt64()
		got, ok := jsonnumber.Whole(json.Number(text))
		if ok != want || (ok && got != exact.Num().Int64()) {
			t.Fatalf("%s: got %d, %t", text, got, ok)
		}
	})
}

// FuzzWhole holds that no text makes it fail, and that a number is read as what it is.
func FuzzWhole(f *testing.F) {
	for _, seed := range []string{"600", "6e2", "600.5", "-0.0e-7", "9007199254740993.0", "1e400", "0.06e4", "1.5e-9223372036854775808"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := jsonnumber.Whole(json.Number(text))
		if at := strings.IndexAny(text, "eE"); at >= 0 {
			// The arithmetic of this test writes every digit out.
			if exponent, err := strconv.Atoi(text[at+1:]); err != nil || exponent > 200 || exponent < -200 {
				return
			}
		}
		if !json.Valid([]byte(text)) || strings.Trim(text, "-+.eE0123456789") != "" {
			return
		}
		exact, _ := new(big.Rat).SetString(text)
		if want := exact.IsInt() && exact.Num().IsInt64(); want != ok || ok && exact.Num().Int64() != got {
			t.Errorf("%q is read as %d, %t", text, got, ok)
		}
	})
}
