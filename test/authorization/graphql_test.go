package authorization_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/graph"
	"luxbff/internal/testutil/apptest"
)

const graphQL = "graphql"

// writer writes documents from the schema.
type writer struct {
	schema *ast.Schema
	family *family
	row    row
	t      *testing.T
}

func schema() *ast.Schema { return graph.Schema(nil).Schema() }

// fields are the fields of a type that a document can ask for.
func fields(of *ast.Definition) (all []*ast.FieldDefinition) {
	for _, field := range of.Fields {
		if !strings.HasPrefix(field.Name, "__") {
			all = append(all, field)
		}
	}
	return all
}

// objects are the object types that a field leads to; none for a scalar.
func objects(s *ast.Schema, field *ast.FieldDefinition) []*ast.Definition {
	if of := s.Types[field.Type.Name()]; of.IsCompositeType() {
		return s.GetPossibleTypes(of)
	}
	return nil
}

// root is the operation of a root field, asked for everything below it.
func (w writer) root(kind string, field *ast.FieldDefinition) string {
	return kind + " { " + field.Name + w.arguments(field) + w.selection(field, []string{}) + " }"
}

// selection asks for every field below a field. A type isn't asked for again below itself.
func (w writer) selection(field *ast.FieldDefinition, above []string) string {
	var text strings.Builder
	for _, of := range objects(w.schema, field) {
		if slices.Contains(above, of.Name) {
			return ""
		}
		within := append(slices.Clone(above), of.Name)
		if w.schema.Types[field.Type.Name()].IsAbstractType() {
			// Two types may have fields of one name whose types conflict.
			text.WriteString("... on " + of.Name + " { " + w.members(of, of.Name+"_", within) + "} ")
			continue
		}
		text.WriteString(w.members(of, "", within))
	}
	if text.Len() == 0 {
		return ""
	}
	return " { " + text.String() + "}"
}

// members asks for each field of a type. With a prefix each has an alias that begins with it.
func (w writer) members(of *ast.Definition, prefix string, above []string) string {
	var text strings.Builder
	for _, field := range fields(of) {
		below := w.selection(field, above)
		if below == "" && len(objects(w.schema, field)) > 0 {
			continue
		}
		if prefix != "" {
			text.WriteString(prefix + field.Name + ": ")
		}
		text.WriteString(field.Name + w.arguments(field) + below + " ")
	}
	return text.String()
}

