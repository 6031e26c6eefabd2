package appversion_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/appversion"
)

func day(text string) time.Time {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return at
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	minimums, err := appversion.ParseMinimums("lux-ios:2.0, lux-ios:2.1.0@2027-01-31,lux-ios:3@2027-02-10,addnox:5,,soon:2@2027-01-31")
	if err != nil {
		t.Fatal(err)
	}
	refused := func(minimum, from string) appversion.Verdict {
		v := appversion.Verdict{Minimum: minimum, IsRefused: true}
		if from != "" {
			v.From = day(from)
		}
		return v
	}
	warned := func(minimum, from string) appversion.Verdict {
		return appversion.Verdict{Minimum: minimum, From: day(from)}
	}
	const before, within, last, on, after = "2026-12-31", "2027-01-01", "2027-01-30", "2027-01-31", "2027-02-10"
	for _, c := range []struct {
		app, version, at string
		want             appversion.Verdict
	}{
		{"lux-ios", "1.9.9", before, refused("2.0", "")},
		{"lux-ios", "2.0.0", before, appversion.Verdict{}},
		{"lux-ios", "2.0.0", within, warned("2.1.0", on)},
		{"lux-ios", "2.0.0", last, warned("2.1.0", on)},
		{"lux-ios", "2.0.0", on, refused("2.1.0", on)},
		{"lux-ios", "1.0", on, refused("2.1.0", on)},
		{"lux-ios", "2.1.0-45", within, appversion.Verdict{}},
		{"lux-ios", "2.1.0-45", "2027-01-12", warned("3", after)},
		{"lux-ios", "2.1.0-45", on, warned("3", after)},
		{"lux-ios", "2.1", after, refused("3", after)},
		{"lux-ios", "3.0", after, appversion.Verdict{}},
		{"lux-ios", "unknown", before, refused("2.0", "")},
		{"lux-ios", "2.1b3", on, refused("2.1.0", on)},
		{"soon", "", before, appversion.Verdict{}},
		{"soon", "", within, warned("2", on)},
		{"addnox", "4.9", before, refused("5", "")},
		{"Addnox", "4.9", before, appversion.Verdict{}},
		{"unknown", "unknown", after, appversion.Verdict{}},
	} {
		if diff := cmp.Diff(c.want, minimums.Check(c.app, c.version, day(c.at))); diff != "" {
			t.Errorf("%s %s on %s:\n%s", c.app, c.version, c.at, diff)
		}
	}
	if !minimums.Check("soon", "1", day(on).Add(-time.Millisecond)).From.Equal(day(on)) || !slices.Equal(minimums.Apps(), []string{"addnox", "lux-ios", "soon"}) {
		t.Errorf("the apps are %q", minimums.Apps())
	}
}

func TestWrongMinimumsAreRefused(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"secret": "entry 1: not APP:VERSION", "a:1,:2": "entry 2: not APP:VERSION", "a:": "entry 1: not APP", "a:x": "entry 1: not APP",
		"a:1-beta": "entry 1: not APP", "a:1 ": "", "a:1@2027-02-30": "entry 1: the date", "a:1@": "entry 1: the date",
		"a:1@31.1.2027": "entry 1: the date", "a:1,a:2": "entry 2: the app has another minimum", " ": "", "a:1,a:2@2027-01-31": "",
		"a:1@2027-01-31,b:1,a:2@2027-01-31": "entry 3: the app has another minimum",
	} {
		_, err := appversion.ParseMinimums(text)
		if (err == nil) != (says == "") || err != nil && (!strings.HasPrefix(err.Error(), says) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%q: %v", text, err)
		}
	}
	var none appversion.Minimums
	if empty, err := appversion.ParseMinimums(" , "); err != nil || !empty.IsEmpty() || !none.IsEmpty() || none.Check("a", "1", time.Time{}) != (appversion.Verdict{}) {
		t.Errorf("nothing set: %v, %v", empty, err)
	}
}

// FuzzMinimums holds that what was set for one app judges that app and no other.
func FuzzMinimums(f *testing.F) {
	f.Add("lux-ios:2.1.0@2027-01-31,lux-android:2")
	f.Add("a:0")
	f.Fuzz(func(t *testing.T, text string) {
		minimums, err := appversion.ParseMinimums(text)
		if err != nil {
			return
		}
		late := time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
		for _, app := range minimums.Apps() {
			verdict := minimums.Check(app, "", late)
			if !verdict.IsRefused || !strings.Contains(text, app+":"+verdict.Minimum) {
				t.Errorf("%q of %q: %+v", app, text, verdict)
			}
			if again := minimums.Check(app, verdict.Minimum, late); again.IsRefused {
				t.Errorf("%q refuses %s %s itself", text, app, verdict.Minimum)
			}
		}
		if minimums.Check("\x00", "", late) != (appversion.Verdict{}) && !strings.Contains(text, "\x00") {
			t.Errorf("%q refuses an app that it does not name", text)
		}
	})
}
