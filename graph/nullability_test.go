package graph_test

import (
	"regexp"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/graph"
)

// TestNullHasAMeaning holds that each output that can be null says what that means: that it
// failed, by @semanticNonNull, or something else, in its description.
func TestNullHasAMeaning(t *testing.T) {
	t.Parallel()
	schema := graph.Schema(nil).Schema()
	saysNull := regexp.MustCompile(`\b[Nn]ull\b`)
	marked := 0
	for _, of := range schema.Types {
		if of.BuiltIn || of.Kind != ast.Object && of.Kind != ast.Interface {
			continue
		}
		for _, field := range of.Fields {
			if field.Position == nil || field.Position.Src.BuiltIn { // __schema and __type
				continue
			}
			onlyFails := field.Directives.ForName("semanticNonNull") != nil
			means := saysNull.MatchString(field.Description)
			switch {
			case onlyFails && field.Type.NonNull:
				t.Errorf("%s.%s is never null: it needs no @semanticNonNull", of.Name, field.Name)
			case !onlyFails && !field.Type.NonNull && !means:
				t.Errorf("%s.%s can be null: mark it with @semanticNonNull if it is so only when it failed, else say in its description when it is null", of.Name, field.Name)
			case !onlyFails && !field.Type.NonNull && of == schema.Mutation:
				t.Errorf("Mutation.%s is null exactly when it failed: mark it with @semanticNonNull", field.Name)
			}
			if onlyFails {
				marked++
			}
		}
	}
	if marked < 40 {
		t.Errorf("only %d fields are marked", marked)
	}
}
