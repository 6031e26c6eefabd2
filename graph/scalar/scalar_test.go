package scalar_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"luxbff/graph/scalar"
)

func TestMarshalDateTime(t *testing.T) {
	t.Parallel()
	seoul := time.FixedZone("KST", 9*60*60)
	for want, at := range map[string]time.Time{
		`"2024-10-28T08:09:47.889Z"`: time.Date(2024, 10, 28, 17, 9, 47, 889_999_999, seoul),
		`"2024-10-28T08:09:47.000Z"`: time.Date(2024, 10, 28, 8, 9, 47, 0, time.UTC),
		`null`:                       {},
	} {
		var got strings.Builder
		scalar.MarshalDateTime(at).MarshalGQL(&got)
		if got.String() != want {
			t.Errorf("%v: got %s, want %s", at, got.String(), want)
		}
	}
}

func TestUnmarshalDateTime(t *testing.T) {
	t.Parallel()
	got, err := scalar.UnmarshalDateTime("2024-10-28T17:09:47.8899+09:00")
	if want := time.Date(2024, 10, 28, 8, 9, 47, 889_000_000, time.UTC); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, in := range []any{"", "2024-10-28", "2024-10-28 17:09:47", "2024-02-30T00:00:00Z", int64(5), json.Number("5"), nil} {
		if got, err := scalar.UnmarshalDateTime(in); err == nil {
			t.Errorf("%v: read as %v", in, got)
		}
	}
}

func TestUnmarshalInt(t *testing.T) {
	t.Parallel()
	for _, in := range []any{int64(2147483647), 2147483647, json.Number("2147483647")} {
		if got, err := scalar.UnmarshalInt(in); err != nil || got != 2147483647 {
			t.Errorf("%T: got %d, %v", in, got, err)
		}
	}
	for _, in := range []any{int64(2147483648), json.Number("-2147483649"), json.Number("1.0"), json.Number("1e3"), "1", true, nil} {
		if got, err := scalar.UnmarshalInt(in); err == nil {
			t.Errorf("%T %v: read as %d", in, in, got)
		}
	}
}

func TestMarshalInt(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	scalar.MarshalInt(-1209600).MarshalGQL(&got)
	if got.String() != "-1209600" {
		t.Errorf("got %s", got.String())
	}
}

func TestID(t *testing.T) {
	t.Parallel()
	for _, in := range []any{"7", int64(7), json.Number("7")} {
		if got, err := scalar.UnmarshalID(in); err != nil || got != 7 {
			t.Errorf("%T: got %d, %v", in, got, err)
		}
	}
	for _, in := range []any{"", "seven", "7.0", "99999999999999999999", json.Number("1e3"), true, nil} {
		if got, err := scalar.UnmarshalID(in); err == nil {
			t.Errorf("%T %v: read as %d", in, in, got)
		}
	}
	var got strings.Builder
	scalar.MarshalID(7).MarshalGQL(&got)
	if got.String() != `"7"` {
		t.Errorf("got %s", got.String())
	}
}

func TestUnmarshalString(t *testing.T) {
	t.Parallel()
	if got, err := scalar.UnmarshalString("a"); err != nil || got != "a" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, in := range []any{json.Number("5"), int64(5), true, nil} {
		if got, err := scalar.UnmarshalString(in); err == nil {
			t.Errorf("%T %v: read as %q", in, in, got)
		}
	}
}

func TestUnmarshalBoolean(t *testing.T) {
	t.Parallel()
	for _, want := range []bool{true, false} {
		if got, err := scalar.UnmarshalBoolean(want); err != nil || got != want {
			t.Errorf("got %t, %v", got, err)
		}
	}
	for _, in := range []any{"true", int64(1), json.Number("1"), nil} {
		if got, err := scalar.UnmarshalBoolean(in); err == nil {
			t.Errorf("%T %v: read as %t", in, in, got)
		}
	}
}

// FuzzID holds that an id which is read is written back as a client may send it again:
// the same number, whether it came as text or as a number.
func FuzzID(f *testing.F) {
	for _, id := range []string{"1", "007", "-1", "+1", "9223372036854775808", "1e3", "1.0", "", " 1", "٣", "0x1"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		got, err := scalar.UnmarshalID(id)
		asNumber, numberErr := scalar.UnmarshalID(json.Number(id))
		if err == nil && numberErr == nil && got != asNumber {
			t.Errorf("%q is %d as text and %d as a number", id, got, asNumber)
		}
		if err != nil {
			return
		}
		var written strings.Builder
		scalar.MarshalID(got).MarshalGQL(&written)
		if again, err := scalar.UnmarshalID(strings.Trim(written.String(), `"`)); err != nil || again != got {
			t.Errorf("%q is %d, is written %s, and is then %d, %v", id, got, written.String(), again, err)
		}
	})
}

// FuzzDateTime holds that an instant which is read stays the same when it is written and
// read again.
func FuzzDateTime(f *testing.F) {
	for _, at := range []string{"2024-10-28T08:09:47.889Z", "2024-10-28T17:09:47+09:00", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999-23:59", "2024-10-28t08:09:47z"} {
		f.Add(at)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := scalar.UnmarshalDateTime(text)
		if err != nil || at.IsZero() || at.Year() < 0 || at.Year() > 9999 {
			return // what has no four digits of a year comes from no clock
		}
		var written strings.Builder
		scalar.MarshalDateTime(at).MarshalGQL(&written)
		if again, err := scalar.UnmarshalDateTime(strings.Trim(written.String(), `"`)); err != nil || !again.Equal(at) {
			t.Errorf("%q is %s, is written %s, and is then %s, %v", text, at, written.String(), again, err)
		}
	})
}
