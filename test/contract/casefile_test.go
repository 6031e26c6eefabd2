package contract_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// file is a case file: the cases of one route.
type file struct {
	path   string
	method string
	route  string
	blocks []*block
	cases  []testCase
}

// block is a header line, which is `== title` or `-- kind arg`, and the lines below it.
type block struct {
	header string
	kind   string
	arg    string
	text   string
}

type testCase struct {
	title  string
	blocks []*block
}

func readFiles(t testing.TB, folder string) []*file {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	files := make([]*file, len(paths))
	for i, path := range paths {
		files[i] = readFile(t, path)
	}
	return files
}

func readFile(t testing.TB, path string) *file {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := &file{path: path, blocks: parse(string(raw))}
	head := f.blocks[0].text
	words := strings.Fields(head)
	if len(words) < 3 || words[0] != "route" {
		t.Fatalf("%s doesn't begin with a line `route METHOD PATH`", path)
	}
	f.method, f.route = words[1], words[2]
	for _, b := range f.blocks[1:] {
		if b.kind == "==" {
			f.cases = append(f.cases, testCase{title: b.arg})
		}
		if len(f.cases) == 0 {
			t.Fatalf("%s: %q stands outside of a case", path, b.header)
		}
		last := &f.cases[len(f.cases)-1]
		last.blocks = append(last.blocks, b)
	}
	return f
}

// first is the first request of the file, which is the one of the page.
func (f *file) first() string {
	for _, b := range f.blocks {
		if b.kind == "request" {
			return b.text
		}
	}
	return ""
}

func parse(text string) []*block {
	blocks := []*block{{}}
	for _, line := range strings.SplitAfter(text, "\n") {
		if header := strings.TrimSuffix(line, "\n"); strings.HasPrefix(header, "== ") || strings.HasPrefix(header, "-- ") {
			b := &block{header: line}
			if strings.HasPrefix(header, "== ") {
				b.kind, b.arg = "==", header[3:]
			} else {
				b.kind, b.arg, _ = strings.Cut(header[3:], " ")
			}
			blocks = append(blocks, b)
			continue
		}
		blocks[len(blocks)-1].text += line
	}
	return blocks
}

// write writes the file back with its new goldens.
func (f *file) write(t *testing.T) {
	t.Helper()
	var text strings.Builder
	for _, b := range f.blocks {
		text.WriteString(b.header + b.text)
	}
	if err := os.WriteFile(f.path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}
