// Package scalar reads and writes the GraphQL scalars that ent/vocab does not bring
// itself. Those that gqlgen has too are stricter here, because gqlgen accepts a
// number for a String, text for an Int or null for a Boolean, and the GraphQL
// specification does not. It imports gqlgen's runtime and nothing of this module.
// Variables have been coerced by server/gqlhttp before they come here.
package scalar

import (
	"encoding/json"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"luxbff/internal/apperr"
)

// rfc3339Milli is how every surface writes an instant: in UTC, to the millisecond.
const rfc3339Milli = "2006-01-02T15:04:05.000Z"

var (
	errNotAnInt     = apperr.Text("not an integer of 32 bits")
	errNotAnID      = apperr.Text("not an id")
	errNotText      = apperr.Text("not a string")
	errNotABoolean  = apperr.Text("not a boolean")
	errNotAnInstant = apperr.Text("not an instant of RFC 3339, as 2025-02-21T06:48:49.000Z")
)

// MarshalDateTime writes an instant as 2024-10-28T08:09:47.889Z, the zero time as
// null.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	if t.IsZero() {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) {
		spelled := make([]byte, 0, len(rfc3339Milli)+2)
		spelled = append(spelled, '"')
		spelled = t.UTC().AppendFormat(spelled, rfc3339Milli)
		_, _ = w.Write(append(spelled, '"'))
	})
}

// UnmarshalDateTime reads RFC 3339 with any offset. What is finer than a
// millisecond is cut off, since it could not be written back.
func UnmarshalDateTime(in any) (time.Time, error) {
	text, _ := in.(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errNotAnInstant
	}
	return at.UTC().Truncate(time.Millisecond), nil
}

// MarshalInt writes an Int.
func MarshalInt(i int) graphql.Marshaler { return number(i) }

// The values below are types of their own and not functions that write them, and use the
// writer's own memory where it lends some, so that writing one allocates nothing.

type number int

// MarshalGQL implements graphql.Marshaler.
func (n number) MarshalGQL(w io.Writer) {
	_, _ = w.Write(strconv.AppendInt(borrow(w), int64(n), 10))
}

type id int

// MarshalGQL implements graphql.Marshaler.
func (i id) MarshalGQL(w io.Writer) {
	quoted := strconv.AppendInt(append(borrow(w), '"'), int64(i), 10)
	_, _ = w.Write(append(quoted, '"'))
}

type text string

// MarshalGQL implements graphql.Marshaler.
func (t text) MarshalGQL(w io.Writer) {
	for i := range len(t) {
		if c := t[i]; c < ' ' || c == '"' || c == '\\' {
			graphql.MarshalString(string(t)).MarshalGQL(w)
			return
		}
	}
	_, _ = io.WriteString(w, `"`)
	_, _ = io.WriteString(w, string(t))
	_, _ = io.WriteString(w, `"`)
}

// borrow gives room to write into, which belongs to the writer if it lends some.
func borrow(w io.Writer) []byte {
	if lender, lends := w.(interface{ AvailableBuffer() []byte }); lends {
		return lender.AvailableBuffer()
	}
	return nil
}

// UnmarshalInt reads an Int within the 32 bits of the GraphQL specification. Text
// that looks like a number is refused.
func UnmarshalInt(in any) (int, error) {
	var wide int64
	switch number := in.(type) {
	case int64:
		wide = number
	case int:
		wide = int64(number)
	case json.Number:
		parsed, err := number.Int64()
		if err != nil {
			return 0, errNotAnInt
		}
		wide = parsed
	default:
		return 0, errNotAnInt
	}
	if wide < math.MinInt32 || wide > math.MaxInt32 {
		return 0, errNotAnInt
	}
	return int(wide), nil
}

// MarshalID writes an id as text, as GraphQL's ID is always written.
func MarshalID(i int) graphql.Marshaler { return id(i) }

// UnmarshalID reads an id, which clients may send as text or as a number.
func UnmarshalID(in any) (int, error) {
	id, err := graphql.UnmarshalIntID(in)
	if err != nil {
		return 0, errNotAnID
	}
	return id, nil
}

// MarshalString writes a String.
func MarshalString(value string) graphql.Marshaler { return text(value) }

// UnmarshalString reads a String. gqlgen's own function also takes numbers and
// booleans, against the GraphQL specification.
func UnmarshalString(in any) (string, error) {
	text, ok := in.(string)
	if !ok {
		return "", errNotText
	}
	return text, nil
}

// MarshalBoolean writes a Boolean.
func MarshalBoolean(value bool) graphql.Marshaler {
	if value {
		return graphql.True
	}
	return graphql.False
}

// UnmarshalBoolean reads a Boolean. gqlgen's own function takes null for false, which
// would withdraw a consent that nobody withdrew.
func UnmarshalBoolean(in any) (bool, error) {
	value, ok := in.(bool)
	if !ok {
		return false, errNotABoolean
	}
	return value, nil
}
