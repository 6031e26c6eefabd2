// Package documenttest draws GraphQL requests from a schema: documents with fragments,
// aliases, directives and variables, most of them valid, and now and then with a value
// that does not fit where it stands.
package documenttest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"
)

// Source is what requests are drawn from.
type Source struct {
	Schema *ast.Schema
	// Texts are values that mean something to the resolvers, such as the ids of rows. Some
	// of the drawn ids and strings are among them.
	Texts []string
	// Leave are the names of fields that are never drawn.
	Leave []string
	// Kinds are the kinds of operation that are drawn; all are, and queries most often,
	// where it is empty.
	Kinds []string
}

// Request is what a client sends.
type Request struct {
	Query         string                     `json:"query"`
	OperationName string                     `json:"operationName,omitempty"`
	Variables     map[string]json.RawMessage `json:"variables,omitempty"`
}

const (
	deepest = 4 // levels of fields
	widest  = 4 // fields of a selection
)

// Draw draws a request.
func (s Source) Draw(t *rapid.T) Request {
	d := &drawing{t: t, source: s, variables: map[string]json.RawMessage{}}
	d.odd = d.oneIn(3)
	kind, root := d.root()
	body := d.selections(root, deepest)
	query := kind + " A" + d.signature() + body
	if d.isOdd(10) {
		query = kind + " A" + d.signature() + d.directives("include") + body
	}
	request := Request{Variables: d.variables}
	if d.oneIn(10) {
		query += " query B {__typename}"
		request.OperationName = "A"
		if d.isOdd(2) {
			request.OperationName = d.pick("operation", "B", "C", "")
		}
	}
	request.Query = query + strings.Join(d.fragments, "")
	return request
}

// drawing is one document that is being drawn.
type drawing struct {
	t      *rapid.T
	source Source
	// odd is whether something in the document may be wrong. If each were a little wrong,
	// few would get beyond validation.
	odd bool
	// definitions are those of the variables, as they stand in the signature.
	definitions []string
	variables   map[string]json.RawMessage
	fragments   []string
	names       int
}

func (d *drawing) oneIn(n int) bool {
	return rapid.IntRange(1, n).Draw(d.t, "one in "+strconv.Itoa(n)) == n
}

func (d *drawing) isOdd(n int) bool { return d.odd && d.oneIn(n) }

func (d *drawing) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(d.t, label)
}

// name gives one that nothing in the document has.
func (d *drawing) name(prefix string) string {
	d.names++
	return prefix + strconv.Itoa(d.names)
}

func (d *drawing) root() (kind string, root *ast.Definition) {
	schema := d.source.Schema
	kinds := d.source.Kinds
	if len(kinds) == 0 {
		kinds = []string{"query", "query", "query", "mutation", "subscription"}
	}
	kind = d.pick("kind", kinds...)
	switch {
	case kind == "mutation" && schema.Mutation != nil:
		return kind, schema.Mutation
	case kind == "subscription" && schema.Subscription != nil:
		return kind, schema.Subscription
	}
	return "query", schema.Query
}

func (d *drawing) signature() string {
	if len(d.definitions) == 0 {
		return ""
	}
	return "(" + strings.Join(d.definitions, ", ") + ")"
}

func (d *drawing) selections(parent *ast.Definition, depth int) string {
	var drawn []string
	count := rapid.IntRange(1, widest).Draw(d.t, "selections")
	if parent == d.source.Schema.Subscription {
		count = 1
	}
	for range count {
		drawn = append(drawn, d.selection(parent, depth))
	}
	return " {" + strings.Join(drawn, " ") + "}"
}

func (d *drawing) selection(parent *ast.Definition, depth int) string {
	if depth <= 1 {
		return d.field(parent, depth)
	}
	switch {
	case d.oneIn(8):
		condition := d.pick("condition", "", " on "+parent.Name)
		return "..." + condition + d.directives("include", "skip") + d.selections(parent, depth-1)
	case d.oneIn(7): // of the seven eighths that are left
		name := d.name("F")
		// The fragment is drawn first, because its variables are those of the operation.
		body := d.selections(parent, depth-1)
		d.fragments = append(d.fragments, " fragment "+name+" on "+parent.Name+body)
		return "..." + name + d.directives("include", "skip")
	}
	return d.field(parent, depth)
}

