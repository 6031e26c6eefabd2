package schema_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// comparison collects what an app that was built with the released schema would stumble
// over in the present one.
type comparison struct {
	released, present *ast.Schema
	// lastRelease is the day of the last release. What was deprecated until a day before it
	// may go.
	lastRelease string
	breaks      []string
}

// breaking lists the changes from one schema to the next that break apps.
func breaking(released, present *ast.Schema, lastRelease string) []string {
	c := comparison{released: released, present: present, lastRelease: lastRelease}
	for _, was := range released.Types {
		if !was.BuiltIn {
			c.compareType(was, present.Types[was.Name])
		}
	}
	for root, types := range map[string][2]*ast.Definition{
		"query":        {released.Query, present.Query},
		"mutation":     {released.Mutation, present.Mutation},
		"subscription": {released.Subscription, present.Subscription},
	} {
		if types[0] != nil && types[1] == nil {
			c.add("there is no %s any more", root)
		}
	}
	slices.Sort(c.breaks)
	return c.breaks
}

func (c *comparison) add(format string, values ...any) {
	c.breaks = append(c.breaks, fmt.Sprintf(format, values...))
}

// removed reports a member that is gone, unless its time was over.
func (c *comparison) removed(name string, directives ast.DirectiveList) {
	_, until, _ := deprecation(directives)
	if until == "" || until >= c.lastRelease {
		c.add("%s was removed", name)
	}
}

func (c *comparison) compareType(was, is *ast.Definition) {
	switch {
	case is == nil:
		c.add("%s was removed", was.Name)
		return
	case is.Kind != was.Kind:
		c.add("%s was %s and is %s", was.Name, was.Kind, is.Kind)
		return
	}
	for _, name := range was.Interfaces {
		if !slices.Contains(is.Interfaces, name) {
			c.add("%s implements %s no more", was.Name, name)
		}
	}
	for _, name := range was.Types {
		if !slices.Contains(is.Types, name) {
			c.add("%s is no member of %s any more", name, was.Name)
		}
	}
	for _, value := range was.EnumValues {
		if is.EnumValues.ForName(value.Name) == nil {
			c.removed(was.Name+"."+value.Name, value.Directives)
		}
	}
	if was.Kind == ast.InputObject {
		c.compareInput(was, is)
		return
	}
	for _, field := range was.Fields {
		name := was.Name + "." + field.Name
		now := is.Fields.ForName(field.Name)
		if now == nil {
			c.removed(name, field.Directives)
			continue
		}
		c.compareField(name, field, now)
	}
}

func (c *comparison) compareField(name string, was, is *ast.FieldDefinition) {
	if !fitsOutput(was.Type, is.Type) {
		c.add("%s was %s and is %s", name, was.Type, is.Type)
	}
	if was.Directives.ForName("semanticNonNull") != nil && is.Directives.ForName("semanticNonNull") == nil && !is.Type.NonNull {
		c.add("%s was null only where it failed, and may be null now", name)
	}
	if was.Directives.ForName("auth") == nil && is.Directives.ForName("auth") != nil {
		c.add("%s needs a token, and needed none", name)
	}
	for _, argument := range was.Arguments {
		now := is.Arguments.ForName(argument.Name)
		if now == nil {
			c.removed(name+"("+argument.Name+")", argument.Directives)
			continue
		}
		c.compareValue(name+"("+argument.Name+")", argument.Type, now.Type, argument.DefaultValue, now.DefaultValue)
	}
	for _, argument := range is.Arguments {
		if was.Arguments.ForName(argument.Name) == nil && isRequired(argument.Type, argument.DefaultValue) {
			c.add("%s(%s) is new and required", name, argument.Name)
		}
	}
}

func (c *comparison) compareInput(was, is *ast.Definition) {
	if was.Directives.ForName("oneOf") == nil && is.Directives.ForName("oneOf") != nil {
		c.add("%s takes one member alone, and took several", was.Name)
	}
	for _, field := range was.Fields {
		now := is.Fields.ForName(field.Name)
		if now == nil {
			c.removed(was.Name+"."+field.Name, field.Directives)
			continue
		}
		c.compareValue(was.Name+"."+field.Name, field.Type, now.Type, field.DefaultValue, now.DefaultValue)
	}
	for _, field := range is.Fields {
		if was.Fields.ForName(field.Name) == nil && isRequired(field.Type, field.DefaultValue) {
			c.add("%s.%s is new and required", was.Name, field.Name)
		}
	}
}