// arguments gives each argument that is needed, or that the table or the names know, its
// value.
func (w writer) arguments(field *ast.FieldDefinition) string {
	var all []string
	for _, argument := range field.Arguments {
		name := argument.Name
		if field.Name == "node" {
			name = "globalId" // its argument is named id as those that take a number
		}
		if value := w.value(name, argument.Type); value != "" {
			all = append(all, argument.Name+": "+value)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "(" + strings.Join(all, ", ") + ")"
}

// value writes a value of the type. What is optional and has no value is left out.
func (w writer) value(name string, of *ast.Type) string {
	if of.Elem != nil {
		return "[" + w.value(name, of.Elem) + "]"
	}
	definition := w.schema.Types[of.NamedType]
	if definition.Kind == ast.InputObject {
		var members []string
		for _, member := range definition.Fields {
			if value := w.value(member.Name, member.Type); value != "" {
				members = append(members, member.Name+": "+value)
			}
		}
		return "{" + strings.Join(members, ", ") + "}"
	}
	value, known := inputValue(w.row, w.family, name)
	switch {
	case known && value == absent:
		return ""
	case !known && definition.Kind == ast.Enum && of.NonNull:
		return definition.EnumValues[0].Name
	case !known && of.NonNull:
		w.t.Fatalf("%s: no value for the input %q: name one in inputs(), or as %s=VALUE in the row at %s:%d", w.row.name, name, name, tablePath, w.row.line)
	case !known:
		return ""
	}
	switch of.NamedType {
	case "Int", "Boolean":
		return value
	}
	if definition.Kind == ast.Enum {
		return value
	}
	return fmt.Sprintf("%q", value)
}

// edge is a field that leads from one object to another.
type edge struct {
	from  *ast.Definition
	field *ast.FieldDefinition
}

// edges are those of every object that a query reaches. Those of a payload or an event
// are asked for with its operation.
func edges(s *ast.Schema) (all []edge) {
	seen := map[string]bool{}
	var visit func(of *ast.Definition)
	visit = func(of *ast.Definition) {
		for _, field := range fields(of) {
			for _, to := range objects(s, field) {
				if of != s.Query {
					all = append(all, edge{of, field})
				}
				if !seen[to.Name] {
					seen[to.Name] = true
					visit(to)
				}
			}
		}
	}
	visit(s.Query)
	return all
}

// through writes the documents that reach an edge, one for each field of the query, by
// the shortest way. A field for objects of any type is left out: it leads to those of the
// others, and its own rows ask for all that is below each.
func (w writer) through(e edge) map[string]string {
	all := map[string]string{}
	for _, root := range fields(w.schema.Query) {
		if w.schema.Types[root.Type.Name()].IsAbstractType() {
			continue
		}
		if way := w.way(root, e.from); way != nil {
			text := e.field.Name + w.arguments(e.field) + w.selection(e.field, []string{})
			for i := len(way) - 1; i >= 0; i-- {
				text = w.within(way[i], i == len(way)-1, e, text)
			}
			all[root.Name] = "{ " + text + " }"
		}
	}
	return all
}

// within puts text into the selection of a step of the way.
func (w writer) within(step *ast.FieldDefinition, isLast bool, e edge, text string) string {
	if isLast && w.schema.Types[step.Type.Name()].IsAbstractType() {
		text = "... on " + e.from.Name + " { " + text + " }"
	}
	return step.Name + w.arguments(step) + " { " + text + " }"
}

// way is the shortest chain of fields from a root field to a type.
func (w writer) way(root *ast.FieldDefinition, to *ast.Definition) []*ast.FieldDefinition {
	type place struct {
		of  *ast.Definition
		way []*ast.FieldDefinition
	}
	var next []place
	for _, of := range objects(w.schema, root) {
		next = append(next, place{of, []*ast.FieldDefinition{root}})
	}
	seen := map[string]bool{}
	for len(next) > 0 {
		at := next[0]
		next = next[1:]
		if at.of == to {
			return at.way
		}
		if seen[at.of.Name] {
			continue
		}
		seen[at.of.Name] = true
		for _, field := range fields(at.of) {
			for _, below := range objects(w.schema, field) {
				next = append(next, place{below, append(slices.Clone(at.way), field)})
			}
		}
	}
	return nil
}

// graphQLVerdict is "ok" or the code of the error.
func graphQLVerdict(response apptest.GraphQLResponse) string {
	if len(response.Errors) == 0 {
		return "ok"
	}
	return response.Code()
}

// stringsIn collects the strings of an answer.
func stringsIn(value any) (all []string) {
	switch value := value.(type) {
	case string:
		return []string{value}
	case []any:
		for _, element := range value {
			all = append(all, stringsIn(element)...)
		}
	case map[string]any:
		for _, member := range value {
			all = append(all, stringsIn(member)...)
		}
	}
	return all
}

// checkPrivate fails where an answer holds one of the values.
func checkPrivate(t *testing.T, what string, answer []byte, private map[string]bool) {
	t.Helper()
	var value any
	if json.Unmarshal(answer, &value) != nil {
		return // a page, which is the same for everybody
	}
	for _, text := range stringsIn(value) {
		if private[text] {
			t.Errorf("%s: the answer shows %q of another family: %.400s", what, text, answer)
		}
	}
}

func names(fields ast.FieldList) (all []string) {
	for _, field := range fields {
		if !strings.HasPrefix(field.Name, "__") {
			all = append(all, field.Name)
		}
	}
	return all
}
