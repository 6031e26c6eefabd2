package repo_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The tests of this file hold what a reader of the checkout relies on and no linter
// checks.

// TestFilesNameNoMachine refuses what is true on one machine alone: the path of a
// checkout, the address of a package registry.
func TestFilesNameNoMachine(t *testing.T) {
	t.Parallel()
	// They stand in pieces, so that this file doesn't match itself.
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

// marker is how Go's tools know a generated file.
var marker = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// TestGeneratedFilesAreMarked holds that generated files carry Go's standard marker,
// by which linters, coverage and reviewers know to pass over them: what gqlgen
// writes, and all of ent/ but the packages that are written by hand.
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
			!strings.HasPrefix(path, "ent/column/") && path != "ent/table/table.go" && path != "ent/table/table_test.go"
	}
	return strings.HasPrefix(path, "graph/generated/") || strings.HasSuffix(path, "_gen.go")
}

// TestReadmeNamesEveryFolder keeps the README's map of the folders complete.
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

// TestReadmeStartsWithTwoCommands holds the README to its promise: whoever has Go
// needs two commands to run and to test the program, and nothing else.
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

// files lists the checkout's files with the ending, except for those that .gitignore
// names. It needs no git, which a copy of the source may lack.
func files(t *testing.T, ending string) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(checkout(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Name() == ".git" && !entry.IsDir() {
			return nil // a worktree's pointer
		}
		if entry.IsDir() {
			if slices.Contains([]string{".git", "node_modules", "bin"}, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		ignored := regexp.MustCompile(`\.(db|db-shm|db-wal|test|out)$`).MatchString(path)
		if strings.HasSuffix(path, ending) && !ignored {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// read gives the content of a file.
func read(t *testing.T, path string) string {
	t.Helper()
	content, err := fs.ReadFile(checkout(), path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// exists reports whether a file matches the pattern.
func exists(t *testing.T, pattern string) bool {
	t.Helper()
	found, err := fs.Glob(checkout(), pattern)
	if err != nil {
		t.Fatal(err)
	}
	return len(found) > 0
}

// parse parses a Go file.
func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, read(t, path), 0)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// glob is [fs.Glob] that must find something: a check of no files would pass,
// and go on to pass after the files have moved.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := fs.Glob(checkout(), pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatalf("nothing matches %s", pattern)
	}
	return found
}
