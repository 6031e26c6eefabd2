package repo_test

import (
	"go/ast"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	gql "github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// maxResolverStatements is enough to read the input, call the domain once and shape
// the response.
const maxResolverStatements = 10

// TestResolversOnlyResolve keeps rules and helpers out of the files that gqlgen
// rewrites: they hold short methods and nothing else.
func TestResolversOnlyResolve(t *testing.T) {
	t.Parallel()
	for _, path := range glob(t, "graph/*.resolvers.go") {
		file := parse(t, path)
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if function.Recv == nil {
				t.Errorf("%s: %s is no resolver: move it to a file beside this one", path, function.Name.Name)
			}
			if found := statements(function); found > maxResolverStatements {
				t.Errorf("%s: %s has %d statements, more than %d: the domain decides, a resolver only asks", path, function.Name.Name, found, maxResolverStatements)
			}
		}
	}
}

func statements(function *ast.FuncDecl) int {
	found := 0
	ast.Inspect(function.Body, func(node ast.Node) bool {
		_, statement := node.(ast.Stmt)
		if _, block := node.(*ast.BlockStmt); statement && !block {
			found++
		}
		return true
	})
	return found
}

// TestNounsAgree holds that each noun of the schema is found under the same word
// among the resolvers and in the domain, as a package or as a file of one.
func TestNounsAgree(t *testing.T) {
	t.Parallel()
	for _, path := range glob(t, "graph/*.graphqls") {
		noun := strings.TrimSuffix(filepath.Base(path), ".graphqls")
		if !exists(t, "graph/"+noun+".resolvers.go") {
			t.Errorf("%s has no graph/%s.resolvers.go", path, noun)
		}
		if !exists(t, "internal/"+noun) && !exists(t, "internal/*/"+noun+".go") {
			t.Errorf("%s has no package and no file of this name in internal/", path)
		}
	}
}

var boundModel = regexp.MustCompile(`(?m)^  (\w+):\n    model:`)

// TestBoundTypesAreNotGenerated catches gqlgen when it can't load a package: without
// an error it then generates a model of its own instead of using ours.
func TestBoundTypesAreNotGenerated(t *testing.T) {
	t.Parallel()
	_, models, found := strings.Cut(read(t, "gqlgen.yml"), "\nmodels:\n")
	bound := boundModel.FindAllStringSubmatch(models, -1)
	if !found || len(bound) == 0 {
		t.Fatal("gqlgen.yml binds no model: is the pattern of this test outdated?")
	}
	file := parse(t, "graph/model/models_gen.go")
	for _, match := range bound {
		if file.Scope.Lookup(match[1]) != nil {
			t.Errorf("graph/model/models_gen.go declares %s, which gqlgen.yml binds", match[1])
		}
	}
}

// TestEverythingIsDescribed holds that the schema describes every type, field,
// argument, enum value and input, so that GraphiQL is documentation enough. The
// argument "input" of a mutation is described by its type.
func TestEverythingIsDescribed(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)
	for name, is := range schema.Types {
		if is.BuiltIn || strings.HasPrefix(name, "__") {
			continue
		}
		described(t, name, is.Description)
		for _, value := range is.EnumValues {
			described(t, name+"."+value.Name, value.Description)
		}
		for _, field := range is.Fields {
			if strings.HasPrefix(field.Name, "__") {
				continue
			}
			described(t, name+"."+field.Name, field.Description)
			for _, argument := range field.Arguments {
				if argument.Name != "input" {
					described(t, name+"."+field.Name+"."+argument.Name, argument.Description)
				}
			}
		}
	}
}

func described(t *testing.T, what, text string) {
	t.Helper()
	if text == "" || !strings.ContainsAny(text[len(text)-1:], ".`1234567890") {
		t.Errorf("%s is described as %q", what, text)
	}
}

// TestOperationsFitTheSchema validates the sample documents. Other tests execute
// them.
func TestOperationsFitTheSchema(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)
	for _, path := range glob(t, "operations/*.graphql") {
		if _, errs := gqlparser.LoadQueryWithRules(schema, read(t, path), rules.NewDefaultRules()); errs != nil {
			t.Errorf("%s: %v", path, errs)
		}
	}
}

func loadSchema(t *testing.T) *gql.Schema {
	t.Helper()
	var sources []*gql.Source
	for _, path := range append(glob(t, "graph/*.graphqls"), "schema.graphqls") {
		sources = append(sources, &gql.Source{Name: path, Input: read(t, path)})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
