package vocab

import (
	"errors"
	"io"
	"strings"
	"time"
)

const (
	isoDate     = "2006-01-02"
	compactDate = "20060102"
	wallClock   = "2006-01-02T15:04:05"
)

var (
	errNotADate      = errors.New("not a calendar date")
	errNotAWallClock = errors.New("not a date and time of ISO 8601, as 2025-02-21T15:48:49")
	errNotAnOffset   = errors.New("not an offset from UTC between -12:00 and +14:00, as +09:00")
)

// Date is a day of the calendar. Storage and GraphQL spell it 1997-01-01, REST
// 19970101. The empty Date is none. Its text is in the order of the days, so two
// dates compare as strings.
type Date string

// ParseDate reads the GraphQL spelling, 1997-01-01.
func ParseDate(text string) (Date, error) { return parseDate(isoDate, text) }

// ParseCompactDate reads the REST spelling, 19970101.
func ParseCompactDate(text string) (Date, error) { return parseDate(compactDate, text) }

// parseDate refuses the year 0, which time.Parse takes but no calendar has.
func parseDate(layout, text string) (Date, error) {
	day, err := time.Parse(layout, text)
	if err != nil || day.Year() < 1 {
		return "", errNotADate
	}
	return Date(day.Format(isoDate)), nil
}

// DateOf returns the day of t in UTC.
func DateOf(t time.Time) Date { return Date(t.UTC().Format(isoDate)) }

// Compact returns the REST spelling.
func (d Date) Compact() string { return strings.ReplaceAll(string(d), "-", "") }

// HasBegun reports whether the day has begun anywhere on Earth at now. A child born
// this morning in Seoul is born, though the day in UTC is still the one before.
func (d Date) HasBegun(now time.Time) bool {
	const farthestEast = 14 * time.Hour
	return d != "" && d <= DateOf(now.Add(farthestEast))
}

// MarshalGQL writes the GraphQL spelling.
func (d Date) MarshalGQL(w io.Writer) { writeQuoted(w, string(d)) }

// UnmarshalGQL reads the GraphQL spelling and refuses impossible days.
func (d *Date) UnmarshalGQL(in any) (err error) {
	text, _ := in.(string)
	*d, err = ParseDate(text)
	return err
}

// LocalDateTime is what the clock of a device showed, to the second, spelled
// 2025-02-21T15:48:49 everywhere. It can be compared with another of the same device, but
// not with a point in time. Its text is in the order of the times.
type LocalDateTime string

// parseWallClock reads 2025-02-21T15:48:49. A fraction of a second is dropped.
func parseWallClock(text string) (LocalDateTime, error) {
	at, err := time.Parse(wallClock, text)
	if err != nil || at.Year() < 1 {
		return "", errNotAWallClock
	}
	// time.Parse takes an hour of one digit too. What it read must begin the text.
	parsed := at.Format(wallClock)
	if !strings.HasPrefix(text, parsed) {
		return "", errNotAWallClock
	}
	return LocalDateTime(parsed), nil
}

// Valid reports whether the text is a time of the years 1 to 9999. What [LocalDateTime.Add]
// gives may be outside of them.
func (l LocalDateTime) Valid() bool {
	parsed, err := parseWallClock(string(l))
	return err == nil && parsed == l
}

// Add returns the time that the clock shows d later, at most the last second of the year
// 9999: texts with a longer year are not in the order of the times. A text that is no time
// stays as it is.
func (l LocalDateTime) Add(d time.Duration) LocalDateTime {
	at, err := time.Parse(wallClock, string(l))
	if err != nil {
		return l
	}
	if at = at.Add(d); at.Year() > 9999 {
		return "9999-12-31T23:59:59"
	}
	return LocalDateTime(at.Format(wallClock))
}

// Sub returns how much later than other the time is, on one clock; 0 if either is no time.
func (l LocalDateTime) Sub(other LocalDateTime) time.Duration {
	at, err := time.Parse(wallClock, string(l))
	before, otherErr := time.Parse(wallClock, string(other))
	if err != nil || otherErr != nil {
		return 0
	}
	return at.Sub(before)
}

// MarshalGQL writes the spelling that all share.
func (l LocalDateTime) MarshalGQL(w io.Writer) { writeQuoted(w, string(l)) }

// UnmarshalGQL reads what [ParseDeviceTime] reads and drops the offset.
func (l *LocalDateTime) UnmarshalGQL(in any) error {
	text, _ := in.(string)
	at, err := ParseDeviceTime(text)
	*l = at.Clock
	return err
}

// DeviceTime is a wall clock time as an app sends it: what the clock of the device
// showed, and the offset from UTC, as +09:00, if the app has sent one. The clock is as it
// was written; the offset is not applied to it.
type DeviceTime struct {
	Clock  LocalDateTime
	Offset *string
}

// ParseDeviceTime reads ISO 8601 in the forms that rule 9 of the contract names:
// 2025-02-21T15:48:49, with a space for the T, without seconds or with a fraction of one,
// which is dropped, and with an offset as Z, +09:00, +0900 or +09.
//
// It refuses a time that no clock shows, 24:00 and leap seconds among them: phones show
// neither.
func ParseDeviceTime(text string) (DeviceTime, error) {
	const day, minutes = len("2006-01-02"), len("2006-01-02T15:04")
	if len(text) < minutes {
		return DeviceTime{}, errNotAWallClock
	}
	var at DeviceTime
	clock := text
	if i := strings.IndexAny(text[day:], "Z+-"); i >= 0 {
		offset, err := parseOffset(text[day+i:])
		if err != nil {
			return DeviceTime{}, err
		}
		clock, at.Offset = text[:day+i], &offset
	}
	if len(clock) == minutes {
		clock += ":00"
	}
	if len(clock) > day && clock[day] == ' ' {
		clock = clock[:day] + "T" + clock[day+1:]
	}
	var err error
	at.Clock, err = parseWallClock(clock)
	if err != nil {
		return DeviceTime{}, err
	}
	return at, nil
}

// parseOffset reads Z, +09:00, +0900 or +09 and spells it +09:00. It refuses an offset
// that no place on Earth has.
func parseOffset(text string) (offset string, err error) {
	if text == "Z" {
		return "+00:00", nil
	}
	for _, layout := range []string{"-07:00", "-0700", "-07"} {
		if len(text) != len(layout) {
			continue
		}
		at, err := time.Parse(layout, text)
		// time.Parse takes 60 minutes too.
		if err != nil || layout != "-07" && text[len(text)-2:] > "59" {
			return "", errNotAnOffset
		}
		const farthestWest, farthestEast = -12 * 60 * 60, 14 * 60 * 60
		if _, seconds := at.Zone(); seconds < farthestWest || seconds > farthestEast {
			return "", errNotAnOffset
		}
		return at.Format("-07:00"), nil
	}
	return "", errNotAnOffset
}

// MarshalGQL writes the clock.
func (d DeviceTime) MarshalGQL(w io.Writer) { d.Clock.MarshalGQL(w) }

// UnmarshalGQL reads what [ParseDeviceTime] reads. Any other text stays as it is in Clock,
// which is not [LocalDateTime.Valid] then: a device whose battery was empty sends dates that
// no calendar has, and they must not refuse the upload before its rules are asked.
func (d *DeviceTime) UnmarshalGQL(in any) error {
	text, isText := in.(string)
	if !isText {
		return errNotAWallClock
	}
	var err error
	if *d, err = ParseDeviceTime(text); err != nil {
		*d = DeviceTime{Clock: LocalDateTime(text)}
	}
	return nil
}