func (d *drawing) field(parent *ast.Definition, depth int) string {
	field := d.chooseField(parent, depth)
	if field == nil {
		return "__typename" + d.directives("include", "skip")
	}
	text := field.Name
	if !d.oneIn(4) {
		text = d.name("f") + ": " + text
	}
	text += d.arguments(field.Arguments) + d.directives("include", "skip")
	if below := d.source.Schema.Types[field.Type.Name()]; below.IsCompositeType() {
		text += d.selections(below, depth-1)
	}
	return text
}

// chooseField gives nil for __typename. On the last level only leaves are drawn.
func (d *drawing) chooseField(parent *ast.Definition, depth int) *ast.FieldDefinition {
	var candidates []*ast.FieldDefinition
	for _, field := range parent.Fields {
		isLeaf := !d.source.Schema.Types[field.Type.Name()].IsCompositeType()
		if (isLeaf || depth > 1) && !d.isLeft(field.Name) {
			candidates = append(candidates, field)
		}
	}
	noTypename := parent == d.source.Schema.Subscription
	if len(candidates) == 0 || (!noTypename && d.oneIn(10)) {
		return nil
	}
	return rapid.SampledFrom(candidates).Draw(d.t, "field")
}

func (d *drawing) isLeft(name string) bool {
	for _, left := range d.source.Leave {
		if left == name {
			return true
		}
	}
	return false
}

func (d *drawing) arguments(defined ast.ArgumentDefinitionList) string {
	var drawn []string
	for _, argument := range defined {
		isRequired := argument.Type.NonNull && argument.DefaultValue == nil
		if isRequired || d.oneIn(2) {
			drawn = append(drawn, argument.Name+": "+d.value(argument.Type, true))
		}
	}
	if len(drawn) == 0 {
		return ""
	}
	return "(" + strings.Join(drawn, ", ") + ")"
}

func (d *drawing) directives(known ...string) string {
	if !d.oneIn(6) {
		return ""
	}
	condition := d.value(ast.NonNullNamedType("Boolean", nil), true)
	return " @" + d.pick("directive", known...) + "(if: " + condition + ")"
}

// value draws a literal of the type, or a variable where those may stand.
func (d *drawing) value(wanted *ast.Type, variables bool) string {
	switch {
	case d.isOdd(10):
		return d.pick("odd literal", oddLiterals()...)
	case variables && d.oneIn(3):
		return "$" + d.variable(wanted)
	case !wanted.NonNull && d.oneIn(5):
		return "null"
	case wanted.Elem != nil && d.oneIn(4):
		return d.value(wanted.Elem, variables)
	case wanted.Elem != nil:
		return "[" + strings.Join(d.times(func() string { return d.value(wanted.Elem, variables) }), ", ") + "]"
	}
	definition := d.source.Schema.Types[wanted.NamedType]
	switch definition.Kind {
	case ast.InputObject:
		var members []string
		for _, field := range d.members(definition) {
			members = append(members, field.Name+": "+d.value(memberType(definition, field), variables))
		}
		return "{" + strings.Join(members, ", ") + "}"
	case ast.Enum:
		return rapid.SampledFrom(definition.EnumValues).Draw(d.t, "enum").Name
	}
	return d.scalar(definition.Name)
}

func oddLiterals() []string {
	return []string{
		"null", "{}", "[]", "[null]", "[[[]]]", "{a: {b: [1]}}", "$undefined", "0", "-1", "1.5", "600.0", "6e2",
		"2147483648", "9223372036854775808", "-99999999999999999999999", "1e999", `""`, `"text"`, `"""block"""`,
		`"\u0000"`, `"\ud83c\udfc3"`, "true", "false", "ENUM", "male",
	}
}

