// Package scalar holds the GraphQL scalars that the contract's vocabulary does
// not bring itself. It imports gqlgen's runtime and nothing of ours.
package scalar

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// rfc3339Milli is the one spelling of an instant: UTC, to the millisecond.
const rfc3339Milli = "2006-01-02T15:04:05.000Z"

var (
	errNotAnInt     = errors.New("not an integer of 32 bits")
	errNotAnID      = errors.New("not an id")
	errNotText      = errors.New("not a string")
	errNotAnInstant = errors.New("not an instant of RFC 3339, as 2025-02-21T06:48:49.000Z")
)

// MarshalDateTime writes an instant in UTC with milliseconds, the zero time as
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

// UnmarshalDateTime reads RFC 3339 with any offset, cut to the millisecond.
func UnmarshalDateTime(in any) (time.Time, error) {
	text, _ := in.(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errNotAnInstant
	}
	return at.UTC().Truncate(time.Millisecond), nil
}

// MarshalInt writes an Int.
func MarshalInt(i int) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = w.Write(strconv.AppendInt(nil, int64(i), 10))
	})
}

// UnmarshalInt reads an Int as the GraphQL specification bounds it: a number,
// never text, of 32 bits.
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

// MarshalID writes an id as the text that GraphQL shows it as.
func MarshalID(id int) graphql.Marshaler { return graphql.MarshalIntID(id) }

// UnmarshalID reads an id as text or as a number.
func UnmarshalID(in any) (int, error) {
	id, err := graphql.UnmarshalIntID(in)
	if err != nil {
		return 0, errNotAnID
	}
	return id, nil
}

// MarshalString writes a String.
func MarshalString(text string) graphql.Marshaler { return graphql.MarshalString(text) }

// UnmarshalString reads a String and, as the GraphQL specification asks and
// gqlgen's does not, nothing else.
func UnmarshalString(in any) (string, error) {
	text, ok := in.(string)
	if !ok {
		return "", errNotText
	}
	return text, nil
}
