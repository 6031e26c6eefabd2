package parity_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/graph"
	"luxbff/server/rest"
)

var update = flag.Bool("update", false, "write docs/coverage.md anew")

const coveragePath = "../../docs/coverage.md"

// TestCoverage lists which test covers each action on each surface, and fails when an
// action has none or docs/coverage.md differs.
func TestCoverage(t *testing.T) {
	t.Parallel()
	got := coverage(t)
	if *update {
		if err := os.WriteFile(coveragePath, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(coveragePath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/coverage.md (-), the tests (+); `.ci/run golden` writes it anew:\n%s", diff)
	}
}

const coverageHead = `# Which test shows which action

Written by ` + "`.ci/run golden`" + ` from the routes, the schema and the tests; a test fails when
it is not so any more. A row is a GraphQL field and the REST routes that it
replaces. What stands in a cell runs against the whole program:

- a route: ` + "`TestContract`" + ` in test/contract, the cases of the file that the route
  links to, and ` + "`TestBadInput`" + ` beside it, which spoils the first of them one way at a
  time. Withnox answers the cases of Addnox, and ` + "`/v1`" + ` those of SNUTT.
- a title: ` + "`TestParity/title`" + ` in test/parity, which does the action through GraphQL
  and through the REST surfaces, and ` + "`TestBadInput/field`" + ` beside it. Other tests are
  named with their package.

| GraphQL | shown by | LUX | Addnox, Withnox | SNUTT |
|---|---|---|---|---|
`

// otherTests are the tests of the fields that no REST route has.
func otherTests() map[string]string {
	return map[string]string{
		"node":              "server/app TestNode",
		"errorCodes":        "server/app TestErrorCodesAreAnswered",
		"signOut":           "server/app TestLostRightsEndTheSubscription",
		"endSession":        "server/app TestSessionsAreTheirOwners",
		"signOutEverywhere": "server/app TestSessionsAreTheirOwners",
		"resetPassword":     "server/app TestMutationsOfPasswords",
		"revertEmail":       "server/app TestAChangedEmailIsTakenBack",
		"devlogStatus":      "server/app TestInstallationResumes",
		"messageStatus":     "server/app TestMessageStatusIsFollowed",
	}
}

func coverage(t *testing.T) string {
	t.Helper()
	files := caseFiles(t)
	schema := graph.Schema(nil).Schema()
	var text strings.Builder
	text.WriteString(coverageHead)
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, field := range root.Fields {
			if strings.HasPrefix(field.Name, "__") {
				continue
			}
			tests := testsOf(t, field.Name)
			fmt.Fprintf(&text, "| `%s` | %s |", field.Name, tests)
			for _, surface := range []string{"LUX", "Addnox", "SNUTT"} {
				fmt.Fprintf(&text, " %s |", routesOf(t, surface, field.Name, files))
			}
			text.WriteString("\n")
		}
	}
	return text.String()
}

// testsOf names the tests of a field.
func testsOf(t *testing.T, field string) string {
	t.Helper()
	var titles []string
	for _, a := range allActions() {
		if strings.HasPrefix(a.graphql, field+"(") || strings.HasPrefix(a.graphql, field+" ") {
			titles = append(titles, a.name)
		}
	}
	if len(titles) > 0 {
		return strings.Join(titles, "; ")
	}
	folder, name, _ := strings.Cut(otherTests()[field], " ")
	paths, err := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	declared := func(path string) bool {
		raw, err := os.ReadFile(path)
		return err == nil && strings.Contains(string(raw), "func "+name+"(")
	}
	if name == "" || !slices.ContainsFunc(paths, declared) {
		t.Errorf("no test covers %s", field)
	}
	return folder + " `" + name + "`"
}

// routesOf lists the routes of a surface that the field replaces.
func routesOf(t *testing.T, surface, field string, files map[string]string) string {
	t.Helper()
	var cells []string
	for _, s := range rest.Surfaces() {
		for _, route := range s.Routes {
			if s.Name != surface || route.Operation != field {
				continue
			}
			file := files[route.Method+" "+s.Prefix+route.Path]
			if file == "" { // the cases of shared routes are written for LUX
				file = files[route.Method+" /api/v1/lux"+route.Path]
			}
			if file == "" {
				t.Errorf("%s %s%s has no case file", route.Method, s.Prefix, route.Path)
			}
			cells = append(cells, fmt.Sprintf("[%s %s](../test/contract/%s)", route.Method, route.Path, file))
		}
	}
	return strings.Join(cells, "<br>")
}

// caseFiles are the case files of test/contract, by the route in their first line.
func caseFiles(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../contract/testdata/*/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no case files: %v", err)
	}
	files := map[string]string{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(raw), "\n")
		files[strings.TrimPrefix(first, "route ")] = strings.TrimPrefix(filepath.ToSlash(path), "../contract/")
	}
	return files
}
