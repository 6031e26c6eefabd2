package schema_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"luxbff/graph"
)

const (
	releasedPath   = "../../docs/schema/released.graphql"
	operationsPath = "../../operations"
)

// TestNothingReleasedBreaks compares the schema with the released one.
func TestNothingReleasedBreaks(t *testing.T) {
	t.Parallel()
	released := load(t, releasedPath, read(t, releasedPath))
	lastRelease := regexp.MustCompile(`(?m)^## \[\d\S*\] - (\d{4}-\d\d-\d\d)$`).FindStringSubmatch(read(t, "../../CHANGELOG.md"))
	if lastRelease == nil {
		t.Fatal("CHANGELOG.md has no release")
	}
	for _, change := range breaking(released, present(t), lastRelease[1]) {
		t.Errorf("%s: apps in the field were built with it. Add instead of changing, and mark what shall go with "+
			"@deprecated(reason: \"Since YYYY-MM-DD, until YYYY-MM-DD: use … .\"): it may be removed once a release is later than the second day", change)
	}
	if len(released.Types) < 100 {
		t.Errorf("the released schema has only %d types", len(released.Types))
	}
}

// TestDeprecationsHaveDates: an app's developers read from the reason how long they have.
func TestDeprecationsHaveDates(t *testing.T) {
	t.Parallel()
	for _, name := range undated(present(t)) {
		t.Errorf(`%s: the reason of its deprecation isn't of the form "Since YYYY-MM-DD, until YYYY-MM-DD: use … ."`, name)
	}
}

// TestOperationsOfApps validates what each version of each app sends.
func TestOperationsOfApps(t *testing.T) {
	t.Parallel()
	schema := present(t)
	apps := 0
	for _, folder := range versions(t) {
		apps++
		failures, found := invalid(t, schema, folder)
		for _, failure := range failures {
			t.Errorf("%s. This version is on phones: leave in the schema what it asks for, and remove the folder once no phone has the version", failure)
		}
		if found == 0 {
			t.Errorf("%s has no operation", folder)
		}
	}
	if apps == 0 {
		t.Errorf("no app has a folder below %s", operationsPath)
	}
}

// TestOperationsThatBreakAreNamed takes a field of the home screen away, and a fragment of
// an app loses its type.
func TestOperationsThatBreakAreNamed(t *testing.T) {
	t.Parallel()
	schema := present(t)
	device := schema.Types["Device"]
	device.Fields = slices.DeleteFunc(device.Fields, func(field *ast.FieldDefinition) bool { return field.Name == "lastLogFileId" })
	for _, folder := range versions(t) {
		app, version := filepath.Base(filepath.Dir(folder)), filepath.Base(folder)
		failures, _ := invalid(t, schema, folder)
		want := app + " " + version + ": query Home"
		if !slices.ContainsFunc(failures, func(failure string) bool {
			return strings.HasPrefix(failure, want) && strings.Contains(failure, "lastLogFileId")
		}) {
			t.Errorf("no failure begins with %q: %q", want, failures)
		}
	}
}

// present is the schema as clients read it, loaded anew: a test may change it.
func present(t *testing.T) *ast.Schema {
	t.Helper()
	return load(t, "the present schema", graph.SDL())
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// versions are the folders operations/APP/VERSION.
func versions(t *testing.T) (folders []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(operationsPath, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		if about, err := os.Stat(path); err == nil && about.IsDir() {
			folders = append(folders, path)
		}
	}
	return folders
}

// invalid validates each operation of a folder with the fragments that it spreads, which may
// stand in other files of the folder, and counts them.
func invalid(t *testing.T, schema *ast.Schema, folder string) (failures []string, operations int) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.graphql"))
	if err != nil {
		t.Fatal(err)
	}
	whole := &ast.QueryDocument{}
	for _, path := range paths {
		document, err := parser.ParseQuery(&ast.Source{Name: filepath.Base(path), Input: read(t, path)})
		if err != nil {
			t.Fatal(err)
		}
		whole.Operations = append(whole.Operations, document.Operations...)
		whole.Fragments = append(whole.Fragments, document.Fragments...)
	}
	app := filepath.Base(filepath.Dir(folder)) + " " + filepath.Base(folder)
	for _, operation := range whole.Operations {
		document := &ast.QueryDocument{Operations: ast.OperationList{operation}}
		addFragments(document, whole.Fragments, operation.SelectionSet)
		for _, err := range validator.ValidateWithRules(schema, document, rules.NewDefaultRules()) {
			failures = append(failures, app+": "+string(operation.Operation)+" "+operation.Name+" in "+err.Error())
		}
	}
	return failures, len(whole.Operations)
}

// addFragments adds those that the selections spread, once each.
func addFragments(document *ast.QueryDocument, all ast.FragmentDefinitionList, selections ast.SelectionSet) {
	for _, selection := range selections {
		switch selection := selection.(type) {
		case *ast.Field:
			addFragments(document, all, selection.SelectionSet)
		case *ast.InlineFragment:
			addFragments(document, all, selection.SelectionSet)
		case *ast.FragmentSpread:
			fragment := all.ForName(selection.Name)
			if fragment != nil && document.Fragments.ForName(selection.Name) == nil {
				document.Fragments = append(document.Fragments, fragment)
				addFragments(document, all, fragment.SelectionSet)
			}
		}
	}
}
