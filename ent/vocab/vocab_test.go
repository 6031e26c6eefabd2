package vocab_test

import (
	"io"
	"strconv"
	"strings"
	"testing"

	"luxbff/ent/vocab"
)

// scalar is a value with a GraphQL spelling.
type scalar interface {
	comparable
	MarshalGQL(w io.Writer)
}

func marshal(value interface{ MarshalGQL(w io.Writer) }) string {
	var out strings.Builder
	value.MarshalGQL(&out)
	return out.String()
}

// wantNames checks that the values of an enumeration are written by these names, and
// read by them and nothing else.
func wantNames[T scalar](t *testing.T, unmarshal func(any) (T, error), names map[T]string) {
	t.Helper()
	for value, name := range names {
		if got := marshal(value); got != strconv.Quote(name) {
			t.Errorf("%v is written as %s, want %q", value, got, name)
		}
		if got, err := unmarshal(name); err != nil || got != value {
			t.Errorf("%s is read as %v, %v", name, got, err)
		}
		for _, other := range []any{strings.ToLower(name), name + " ", nil, 1, true, []byte(name), ""} {
			if got, err := unmarshal(other); err == nil {
				t.Errorf("%v is taken for %v", other, got)
			}
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	wantNames(t, func(in any) (g vocab.Gender, err error) { err = g.UnmarshalGQL(in); return g, err }, map[vocab.Gender]string{
		"M": "MALE", "F": "FEMALE", "N": "NON_BINARY", "P": "PREFER_NOT_TO_SAY",
	})
	wantNames(t, func(in any) (r vocab.RegisterType, err error) { err = r.UnmarshalGQL(in); return r, err }, map[vocab.RegisterType]string{
		"E": "EMAIL", "S": "SOCIAL", "L": "LOCAL",
	})
	wantNames(t, func(in any) (s vocab.DevlogStatus, err error) { err = s.UnmarshalGQL(in); return s, err }, map[vocab.DevlogStatus]string{
		"TEMPORARY": "TEMPORARY", "COMPLETE": "COMPLETE",
	})
	wantNames(t, func(in any) (c vocab.DevlogChange, err error) { err = c.UnmarshalGQL(in); return c, err }, map[vocab.DevlogChange]string{
		"CREATED": "CREATED", "UPDATED": "UPDATED", "COMPLETED": "COMPLETED",
	})
	wantNames(t, func(in any) (p vocab.SmsCodePurpose, err error) { err = p.UnmarshalGQL(in); return p, err }, map[vocab.SmsCodePurpose]string{
		"SIGN_UP": "SIGN_UP", "RECOVERY": "RECOVERY", "CHANGE_PHONE": "CHANGE_PHONE",
	})
	wantNames(t, func(in any) (f vocab.FinishFlag, err error) { err = f.UnmarshalGQL(in); return f, err }, map[vocab.FinishFlag]string{
		1: "NORMAL_SHUTDOWN", 2: "BUTTON_SHUTDOWN", 3: "APP_SHUTDOWN",
		4: "FAULTY_CONTACTS_SHUTDOWN", 5: "VBUS_SHUTDOWN", 6: "FACTORY_SHUTDOWN",
	})
}

func TestValid(t *testing.T) {
	t.Parallel()
	for _, g := range []vocab.Gender{"M", "F", "N", "P"} {
		if !g.Valid() {
			t.Errorf("%q is refused", g)
		}
	}
	for _, g := range []vocab.Gender{"", "m", "X", "MALE"} {
		if g.Valid() {
			t.Errorf("%q is taken", g)
		}
	}
	for flag := vocab.FinishFlag(-1); flag <= 8; flag++ {
		if flag.Valid() != (flag >= 1 && flag <= 6) {
			t.Errorf("valid %d: %v", flag, flag.Valid())
		}
	}
}