// compareValue is about an argument or a member of an input. An app that leaves it out goes
// by its default.
func (c *comparison) compareValue(name string, was, is *ast.Type, defaultWas, defaultIs *ast.Value) {
	if !fitsOutput(is, was) { // what was sent has to be taken still
		c.add("%s was %s and is %s", name, was, is)
	}
	if defaultWas != nil && (defaultIs == nil || defaultIs.String() != defaultWas.String()) {
		c.add("%s had the default %s and has another", name, defaultWas)
	}
}

// fitsOutput reports whether a value of type is fits wherever one of type was did: the same
// type, or null in fewer places.
func fitsOutput(was, is *ast.Type) bool {
	switch {
	case was.NonNull && !is.NonNull, (was.Elem == nil) != (is.Elem == nil), was.NamedType != is.NamedType:
		return false
	case was.Elem != nil:
		return fitsOutput(was.Elem, is.Elem)
	}
	return true
}

func isRequired(of *ast.Type, byDefault *ast.Value) bool { return of.NonNull && byDefault == nil }

var deprecationReason = regexp.MustCompile(`^Since (\d{4}-\d\d-\d\d), until (\d{4}-\d\d-\d\d): [^ ].+\.$`)

// deprecation gives the days between which a member is deprecated; ok is false where its
// reason names none, or not in this order.
func deprecation(directives ast.DirectiveList) (since, until string, ok bool) {
	deprecated := directives.ForName("deprecated")
	if deprecated == nil {
		return "", "", true
	}
	reason := deprecated.Arguments.ForName("reason")
	if reason == nil {
		return "", "", false
	}
	days := deprecationReason.FindStringSubmatch(reason.Value.Raw)
	if days == nil || days[1] >= days[2] {
		return "", "", false
	}
	return days[1], days[2], true
}

// undated lists the deprecated members of a schema whose reason doesn't say since when and
// until when.
func undated(schema *ast.Schema) (names []string) {
	check := func(name string, directives ast.DirectiveList) {
		if _, _, ok := deprecation(directives); !ok {
			names = append(names, name)
		}
	}
	for _, of := range schema.Types {
		for _, value := range of.EnumValues {
			check(of.Name+"."+value.Name, value.Directives)
		}
		for _, field := range of.Fields {
			check(of.Name+"."+field.Name, field.Directives)
			for _, argument := range field.Arguments {
				check(of.Name+"."+field.Name+"("+argument.Name+")", argument.Directives)
			}
		}
	}
	slices.Sort(names)
	return names
}

