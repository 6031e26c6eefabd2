package manifest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"luxbff/server/manifest"
)

// FuzzManifest holds that every manifest is either refused with an error that names its file
// or read as documents whose hashes are those of their texts, and that these documents, when
// they are written as Apollo's generator and as Relay's compiler write them, are read again.
func FuzzManifest(f *testing.F) {
	for _, seed := range []string{
		apollo(operation(hashOf(one), one), operation("id-of-two", two)), `{"a": "{one}", "b": "{one}"}`, `{"sha256:00": "{one}"}`,
		`{"format": 1}`, `{"a": "{one}", "a": "{two}"}`, `{"a": ""}`, `[]`, `{"": "{one}"}`, "\xff", `{"format": "{one}"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		folder := t.TempDir()
		file := filepath.Join(folder, "manifest.json")
		read := func(content []byte) ([]manifest.Document, error) {
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
			return manifest.Read([]string{file})
		}
		documents, err := read(content)
		if err != nil {
			if !strings.Contains(err.Error(), file) {
				t.Errorf("%q: %v", content, err)
			}
			return
		}
		texts, operations := map[string]string{}, []map[string]string{}
		for _, document := range documents {
			if hashOf(document.Text) != document.Hash {
				t.Errorf("%q has the hash %s", document.Text, document.Hash)
			}
			for _, id := range append([]string{document.Hash}, document.Names...) {
				texts[id] = document.Text
				operations = append(operations, map[string]string{"id": id, "body": document.Text})
			}
		}
		for _, again := range []any{texts, map[string]any{"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}} {
			encoded, err := json.Marshal(again)
			if err != nil {
				t.Fatal(err)
			}
			reread, err := read(encoded)
			if _, looksLikeApollo := texts["format"]; looksLikeApollo && err != nil {
				continue // a map has no document of that id
			}
			slices.SortFunc(reread, byHash)
			slices.SortFunc(documents, byHash)
			if err != nil || !slices.EqualFunc(reread, documents, sameDocument) {
				t.Errorf("%q is read as %q and again as %q, %v", content, documents, reread, err)
			}
		}
	})
}

func byHash(a, b manifest.Document) int { return strings.Compare(a.Hash, b.Hash) }

func sameDocument(a, b manifest.Document) bool {
	slices.Sort(a.Names)
	slices.Sort(b.Names)
	return a.Hash == b.Hash && a.Text == b.Text && slices.Equal(a.Names, b.Names)
}
