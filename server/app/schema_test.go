package app_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"luxbff/graph"
	"luxbff/internal/testutil/apptest"
)

// described is a type, a directive or a part of one, in one form for what is printed and
// for what introspection says.
type described struct {
	Kind, Name, Description, Type, Default string
	// Names are interfaces of a type, or locations of a directive.
	Names []string
	// Members are fields, arguments or values.
	Members []described
}

type typeReference struct {
	Kind, Name string
	OfType     *typeReference
}

func (r typeReference) String() string {
	switch r.Kind {
	case "NON_NULL":
		return r.OfType.String() + "!"
	case "LIST":
		return "[" + r.OfType.String() + "]"
	}
	return r.Name
}

// introspectedMember is a field, an argument, an input field or a value of an enum.
type introspectedMember struct {
	Name, Description string
	Type              typeReference
	DefaultValue      string
	Args              []introspectedMember
}

type introspectedType struct {
	Kind, Name, Description         string
	Interfaces                      []typeReference
	Fields, InputFields, EnumValues []introspectedMember
}

type introspectedDirective struct {
	Name, Description string
	Locations         []string
	Args              []introspectedMember
}

func (m introspectedMember) describe() described {
	return described{
		Name: m.Name, Description: m.Description, Type: m.Type.String(), Default: m.DefaultValue, Members: describeAll(m.Args),
	}
}

func describeAll(members []introspectedMember) (all []described) {
	for _, member := range members {
		all = append(all, member.describe())
	}
	return all
}

func (i introspectedType) describe() described {
	d := described{Kind: i.Kind, Name: i.Name, Description: i.Description}
	for _, implemented := range i.Interfaces {
		d.Names = append(d.Names, implemented.Name)
	}
	d.Members = describeAll(slices.Concat(i.Fields, i.InputFields, i.EnumValues))
	return d
}

func (i introspectedDirective) describe() described {
	return described{
		Name: i.Name, Description: i.Description, Names: slices.Sorted(slices.Values(i.Locations)), Members: describeAll(i.Args),
	}
}

func describeDefinition(definition *ast.Definition) described {
	d := described{Kind: string(definition.Kind), Name: definition.Name, Description: definition.Description}
	d.Names = definition.Interfaces
	for _, field := range definition.Fields {
		member := described{Name: field.Name, Description: field.Description, Type: field.Type.String()}
		if field.DefaultValue != nil {
			member.Default = field.DefaultValue.String()
		}
		member.Members = describeArguments(field.Arguments)
		d.Members = append(d.Members, member)
	}
	for _, value := range definition.EnumValues {
		d.Members = append(d.Members, described{Name: value.Name, Description: value.Description})
	}
	return d
}

func describeDirective(directive *ast.DirectiveDefinition) described {
	d := described{Name: directive.Name, Description: directive.Description, Members: describeArguments(directive.Arguments)}
	for _, location := range directive.Locations {
		d.Names = append(d.Names, string(location))
	}
	slices.Sort(d.Names)
	return d
}

func describeArguments(arguments ast.ArgumentDefinitionList) (all []described) {
	for _, argument := range arguments {
		member := described{Name: argument.Name, Description: argument.Description, Type: argument.Type.String()}
		if argument.DefaultValue != nil {
			member.Default = argument.DefaultValue.String()
		}
		all = append(all, member)
	}
	return all
}

// specifiedDirectives are those of the GraphQL specification of September 2025, section
// 3.13, without their descriptions.
const specifiedDirectives = `
	directive @deprecated(reason: String = "No longer supported")
		on FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | ENUM_VALUE
	directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
	directive @oneOf on INPUT_OBJECT
	directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
	directive @specifiedBy(url: String!) on SCALAR`