// variable defines a variable for a place of the wanted type and gives its name. It may be
// nullable there if it has a default.
func (d *drawing) variable(wanted *ast.Type) string {
	name := d.name("v")
	defined, byDefault := *wanted, ""
	switch {
	case d.oneIn(3):
		defined.NonNull = false
		byDefault = " = " + d.value(wanted, false)
	case d.isOdd(8):
		defined.NonNull = !defined.NonNull
	}
	d.definitions = append(d.definitions, "$"+name+": "+defined.String()+byDefault)
	switch {
	case (byDefault != "" || !defined.NonNull) && d.oneIn(4):
	case d.isOdd(8), byDefault != "" && d.oneIn(6):
		d.variables[name] = json.RawMessage("null")
	default:
		d.variables[name] = d.json(wanted)
	}
	return name
}

// json draws the value of a variable.
func (d *drawing) json(wanted *ast.Type) json.RawMessage {
	switch {
	case d.isOdd(10):
		return json.RawMessage(d.pick("odd JSON", oddJSON()...))
	case !wanted.NonNull && d.oneIn(5):
		return json.RawMessage("null")
	case wanted.Elem != nil && d.oneIn(4):
		return d.json(wanted.Elem)
	case wanted.Elem != nil:
		elements := d.times(func() string { return string(d.json(wanted.Elem)) })
		return json.RawMessage("[" + strings.Join(elements, ",") + "]")
	}
	definition := d.source.Schema.Types[wanted.NamedType]
	switch definition.Kind {
	case ast.InputObject:
		var members []string
		for _, field := range d.members(definition) {
			members = append(members, fmt.Sprintf("%q:%s", field.Name, d.json(memberType(definition, field))))
		}
		return json.RawMessage("{" + strings.Join(members, ",") + "}")
	case ast.Enum:
		return json.RawMessage(strconv.Quote(rapid.SampledFrom(definition.EnumValues).Draw(d.t, "enum").Name))
	}
	return json.RawMessage(d.scalar(definition.Name))
}

func oddJSON() []string {
	return []string{
		"null", "{}", "[]", "[null]", "[[[]]]", `{"a":{"b":[1]}}`, `{"__typename":"Query"}`, "0", "-1", "1.5", "600.0",
		"6e2", "2147483648", "9223372036854775808", "1e999", "1e-999999999999", `""`, `"text"`, `"\u0000"`,
		`"\ud83c\udfc3"`, "true", "false", `"male"`, `"1"`, "[1,[2,[3]]]",
	}
}

// members chooses fields of an input object: all that are required, and some others.
func (d *drawing) members(definition *ast.Definition) (chosen ast.FieldList) {
	if definition.Directives.ForName("oneOf") != nil && !d.isOdd(8) {
		return ast.FieldList{rapid.SampledFrom(definition.Fields).Draw(d.t, "one of")}
	}
	for _, field := range definition.Fields {
		isRequired := field.Type.NonNull && field.DefaultValue == nil
		if (isRequired && !d.isOdd(20)) || d.oneIn(3) {
			chosen = append(chosen, field)
		}
	}
	return chosen
}

// memberType is the type of a field, which in a @oneOf object may not be null.
func memberType(definition *ast.Definition, field *ast.FieldDefinition) *ast.Type {
	wanted := *field.Type
	wanted.NonNull = wanted.NonNull || definition.Directives.ForName("oneOf") != nil
	return &wanted
}

func (d *drawing) times(draw func() string) (drawn []string) {
	for range rapid.IntRange(0, 3).Draw(d.t, "elements") {
		drawn = append(drawn, draw())
	}
	return drawn
}

// scalar draws what is a literal and JSON alike.
func (d *drawing) scalar(name string) string {
	switch name {
	case "Int":
		return strconv.Itoa(rapid.IntRange(-1, 120).Draw(d.t, "Int"))
	case "Float":
		return d.pick("Float", "0", "1.5", "-2e3")
	case "Boolean":
		return d.pick("Boolean", "true", "false")
	case "Date":
		return d.pick("Date", `"2017-05-06"`, `"2024-02-29"`, `"2025-02-30"`)
	case "DateTime", "LocalDateTime":
		return d.pick("DateTime", `"2025-02-21T15:48:49"`, `"2025-02-21T15:48:49.123Z"`, `"0001-01-01T00:00:10"`)
	case "ID":
		if d.oneIn(4) {
			return d.pick("ID", "1", "99", `"99"`, `"x"`)
		}
	}
	return strconv.Quote(d.pick("text", append([]string{"", "parent@example.com"}, d.source.Texts...)...))
}
