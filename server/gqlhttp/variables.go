package gqlhttp

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/jsonnumber"
)

// coerceVariables gives the values of the variables that an operation defines, by section
// 6.1.2 of the GraphQL specification: a default where a variable is absent, a list of one
// where a single value stands for it, and an error that names the part that does not fit.
// gqlparser's own coercion refuses 600.0 for an Int, takes any case for an enum value and
// does not know @oneOf (v2.5.64). Text of custom scalars is read by their own type later.
//
// The operation has been validated, so its types exist and its defaults fit them.
func coerceVariables(
	schema *ast.Schema, operation *ast.OperationDefinition, given map[string]any,
) (map[string]any, *gqlerror.Error) {
	c := coercion{schema: schema, operation: operation}
	coerced := make(map[string]any, len(operation.VariableDefinitions))
	for _, variable := range operation.VariableDefinitions {
		value, isGiven := given[variable.Variable]
		if !isGiven && variable.DefaultValue == nil && !variable.Type.NonNull {
			continue
		}
		c.path = append(c.path[:0], ast.PathName(variable.Variable))
		var err *gqlerror.Error
		coerced[variable.Variable], err = c.member(variable.Type, variable.DefaultValue, value, isGiven)
		if err != nil {
			return nil, err
		}
	}
	return coerced, nil
}

// coercion is one walk through the values of an operation. The path says where it is: it
// begins with the name of a variable.
type coercion struct {
	schema    *ast.Schema
	operation *ast.OperationDefinition
	path      ast.Path
}

// member coerces a variable or the field of an input object, which may be absent where it
// has a default.
func (c *coercion) member(wanted *ast.Type, byDefault *ast.Value, given any, isGiven bool) (any, *gqlerror.Error) {
	if isGiven {
		return c.value(wanted, given)
	}
	if byDefault == nil {
		return nil, c.refuse("must be defined")
	}
	given, err := byDefault.Value(nil)
	if err != nil {
		return nil, c.refuse("has a default that is out of range")
	}
	return c.value(wanted, given)
}

func (c *coercion) value(wanted *ast.Type, given any) (any, *gqlerror.Error) {
	switch {
	case given == nil && wanted.NonNull:
		return nil, c.refuse("cannot be null")
	case given == nil:
		return nil, nil //nolint:nilnil // null is a value
	case wanted.Elem != nil:
		return c.list(wanted.Elem, given)
	}
	definition := c.schema.Types[wanted.NamedType]
	switch definition.Kind {
	case ast.InputObject:
		return c.object(definition, given)
	case ast.Enum:
		return c.enum(definition, given)
	}
	return c.scalar(definition.Name, given)
}

func (c *coercion) list(element *ast.Type, given any) (any, *gqlerror.Error) {
	values, isList := given.([]any)
	if !isList {
		values = []any{given}
	}
	coerced := make([]any, len(values))
	for i, value := range values {
		c.path = append(c.path, ast.PathIndex(i))
		var err *gqlerror.Error
		if coerced[i], err = c.value(element, value); err != nil {
			return nil, err
		}
		c.leave()
	}
	return coerced, nil
}

func (c *coercion) object(definition *ast.Definition, given any) (any, *gqlerror.Error) {
	members, isObject := given.(map[string]any)
	if !isObject {
		return nil, c.refuse("must be an object of %s", definition.Name)
	}
	if unknown := unknownMember(definition, members); unknown != "" {
		c.path = append(c.path, ast.PathName(unknown))
		return nil, c.refuse("unknown field")
	}
	coerced := make(map[string]any, len(members))
	for _, field := range definition.Fields {
		value, isGiven := members[field.Name]
		if !isGiven && field.DefaultValue == nil && !field.Type.NonNull {
			continue
		}
		c.path = append(c.path, ast.PathName(field.Name))
		var err *gqlerror.Error
		if coerced[field.Name], err = c.member(field.Type, field.DefaultValue, value, isGiven); err != nil {
			return nil, err
		}
		c.leave()
	}
	if isOneOf(definition) && !hasExactlyOne(coerced) {
		return nil, c.refuse("exactly one field of %s must be given, and not null", definition.Name)
	}
	return coerced, nil
}

// unknownMember gives the first of the members, by name, that the input type has no field
// for; empty if there is none.
func unknownMember(definition *ast.Definition, members map[string]any) (first string) {
	for name := range members {
		if definition.Fields.ForName(name) == nil && (first == "" || name < first) {
			first = name
		}
	}
	return first
}

func isOneOf(definition *ast.Definition) bool { return definition.Directives.ForName("oneOf") != nil }

func hasExactlyOne(members map[string]any) bool {
	for _, value := range members {
		return len(members) == 1 && value != nil
	}
	return false
}

func (c *coercion) enum(definition *ast.Definition, given any) (any, *gqlerror.Error) {
	name, isText := given.(string)
	if !isText || definition.EnumValues.ForName(name) == nil {
		return nil, c.refuse("is no value of the enum %s", definition.Name)
	}
	return name, nil
}

func (c *coercion) scalar(name string, given any) (any, *gqlerror.Error) {
	coerced, isBuiltIn := given, true
	switch name {
	case "Int":
		coerced = asInt(given)
	case "Float":
		coerced = asFloat(given)
	case "ID":
		coerced = asID(given)
	case "String":
		if _, isText := given.(string); !isText {
			coerced = nil
		}
	case "Boolean":
		if _, isBoolean := given.(bool); !isBoolean {
			coerced = nil
		}
	default:
		isBuiltIn = false
	}
	if isBuiltIn && coerced == nil {
		return nil, c.refuse("%s", notOf(name))
	}
	return coerced, nil
}

