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

func TestParseLocalDateTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2025-02-21T15:48:49":           "2025-02-21T15:48:49",
		"2025-02-21T15:48:49.123":       "2025-02-21T15:48:49",
		"2025-02-21T15:48:49.999999999": "2025-02-21T15:48:49",
		"2024-02-29T00:00:00":           "2024-02-29T00:00:00",
		"0001-01-01T00:00:00":           "0001-01-01T00:00:00",
		"9999-12-31T23:59:59":           "9999-12-31T23:59:59",
	} {
		got, err := vocab.ParseLocalDateTime(text)
		if err != nil || string(got) != want || marshal(got) != `"`+want+`"` {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "2025-02-21", "2025-02-21 15:48:49", "2025-02-21T15:48", "2025-02-21T5:48:49", "2025-02-21T24:00:00",
		"2025-02-21T15:60:00", "2025-02-21T15:48:60", "2025-02-29T15:48:49", "2025-02-21T15:48:49Z", "2025-02-21T15:48:49+09:00",
		"2025-02-21T15:48:49.", "0000-01-01T00:00:00", "2025-02-21t15:48:49", " 2025-02-21T15:48:49", "2025-02-21T15:48:49 ",
		"20250221T154849", "12025-02-21T15:48:49",
	} {
		if got, err := vocab.ParseLocalDateTime(text); err == nil {
			t.Errorf("%q is read as %q", text, got)
		}
	}
	for _, in := range []any{nil, 1740152929, true} {
		var at vocab.LocalDateTime
		if err := at.UnmarshalGQL(in); err == nil {
			t.Errorf("GraphQL's %v is read as %q", in, at)
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
		"no time":             "no time",
	} {
		if got := from.Add(-30 * time.Second); got != want {
			t.Errorf("%s becomes %s, want %s", from, got, want)
		}
	}
}

// FuzzLocalDateTime holds that what is read is spelled in the one way, begins what
// was sent, and comes back when it is moved there and back.
func FuzzLocalDateTime(f *testing.F) {
	for _, seed := range []string{"2025-02-21T15:48:49", "2025-02-21T15:48:49.5", "2025-02-21T5:48:49", "0000-00-00T00:00:00", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := vocab.ParseLocalDateTime(text)
		if err != nil {
			return
		}
		if again, err := vocab.ParseLocalDateTime(string(at)); err != nil || again != at || !strings.HasPrefix(text, string(at)) {
			t.Errorf("%q is read as %q, and that as %q, %v", text, at, again, err)
		}
		if back := at.Add(-30 * time.Second).Add(30 * time.Second); back != at {
			t.Errorf("%q moved there and back is %q", at, back)
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
