//go:build npm

package clients_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"luxbff/graph"
	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// enforcing runs the documents of a manifest and the one by which tests make a child, and no
// others.
func enforcing(t *testing.T, manifest string) func(*app.Config) {
	t.Helper()
	child := filepath.Join(t.TempDir(), "child.graphql")
	write(t, child, apptest.CreateChildDocument)
	return func(c *app.Config) { c.Documents, c.DocumentsMode = manifest+","+child, "enforce" }
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// change changes a file of JSON.
func change(t *testing.T, file string, with func(settings map[string]any)) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var settings map[string]any
	if err := json.Unmarshal(content, &settings); err != nil {
		t.Fatal(err)
	}
	with(settings)
	if content, err = json.Marshal(settings); err != nil {
		t.Fatal(err)
	}
	write(t, file, string(content))
}

// TestPersistedByRelay has relay-compiler persist the screens of an app, and runs them by
// their ids, on a server that runs nothing else.
func TestPersistedByRelay(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]map[string]any{
		"MD5 by default": {"file": "./persisted.json"},
		"SHA-256":        {"file": "./persisted.json", "algorithm": "SHA256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := copyWithPackages(t, npm+"/relay")
			persisted := filepath.Join(folder, "persisted.json")
			write(t, persisted, "{}")
			write(t, filepath.Join(folder, "schema.graphql"), graph.SDL())
			change(t, filepath.Join(folder, "relay.config.json"), func(config map[string]any) { config["persistConfig"] = settings })
			if err := os.Mkdir(filepath.Join(folder, "__generated__"), 0o700); err != nil {
				t.Fatal(err)
			}
			run(t, folder, nil, "node_modules/.bin/relay-compiler", "relay.config.json")
			s := apptest.Start(t, enforcing(t, persisted))
			if out := runNode(t, folder, newFamily(t, s), "run.js"); out != "the screens are shown\n" {
				t.Errorf("the screens end with %q", out)
			}
		})
	}
}

// TestPersistedByCodegen has GraphQL Code Generator persist the documents of an app, and
// looks for each on a server.
func TestPersistedByCodegen(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]any{
		"SHA-1 by default": true, "SHA-256": map[string]any{"hashAlgorithm": "sha256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := copyWithPackages(t, npm+"/codegen")
			schema := filepath.Join(folder, "schema.graphql")
			write(t, schema, graph.SDL())
			change(t, filepath.Join(folder, "codegen.json"), func(config map[string]any) {
				config["schema"] = schema
				config["generates"].(map[string]any)["./src/gql/"].(map[string]any)["presetConfig"] = map[string]any{"persistedDocuments": settings}
			})
			run(t, folder, nil, "node_modules/.bin/graphql-codegen", "--config", "codegen.json")
			persisted := filepath.Join(folder, "src", "gql", "persisted-documents.json")
			s := apptest.Start(t, enforcing(t, persisted))
			content, err := os.ReadFile(persisted)
			if err != nil {
				t.Fatal(err)
			}
			var texts map[string]string
			if err := json.Unmarshal(content, &texts); err != nil || len(texts) == 0 {
				t.Fatalf("%v in %s", err, content)
			}
			for id := range texts {
				answer := s.Call(t, http.MethodPost, "/graphql", "", `{"documentId": "`+id+`"}`)
				var response apptest.GraphQLResponse
				if err := json.Unmarshal(answer.Body, &response); err != nil || response.Code() == "PERSISTED_DOCUMENT_NOT_FOUND" {
					t.Errorf("%s: %s", id, answer.Body)
				}
			}
		})
	}
}

// TestPersistedByApollo asks as Apollo Client's link for persisted queries does. It never
// sends the text of a document that is in no manifest, because the server would refuse it.
func TestPersistedByApollo(t *testing.T) {
	t.Parallel()
	manifest := filepath.Join(t.TempDir(), "manifest.json")
	write(t, manifest, run(t, npm, nil, "node", "apollo-persisted.js"))
	s := apptest.Start(t, enforcing(t, manifest))
	if out := runNode(t, npm, newFamily(t, s), "apollo-persisted.js"); out != "GET: data\nGET: PERSISTED_DOCUMENT_NOT_FOUND\n" {
		t.Errorf("with enforce: %s", out)
	}
	s = apptest.Start(t, enforcing(t, manifest), func(c *app.Config) { c.DocumentsMode = "log" })
	if out := runNode(t, npm, newFamily(t, s), "apollo-persisted.js"); out != "GET: data\nGET, POST with its text: data\n" {
		t.Errorf("with log: %s", out)
	}
}