// notOf says what a value is not.
func notOf(scalar string) string {
	switch scalar {
	case "Int":
		return "is no whole number of 32 bits"
	case "ID":
		return "is neither text nor a whole number"
	}
	return fmt.Sprintf("is no %s", scalar)
}

// asInt gives nil for what is no Int. A number of JSON may be written 600.0 or 6e2, as
// section 3.5.1 of the specification allows.
func asInt(given any) any {
	whole, ok := wholeNumber(given)
	if !ok || whole < math.MinInt32 || whole > math.MaxInt32 {
		return nil
	}
	return whole
}

// asFloat gives nil for what is no Float.
func asFloat(given any) any {
	switch number := given.(type) {
	case int64:
		return float64(number)
	case float64:
		return number
	case json.Number:
		if float, err := number.Float64(); err == nil {
			return float
		}
	}
	return nil
}

// asID gives text for text and for a whole number, whose digits are kept however many they
// are, and nil for what is no ID.
func asID(given any) any {
	if text, isText := given.(string); isText {
		return text
	}
	if whole, ok := wholeNumber(given); ok {
		return strconv.FormatInt(whole, 10)
	}
	if number, isNumber := given.(json.Number); isNumber && !strings.ContainsAny(string(number), ".eE") {
		return string(number)
	}
	return nil
}

// wholeNumber reads a number of a variable, which is a json.Number, or of a literal.
func wholeNumber(given any) (whole int64, ok bool) {
	switch number := given.(type) {
	case int64:
		return number, true
	case json.Number:
		return jsonnumber.Whole(number)
	}
	return 0, false
}

func (c *coercion) leave() { c.path = c.path[:len(c.path)-1] }

// refuse names the place in the input. It repeats nothing of the value, which may be a
// password.
func (c *coercion) refuse(format string, arguments ...any) *gqlerror.Error {
	return refuseVariable(inputPath(c.operation, slices.Clone(c.path)), format, arguments...)
}

func refuseVariable(path ast.Path, format string, arguments ...any) *gqlerror.Error {
	err := gqlerror.ErrorPathf(append(ast.Path{variableRoot}, path...), format, arguments...)
	errcode.Set(err, errcode.ValidationFailed)
	return err
}

// refuseNulls refuses an operation in which a variable is null that stands where null is
// not allowed. Validation allows it there for its default, which an explicit null
// replaces. The specification makes it an error of the field alone for an argument, and
// says nothing of @skip and @include; here it is an error of the request in all places,
// so that nothing was done when a client learns that its variable is wrong.
func refuseNulls(operation *ast.OperationDefinition, variables map[string]any) *gqlerror.Error {
	nulls := nullUses{null: map[string]bool{}, visited: map[*ast.FragmentDefinition]bool{}}
	for name, value := range variables {
		if value == nil {
			nulls.null[name] = true
		}
	}
	if len(nulls.null) == 0 {
		return nil
	}
	misplaced := nulls.inDirectives(operation.Directives)
	if misplaced == nil {
		misplaced = nulls.inSelections(operation.SelectionSet)
	}
	if misplaced == nil {
		return nil
	}
	return refuseVariable(ast.Path{ast.PathName(misplaced.Raw)},
		"cannot be null where %s is asked for", misplaced.ExpectedType)
}

// nullUses looks for the uses of the variables that are null.
type nullUses struct {
	null    map[string]bool
	visited map[*ast.FragmentDefinition]bool
}

// inSelections gives the first use where null is not allowed, nil if there is none.
func (n *nullUses) inSelections(selections ast.SelectionSet) (misplaced *ast.Value) {
	for _, selection := range selections {
		switch selected := selection.(type) {
		case *ast.Field:
			misplaced = firstOf(n.inArguments(selected.Arguments), n.inDirectives(selected.Directives),
				n.inSelections(selected.SelectionSet))
		case *ast.InlineFragment:
			misplaced = firstOf(n.inDirectives(selected.Directives), n.inSelections(selected.SelectionSet))
		case *ast.FragmentSpread:
			misplaced = firstOf(n.inDirectives(selected.Directives), n.inFragment(selected.Definition))
		}
		if misplaced != nil {
			return misplaced
		}
	}
	return nil
}

func firstOf(uses ...*ast.Value) *ast.Value {
	for _, use := range uses {
		if use != nil {
			return use
		}
	}
	return nil
}

func (n *nullUses) inFragment(fragment *ast.FragmentDefinition) *ast.Value {
	if n.visited[fragment] {
		return nil
	}
	n.visited[fragment] = true
	return firstOf(n.inDirectives(fragment.Directives), n.inSelections(fragment.SelectionSet))
}

func (n *nullUses) inDirectives(directives ast.DirectiveList) *ast.Value {
	for _, directive := range directives {
		if misplaced := n.inArguments(directive.Arguments); misplaced != nil {
			return misplaced
		}
	}
	return nil
}

func (n *nullUses) inArguments(arguments ast.ArgumentList) *ast.Value {
	for _, argument := range arguments {
		if misplaced := n.inValue(argument.Value); misplaced != nil {
			return misplaced
		}
	}
	return nil
}

func (n *nullUses) inValue(value *ast.Value) *ast.Value {
	if value.Kind == ast.Variable && n.null[value.Raw] && value.ExpectedType != nil && value.ExpectedType.NonNull {
		return value
	}
	for _, child := range value.Children {
		if misplaced := n.inValue(child.Value); misplaced != nil {
			return misplaced
		}
	}
	return nil
}