func load(t *testing.T, name, text string) *ast.Schema {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: name, Input: text})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestBreakingChangesAreFound changes a small schema in every way that breaks an app, and
// in ways that break none.
func TestBreakingChangesAreFound(t *testing.T) {
	t.Parallel()
	const released = `
		directive @auth on FIELD_DEFINITION
		directive @semanticNonNull(levels: [Int!]! = [0]) on FIELD_DEFINITION
		type Query {
			child(id: ID!, size: Int = 20): Child
			old: Int @deprecated(reason: "Since 2026-01-01, until 2026-06-30: use child.")
			late: Int @deprecated(reason: "Since 2026-01-01, until 2027-06-30: use child.")
		}
		type Mutation { rename(input: RenameInput!): Child }
		interface Named { name: String }
		type Child implements Named { id: ID! name: String tags: [String!]! status: Status made: Int @semanticNonNull }
		type Other { id: ID! }
		union Any = Child | Other
		enum Status { NEW DONE }
		input RenameInput { id: ID! name: String }`
	for name, tc := range map[string]struct {
		before, after string
		want          []string
	}{
		"a type":                    {"type Other { id: ID! }\n\t\tunion Any = Child | Other", "union Any = Child", []string{"Other is no member of Any any more", "Other was removed"}},
		"the kind of a type":        {"type Other { id: ID! }\n\t\tunion Any = Child | Other", "input Other { id: ID! }\n union Any = Child", []string{"Other is no member of Any any more", "Other was OBJECT and is INPUT_OBJECT"}},
		"a field":                   {"tags: [String!]! ", "", []string{"Child.tags was removed"}},
		"a field whose time ran":    {`old: Int @deprecated(reason: "Since 2026-01-01, until 2026-06-30: use child.")`, "", nil},
		"a field before its time":   {`late: Int @deprecated(reason: "Since 2026-01-01, until 2027-06-30: use child.")`, "", []string{"Query.late was removed"}},
		"a looser output":           {"tags: [String!]!", "tags: [String]!", []string{"Child.tags was [String!]! and is [String]!"}},
		"a stricter output":         {"status: Status made", "status: Status! made", nil},
		"another output":            {"status: Status made", "status: String made", []string{"Child.status was Status and is String"}},
		"a list for one":            {"status: Status made", "status: [Status] made", []string{"Child.status was Status and is [Status]"}},
		"a null that is no failure": {"made: Int @semanticNonNull", "made: Int", []string{"Child.made was null only where it failed, and may be null now"}},
		"never null":                {"made: Int @semanticNonNull", "made: Int!", nil},
		"a token that is needed":    {"rename(input: RenameInput!): Child", "rename(input: RenameInput!): Child @auth", []string{"Mutation.rename needs a token, and needed none"}},
		"an argument":               {"(id: ID!, size: Int = 20)", "(id: ID!)", []string{"Query.child(size) was removed"}},
		"a required argument":       {"(id: ID!,", "(id: ID!, more: Int!,", []string{"Query.child(more) is new and required"}},
		"an optional argument":      {"(id: ID!,", "(id: ID!, more: Int, most: Int! = 1,", nil},
		"a stricter argument":       {"size: Int = 20", "size: Int! = 20", []string{"Query.child(size) was Int and is Int!"}},
		"a looser argument":         {"(id: ID!,", "(id: ID,", nil},
		"another default":           {"size: Int = 20", "size: Int = 10", []string{"Query.child(size) had the default 20 and has another"}},
		"an interface":              {"type Child implements Named", "type Child", []string{"Child implements Named no more"}},
		"a value":                   {"NEW DONE", "NEW", []string{"Status.DONE was removed"}},
		"a new value":               {"NEW DONE", "NEW DONE GONE", nil},
		"a member of an input":      {"input RenameInput { id: ID! name: String }", "input RenameInput { id: ID! }", []string{"RenameInput.name was removed"}},
		"a required member":         {"input RenameInput { id: ID!", "input RenameInput { id: ID! by: ID!", []string{"RenameInput.by is new and required"}},
		"a stricter member":         {"input RenameInput { id: ID! name: String }", "input RenameInput { id: ID! name: String! }", []string{"RenameInput.name was String and is String!"}},
		"an input of one member":    {"input RenameInput { id: ID! name: String }", "input RenameInput @oneOf { id: ID name: String }", []string{"RenameInput takes one member alone, and took several"}},
		"a root":                    {"type Mutation {", "type Mutations {", []string{"Mutation was removed", "there is no mutation any more"}},
		"a new field and new type":  {"type Other {", "type Newer { id: ID! }\n type Other { newer: Newer", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(released, tc.before, tc.after, 1)
			if changed == released {
				t.Fatal("nothing is changed")
			}
			got := breaking(load(t, "released", released), load(t, "present", changed), "2026-11-22")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestUndatedDeprecationsAreFound: a small schema has each kind of member, dated and not.
func TestUndatedDeprecationsAreFound(t *testing.T) {
	t.Parallel()
	got := undated(load(t, "small", `
		type Query {
			dated: Int @deprecated(reason: "Since 2026-01-01, until 2026-06-30: use other.")
			other(by: Int @deprecated(reason: "use more"), more: Int): Status
			bare: Int @deprecated
			backwards: Int @deprecated(reason: "Since 2026-06-30, until 2026-01-01: use other.")
		}
		enum Status { NEW OLD @deprecated(reason: "Since 2026-01-01: nobody has it.") }
		input Change { name: String @deprecated(reason: "Since 2026-01-01, until 2026-06-30:") }`))
	if diff := cmp.Diff([]string{"Change.name", "Query.backwards", "Query.bare", "Query.other(by)", "Status.OLD"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
