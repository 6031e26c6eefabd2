package jsonnumber_test

import (
	"encoding/json"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"luxbff/internal/jsonnumber"
)

func TestWhole(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "0.0": 0, "0e999999999999999999999": 0, "600": 600, "600.0": 600, "6e2": 600, "6E+2": 600,
		"60000e-2": 600, "0.6e3": 600, "-600.000": -600, "9223372036854775807": 9223372036854775807,
		"-9223372036854775808": -9223372036854775808, "9007199254740993.0": 9007199254740993,
		"922337203685477580.7e1": 9223372036854775807,
	} {
		if got, ok := jsonnumber.Whole(json.Number(text)); !ok || got != want {
			t.Errorf("%s: got %d, %t", text, got, ok)
		}
	}
	for _, text := range []string{
		"600.5", "6e-1", "0.1", "1e-999999999999999999999", "1e999999999999999999999", "1e19", "1e400000000",
		"9223372036854775808", "600.0000000000000000001", "", "-", "six", "+6", "0x10", "1_000", "NaN",
	} {
		if got, ok := jsonnumber.Whole(json.Number(text)); ok {
			t.Errorf("%s: read as %d", text, got)
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
