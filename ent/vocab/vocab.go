// Package vocab holds the words of the contract that storage, domain, GraphQL and
// REST share: calendar dates, the time of a device's clock, and the enumerations.
// Each type knows how it is spelled in each of them. It imports nothing but the
// standard library, so that every package may import it.
package vocab

import (
	"fmt"
	"io"
	"strconv"
)

// Gender is M, F, N or P, as REST and storage spell it.
type Gender string

// The four genders of the LUX and Addnox user pages.
const (
	Male           Gender = "M"
	Female         Gender = "F"
	NonBinary      Gender = "N"
	PreferNotToSay Gender = "P"
)

// RegisterType says how an account was made: E by e-mail, S where a social provider
// vouched for it, L with a local id or as a temporary account. REST and storage spell
// it so, on every surface.
type RegisterType string

// E and S are those of the user pages. L is of SNUTT's routes, which know local ids.
const (
	RegisteredByEmail  RegisterType = "E"
	RegisteredBySocial RegisterType = "S"
	RegisteredLocally  RegisterType = "L"
)

// DevlogStatus says whether the use of a device that a devlog records has ended.
type DevlogStatus string

// A devlog starts as either, and once COMPLETE it stays so.
const (
	Temporary DevlogStatus = "TEMPORARY"
	Complete  DevlogStatus = "COMPLETE"
)

// DevlogChange says what happened to a devlog, in an event of the feed.
type DevlogChange string

// The changes of which the feed has an event. A record that is uploaded again
// changes nothing and makes no event.
const (
	Created   DevlogChange = "CREATED"
	Updated   DevlogChange = "UPDATED"
	Completed DevlogChange = "COMPLETED"
)

// SmsCodePurpose is the one thing that a code by SMS serves for.
type SmsCodePurpose string

// Each is one action of the contract that takes such a code.
const (
	ForSignUp      SmsCodePurpose = "SIGN_UP"
	ForRecovery    SmsCodePurpose = "RECOVERY"
	ForChangePhone SmsCodePurpose = "CHANGE_PHONE"
)

// FinishFlag is why a use of the device ended, 1 to 6 (LUX device page).
type FinishFlag int

// The shutdowns of the LUX device page. Their numbers are those of REST.
const (
	NormalShutdown FinishFlag = iota + 1
	ButtonShutdown
	AppShutdown
	FaultyContactsShutdown
	VbusShutdown
	FactoryShutdown
)

// member is a value of an enumeration and its name in GraphQL.
type member[T comparable] struct {
	value T
	name  string
}

func genders() []member[Gender] {
	return []member[Gender]{
		{Male, "MALE"}, {Female, "FEMALE"}, {NonBinary, "NON_BINARY"}, {PreferNotToSay, "PREFER_NOT_TO_SAY"},
	}
}

func registerTypes() []member[RegisterType] {
	return []member[RegisterType]{
		{RegisteredByEmail, "EMAIL"}, {RegisteredBySocial, "SOCIAL"}, {RegisteredLocally, "LOCAL"},
	}
}

func devlogStatuses() []member[DevlogStatus] {
	return []member[DevlogStatus]{{Temporary, "TEMPORARY"}, {Complete, "COMPLETE"}}
}

func devlogChanges() []member[DevlogChange] {
	return []member[DevlogChange]{{Created, "CREATED"}, {Updated, "UPDATED"}, {Completed, "COMPLETED"}}
}

func smsCodePurposes() []member[SmsCodePurpose] {
	return []member[SmsCodePurpose]{{ForSignUp, "SIGN_UP"}, {ForRecovery, "RECOVERY"}, {ForChangePhone, "CHANGE_PHONE"}}
}

