// Command ent generates the storage client from ent/schema and the templates of
// ent/template. go generate runs it in the root of the module; nothing of the program
// imports it.
//
// It runs ent's generator with one difference to its own command: the client does not
// know how to make its tables, because the program applies migrations that were written
// beforehand. ent's way of making them brings in atlas, hcl and go-cty, a fifth of what
// a first build of the server compiled. Package migrate, which describes the tables
// to [luxbff/internal/store/schemadiff], is generated as ever; what the program itself
// asks about its tables is in [luxbff/ent/table].
package main

import (
	"fmt"
	"os"

	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
	"entgo.io/ent/schema/field"
)

func main() {
	if err := generate("./ent/schema", "./ent/template"); err != nil {
		fmt.Fprintln(os.Stderr, "ent:", err)
		os.Exit(1)
	}
}

func generate(schema, templates string) error {
	storage, err := gen.NewStorage("sql")
	if err != nil {
		return err
	}
	storage.SchemaMode &^= gen.Migrate
	chooseFiles()
	return entc.Generate(schema, &gen.Config{Storage: storage, IDType: &field.TypeInfo{Type: field.TypeInt}},
		entc.FeatureNames("sql/execquery", "sql/upsert", "sql/lock", "sql/modifier"),
		entc.TemplateDir(templates))
}

// chooseFiles has the description of the tables written although the client does not
// use it, and leaves out what nothing uses.
func chooseFiles() {
	for i := range gen.GraphTemplates {
		switch file := &gen.GraphTemplates[i]; file.Name {
		case "schema":
			file.Skip = nil
		case "enttest":
			file.Skip = func(*gen.Graph) bool { return true }
		}
	}
}
