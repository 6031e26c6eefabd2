package rest

import (
	"encoding/json"
	"errors"
	"time"

	"luxbff/ent/vocab"
)

// The types below spell the contract's vocabulary as REST writes it.

// date is a day as 19970101.
type date struct{ vocab.Date }

var errDate = errors.New("not a day as 19970101")

// MarshalJSON writes 19970101.
func (d date) MarshalJSON() ([]byte, error) { return json.Marshal(d.Compact()) }

// UnmarshalJSON reads 19970101 and refuses impossible days.
func (d *date) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return errDate
	}
	day, err := vocab.ParseCompactDate(text)
	d.Date = day
	return err
}

// orNil unwraps an optional day.
func (d *date) orNil() *vocab.Date {
	if d == nil {
		return nil
	}
	return &d.Date
}

// compact is an optional day as it is written, null when there is none.
func compact(d *vocab.Date) *date {
	if d == nil {
		return nil
	}
	return &date{*d}
}

// wallClock is the device's time as 2025-02-21T15:48:49.
type wallClock struct{ vocab.LocalDateTime }

// UnmarshalJSON reads 2025-02-21T15:48:49.
func (w *wallClock) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return errDate
	}
	at, err := vocab.ParseLocalDateTime(text)
	w.LocalDateTime = at
	return err
}

// instant is a time in UTC as 2024-10-28T08:09:47.889Z.
type instant time.Time

// MarshalJSON writes 2024-10-28T08:09:47.889Z.
func (i instant) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(i).UTC().Format("2006-01-02T15:04:05.000Z07:00"))
}
