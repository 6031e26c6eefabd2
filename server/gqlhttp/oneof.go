package gqlhttp

import (
	"context"
	"reflect"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// oneOf checks variables against @oneOf: exactly one field must be given, and not null.
// gqlparser's validation checks only literals (v2.5.36). This can go when it checks the
// variables as well.
type oneOf struct {
	schema *ast.Schema
	// checked are the input types that are @oneOf, or contain one that is at any depth.
	checked map[string]bool
}

// ExtensionName implements graphql.HandlerExtension.
func (*oneOf) ExtensionName() string { return "OneOf" }

// Validate implements graphql.HandlerExtension.
func (o *oneOf) Validate(schema graphql.ExecutableSchema) error {
	o.schema = schema.Schema()
	o.checked = typesToCheck(o.schema)
	return nil
}

func typesToCheck(schema *ast.Schema) map[string]bool {
	checked := map[string]bool{}
	// Input types can contain each other in circles, so types are added until a round
	// finds no more.
	for grown := true; grown; {
		grown = false
		for name, definition := range schema.Types {
			if !checked[name] && containsOneOf(definition, checked) {
				checked[name], grown = true, true
			}
		}
	}
	return checked
}

func containsOneOf(definition *ast.Definition, checked map[string]bool) bool {
	if definition.Kind != ast.InputObject {
		return false
	}
	for _, field := range definition.Fields {
		if checked[field.Type.Name()] {
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
	if len(o.checked) == 0 {
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

// check reads values by reflection. A client may send one value where a list is asked
// for, and gqlparser then makes a slice of the type that the value happened to have.
func (o *oneOf) check(typeName string, value reflect.Value, path ast.Path) *gqlerror.Error {
	for value.Kind() == reflect.Interface {
		value = value.Elem()
	}
	if !o.checked[typeName] || !value.IsValid() {
		return nil
	}
	switch value.Kind() {
	case reflect.Slice:
		for i := range value.Len() {
			if err := o.check(typeName, value.Index(i), appendPath(path, ast.PathIndex(i))); err != nil {
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
		if err := o.check(field.Type.Name(), value, appendPath(path, ast.PathName(field.Name))); err != nil {
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

// appendPath copies the path, because the paths of siblings would otherwise share the
// memory of their last element.
func appendPath(path ast.Path, element ast.PathElement) ast.Path {
	return append(path[:len(path):len(path)], element)
}
