package repo_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The tests of this file hold what a reader of the checkout relies on and no
// linter sees.

// TestFilesNameNoMachine refuses what would be true on one machine alone: the
// place of a checkout, the address of a package registry.
func TestFilesNameNoMachine(t *testing.T) {
	t.Parallel()
	// Written in pieces, so that this file doesn't name them either.
	forbidden := regexp.MustCompile(strings.Join([]string{
		`/` + `work/`, `/` + `tmp/wt`, `/` + `root/`, `/` + `home/\w`,
		`registry\.` + `npmjs`, `proxy\.` + `golang`, `sum\.` + `golang`, `deb\.` + `debian`,
	}, "|"))
	for _, path := range files(t, "") {
		content := read(t, path)
		if strings.Contains(content[:min(len(content), 8000)], "\x00") {
			continue // a picture or a font
		}
		for number, line := range strings.Split(content, "\n") {
			if found := forbidden.FindString(line); found != "" {
				t.Errorf("%s:%d names %q", path, number+1, found)
			}
		}
	}
}

var marker = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// TestGeneratedFilesAreMarked keeps linters, coverage and reviewers away from
// what a generator wrote: all of ent/ but the packages written by hand, and
// what gqlgen writes.
func TestGeneratedFilesAreMarked(t *testing.T) {
	t.Parallel()
	generated := 0
	for _, path := range files(t, ".go") {
		if !writtenByGenerator(path) {
			continue
		}
		generated++
		if !marker.MatchString(read(t, path)) {
			t.Errorf("%s is generated but doesn't say so", path)
		}
	}
	if generated < 10 {
		t.Errorf("found %d generated files: is the rule of this test outdated?", generated)
	}
}

func writtenByGenerator(path string) bool {
	if strings.HasPrefix(path, "ent/") {
		return !strings.HasPrefix(path, "ent/schema/") && !strings.HasPrefix(path, "ent/vocab/") &&
			!strings.HasPrefix(path, "ent/column/")
	}
	return strings.HasPrefix(path, "graph/generated/") || strings.HasSuffix(path, "_gen.go")
}

// TestReadmeNamesEveryFolder keeps the map of the README whole.
func TestReadmeNamesEveryFolder(t *testing.T) {
	t.Parallel()
	readme := read(t, "README.md")
	folders := map[string]bool{}
	for _, path := range files(t, "") {
		if top, _, nested := strings.Cut(path, "/"); nested && !strings.HasPrefix(top, ".") {
			folders[top] = true
		}
	}
	for folder := range folders {
		if !strings.Contains(readme, "`"+folder+"/`") {
			t.Errorf("README.md doesn't say what %s/ is for", folder)
		}
	}
}

// TestReadmeStartsWithTwoCommands pins the promise that nothing but Go is
// needed to run and to test.
func TestReadmeStartsWithTwoCommands(t *testing.T) {
	t.Parallel()
	readme := read(t, "README.md")
	_, rest, found := strings.Cut(readme, "```sh\n")
	block, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("README.md has no block of commands")
	}
	want := "go run ./server\ngo test ./...\n"
	if block != want {
		t.Errorf("the first commands of README.md are\n%s, want\n%s", block, want)
	}
}

// files lists the checkout's files with the ending, leaving out what .gitignore
// leaves out.
func files(t *testing.T, ending string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Name() == ".git" && !entry.IsDir() {
			return nil // a worktree's pointer
		}
		if entry.IsDir() {
			if slices.Contains([]string{".git", "node_modules", "bin"}, entry.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		ignored := regexp.MustCompile(`\.(db|db-shm|db-wal|test|out)$`).MatchString(path)
		if strings.HasSuffix(path, ending) && !ignored {
			found = append(found, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
