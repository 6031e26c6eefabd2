package parity_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"luxbff/graph"
	"luxbff/internal/auth/token"
	"luxbff/internal/testutil/apptest"
)

// TestBadInput takes each action's GraphQL operation, puts its arguments into
// variables and changes them one at a time. An error must be one that the field's
// description names, and no row may have changed. TestBadInput of test/contract does
// the same for the REST routes.
func TestBadInput(t *testing.T) {
	t.Parallel()
	facebook := apptest.StartFacebook(t)
	tested := map[string]bool{}
	for _, a := range allActions() {
		name := regexp.MustCompile(`^\w+`).FindString(a.graphql)
		if a.code != "" || tested[name] {
			continue
		}
		tested[name] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, a, facebook)
			w.vars["others"], _ = w.Parent(t)
			w.badInput(t, a)
		})
	}
}

// operation is a query or mutation of one field, its arguments as variables.
type operation struct {
	schema    *ast.Schema
	field     *ast.FieldDefinition
	text      string
	variables map[string]any
	token     string
}

func (w *world) operation(t *testing.T, a action) operation {
	t.Helper()
	schema := graph.Schema(nil).Schema()
	text := operationType(a) + " { " + w.fill(a.graphql) + " }"
	document, wrong := gqlparser.LoadQueryWithRules(schema, text, rules.NewDefaultRules())
	if wrong != nil {
		t.Fatal(wrong)
	}
	field, _ := document.Operations[0].SelectionSet[0].(*ast.Field)
	o := operation{schema: schema, field: field.Definition, variables: map[string]any{}, token: w.vars[a.as]}
	var declared, passed []string
	for _, argument := range field.Arguments {
		value, err := argument.Value.Value(nil)
		if err != nil {
			t.Fatal(err)
		}
		o.variables[argument.Name] = value
		declared = append(declared, fmt.Sprintf("$%s: %s", argument.Name, field.Definition.Arguments.ForName(argument.Name).Type))
		passed = append(passed, fmt.Sprintf("%s: $%s", argument.Name, argument.Name))
	}
	o.text = text
	if len(declared) > 0 {
		selected := text[strings.LastIndex(text, ")")+1:]
		o.text = fmt.Sprintf("%s(%s) { %s(%s)%s", operationType(a), strings.Join(declared, ", "), field.Name, strings.Join(passed, ", "), selected)
	}
	return o
}

// badRequest is a request, and whether it must be refused.
type badRequest struct {
	name, token, body string
	refused           bool
}

func (w *world) badInput(t *testing.T, a action) {
	t.Helper()
	o := w.operation(t, a)
	all := o.badTokens(t, w, a)
	for _, argument := range o.field.Arguments {
		all = append(all, o.badArguments(t, argument)...)
	}
	slices.SortStableFunc(all, func(a, b badRequest) int { return rank(a) - rank(b) })
	before := w.Dump(t)
	for _, one := range all {
		response := w.Call(t, http.MethodPost, "/graphql", one.token, one.body)
		codes := o.codes(t, one, response.Status, response.Body)
		after := w.Dump(t)
		changed := cmp.Diff(before, after)
		if len(codes) > 0 && changed != "" {
			t.Errorf("%s: %v, and yet rows have changed:\n%s", one.name, codes, changed)
		}
		if len(codes) == 0 && one.refused {
			t.Errorf("%s: %s, want an error", one.name, response.Body)
		}
		before = after
	}
}

// rank puts first what must change nothing, while the rows are as they were.
func rank(r badRequest) int {
	if r.refused {
		return 0
	}
	return 1
}

var documentedCode = regexp.MustCompile("`([A-Z][A-Z_]{3,})`")

// codes are those of the errors in the response, each of which must be documented.
func (o operation) codes(t *testing.T, one badRequest, status int, body []byte) []string {
	t.Helper()
	var response struct {
		Errors []struct{ Extensions struct{ Code string } }
	}
	if err := json.Unmarshal(body, &response); err != nil || status >= http.StatusInternalServerError {
		t.Fatalf("%s: %d %s", one.name, status, body)
	}
	known := []string{
		"UNAUTHENTICATED", "TOKEN_IS_EXPIRED", "USER_IS_NONE", "USER_IS_DELETED", "INVALID_REQUEST_OR_MISSING_PARAMETERS",
		"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED",
	}
	for _, found := range documentedCode.FindAllStringSubmatch(o.field.Description, -1) {
		known = append(known, found[1])
	}
	var codes []string
	for _, failure := range response.Errors {
		codes = append(codes, failure.Extensions.Code)
		if !slices.Contains(known, failure.Extensions.Code) {
			t.Errorf("%s: %s, which the description of %s doesn't name", one.name, body, o.field.Name)
		}
	}
	return codes
}

