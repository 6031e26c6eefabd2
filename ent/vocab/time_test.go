package vocab_test

import (
	"strings"
	"testing"
	"time"

	"luxbff/ent/vocab"
)

func TestParseDate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ iso, compact string }{
		{"1997-01-01", "19970101"}, {"2024-02-29", "20240229"}, {"0001-01-01", "00010101"}, {"9999-12-31", "99991231"},
	} {
		for spelling, parse := range map[string]func(string) (vocab.Date, error){c.iso: vocab.ParseDate, c.compact: vocab.ParseCompactDate} {
			day, err := parse(spelling)
			if err != nil || string(day) != c.iso || day.Compact() != c.compact || marshal(day) != `"`+c.iso+`"` {
				t.Errorf("%s is read as %q, %v", spelling, day, err)
			}
		}
	}
	for _, text := range []string{
		"", "1997-1-1", "1997-13-01", "2023-02-29", "1997-00-01", "1997-01-32", "97-01-01", "0000-01-01", "10000-01-01",
		"1997-01-01T00:00:00", " 1997-01-01", "1997/01/01", "１９９７-01-01", "+997-01-01", "1997-01-01\n",
	} {
		if day, err := vocab.ParseDate(text); err == nil {
			t.Errorf("%q is read as %q", text, day)
		}
		if day, err := vocab.ParseCompactDate(strings.ReplaceAll(text, "-", "")); err == nil {
			t.Errorf("%q is read as %q", text, day)
		}
	}
	for _, text := range []string{"1997-01-01", "199701011", "1997011", "-9970101"} {
		if day, err := vocab.ParseCompactDate(text); err == nil {
			t.Errorf("%q is read as %q", text, day)
		}
	}
	for _, in := range []any{nil, 19970101, true, "19970101"} {
		var day vocab.Date
		if err := day.UnmarshalGQL(in); err == nil {
			t.Errorf("GraphQL's %v is read as %q", in, day)
		}
	}
}

func TestDateOf(t *testing.T) {
	t.Parallel()
	seoul := time.FixedZone("KST", 9*60*60)
	if got := vocab.DateOf(time.Date(2025, 2, 21, 8, 59, 0, 0, seoul)); got != "2025-02-20" {
		t.Errorf("the day in UTC is %s", got)
	}
}

// TestHasBegun: a child born this morning anywhere on Earth is born.
func TestHasBegun(t *testing.T) {
	t.Parallel()
	noon := time.Date(2025, 2, 21, 12, 0, 0, 0, time.UTC)
	for day, want := range map[vocab.Date]bool{
		"2025-02-21": true, "2025-02-22": true, "2025-02-23": false, "1900-01-01": true, "2026-01-01": false, "": false,
	} {
		if day.HasBegun(noon) != want {
			t.Errorf("%q has begun at %v: %v", day, noon, !want)
		}
	}
	if vocab.Date("2025-02-22").HasBegun(noon.Add(-2*time.Hour - time.Second)) {
		t.Error("a day has begun before it does where it begins first")
	}
}

