package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"

	"luxbff/internal/demo"
	"luxbff/operations"
	"luxbff/server/assets"
	"luxbff/server/compression"
	"luxbff/server/docsite"
	"luxbff/server/openapi"
	"luxbff/server/rest"
	"luxbff/server/scalar"
)

// documentation serves what is below /docs, and the OpenAPI document. All of it is in
// production as well: it says of the routes and of GraphQL what those who write apps are
// given anyway, and holds neither the schema nor anything of an account.
func (a *App) documentation(compressor *compression.Compressor, mux *http.ServeMux) {
	schemaIsOpen := a.Config.schemaIsOpen()
	pages := docsite.Config{GraphiQL: schemaIsOpen, Messages: a.Config.Development()}
	if a.Config.Development() {
		pages.URL = a.Config.URL()
	}
	guides := compressor.Handler(docsite.Handler(pages))
	routes := compressor.Handler(openapi.Handler(openapi.Config{GraphiQL: schemaIsOpen}, describeRoutes))
	reference := scalar.Handler(a.scalar())
	handleGet(mux, "/docs", guides)
	handleGet(mux, "/docs/", guides)
	handleGet(mux, "/docs/rest", routes)
	handleGet(mux, "/docs/rest.css", routes)
	handleGet(mux, "/docs/api", reference)
	handleGet(mux, "/docs/api/", reference)
	handleGet(mux, "/openapi.json", routes)
	handleGet(mux, "/docs/collection.json", compressor.Handler(a.collection()))
}

// scalar is how the routes are shown to be tried: in development, with the demo parent's
// token.
func (a *App) scalar() scalar.Config {
	return scalar.Config{Document: "/openapi.json", TryIt: a.Config.Development(), Token: a.demoToken}
}

// describeRoutes makes the OpenAPI document.
func describeRoutes() *openapi.Document { return rest.Describe(rest.Surfaces()) }

// Collection gives the documented routes and the sample operations as a collection for
// Postman, Bruno and their like, as JSON. Its requests go to the server of the configuration.
func Collection(cfg Config) ([]byte, error) {
	samples := []openapi.Sample{signInSample(cfg)}
	for _, s := range operations.All() {
		each, err := operationsOf(s)
		if err != nil {
			return nil, fmt.Errorf("read the sample %s: %w", s.Name, err)
		}
		samples = append(samples, each...)
	}
	collection, err := describeRoutes().Collect(cfg.URL(), samples)
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(collection, "", "  ")
}

// operationsOf makes a request of each operation of a document: one that holds several has to
// name the one to run, which not all programs that read a collection can.
func operationsOf(s operations.Sample) (each []openapi.Sample, err error) {
	document, err := parser.ParseQuery(&ast.Source{Input: s.Document})
	if err != nil {
		return nil, err
	}
	if len(document.Operations) == 1 {
		return []openapi.Sample{{Name: s.Name, Document: s.Document, Variables: s.Variables}}, nil
	}
	var variables map[string]json.RawMessage
	if err := json.Unmarshal([]byte(s.Variables), &variables); err != nil {
		return nil, err
	}
	for _, operation := range document.Operations {
		used := map[string]json.RawMessage{}
		for _, definition := range operation.VariableDefinitions {
			used[definition.Variable] = variables[definition.Variable]
		}
		values, err := json.MarshalIndent(used, "", "  ")
		if err != nil {
			return nil, err
		}
		var text strings.Builder
		formatter.NewFormatter(&text, formatter.WithIndent("  ")).FormatQueryDocument(&ast.QueryDocument{Operations: ast.OperationList{operation}})
		each = append(each, openapi.Sample{Name: s.Name + ", " + operation.Name, Document: text.String(), Variables: string(values)})
	}
	return each, nil
}

// signInSample signs the demo parent in, in development; in production whoever sends it
// writes an own name.
func signInSample(cfg Config) openapi.Sample {
	email, password := "parent@example.com", "secret123"
	if cfg.Development() {
		email, password = demo.Email, demo.Password
	}
	return openapi.Sample{ //nolint:gosec // The password is the demo's, which every start prints.
		Name: "sign-in",
		Document: "mutation SignIn($email: String!, $password: String!) {\n" +
			"  signIn(input: { email: $email, password: $password }) {\n" +
			"    tokens {\n      accessToken\n      refreshToken\n      expiresIn\n    }\n  }\n}\n",
		Variables:   fmt.Sprintf("{\n  \"email\": %q,\n  \"password\": %q\n}\n", email, password),
		AccessToken: "signIn.tokens.accessToken",
	}
}

func (a *App) collection() http.Handler {
	collection := assets.Once("application/json", func() ([]byte, error) { return Collection(a.Config) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Disposition", `attachment; filename="luxbff.postman_collection.json"`)
		collection.ServeHTTP(w, r)
	})
}
