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
