package encode

import (
	"io"

	"github.com/99designs/gqlgen/graphql"
)

// usualFields is how many fields most objects of an answer have at most. Their values
// stand in the object itself, which saves an allocation.
const usualFields = 8

// Object is an object of an answer. The generated executor fills in the values of its
// fields one after the other, and adds to Invalids for each that is null and must not be.
//
// It takes the place of graphql.FieldSet, which can wait for goroutines and hold fields
// back, and pays for both: five allocations an object and as many as it has fields to
// write it. A schema in which one field can be collected twice, through two interfaces,
// must not use it: internal/tools/gqlgen generates none.
type Object struct {
	Values   []graphql.Marshaler
	Invalids uint32

	fields []graphql.CollectedField
	room   [usualFields]graphql.Marshaler
}

// NewObject makes an object of the fields that were collected for it.
func NewObject(fields []graphql.CollectedField) *Object {
	o := &Object{fields: fields}
	if len(fields) <= usualFields {
		o.Values = o.room[:len(fields)]
	} else {
		o.Values = make([]graphql.Marshaler, len(fields))
	}
	return o
}

// MarshalGQL implements graphql.Marshaler. An alias is a name of GraphQL, which has
// nothing to escape.
func (o *Object) MarshalGQL(w io.Writer) {
	if len(o.fields) == 0 { // all were left out by @skip or @include
		_, _ = io.WriteString(w, "{}")
		return
	}
	opening := `{"`
	for i := range o.fields {
		_, _ = io.WriteString(w, opening)
		_, _ = io.WriteString(w, o.fields[i].Alias)
		_, _ = io.WriteString(w, `":`)
		o.Values[i].MarshalGQL(w)
		opening = `,"`
	}
	_, _ = io.WriteString(w, "}")
}
