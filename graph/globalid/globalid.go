// Package globalid names an object of the schema by its type and its id, for clients that
// keep all objects in one store, as Relay does. It imports nothing of this module but the
// one error type.
package globalid

import (
	"encoding/base64"
	"io"
	"slices"
	"strconv"
	"strings"

	"luxbff/internal/apperr"
)

// The types of the schema that implement Node.
const (
	User      = "User"
	ChildUser = "ChildUser"
	Device    = "Device"
	Devlog    = "Devlog"
)

var errNotAGlobalID = apperr.Text("not a globalId of an object")

// Node is an object of the schema that has a global id: a *ent.User, *ent.ChildUser,
// *ent.Device or *ent.Devlog.
type Node any

// ID is the global id of an object. It is neither secret nor a right.
type ID struct {
	Type string
	ID   int
}

func (i ID) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(i.Type + ":" + strconv.Itoa(i.ID)))
}

// MarshalGQL implements graphql.Marshaler.
func (i ID) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, `"`+i.String()+`"`) }

// UnmarshalGQL implements graphql.Unmarshaler. It refuses whatever MarshalGQL does not write,
// so that an object has one global id.
func (i *ID) UnmarshalGQL(in any) error {
	text, _ := in.(string)
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return errNotAGlobalID
	}
	of, digits, _ := strings.Cut(string(decoded), ":")
	id, err := strconv.Atoi(digits)
	read := ID{of, id}
	if err != nil || !slices.Contains([]string{User, ChildUser, Device, Devlog}, of) || read.String() != text {
		return errNotAGlobalID
	}
	*i = read
	return nil
}