func finishFlags() []member[FinishFlag] {
	return []member[FinishFlag]{
		{NormalShutdown, "NORMAL_SHUTDOWN"},
		{ButtonShutdown, "BUTTON_SHUTDOWN"},
		{AppShutdown, "APP_SHUTDOWN"},
		{FaultyContactsShutdown, "FAULTY_CONTACTS_SHUTDOWN"},
		{VbusShutdown, "VBUS_SHUTDOWN"},
		{FactoryShutdown, "FACTORY_SHUTDOWN"},
	}
}

// nameOf returns the GraphQL name of a value, empty if it is no member.
func nameOf[T comparable](members []member[T], value T) string {
	for _, m := range members {
		if m.value == value {
			return m.name
		}
	}
	return ""
}

func isMember[T comparable](members []member[T], value T) bool {
	return nameOf(members, value) != ""
}

// parseName returns the value with a GraphQL name.
func parseName[T comparable](members []member[T], in any) (T, error) {
	name, _ := in.(string)
	for _, m := range members {
		if m.name == name {
			return m.value, nil
		}
	}
	var none T
	return none, fmt.Errorf("%v is not one of its names", in)
}

// writeQuoted writes a GraphQL value as JSON. MarshalGQL has nowhere to return an
// error to: the writer is a buffer of gqlgen.
func writeQuoted(w io.Writer, name string) {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			_, _ = io.WriteString(w, strconv.Quote(name))
			return
		}
	}
	_, _ = io.WriteString(w, `"`)
	_, _ = io.WriteString(w, name)
	_, _ = io.WriteString(w, `"`)
}

// Valid reports whether g is one of the four letters. GraphQL checks it by the
// enumeration of the schema, REST by this.
func (g Gender) Valid() bool { return isMember(genders(), g) }

// MarshalGQL writes the GraphQL name.
func (g Gender) MarshalGQL(w io.Writer) { writeQuoted(w, nameOf(genders(), g)) }

// UnmarshalGQL reads the GraphQL name.
func (g *Gender) UnmarshalGQL(in any) (err error) {
	*g, err = parseName(genders(), in)
	return err
}

// MarshalGQL writes the GraphQL name.
func (t RegisterType) MarshalGQL(w io.Writer) { writeQuoted(w, nameOf(registerTypes(), t)) }

// UnmarshalGQL reads the GraphQL name.
func (t *RegisterType) UnmarshalGQL(in any) (err error) {
	*t, err = parseName(registerTypes(), in)
	return err
}

// MarshalGQL writes the GraphQL name.
func (s DevlogStatus) MarshalGQL(w io.Writer) { writeQuoted(w, nameOf(devlogStatuses(), s)) }

// UnmarshalGQL reads the GraphQL name.
func (s *DevlogStatus) UnmarshalGQL(in any) (err error) {
	*s, err = parseName(devlogStatuses(), in)
	return err
}

// MarshalGQL writes the GraphQL name.
func (c DevlogChange) MarshalGQL(w io.Writer) { writeQuoted(w, nameOf(devlogChanges(), c)) }

// UnmarshalGQL reads the GraphQL name.
func (c *DevlogChange) UnmarshalGQL(in any) (err error) {
	*c, err = parseName(devlogChanges(), in)
	return err
}

// MarshalGQL writes the GraphQL name.
func (p SmsCodePurpose) MarshalGQL(w io.Writer) { writeQuoted(w, nameOf(smsCodePurposes(), p)) }

// UnmarshalGQL reads the GraphQL name.
func (p *SmsCodePurpose) UnmarshalGQL(in any) (err error) {
	*p, err = parseName(smsCodePurposes(), in)
	return err
}

// Valid reports whether f is one of the six shutdowns.
func (f FinishFlag) Valid() bool { return isMember(finishFlags(), f) }

// MarshalGQL writes the GraphQL name.
func (f FinishFlag) MarshalGQL(w io.Writer) { writeQuoted(w, nameOf(finishFlags(), f)) }

// UnmarshalGQL reads the GraphQL name.
func (f *FinishFlag) UnmarshalGQL(in any) (err error) {
	*f, err = parseName(finishFlags(), in)
	return err
}
