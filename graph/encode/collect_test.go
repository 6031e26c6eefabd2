package encode_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luxbff/graph/encode"
	"luxbff/test/sampleschema"
)

// TestFieldsAreThoseThatGqlgenCollects collects those of generated selections in both ways.
func TestFieldsAreThoseThatGqlgenCollects(t *testing.T) {
	t.Parallel()
	server := executor.New(sampleschema.NewSchema())
	ctx := graphql.StartOperationTrace(t.Context())
	rapid.Check(t, func(t *rapid.T) {
		var document strings.Builder
		for range rapid.IntRange(1, 20).Draw(t, "fields") {
			alias := rapid.StringMatching("[a-f]").Draw(t, "alias")
			condition := rapid.SampledFrom([]string{"", "", "", "@include(if: $yes)", "@skip(if: $yes)"}).Draw(t, "condition")
			field := rapid.SampledFrom([]string{
				"%s: hello %s", "i%s: items(first: 1) %s {id}", "i%s: items(first: 1) %s {name}",
				"... %[2]s {%[1]s: hello}", "...F %.0[1]s%[2]s", "__typename %.0[1]s%[2]s",
			}).Draw(t, "field")
			fmt.Fprintf(&document, " "+field, alias, condition)
		}
		text, head := document.String(), "query"
		if strings.Contains(text, "$yes") {
			head = "query($yes: Boolean!)"
		}
		text = head + " {" + text + "}"
		if strings.Contains(text, "...F") {
			text += " fragment F on Query {f: hello}"
		}
		operation, errs := server.CreateOperationContext(ctx, &graphql.RawParams{
			Query: text, Variables: map[string]any{"yes": rapid.Bool().Draw(t, "yes")},
		})
		if len(errs) > 0 {
			t.Fatal(text, errs)
		}
		selections := operation.Operation.SelectionSet
		got := encode.CollectFields(operation, selections, []string{"Query"})
		want := graphql.CollectFields(operation, selections, []string{"Query"})
		if diff := cmp.Diff(describe(want), describe(got)); diff != "" {
			t.Errorf("%s (-gqlgen +ours):\n%s", text, diff)
		}
	})
}

// describe gives each field with what is selected below it.
func describe(fields []graphql.CollectedField) (all []string) {
	for _, field := range fields {
		text := fmt.Sprintf("%s: %s %v", field.Alias, field.Name, field.IsNonDeferrable)
		for _, below := range field.Selections {
			text += fmt.Sprintf(" %p", below)
		}
		all = append(all, text)
	}
	return all
}
