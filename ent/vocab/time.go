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
	errNotAWallClock = errors.New("not a wall clock time without offset, as 2025-02-21T15:48:49")
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
// 2025-02-21T15:48:49 everywhere. Apps send it without an offset, so it can be
// compared with another of the same device, but not with a point in time.
type LocalDateTime string

// ParseLocalDateTime reads 2025-02-21T15:48:49. A fraction of a second is dropped;
// an offset is refused.
func ParseLocalDateTime(text string) (LocalDateTime, error) {
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

// Add returns the time that the clock shows d later. A text that is no time stays
// as it is.
func (l LocalDateTime) Add(d time.Duration) LocalDateTime {
	at, err := time.Parse(wallClock, string(l))
	if err != nil {
		return l
	}
	return LocalDateTime(at.Add(d).Format(wallClock))
}

// MarshalGQL writes the spelling that all share.
func (l LocalDateTime) MarshalGQL(w io.Writer) { writeQuoted(w, string(l)) }

// UnmarshalGQL reads the spelling that all share.
func (l *LocalDateTime) UnmarshalGQL(in any) (err error) {
	text, _ := in.(string)
	*l, err = ParseLocalDateTime(text)
	return err
}
