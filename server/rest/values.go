package rest

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/server/openapi"
)

// The types of this file read and write values as the REST pages spell them, where
// that differs from GraphQL. Each brings its schema for the OpenAPI document.

// date is a day as 19970101.
type date struct{ vocab.Date }

var errDate = apperr.Text("not a day as YYYYMMDD")

// MarshalJSON writes 19970101.
func (d date) MarshalJSON() ([]byte, error) { return json.Marshal(d.Compact()) }

// UnmarshalJSON reads 19970101 and refuses a day that the calendar does not have.
func (d *date) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return errDate
	}
	day, err := vocab.ParseCompactDate(text)
	d.Date = day
	return err
}

func (date) schema() *openapi.Schema { return textSchema(`^[0-9]{8}$`, "19970101") }

// orNil unwraps an optional day.
func (d *date) orNil() *vocab.Date {
	if d == nil {
		return nil
	}
	return &d.Date
}

// newDate wraps an optional day; nil is written as null.
func newDate(d *vocab.Date) *date {
	if d == nil {
		return nil
	}
	return &date{*d}
}

// wallClock is the device's time as 2025-02-21T15:48:49, with an offset if the app sends
// one.
type wallClock struct{ vocab.DeviceTime }

var errWallClock = apperr.Text("not a date and time as YYYY-MM-DDThh:mm:ss")

// UnmarshalJSON reads what [vocab.ParseDeviceTime] reads.
func (w *wallClock) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return errWallClock
	}
	at, err := vocab.ParseDeviceTime(text)
	w.DeviceTime = at
	return err
}

func (wallClock) schema() *openapi.Schema {
	const day, clock, offset = `[0-9]{4}-[0-9]{2}-[0-9]{2}`, `[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?`, `(Z|[+-][0-9]{2}(:?[0-9]{2})?)?`
	return textSchema(`^`+day+`[T ]`+clock+offset+`$`, "2025-02-21T15:48:49")
}

// instant is a time in UTC as 2024-10-28T08:09:47.889Z.
type instant time.Time

// MarshalJSON writes 2024-10-28T08:09:47.889Z.
func (i instant) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(i).UTC().Format("2006-01-02T15:04:05.000Z07:00"))
}

func (instant) schema() *openapi.Schema {
	return &openapi.Schema{
		Type: openapi.Types{"string"}, Format: "date-time", Examples: []any{"2024-10-28T08:09:47.889Z"},
	}
}

// flag is a boolean that comes as true or false, or as 1 or 0, and is answered in
// the form in which it came (rule 4 of the contract).
type flag struct {
	on, asNumber bool
}

var errFlag = apperr.Text("not true, false, 1 or 0")

// UnmarshalJSON reads either form.
func (f *flag) UnmarshalJSON(raw []byte) error {
	if text := string(raw); text == "true" || text == "false" {
		*f = flag{on: text == "true"}
		return nil
	}
	n, err := parseInteger(string(raw))
	if err != nil || n != 0 && n != 1 {
		return errFlag
	}
	*f = flag{on: n == 1, asNumber: true}
	return nil
}

// like gives a boolean in the kind of this flag, which may be nil.
func (f *flag) like(on bool) flag { return flag{on: on, asNumber: f != nil && f.asNumber} }

// orNil unwraps an optional flag.
func (f *flag) orNil() *bool {
	if f == nil {
		return nil
	}
	return &f.on
}

// MarshalJSON writes the form that was read.
func (f flag) MarshalJSON() ([]byte, error) {
	switch {
	case !f.asNumber:
		return json.Marshal(f.on)
	case f.on:
		return []byte("1"), nil
	}
	return []byte("0"), nil
}

func (flag) schema() *openapi.Schema {
	return &openapi.Schema{AnyOf: []*openapi.Schema{typeSchema("boolean"), enumSchema("integer", 0, 1)}}
}

// integerText is a whole number that may also come as text.
type integerText int

// UnmarshalJSON reads 2, "2" and whatever else is the same number.
func (n *integerText) UnmarshalJSON(raw []byte) error {
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
	}
	read, err := parseInteger(text)
	*n = integerText(read)
	return err
}

// finishFlag is the number of a finish flag; older apps send it as text (rule 9 of the
// contract).
type finishFlag struct{ vocab.FinishFlag }

// UnmarshalJSON reads 2 and "2".
func (f *finishFlag) UnmarshalJSON(raw []byte) error {
	var n integerText
	err := n.UnmarshalJSON(raw)
	f.FinishFlag = vocab.FinishFlag(n)
	return err
}

func (finishFlag) schema() *openapi.Schema {
	numbers := vocabularySchema(reflect.TypeFor[vocab.FinishFlag]())
	return &openapi.Schema{AnyOf: []*openapi.Schema{numbers, textSchema(`^[1-6]$`, "2")}}
}

// orNil unwraps an optional finish flag.
func (f *finishFlag) orNil() *vocab.FinishFlag {
	if f == nil {
		return nil
	}
	return &f.FinishFlag
}

var errRegisterType = apperr.Text("another register_type than the route's")

// byEmail is the register_type of a sign-up by e-mail, which is E and nothing else.
type byEmail struct{}

// UnmarshalJSON reads "E".
func (*byEmail) UnmarshalJSON(raw []byte) error {
	return checkRegisterType(raw, vocab.RegisteredByEmail)
}

func (byEmail) schema() *openapi.Schema { return enumSchema("string", vocab.RegisteredByEmail) }

// bySocial is the register_type of a sign-up through a provider, which is S and
// nothing else.
type bySocial struct{}

// UnmarshalJSON reads "S".
func (*bySocial) UnmarshalJSON(raw []byte) error {
	return checkRegisterType(raw, vocab.RegisteredBySocial)
}

func (bySocial) schema() *openapi.Schema { return enumSchema("string", vocab.RegisteredBySocial) }

func checkRegisterType(raw []byte, want vocab.RegisterType) error {
	var got vocab.RegisterType
	if err := json.Unmarshal(raw, &got); err != nil || got != want {
		return errRegisterType
	}
	return nil
}

// orZero gives the zero value for nil: these pages write "" or 0 where GraphQL has
// null, and treat a missing value of some routes as an empty one.
func orZero[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// lastFourOfMAC gives the four hex digits of a MAC that LUX shows.
func lastFourOfMAC(mac string) string {
	digits := strings.ReplaceAll(mac, ":", "")
	return digits[max(0, len(digits)-4):]
}

// wholeMAC gives a MAC as Addnox shows it.
func wholeMAC(mac string) string { return mac }
