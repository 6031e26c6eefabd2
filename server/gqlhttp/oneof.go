package gqlhttp

import (
	"context"
	"reflect"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// oneOf holds variables to @oneOf; gqlparser's validation holds literals alone.
type oneOf struct {
	schema *ast.Schema
	// concerned are the input types that are @oneOf or lead to one that is.
	concerned map[string]bool
}

// ExtensionName implements graphql.HandlerExtension.
func (*oneOf) ExtensionName() string { return "OneOf" }

// Validate implements graphql.HandlerExtension.
func (o *oneOf) Validate(schema graphql.ExecutableSchema) error {
	o.schema = schema.Schema()
	o.concerned = concernedByOneOf(o.schema)
	return nil
}

func concernedByOneOf(schema *ast.Schema) map[string]bool {
	concerned := map[string]bool{}
	for grown := true; grown; {
		grown = false
		for name, definition := range schema.Types {
			if !concerned[name] && leadsToOneOf(definition, concerned) {
				concerned[name], grown = true, true
			}
		}
	}
	return concerned
}

func leadsToOneOf(definition *ast.Definition, concerned map[string]bool) bool {
	if definition.Kind != ast.InputObject {
		return false
	}
	for _, field := range definition.Fields {
		if concerned[field.Type.Name()] {
			return true
		}
	}
	return isOneOf(definition)
}

func isOneOf(definition *ast.Definition) bool { return definition.Directives.ForName("oneOf") != nil }

// MutateOperationContext checks the coerced variables.
func (o *oneOf) MutateOperationContext(
	_ context.Context, operation *graphql.OperationContext,
) *gqlerror.Error {
	if len(o.concerned) == 0 {
		return nil
	}
	for _, variable := range operation.Operation.VariableDefinitions {
		path := ast.Path{variableRoot, ast.PathName(variable.Variable)}
		value := reflect.ValueOf(operation.Variables[variable.Variable])
		if err := o.check(variable.Type.Name(), value, path); err != nil {
			return err
		}
	}
	return nil
}

// check takes values by reflection because coercion makes slices of whatever
// type the one value had that stood for a list.
func (o *oneOf) check(typeName string, value reflect.Value, path ast.Path) *gqlerror.Error {
	for value.Kind() == reflect.Interface {
		value = value.Elem()
	}
	if !o.concerned[typeName] || !value.IsValid() {
		return nil
	}
	switch value.Kind() {
	case reflect.Slice:
		for i := range value.Len() {
			if err := o.check(typeName, value.Index(i), at(path, ast.PathIndex(i))); err != nil {
				return err
			}
		}
	case reflect.Map:
		return o.checkObject(o.schema.Types[typeName], value, path)
	}
	return nil
}

func (o *oneOf) checkObject(definition *ast.Definition, object reflect.Value, path ast.Path) *gqlerror.Error {
	if isOneOf(definition) && !hasExactlyOne(definition, object) {
		err := gqlerror.ErrorPathf(path, "exactly one field of %s must be given, and not null", definition.Name)
		errcode.Set(err, errcode.ValidationFailed)
		return err
	}
	for _, field := range definition.Fields {
		value := object.MapIndex(reflect.ValueOf(field.Name))
		if err := o.check(field.Type.Name(), value, at(path, ast.PathName(field.Name))); err != nil {
			return err
		}
	}
	return nil
}

func hasExactlyOne(definition *ast.Definition, object reflect.Value) bool {
	given, null := 0, 0
	for _, field := range definition.Fields {
		value := object.MapIndex(reflect.ValueOf(field.Name))
		if !value.IsValid() {
			continue
		}
		given++
		if value.Kind() == reflect.Interface && value.IsNil() {
			null++
		}
	}
	return given == 1 && null == 0
}

// at copies, because siblings share what path has room for.
func at(path ast.Path, element ast.PathElement) ast.Path {
	return append(path[:len(path):len(path)], element)
}
