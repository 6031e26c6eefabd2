package rest

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"testing"
)

func TestParseInteger(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"600": 600, "600.0": 600, "600.000": 600, "6e2": 600, "6E+2": 600, "6.0e2": 600, "60000e-2": 600, "0.06e4": 600,
		"0": 0, "-0": 0, "0.0": 0, "0e99999999999999999999": 0, "-7": -7, "-7.0": -7, "007": 7,
		"9007199254740993": 1<<53 + 1, "9007199254740993.0": 1<<53 + 1, "90071992547409930e-1": 1<<53 + 1,
		"9223372036854775807": 1<<63 - 1, "9.223372036854775807e18": 1<<63 - 1, "-9223372036854775808": -1 << 63,
		"1" + strings.Repeat("0", 100_000) + "e-100000": 1, "0." + strings.Repeat("0", 99_999) + "1e100000": 1,
	} {
		if got, err := parseInteger(text); err != nil || got != want {
			t.Errorf("%.40s is read as %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"600.5", "6e-1", "1e-1", "0.1", "1e19", "9223372036854775808", "-9223372036854775809", "1e400", "1e1000000000", "-1e1000000000",
		"1e9223372036854775807", "10e9223372036854775807", "1e-9223372036854775808", "1e99999999999999999999", "1e-99999999999999999999",
		"", "-", "+1", "--1", "1.", ".5", ".", "e2", "1e", "1e1.0", "1ee2", "1_000", "0x10", " 1", "1 ", "one", "\u0661", "NaN", "Infinity", "1.2.3", "1\x00",
		strings.Repeat("9", 1<<20),
	} {
		if got, err := parseInteger(text); err == nil {
			t.Errorf("%.40q is read as %d", text, got)
		}
	}
}

// FuzzParseInteger compares with exact arithmetic: a JSON number is read when it is
// whole and in range, and then as what it is.
func FuzzParseInteger(f *testing.F) {
	for _, seed := range []string{"600", "6e2", "600.5", "-0.0e-7", "9007199254740993.0", "1e400", "0.06e4"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseInteger(text)
		if !isNumber(text) || len(text) > 60 {
			return
		}
		if at := strings.IndexAny(text, "eE"); at >= 0 {
			// The arithmetic of this test writes every digit out.
			if exponent, err := strconv.Atoi(text[at+1:]); err != nil || exponent > 200 || exponent < -200 {
				return
			}
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%q is no number", text)
		}
		fits := exact.IsInt() && exact.Num().IsInt64()
		if fits != (err == nil) || fits && exact.Num().Int64() != int64(got) {
			t.Errorf("%q is read as %d, %v", text, got, err)
		}
	})
}

func isNumber(text string) bool {
	var number json.Number
	return json.Unmarshal([]byte(text), &number) == nil && number != "" && !strings.ContainsAny(text, "\" \t\r\n")
}
