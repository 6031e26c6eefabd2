// Package typekind holds what introspection says of a type by its kind, which the
// generated executor calls in place of gqlgen's methods; internal/tools/gqlgen puts the
// calls there. For what the kind of a type does not have, section 4.2.1 of the GraphQL
// specification asks for null, where gqlgen answers with an empty list, or with false.
// The package imports gqlgen's runtime and nothing of this module.
package typekind

import (
	"slices"

	"github.com/99designs/gqlgen/graphql/introspection"
)

// Fields gives those of an object or an interface.
func Fields(of *introspection.Type, includeDeprecated bool) []introspection.Field {
	if !hasFields(of) {
		return nil
	}
	return of.Fields(includeDeprecated)
}

// Interfaces gives those that an object or an interface implements.
func Interfaces(of *introspection.Type) []introspection.Type {
	if !hasFields(of) {
		return nil
	}
	return of.Interfaces()
}

func hasFields(of *introspection.Type) bool {
	return slices.Contains([]string{"OBJECT", "INTERFACE"}, of.Kind())
}

// PossibleTypes gives those of an interface or a union.
func PossibleTypes(of *introspection.Type) []introspection.Type {
	if !slices.Contains([]string{"INTERFACE", "UNION"}, of.Kind()) {
		return nil
	}
	return of.PossibleTypes()
}

// EnumValues gives those of an enum.
func EnumValues(of *introspection.Type, includeDeprecated bool) []introspection.EnumValue {
	if of.Kind() != "ENUM" {
		return nil
	}
	return of.EnumValues(includeDeprecated)
}

// InputFields gives those of an input object.
func InputFields(of *introspection.Type) []introspection.InputValue {
	if of.Kind() != "INPUT_OBJECT" {
		return nil
	}
	return of.InputFields()
}

// IsOneOf is a boolean for an input object, nil for any other type.
func IsOneOf(of *introspection.Type) any {
	if of.Kind() != "INPUT_OBJECT" {
		return nil
	}
	return of.IsOneOf()
}
