// Package vocab is the contract's vocabulary, shared by storage, domain and both
// edges: calendar dates, the device's wall clock and the enumerations. Each type
// knows its spellings in storage, GraphQL and REST. It imports nothing but the
// standard library.
package vocab

import (
	"fmt"
	"io"
	"strconv"
)

// Gender is the contract's M, F, N or P, the spelling of REST and of storage.
type Gender string

// The four genders of the LUX and Addnox user pages.
const (
	Male           Gender = "M"
	Female         Gender = "F"
	NonBinary      Gender = "N"
	PreferNotToSay Gender = "P"
)

// RegisterType says how an account came to be: E e-mail, S social, L local.
type RegisterType string

// E and S are documented by the user pages; L is an account that SNUTT made.
const (
	RegisteredByEmail  RegisterType = "E"
	RegisteredBySocial RegisterType = "S"
	RegisteredLocally  RegisterType = "L"
)

// DevlogStatus tells a log of a use still running from one that has ended.
type DevlogStatus string

// A devlog starts TEMPORARY or COMPLETE and never goes back to TEMPORARY.
const (
	Temporary DevlogStatus = "TEMPORARY"
	Complete  DevlogStatus = "COMPLETE"
)

// DevlogChange names what happened to a devlog, as the live feed tells it.
type DevlogChange string

// The changes of the feed: a replayed record makes none.
const (
	Created   DevlogChange = "CREATED"
	Updated   DevlogChange = "UPDATED"
	Completed DevlogChange = "COMPLETED"
)

// FinishFlag is why a use of the device ended, 1 to 6 (LUX device page).
type FinishFlag int

// The shutdowns of the LUX device page, by their REST numbers.
const (
	NormalShutdown FinishFlag = iota + 1
	ButtonShutdown
	AppShutdown
	FaultyContactsShutdown
	VbusShutdown
	FactoryShutdown
)

// spelling is one member of an enumeration: its value and its GraphQL name.
type spelling[T comparable] struct {
	value T
	name  string
}

func genders() []spelling[Gender] {
	return []spelling[Gender]{
		{Male, "MALE"}, {Female, "FEMALE"}, {NonBinary, "NON_BINARY"}, {PreferNotToSay, "PREFER_NOT_TO_SAY"},
	}
}

func registerTypes() []spelling[RegisterType] {
	return []spelling[RegisterType]{
		{RegisteredByEmail, "EMAIL"}, {RegisteredBySocial, "SOCIAL"}, {RegisteredLocally, "LOCAL"},
	}
}

func devlogStatuses() []spelling[DevlogStatus] {
	return []spelling[DevlogStatus]{{Temporary, "TEMPORARY"}, {Complete, "COMPLETE"}}
}

func devlogChanges() []spelling[DevlogChange] {
	return []spelling[DevlogChange]{{Created, "CREATED"}, {Updated, "UPDATED"}, {Completed, "COMPLETED"}}
}

func finishFlags() []spelling[FinishFlag] {
	return []spelling[FinishFlag]{
		{NormalShutdown, "NORMAL_SHUTDOWN"},
		{ButtonShutdown, "BUTTON_SHUTDOWN"},
		{AppShutdown, "APP_SHUTDOWN"},
		{FaultyContactsShutdown, "FAULTY_CONTACTS_SHUTDOWN"},
		{VbusShutdown, "VBUS_SHUTDOWN"},
		{FactoryShutdown, "FACTORY_SHUTDOWN"},
	}
}

func nameOf[T comparable](members []spelling[T], value T) string {
	for _, m := range members {
		if m.value == value {
			return m.name
		}
	}
	return ""
}

func known[T comparable](members []spelling[T], value T) bool {
	return nameOf(members, value) != ""
}

func named[T comparable](members []spelling[T], in any) (T, error) {
	name, _ := in.(string)
	for _, m := range members {
		if m.name == name {
			return m.value, nil
		}
	}
	var none T
	return none, fmt.Errorf("%v is not one of its names", in)
}

func write(w io.Writer, name string) { _, _ = io.WriteString(w, strconv.Quote(name)) }

// Valid reports whether g is one of the four documented letters.
func (g Gender) Valid() bool { return known(genders(), g) }

// MarshalGQL writes the GraphQL name.
func (g Gender) MarshalGQL(w io.Writer) { write(w, nameOf(genders(), g)) }

// UnmarshalGQL reads the GraphQL name.
func (g *Gender) UnmarshalGQL(in any) (err error) {
	*g, err = named(genders(), in)
	return err
}

// MarshalGQL writes the GraphQL name.
func (t RegisterType) MarshalGQL(w io.Writer) { write(w, nameOf(registerTypes(), t)) }

// UnmarshalGQL reads the GraphQL name.
func (t *RegisterType) UnmarshalGQL(in any) (err error) {
	*t, err = named(registerTypes(), in)
	return err
}

// MarshalGQL writes the GraphQL name.
func (s DevlogStatus) MarshalGQL(w io.Writer) { write(w, nameOf(devlogStatuses(), s)) }

// UnmarshalGQL reads the GraphQL name.
func (s *DevlogStatus) UnmarshalGQL(in any) (err error) {
	*s, err = named(devlogStatuses(), in)
	return err
}

// MarshalGQL writes the GraphQL name.
func (c DevlogChange) MarshalGQL(w io.Writer) { write(w, nameOf(devlogChanges(), c)) }

// UnmarshalGQL reads the GraphQL name.
func (c *DevlogChange) UnmarshalGQL(in any) (err error) {
	*c, err = named(devlogChanges(), in)
	return err
}

// Valid reports whether f is one of the six documented shutdowns.
func (f FinishFlag) Valid() bool { return known(finishFlags(), f) }

// MarshalGQL writes the GraphQL name.
func (f FinishFlag) MarshalGQL(w io.Writer) { write(w, nameOf(finishFlags(), f)) }

// UnmarshalGQL reads the GraphQL name.
func (f *FinishFlag) UnmarshalGQL(in any) (err error) {
	*f, err = named(finishFlags(), in)
	return err
}
