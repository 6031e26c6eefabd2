package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/graph"
	"luxbff/graph/globalid"
	"luxbff/internal/apperr"
	"luxbff/internal/viewer"
)

// publicFields need no token: they are how a parent gets one. Whoever adds to
// this list opens a field to the whole Internet.
func publicFields() []string {
	return []string{
		"sendSmsCode", "verifySmsCode", "signUp", "signIn", "refreshToken",
		"registerLocal", "signInLocal", "signInWithFacebook", "signInWithProvider", "signUpWithProvider",
		"findAccount", "requestPasswordReset", "resetPassword", "revertEmail",
	}
}

// TestEveryRootFieldNeedsATokenOrIsPublic fails for a new field until its author
// has given it @auth or has put it on the list above.
func TestEveryRootFieldNeedsATokenOrIsPublic(t *testing.T) {
	t.Parallel()
	public := publicFields()
	for _, field := range rootFields(t) {
		needsToken := field.Directives.ForName("auth") != nil
		isPublic := slices.Contains(public, field.Name)
		if needsToken == isPublic {
			t.Errorf("%s: has @auth: %t, is on the list of public fields: %t", field.Name, needsToken, isPublic)
		}
		public = slices.DeleteFunc(public, func(name string) bool { return name == field.Name })
	}
	if len(public) > 0 {
		t.Errorf("the schema has no %s", strings.Join(public, ", "))
	}
}

// TestAuthRefusesBeforeTheResolver runs every field with @auth for somebody whose
// account was deleted. The resolvers have no domain to call, so one that ran
// would panic and give INTERNAL.
func TestAuthRefusesBeforeTheResolver(t *testing.T) {
	t.Parallel()
	exec := executor.New(graph.Schema(graph.NewResolver(nil, nil, nil, nil, nil, nil)))
	schema := graph.Schema(nil).Schema()
	for _, field := range rootFields(t) {
		if field.Directives.ForName("auth") == nil {
			continue
		}
		t.Run(field.Name, func(t *testing.T) {
			t.Parallel()
			ctx := graphql.StartOperationTrace(viewer.Without(t.Context(), apperr.UserIsDeleted.New()))
			operation, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: operationOf(schema, field)})
			if errs != nil {
				t.Fatal(errs)
			}
			responses, ctx := exec.DispatchOperation(ctx, operation)
			response := responses(ctx)
			if len(response.Errors) != 1 || !apperr.Is(response.Errors[0], apperr.UserIsDeleted) ||
				response.Errors[0].Path.String() != field.Name {
				t.Errorf("got %v", response.Errors)
			}
			// A subscription that does not start has no data at all.
			noData := []string{"", "null", fmt.Sprintf(`{"%s":null}`, field.Name)}
			if data := string(response.Data); !slices.Contains(noData, data) {
				t.Errorf("got data %s", data)
			}
		})
	}
}

func rootFields(t *testing.T) []*ast.FieldDefinition {
	t.Helper()
	schema := graph.Schema(nil).Schema()
	var fields []*ast.FieldDefinition
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, field := range root.Fields {
			if !strings.HasPrefix(field.Name, "__") {
				fields = append(fields, field)
			}
		}
	}
	if len(fields) == 0 {
		t.Fatal("the schema has no root field")
	}
	return fields
}

// operationOf writes an operation of the one field, with arguments that decode.
func operationOf(schema *ast.Schema, field *ast.FieldDefinition) string {
	kind := "query"
	switch {
	case slices.Contains(schema.Mutation.Fields, field):
		kind = "mutation"
	case slices.Contains(schema.Subscription.Fields, field):
		kind = "subscription"
	}
	var arguments []string
	for _, argument := range field.Arguments {
		literal := literalOf(schema, argument.Type)
		if field.Name == "node" {
			literal = `"` + globalid.ID{Type: globalid.ChildUser, ID: 1}.String() + `"`
		}
		arguments = append(arguments, argument.Name+": "+literal)
	}
	text := field.Name
	if len(arguments) > 0 {
		text += "(" + strings.Join(arguments, ", ") + ")"
	}
	if schema.Types[field.Type.Name()].IsCompositeType() {
		text += " { __typename }"
	}
	return kind + " { " + text + " }"
}

// literalOf writes a value of the type: null where that will do.
func literalOf(schema *ast.Schema, of *ast.Type) string {
	definition := schema.Types[of.Name()]
	switch {
	case !of.NonNull:
		return "null"
	case of.Elem != nil:
		return "[" + literalOf(schema, of.Elem) + "]"
	case definition.Kind == ast.Enum:
		return definition.EnumValues[0].Name
	case definition.Kind == ast.InputObject:
		var members []string
		for _, member := range definition.Fields {
			members = append(members, member.Name+": "+literalOf(schema, member.Type))
		}
		return "{" + strings.Join(members, ", ") + "}"
	}
	return map[string]string{
		"Boolean": "true", "Int": "1", "ID": `"1"`, "String": `"a"`,
		"Date": `"1997-01-01"`, "LocalDateTime": `"2025-02-14T15:48:49"`,
	}[of.Name()]
}
