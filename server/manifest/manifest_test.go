package manifest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"luxbff/server/manifest"
)

const (
	one   = "query One { one }"
	two   = "query Two { two }"
	three = "query Three { three }\n"
)

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// write writes files into a new folder, and gives it.
func write(t *testing.T, files map[string]string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, content := range files {
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func apollo(operations ...string) string {
	return `{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [` + strings.Join(operations, ",") + `]}`
}

func operation(id, body string) string {
	return fmt.Sprintf(`{"id": %q, "name": "One", "type": "query", "body": %q}`, id, body)
}

// TestReadsManifests reads each form, several side by side, with documents that stand in more
// than one.
func TestReadsManifests(t *testing.T) {
	t.Parallel()
	folder := write(t, map[string]string{
		"v1/apollo.json":      apollo(operation(hashOf(one), one), operation("id-of-two", two)),
		"v2/relay.json":       fmt.Sprintf(`{"3be4abb81fa595e25eb725b2c6a87508": %q, "sha256:%s": %q}`, one, strings.ToUpper(hashOf(two)), two),
		"v2/three.graphql":    three,
		"v2/again.gql":        three,
		"v2/README.md":        "what this is",
		"v2/.hidden.json":     "{",
		"..2026_11/data.json": "{",
	})
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("..", "v1", "apollo.json"), filepath.Join(folder, "v2", "linked.json")); err != nil {
		t.Fatal(err)
	}
	for _, paths := range [][]string{{folder}, {link}, {filepath.Join(folder, "v1", "apollo.json"), filepath.Join(folder, "v2")}} {
		documents, err := manifest.Read(paths)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]string{}
		for _, document := range documents {
			if document.Hash != hashOf(document.Text) {
				t.Errorf("%q has the hash %s", document.Text, document.Hash)
			}
			got[document.Text] = document.Names
		}
		want := map[string][]string{one: {"3be4abb81fa595e25eb725b2c6a87508"}, two: {"id-of-two"}, three: nil}
		if len(got) != len(want) || len(documents) != len(want) {
			t.Errorf("%v: got %v", paths, got)
		}
		for text, names := range want {
			if !slices.Equal(got[text], names) {
				t.Errorf("%q is named %v", text, got[text])
			}
		}
	}
}

// TestManifestsAreRefused reads manifests with something wrong. Each error names the file,
// and the document where it is about one.
func TestManifestsAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, content, want string }{
		"the hash of another":    {"a.json", apollo(operation(hashOf(one), two)), fmt.Sprintf("the id %q is not the SHA-256 of its document, which is %s", hashOf(one), hashOf(two))},
		"half a prefixed hash":   {"a.json", fmt.Sprintf(`{"sha256:%s": %q}`, hashOf(one)[:32], one), "is not the SHA-256"},
		"another in a map":       {"a.json", fmt.Sprintf(`{%q: %q}`, hashOf(two), one), "is not the SHA-256"},
		"one id for two":         {"a.json", apollo(operation("a", one), operation("a", two)), `the id "a" is that of another document in `},
		"an unknown format":      {"a.json", `{"format": "of tomorrow", "version": 1, "operations": []}`, `its format is "of tomorrow" version 1`},
		"an unknown version":     {"a.json", `{"format": "apollo-persisted-query-manifest", "version": 2, "operations": []}`, "version 2"},
		"a format that is none":  {"a.json", `{"format": 5}`, "no manifest of operations"},
		"no id":                  {"a.json", apollo(operation("", one)), "operation 1 has no id"},
		"no body":                {"a.json", apollo(operation("a", " ")), `the document "a" is empty`},
		"a document that is not": {"a.json", `{"a": {"body": "{one}"}}`, `"a" has none`},
		"an empty id":            {"a.json", fmt.Sprintf(`{"": %q}`, one), `"" has none`},
		"a list":                 {"a.json", `[]`, "it is no JSON object"},
		"half of it":             {"a.json", apollo(operation("a", one))[:40], "it is no JSON object"},
		"no JSON":                {"a.json", one, "it is no JSON object"},
		"another encoding":       {"a.graphql", "query \xff", "it is not UTF-8"},
		"an empty file":          {"a.graphql", "", "is empty"},
		"no document":            {"a.json", "{}", "it holds no document"},
		"too long a file":        {"a.json", strings.Repeat(" ", 2*manifest.MaxBytes+1), "more than"},
	} {
		file := filepath.Join(write(t, map[string]string{tc.file: tc.content}), tc.file)
		if _, err := manifest.Read([]string{file}); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	folder := write(t, map[string]string{"v1.json": apollo(operation("a", one)), "v2.json": `{"a": "{another}"}`})
	if _, err := manifest.Read([]string{folder}); err == nil || !strings.Contains(err.Error(), filepath.Join(folder, "v2.json")+`: the id "a" is that of another document in `+filepath.Join(folder, "v1.json")) {
		t.Errorf("one id in two manifests: got %v", err)
	}
	for name, path := range map[string]string{"no file": filepath.Join(folder, "none"), "no document": write(t, map[string]string{"README.md": one}), "a pipe": pipe(t)} {
		if _, err := manifest.Read([]string{path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// pipe makes one into which nobody writes.
func pipe(t *testing.T) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "pipe.json")
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestManifestsAreBounded reads as many documents and as much text as there may be, in two
// files, and a little more.
func TestManifestsAreBounded(t *testing.T) {
	t.Parallel()
	many := func(first, n, size int) string {
		texts := map[string]string{}
		for i := first; i < first+n; i++ {
			texts[fmt.Sprint("id", i)] = fmt.Sprintf("%-*s", size, fmt.Sprintf("{a%d}", i))
		}
		encoded, err := json.Marshal(texts)
		if err != nil {
			t.Fatal(err)
		}
		return string(encoded)
	}
	for name, tc := range map[string]struct{ count, size int }{
		"documents": {manifest.MaxDocuments, 10},
		"bytes":     {manifest.MaxBytes / (32 << 10), 32 << 10},
	} {
		half := tc.count / 2
		folder := write(t, map[string]string{"1.json": many(0, half, tc.size), "2.json": many(half, tc.count-half, tc.size), "3.json": many(0, half, tc.size)})
		if documents, err := manifest.Read([]string{folder}); err != nil || len(documents) != tc.count {
			t.Errorf("%s: got %d, %v", name, len(documents), err)
		}
		more := write(t, map[string]string{"more.json": many(tc.count, 1, tc.size)})
		if _, err := manifest.Read([]string{folder, more}); err == nil || !strings.Contains(err.Error(), "more.json: with it there are more than") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
