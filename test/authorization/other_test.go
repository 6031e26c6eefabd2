package authorization_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"luxbff/server/resetpage"
)

// otherRoutes are the patterns that the server's own code registers beside the surfaces
// and /graphql, as in the table: "other GET /healthz".
func otherRoutes(t *testing.T) (all []string) {
	t.Helper()
	err := filepath.WalkDir("../../server", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if pattern, registers := registered(t, path, node); registers && pattern != "/" && pattern != "/graphql" {
				all = append(all, "other "+pattern)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// registered gives the pattern of a call that registers a route: a method of a mux, or a
// function that is given the mux and a path for GET.
func registered(t *testing.T, path string, node ast.Node) (pattern string, registers bool) {
	t.Helper()
	call, isCall := node.(*ast.CallExpr)
	if !isCall || len(call.Args) < 2 || strings.Contains(filepath.ToSlash(path), "server/rest/") {
		return "", false
	}
	if isMux(call.Args[0]) {
		return "GET " + unquote(t, call.Args[1]), true
	}
	method, isMethod := call.Fun.(*ast.SelectorExpr)
	if !isMethod || !isMux(method.X) {
		return "", false
	}
	switch first := call.Args[0].(type) {
	case *ast.BasicLit:
		return unquote(t, first), true
	case *ast.BinaryExpr:
		name, isName := first.Y.(*ast.Ident)
		if isName && name.Name == "path" {
			return "", false // within a function that is given the mux and the path
		}
		if isName && mailPages()[name.Name] != "" {
			return unquote(t, first.X) + mailPages()[name.Name], true
		}
	case *ast.SelectorExpr: // those of mailPages, whose package registers its methods
		return "", false
	}
	t.Fatalf("%s registers a route in a way that this test can't read", path)
	return "", false
}

// mailPages are the constants by which resetpage registers its pages.
func mailPages() map[string]string {
	return map[string]string{"Path": resetpage.Path, "RevertPath": resetpage.RevertPath}
}

func isMux(node ast.Expr) bool {
	name, isName := node.(*ast.Ident)
	return isName && name.Name == "mux"
}

func unquote(t *testing.T, node ast.Expr) string {
	t.Helper()
	literal, isLiteral := node.(*ast.BasicLit)
	if !isLiteral {
		t.Fatalf("a route is registered by something else than a literal: this test can't read it")
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// otherPath makes a path of a pattern.
func otherPath(pattern string) string {
	return strings.NewReplacer("{$}", "", "{name}", "nothing", "{provider}", "google").Replace(pattern)
}
