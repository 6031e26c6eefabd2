package appversion

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// noticePeriod is for how long before a minimum holds an app is warned of it.
const noticePeriod = 30 * 24 * time.Hour

// Minimums are the versions from which on apps are served, by the names of the apps. The zero
// value serves every version.
type Minimums struct{ of map[string][]minimum }

type minimum struct {
	text    string // as the operator wrote it
	version Version
	from    time.Time // zero: from ever
}

// Verdict is what an app is answered about its version. The zero value serves it without a word.
type Verdict struct {
	// Minimum is the version that is needed, as the operator wrote it; empty where there is
	// nothing to say.
	Minimum string
	// From is when older versions are refused, in UTC; zero for ever.
	From time.Time
	// IsRefused says that it is so already. Otherwise the app is warned.
	IsRefused bool
}

// ParseMinimums reads APP:VERSION[@DATE], comma-separated, as lux-ios:2.1.0@2027-01-31. With a
// date the minimum holds from its beginning in UTC, without one at once. An app may be there
// several times, with a date each. Errors name an entry by its number and repeat nothing.
func ParseMinimums(text string) (Minimums, error) {
	parsed, number := Minimums{map[string][]minimum{}}, 0
	for entry := range strings.SplitSeq(text, ",") {
		number++
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		app, one, err := parseMinimum(entry)
		if err == nil && slices.ContainsFunc(parsed.of[app], func(other minimum) bool { return other.from.Equal(one.from) }) {
			err = errors.New("the app has another minimum from that day on")
		}
		if err != nil {
			return Minimums{}, fmt.Errorf("entry %d: %w", number, err)
		}
		parsed.of[app] = append(parsed.of[app], one)
	}
	for _, all := range parsed.of {
		slices.SortFunc(all, func(a, b minimum) int { return a.from.Compare(b.from) })
	}
	return parsed, nil
}

func parseMinimum(entry string) (app string, one minimum, err error) {
	app, rest, _ := strings.Cut(entry, ":")
	number, date, hasDate := strings.Cut(rest, "@")
	version, isVersion := Parse(number)
	if app == "" || !isVersion || strings.Trim(number, "0123456789.") != "" {
		return "", minimum{}, errors.New("not APP:VERSION or APP:VERSION@DATE, as lux-ios:2.1.0@2027-01-31")
	}
	one = minimum{text: number, version: version}
	if hasDate {
		if one.from, err = time.Parse(time.DateOnly, date); err != nil {
			return "", minimum{}, errors.New("the date is not one as 2027-01-31")
		}
	}
	return app, one, nil
}

// IsEmpty reports that every version of every app is served.
func (m Minimums) IsEmpty() bool { return len(m.of) == 0 }

// Check judges a version at this time. One that is older than a minimum is refused from the
// minimum's day on, and warned of it for the 30 days before, of the first where there are
// several. An app without a minimum is served. A version that can't be read, or that the app
// does not say, is taken for older than every other: an app learns to say its version in one
// of them, and those before that one are the oldest.
func (m Minimums) Check(app, version string, now time.Time) (v Verdict) {
	all := m.of[app]
	if len(all) == 0 {
		return Verdict{}
	}
	sent, isKnown := Parse(version)
	newest := Version{}
	for _, one := range all {
		isOld := !isKnown || sent.Compare(one.version) < 0
		switch {
		case !isOld:
		case !now.Before(one.from):
			if !v.IsRefused || one.version.Compare(newest) > 0 {
				v, newest = Verdict{Minimum: one.text, From: one.from, IsRefused: true}, one.version
			}
		case v.Minimum == "" && one.from.Sub(now) <= noticePeriod:
			v = Verdict{Minimum: one.text, From: one.from}
		}
	}
	return v
}

// Apps gives the names of the apps that have a minimum, in alphabetical order.
func (m Minimums) Apps() []string { return slices.Sorted(maps.Keys(m.of)) }