// TestPrintedSchemaIsWhatIntrospectionSays compares the two type by type. What is printed
// leaves out what every implementation of GraphQL brings with it.
func TestPrintedSchemaIsWhatIntrospectionSays(t *testing.T) {
	t.Parallel()
	var answer struct {
		Schema struct {
			Types      []introspectedType
			Directives []introspectedDirective
		} `json:"__schema"`
	}
	apptest.Start(t).Data(t, "", graph.IntrospectionQuery, nil, &answer)
	said := map[string]described{}
	for _, found := range answer.Schema.Types {
		if isBuiltIn := slices.Contains([]string{"Boolean", "Float", "ID", "Int", "String"}, found.Name); !isBuiltIn && !strings.HasPrefix(found.Name, "__") {
			said[found.Name] = found.describe()
		}
	}
	for _, found := range answer.Schema.Types {
		if found.Name == "__DirectiveLocation" && len(found.EnumValues) != 19 {
			t.Errorf("%d locations of directives, of 19 in the specification", len(found.EnumValues))
		}
	}
	specified := parse(t, specifiedDirectives)
	for _, found := range answer.Schema.Directives {
		d := found.describe()
		if specified.Directives.ForName(found.Name) != nil {
			d = withoutDescriptions(d)
		}
		said["@"+found.Name] = d
	}

	want := map[string]described{}
	printed := parse(t, graph.SDL())
	for _, definition := range printed.Definitions {
		want[definition.Name] = describeDefinition(definition)
	}
	for _, directive := range slices.Concat(printed.Directives, specified.Directives) {
		want["@"+directive.Name] = describeDirective(directive)
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("-printed +introspected:\n%s", diff)
	}
	if len(want) < 50 || graph.SDL() != graph.SDL() { //nolint:staticcheck // the order may differ from call to call
		t.Errorf("%d types and directives are printed, or not always in the same order", len(want))
	}
}

func parse(t *testing.T, text string) *ast.SchemaDocument {
	t.Helper()
	document, err := parser.ParseSchema(&ast.Source{Input: text})
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func withoutDescriptions(d described) described {
	d.Description = ""
	d.Members = slices.Clone(d.Members)
	for i := range d.Members {
		d.Members[i].Description = ""
	}
	return d
}

// TestIntrospectionIsNullForWhatAKindDoesNotHave follows section 4.2.1 of the
// specification, for types by name and for the wrapping types, which have no name.
func TestIntrospectionIsNullForWhatAKindDoesNotHave(t *testing.T) {
	t.Parallel()
	const parts = `kind name ofType {name} fields(includeDeprecated: null) {name} interfaces {name} possibleTypes {name}
		enumValues(includeDeprecated: null) {name} inputFields(includeDeprecated: null) {name} isOneOf specifiedByURL`
	var answer struct {
		Schema struct{ Types []map[string]any } `json:"__schema"`
		Query  struct {
			Fields []struct{ Type map[string]any }
		}
	}
	apptest.Start(t).Data(t, "", `{__schema {types {`+parts+`}} Query: __type(name: "Query") {fields {type {`+parts+` of: ofType {`+parts+`}}}}}`, nil, &answer)
	found := answer.Schema.Types
	for _, field := range answer.Query.Fields {
		found = append(found, field.Type)
		if of, isWrapped := field.Type["of"].(map[string]any); isWrapped {
			found = append(found, of)
		}
	}
	has := map[string][]string{
		"SCALAR": {"name"}, "OBJECT": {"name", "fields", "interfaces"}, "ENUM": {"name", "enumValues"},
		"INPUT_OBJECT": {"name", "inputFields", "isOneOf"}, "LIST": {"ofType"}, "NON_NULL": {"ofType"},
		"INTERFACE": {"name", "fields", "interfaces", "possibleTypes"}, "UNION": {"name", "possibleTypes"},
	}
	kinds := map[any]bool{}
	for _, one := range found {
		kind, _ := one["kind"].(string)
		kinds[kind] = true
		for _, part := range []string{
			"name", "ofType", "fields", "interfaces", "possibleTypes", "enumValues", "inputFields", "isOneOf", "specifiedByURL",
		} {
			if isThere := one[part] != nil; isThere != slices.Contains(has[kind], part) {
				t.Errorf("%s %v: %s is %v", kind, one["name"], part, one[part])
			}
		}
	}
	if len(kinds) < 6 {
		t.Errorf("only %v", kinds)
	}
}