func TestParseDeviceTime(t *testing.T) {
	t.Parallel()
	const clock = "2025-02-21T15:48:49"
	for text, want := range map[string][2]string{
		"2025-02-21T15:48:49":              {clock, ""},
		"2025-02-21T15:48:49.123":          {clock, ""},
		"2025-02-21T15:48:49.999999999":    {clock, ""},
		"2025-02-21T15:48:49,5":            {clock, ""},
		"2025-02-21 15:48:49":              {clock, ""},
		"2025-02-21T15:48":                 {"2025-02-21T15:48:00", ""},
		"2025-02-21 15:48":                 {"2025-02-21T15:48:00", ""},
		"2025-02-21T15:48:49Z":             {clock, "+00:00"},
		"2025-02-21T15:48:49.123456Z":      {clock, "+00:00"},
		"2025-02-21T15:48Z":                {"2025-02-21T15:48:00", "+00:00"},
		"2025-02-21T15:48:49+09:00":        {clock, "+09:00"},
		"2025-02-21T15:48:49.123+09:00":    {clock, "+09:00"},
		"2025-02-21 15:48+0900":            {"2025-02-21T15:48:00", "+09:00"},
		"2025-02-21T15:48:49+0900":         {clock, "+09:00"},
		"2025-02-21T15:48:49+09":           {clock, "+09:00"},
		"2025-02-21T15:48:49-03:30":        {clock, "-03:30"},
		"2025-02-21T15:48:49+05:45":        {clock, "+05:45"},
		"2025-02-21T15:48:49-12:00":        {clock, "-12:00"},
		"2025-02-21T15:48:49+14:00":        {clock, "+14:00"},
		"2025-02-21T15:48:49+00:00":        {clock, "+00:00"},
		"2025-02-21T15:48:49-0000":         {clock, "+00:00"},
		"2024-02-29T00:00:00":              {"2024-02-29T00:00:00", ""},
		"0001-01-01T00:00:00":              {"0001-01-01T00:00:00", ""},
		"0001-01-01T00:00:00+14:00":        {"0001-01-01T00:00:00", "+14:00"},
		"9999-12-31T23:59:59-12:00":        {"9999-12-31T23:59:59", "-12:00"},
		"2025-03-30T02:30:00.000000+01:00": {"2025-03-30T02:30:00", "+01:00"},
	} {
		got, err := vocab.ParseDeviceTime(text)
		offset := ""
		if got.Offset != nil {
			offset = *got.Offset
		}
		if err != nil || string(got.Clock) != want[0] || offset != want[1] || (got.Offset == nil) != (want[1] == "") || marshal(got) != `"`+want[0]+`"` {
			t.Errorf("%q is read as %q with the offset %q, %v", text, got.Clock, offset, err)
		}
		var in vocab.LocalDateTime
		if err := in.UnmarshalGQL(text); err != nil || in != got.Clock || marshal(in) != marshal(got) {
			t.Errorf("GraphQL's %q is read as %q, %v", text, in, err)
		}
	}
	for _, text := range []string{
		"", "2025-02-21", "2025-02-21T15", "2025-02-21T5:48:49", "2025-02-21T5:48:49.5", "2025-02-21T24:00:00", "2025-02-21T25:00:00",
		"2025-02-21T15:60:00", "2025-02-21T15:48:60", "2016-12-31T23:59:60Z", "2025-02-29T15:48:49", "2025-13-01T15:48:49",
		"2025-02-21T15:48:49.", "2025-02-21T15:48.5", "0000-01-01T00:00:00", "2025-02-21t15:48:49", "2025-02-21T15:48:49z",
		" 2025-02-21T15:48:49", "2025-02-21T15:48:49 ", "2025-02-21  15:48:49", "2025-02-21T15:48:49 +09:00", "2025-02-21_15:48:49",
		"20250221T154849", "12025-02-21T15:48:49", "+2025-02-21T15:48:49", "-2025-02-21T15:48:49", "2025-W08-5T15:48:49", "2025-052T15:48:49",
		"2025-02-21T15:48:49+25:00", "2025-02-21T15:48:49+15:00", "2025-02-21T15:48:49+14:01", "2025-02-21T15:48:49-12:01",
		"2025-02-21T15:48:49-13:00", "2025-02-21T15:48:49+09:60", "2025-02-21T15:48:49+9:00", "2025-02-21T15:48:49+9", "2025-02-21T15:48:49+900",
		"2025-02-21T15:48:49+09:", "2025-02-21T15:48:49+", "2025-02-21T15:48:49-", "2025-02-21T15:48:49+09:00:00", "2025-02-21T15:48:49Z+09:00",
		"2025-02-21T15:48:49ZZ", "2025-02-21T15:48:49+0x:00", "2025-02-21T15:48:49KST", "2025-02-21T15:48:49+09:00[Asia/Seoul]",
		"2025-02-21T+09:00", "2025-02-21Z15:48:49", "2025-02-21T15:48:49\n", "２０２５-02-21T15:48:49",
	} {
		if got, err := vocab.ParseDeviceTime(text); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
	for _, in := range []any{nil, 1740152929, true} {
		var at vocab.DeviceTime
		if err := at.UnmarshalGQL(in); err == nil {
			t.Errorf("GraphQL's %v is read as %+v", in, at)
		}
	}
}

func TestLocalDateTimeIsValid(t *testing.T) {
	t.Parallel()
	for at, want := range map[vocab.LocalDateTime]bool{
		"2025-02-21T15:48:49": true, "0001-01-01T00:00:00": true, "9999-12-31T23:59:59": true,
		"": false, "0000-12-31T23:59:59": false, "2025-02-30T15:48:49": false, "2025-02-21T15:48:49.5": false, "2025-02-21T15:48": false,
	} {
		if at.Valid() != want {
			t.Errorf("%q is valid: %v", at, !want)
		}
	}
	if early := vocab.LocalDateTime("0001-01-01T00:00:29").Add(-30 * time.Second); early.Valid() {
		t.Errorf("%s is taken for a time", early)
	}
}

func TestLocalDateTimeSub(t *testing.T) {
	t.Parallel()
	const at vocab.LocalDateTime = "2024-03-01T00:00:29"
	for other, want := range map[vocab.LocalDateTime]time.Duration{
		at: 0, "2024-02-29T23:59:59": 30 * time.Second, "2024-03-01T00:01:29": -time.Minute, "no time": 0,
	} {
		if got := at.Sub(other); got != want {
			t.Errorf("%s is %v after %s", at, got, other)
		}
	}
}

func TestLocalDateTimeAdd(t *testing.T) {
	t.Parallel()
	for from, want := range map[vocab.LocalDateTime]vocab.LocalDateTime{
		"2025-02-21T15:48:49": "2025-02-21T15:48:19",
		"2025-03-01T00:00:00": "2025-02-28T23:59:30",
		"2024-03-01T00:00:29": "2024-02-29T23:59:59",
		"2025-03-30T02:00:10": "2025-03-30T01:59:40", // a clock without a time zone has no summer time
		"9999-12-31T23:59:59": "9999-12-31T23:59:29",
		"no time":             "no time",
	} {
		if got := from.Add(-30 * time.Second); got != want {
			t.Errorf("%s becomes %s, want %s", from, got, want)
		}
	}
}

// TestLocalDateTimeAddStaysInOrder: what is later is greater as text, at the end as well.
func TestLocalDateTimeAddStaysInOrder(t *testing.T) {
	t.Parallel()
	const end vocab.LocalDateTime = "9999-12-31T23:59:59"
	for _, at := range []vocab.LocalDateTime{end, "9999-12-31T23:59:01", "2025-02-21T15:48:49"} {
		if later := at.Add(time.Minute); later < at || later > end {
			t.Errorf("a minute after %s comes %s", at, later)
		}
	}
}

// FuzzDeviceTime holds that what is read is spelled in the one way, is read again as the
// same, and comes back when it is moved there and back.
func FuzzDeviceTime(f *testing.F) {
	for _, seed := range []string{
		"2025-02-21T15:48:49", "2025-02-21 15:48:49.5", "2025-02-21T5:48:49", "0000-00-00T00:00:00", "",
		"2025-02-21T15:48+0900", "2025-02-21T15:48:49Z", "2025-02-21T15:48:49-12:00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := vocab.ParseDeviceTime(text)
		if err != nil {
			return
		}
		spelled := string(at.Clock)
		if at.Offset != nil {
			spelled += *at.Offset
		}
		again, err := vocab.ParseDeviceTime(spelled)
		if err != nil || again.Clock != at.Clock || (at.Offset == nil) != (again.Offset == nil) || at.Offset != nil && *again.Offset != *at.Offset {
			t.Errorf("%q is read as %s, and that as %+v, %v", text, spelled, again, err)
		}
		const minute = len("2006-01-02T15:04")
		if !at.Clock.Valid() || strings.Replace(text[:minute], " ", "T", 1) != spelled[:minute] {
			t.Errorf("%q is read as %s", text, spelled)
		}
		if back := at.Clock.Add(-30 * time.Second).Add(30 * time.Second); back != at.Clock {
			t.Errorf("%q moved there and back is %q", at.Clock, back)
		}
	})
}

// FuzzDate holds that both spellings are read as the same day.
func FuzzDate(f *testing.F) {
	for _, seed := range []string{"1997-01-01", "2024-02-29", "0000-01-01", "19970101", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		day, err := vocab.ParseDate(text)
		if err != nil {
			return
		}
		if string(day) != text {
			t.Errorf("%q is read as %q", text, day)
		}
		if same, err := vocab.ParseCompactDate(day.Compact()); err != nil || same != day {
			t.Errorf("%s is read as %q, %v", day.Compact(), same, err)
		}
	})
}
