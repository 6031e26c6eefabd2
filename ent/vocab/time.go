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

// Date is a day of the Gregorian calendar, stored and shown by GraphQL as
// 1997-01-01, by REST as 19970101. The empty Date is none.
type Date string

// ParseDate reads the GraphQL spelling, 1997-01-01.
func ParseDate(text string) (Date, error) { return parseDate(isoDate, text) }

// ParseCompactDate reads the REST spelling, 19970101.
func ParseCompactDate(text string) (Date, error) { return parseDate(compactDate, text) }

func parseDate(layout, text string) (Date, error) {
	day, err := time.Parse(layout, text)
	if err != nil || day.Year() < 1 {
		return "", errNotADate
	}
	return Date(day.Format(isoDate)), nil
}

// DateOf is the day of t in UTC.
func DateOf(t time.Time) Date { return Date(t.UTC().Format(isoDate)) }

// Compact is the REST spelling.
func (d Date) Compact() string { return strings.ReplaceAll(string(d), "-", "") }

// MarshalGQL writes the GraphQL spelling.
func (d Date) MarshalGQL(w io.Writer) { write(w, string(d)) }

// UnmarshalGQL reads the GraphQL spelling and refuses impossible days.
func (d *Date) UnmarshalGQL(in any) (err error) {
	text, _ := in.(string)
	*d, err = ParseDate(text)
	return err
}

// LocalDateTime is what the device's wall clock showed, to the second and
// without an offset: 2025-02-21T15:48:49 on every surface and in storage.
type LocalDateTime string

// ParseLocalDateTime reads 2025-02-21T15:48:49; a fraction of a second is
// dropped, an offset is refused because a wall clock has none.
func ParseLocalDateTime(text string) (LocalDateTime, error) {
	at, err := time.Parse(wallClock, text)
	if err != nil || at.Year() < 1 {
		return "", errNotAWallClock
	}
	parsed := at.Format(wallClock)
	if !strings.HasPrefix(text, parsed) {
		return "", errNotAWallClock
	}
	return LocalDateTime(parsed), nil
}

// Add moves the wall clock by d.
func (l LocalDateTime) Add(d time.Duration) LocalDateTime {
	at, err := time.Parse(wallClock, string(l))
	if err != nil {
		return l
	}
	return LocalDateTime(at.Add(d).Format(wallClock))
}

// MarshalGQL writes the one spelling.
func (l LocalDateTime) MarshalGQL(w io.Writer) { write(w, string(l)) }

// UnmarshalGQL reads the one spelling.
func (l *LocalDateTime) UnmarshalGQL(in any) (err error) {
	text, _ := in.(string)
	*l, err = ParseLocalDateTime(text)
	return err
}

// Past reports whether d has begun somewhere on Earth at now: the clock's day
// may still be yesterday for a child born this morning in Seoul.
func (d Date) Past(now time.Time) bool {
	const farthestEast = 14 * time.Hour
	return d != "" && d <= DateOf(now.Add(farthestEast))
}
