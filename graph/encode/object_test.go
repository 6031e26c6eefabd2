package encode_test

import (
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/graph/encode"
)

// object gives one with a field of each alias, which holds true.
func object(aliases ...string) *encode.Object {
	var fields []graphql.CollectedField
	for _, alias := range aliases {
		fields = append(fields, graphql.CollectedField{Field: &ast.Field{Alias: alias}})
	}
	o := encode.NewObject(fields)
	for i := range fields {
		o.Values[i] = graphql.True
	}
	return o
}

func TestObjectsOfAnyNumberOfFields(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]*encode.Object{
		`{}`:                  object(),
		`{"a":true}`:          object("a"),
		`{"b":true,"a":true}`: object("b", "a"),
		`{"a":true,"b":true,"c":true,"d":true,"e":true,"f":true,"g":true,"h":true,"i":true}`: object(
			"a", "b", "c", "d", "e", "f", "g", "h", "i"),
	} {
		if got := encode.Data(t.Context(), o); string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
