package authorization_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const tablePath = "testdata/matrix.txt"

// The callers are the columns of the table. A request always carries the ids of one
// family, the owner; only the token in its header changes.
const (
	nobody   = "none"
	expired  = "expired"
	deleted  = "deleted"
	stranger = "other"
	longLife = "long"
	owner    = "own"
)

func callers() []string { return []string{nobody, expired, deleted, stranger, longLife, owner} }

// row is an operation or a route of one surface with the verdict for each caller.
type row struct {
	line    int
	surface string
	// name is "query me", "edge User.childUsers" or "GET /user/me".
	name     string
	verdicts map[string]string
	// steps bring a family to the state in which the request can succeed.
	steps []string
	// values replace those that an input takes by its name.
	values map[string]string
}

// readTable reads the rows of the table. A verdict that the head of the file names is
// replaced by the text that the row's surface has for it.
func readTable(t *testing.T) (rows []row) {
	t.Helper()
	text, err := os.ReadFile(tablePath)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]string{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if name, texts, isVerdict := strings.Cut(line, " = "); isVerdict && !strings.Contains(line, "|") {
			for _, one := range strings.Split(texts, "; ") {
				surfaces, verdict, _ := strings.Cut(one, " ")
				for _, surface := range strings.Split(surfaces, ",") {
					named[surface+" "+name] = verdict
				}
			}
			continue
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		rows = append(rows, readRow(t, number, line, named)...)
	}
	return rows
}

func readRow(t *testing.T, number int, line string, named map[string]string) (rows []row) {
	t.Helper()
	cells := strings.Split(line, "|")
	if len(cells) != len(callers())+2 {
		t.Fatalf("%s:%d: %d cells, want the name, one for each of %q, and what the request needs", tablePath, number, len(cells), callers())
	}
	surfaces, name, _ := strings.Cut(strings.TrimSpace(cells[0]), " ")
	for _, surface := range strings.Split(surfaces, ",") {
		r := row{line: number, surface: surface, name: name, verdicts: map[string]string{}, values: map[string]string{}}
		for i, caller := range callers() {
			verdict := strings.TrimSpace(cells[i+1])
			if text, isNamed := named[surface+" "+verdict]; isNamed {
				verdict = text
			}
			r.verdicts[caller] = verdict
		}
		for _, need := range strings.Fields(cells[len(cells)-1]) {
			if input, value, isValue := strings.Cut(need, "="); isValue {
				r.values[input] = value
			} else {
				r.steps = append(r.steps, need)
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// checkComplete fails for what has no row, and for a row of what is served no more.
func checkComplete(t *testing.T, rows []row, existing []string) {
	t.Helper()
	var listed []string
	for _, r := range rows {
		listed = append(listed, r.surface+" "+r.name)
	}
	for _, name := range existing {
		if !slices.Contains(listed, name) {
			t.Errorf("%[1]s has no row. Say who may use it: add to test/authorization/%[2]s a line\n%[1]s | %[3]s | (what it needs)",
				name, tablePath, strings.Join(callers(), " | "))
		}
	}
	for _, name := range listed {
		if !slices.Contains(existing, name) {
			t.Errorf("%s: %s isn't served any more: remove its row", tablePath, name)
		}
	}
}
