package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"

	"github.com/99designs/gqlgen/codegen/config"
)

// boundTypes lists the types that the configuration binds to Go types of this
// module. It must run before gqlgen, which adds bindings of its own.
func boundTypes(cfg *config.Config) map[string]bool {
	bound := map[string]bool{}
	for name, entry := range cfg.Models {
		if len(entry.Model) > 0 {
			bound[name] = true
		}
	}
	return bound
}

// checkModels fails if a model was generated for a bound type. gqlgen does so
// without a word when it cannot load the package that the binding names, and the
// program would then compile against a type that no row is ever read into.
func checkModels(filename string, bound map[string]bool) error {
	file, err := parser.ParseFile(token.NewFileSet(), filename, nil, parser.SkipObjectResolution)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, declaration := range file.Decls {
		general, isGeneral := declaration.(*ast.GenDecl)
		if !isGeneral {
			continue
		}
		for _, spec := range general.Specs {
			if named, isType := spec.(*ast.TypeSpec); isType && bound[named.Name.Name] {
				return fmt.Errorf("%s holds %s, which gqlgen.yml binds: is go.sum complete?", filename, named.Name.Name)
			}
		}
	}
	return nil
}
