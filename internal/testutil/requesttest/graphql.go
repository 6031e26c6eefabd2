package requesttest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
)

// typeRef is a type as the introspection shows it.
type typeRef struct {
	Kind, Name string
	OfType     *typeRef
}

type argument struct {
	Name string
	Type typeRef
}

type field struct {
	Name string
	Args []argument
	Type typeRef
}

type namedType struct {
	Kind, Name  string
	Fields      []field
	InputFields []argument
	EnumValues  []struct{ Name string }
}

type schema struct {
	types map[string]namedType
	roots []string
}

func readSchema(t testing.TB, s *apptest.Server) schema {
	t.Helper()
	const ref = `kind name ofType { kind name ofType { kind name ofType { kind name } } }`
	var data struct {
		Schema struct {
			QueryType, MutationType, SubscriptionType struct{ Name string }
			Types                                     []namedType
		} `json:"__schema"`
	}
	s.Data(t, "", `{ __schema { queryType { name } mutationType { name } subscriptionType { name } types { kind name
		fields { name args { name type { `+ref+` } } type { `+ref+` } }
		inputFields { name type { `+ref+` } } enumValues { name } } } }`, nil, &data)
	read := schema{types: map[string]namedType{}, roots: []string{data.Schema.QueryType.Name, data.Schema.MutationType.Name, data.Schema.SubscriptionType.Name}}
	for _, one := range data.Schema.Types {
		read.types[one.Name] = one
	}
	return read
}

// operation makes the members of a GraphQL request.
func (g *Generator) operation(name string) map[string]any {
	at := g.random.IntN(len(g.schema.roots))
	root := g.schema.types[g.schema.roots[at]]
	variables := map[string]any{}
	var declared []string
	var selected strings.Builder
	fields := 1
	if at == 0 {
		fields += g.random.IntN(3)
	}
	for range fields {
		chosen := pick(g, root.Fields)
		if g.chance(15) {
			fmt.Fprintf(&selected, "%s%d: ", Marker, g.random.IntN(3))
		}
		var args []string
		for _, arg := range chosen.Args {
			if arg.Type.Kind != "NON_NULL" && g.chance(50) {
				continue
			}
			value := g.input(arg.Name, arg.Type, 0)
			if g.chance(50) {
				name := fmt.Sprintf("v%d", len(declared))
				declared = append(declared, "$"+name+": "+arg.Type.String())
				variables[name] = value
				args = append(args, arg.Name+": $"+name)
				continue
			}
			args = append(args, arg.Name+": "+literal(value))
		}
		selected.WriteString(chosen.Name)
		if len(args) > 0 {
			fmt.Fprintf(&selected, "(%s)", strings.Join(args, ", "))
		}
		selected.WriteString(g.selection(chosen.Type, 3) + " ")
	}
	document := []string{"query", "mutation", "subscription"}[at]
	if len(declared) > 0 {
		document += " " + name + "(" + strings.Join(declared, ", ") + ")"
	}
	made := map[string]any{"query": string(g.mutate([]byte(document + " { " + selected.String() + "}")))}
	if len(variables) > 0 {
		made["variables"] = variables
	}
	if g.chance(5) {
		made["operationName"] = Marker
	}
	if g.chance(3) {
		made["extensions"] = map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": Marker}}
	}
	return made
}

func (g *Generator) graphQL() *http.Request {
	// The log repeats the name of an operation for somebody who is signed in.
	name, isStranger := "Generated", g.chance(30)
	if isStranger {
		name = Marker
	}
	r := g.graphQLRequest(g.operation(name))
	if isStranger {
		r.Header.Del("Authorization")
		r.Header.Del("X-Access-Token")
	}
	return r
}

func (g *Generator) graphQLRequest(made map[string]any) *http.Request {
	if g.chance(10) {
		query := url.Values{}
		for name, value := range made {
			text, isText := value.(string)
			if encoded, err := json.Marshal(value); !isText && err == nil {
				text = string(encoded)
			}
			query.Set(name, text)
		}
		return g.finish(http.MethodGet, "/graphql?"+query.Encode(), "", nil)
	}
	body, err := json.Marshal(made)
	if err != nil {
		body = []byte(`"` + Marker)
	}
	return g.finish(http.MethodPost, "/graphql", "application/json", g.mutate(body))
}

// input makes a value of an input type, mostly of the right one.
func (g *Generator) input(name string, of typeRef, depth int) any {
	if g.chance(5) || depth > 5 {
		return g.value(name)
	}
	switch of.Kind {
	case "NON_NULL":
		return g.input(name, *of.OfType, depth)
	case "LIST":
		made := make([]any, g.random.IntN(3))
		for i := range made {
			made[i] = g.input(name, *of.OfType, depth+1)
		}
		return made
	case "INPUT_OBJECT":
		made := map[string]any{}
		for _, member := range g.schema.types[of.Name].InputFields {
			if member.Type.Kind == "NON_NULL" || g.chance(50) {
				made[member.Name] = g.input(member.Name, member.Type, depth+1)
			}
		}
		return made
	case "ENUM":
		return enum(pick(g, g.schema.types[of.Name].EnumValues).Name)
	}
	switch of.Name {
	case "Int":
		return g.random.IntN(200) - 1
	case "Float":
		return g.random.Float64()
	case "Boolean":
		return g.chance(50)
	}
	return g.text(name)
}

// selection selects some fields of a type.
func (g *Generator) selection(of typeRef, depth int) string {
	for of.OfType != nil {
		of = *of.OfType
	}
	known := g.schema.types[of.Name]
	if len(known.Fields) == 0 {
		return ""
	}
	chosen := []string{"__typename"}
	for _, f := range known.Fields {
		if depth > 0 && g.chance(50) && !needsArgument(f) {
			chosen = append(chosen, f.Name+g.selection(f.Type, depth-1))
		}
	}
	return " { " + strings.Join(chosen, " ") + " }"
}

func needsArgument(f field) bool {
	for _, arg := range f.Args {
		if arg.Type.Kind == "NON_NULL" {
			return true
		}
	}
	return false
}

// enum is written without quotes in a document.
type enum string

// literal writes a value as a document does.
func literal(value any) string {
	switch value := value.(type) {
	case enum:
		return string(value)
	case string:
		return strconv.Quote(value)
	case []any:
		var parts []string
		for _, element := range value {
			parts = append(parts, literal(element))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(value)) {
			parts = append(parts, name+": "+literal(value[name]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case nil:
		return "null"
	}
	return fmt.Sprint(value)
}

// String writes the type as a document does.
func (r typeRef) String() string {
	switch r.Kind {
	case "NON_NULL":
		return r.OfType.String() + "!"
	case "LIST":
		return "[" + r.OfType.String() + "]"
	}
	return r.Name
}