// badTokens are the requests with a wrong token, if the field asks for one.
func (o operation) badTokens(t *testing.T, w *world, a action) []badRequest {
	t.Helper()
	if a.as != "parent" {
		return nil
	}
	now := w.Clock.Now()
	sign := func(claims token.Claims) string {
		text, err := token.DevelopmentKeys().Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	w.vars["ghost"], _ = w.Parent(t)
	if response := w.GraphQL(t, w.vars["ghost"], `mutation { deleteAccount { ok } }`, nil); response.Code() != "" {
		t.Fatal(response.Code())
	}
	half := len(o.token) / 2
	bad := map[string]string{
		"no token": "", "a forged token": o.token[:half] + o.token[half+1:],
		"an expired token":                sign(token.Claims{Use: token.Access, RootUserID: 1, SessionID: 1, IssuedAt: now.Add(-time.Hour), ExpiresAt: now.Add(-token.Skew)}),
		"the token of an unknown account": sign(token.Claims{Use: token.Access, RootUserID: 999999, SessionID: 1, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}),
		"the token of a deleted account":  w.vars["ghost"],
	}
	var all []badRequest
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		all = append(all, badRequest{name, bad[name], o.body(t, o.variables), true})
	}
	return all
}

func (o operation) body(t *testing.T, variables map[string]any) string {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"query": o.text, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// badArguments are the requests with one argument changed, or something in it.
func (o operation) badArguments(t *testing.T, argument *ast.ArgumentDefinition) []badRequest {
	t.Helper()
	v := visitor{T: t, operation: o}
	v.visit(argument.Name, argument.Type, argument.DefaultValue, o.variables[argument.Name], func(changed any) map[string]any {
		variables := maps.Clone(o.variables)
		if variables[argument.Name] = changed; changed == (absent{}) {
			delete(variables, argument.Name)
		}
		return variables
	})
	return v.all
}

// absent stands for a member that is left out.
type absent struct{}

// visitor changes a value and all that is in it, one at a time.
type visitor struct {
	*testing.T
	operation
	all []badRequest
}

func (v *visitor) add(refused bool, name string, variables map[string]any) {
	v.all = append(v.all, badRequest{name, v.token, v.body(v.T, variables), refused})
}

// marker stands in the marshalled JSON where text is put that no Go string can be
// marshalled to.
const marker = "MARKER"

func (v *visitor) visit(path string, of *ast.Type, byDefault *ast.Value, value any, into func(any) map[string]any) {
	v.add(of.NonNull && byDefault == nil, path+" is missing", into(absent{}))
	v.add(of.NonNull, path+" is null", into(nil))
	switch value := value.(type) {
	case map[string]any:
		v.add(true, path+" is a string", into("x"))
		v.add(true, path+" has an unknown member", into(merged(value, "unknown", 1)))
		for _, field := range v.schema.Types[of.Name()].Fields {
			v.visit(path+"."+field.Name, field.Type, field.DefaultValue, value[field.Name], func(changed any) map[string]any {
				if changed == (absent{}) {
					without := maps.Clone(value)
					delete(without, field.Name)
					return into(without)
				}
				return into(merged(value, field.Name, changed))
			})
		}
	case []any:
		v.add(true, path+" is empty", into([]any{}))
		v.visit(path+".0", of.Elem, nil, value[0], func(changed any) map[string]any {
			if changed == (absent{}) {
				changed = nil
			}
			return into([]any{changed})
		})
	default:
		v.scalar(path, of, into)
	}
}

func merged(object map[string]any, name string, value any) map[string]any {
	changed := maps.Clone(object)
	changed[name] = value
	return changed
}

func (v *visitor) scalar(path string, of *ast.Type, into func(any) map[string]any) {
	v.add(true, path+" is an object", into(map[string]any{"a": 1}))
	v.add(true, path+" is an array", into([]any{map[string]any{}}))
	wrong := map[string][]any{
		"Int":           {"x", 1.5, true, json.Number("9223372036854775808"), json.Number("1e400")},
		"ID":            {"x", 1.5, true, "", "1x", "9223372036854775808", "\x00"},
		"String":        {7, true},
		"Boolean":       {"x", 7},
		"Date":          {"", "2025-02-30", "19970101", "0000-00-00", "1997-1-1", 7, true},
		"LocalDateTime": {"", "2025-02-30T15:48:49", "2025-02-21T25:48:49", "2025-02-21T15:48:49+15:00", "2025-02-21T15:48:60", 7, true},
	}[of.Name()]
	if v.schema.Types[of.Name()].Kind == ast.Enum {
		wrong = []any{"", "X", "male", 7, true}
	}
	for _, value := range wrong {
		v.add(true, fmt.Sprintf("%s is %v", path, value), into(value))
	}
	switch of.Name() {
	case "Int":
		for _, n := range []any{-1, json.Number("-9223372036854775808"), json.Number("9223372036854775807")} {
			v.add(false, fmt.Sprintf("%s is %v", path, n), into(n))
		}
	case "ID":
		for _, id := range []any{"0", "-1", "2", 999999} {
			v.add(false, fmt.Sprintf("%s is %v", path, id), into(id))
		}
	case "String", "Date":
		if of.Name() == "Date" {
			v.add(true, path+" is in the future", into("2999-01-01"))
		}
		for name, text := range map[string]string{
			"NUL": `\u0000`, "a lone surrogate": `\ud800`, "a broken byte": "\xff", "5,000 characters": strings.Repeat("1a", 2500),
		} {
			body := strings.ReplaceAll(v.body(v.T, into("test"+marker)), marker, text)
			v.all = append(v.all, badRequest{path + " holds " + name, v.token, body, false})
		}
	}
}
