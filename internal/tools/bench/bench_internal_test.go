package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const printed = `goos: linux
BenchmarkFeed/sockets=1-2         	     500	   1200000 ns/op	         0.5000 ms-push-p99
some log line
BenchmarkFeed/account=32-16       	     500	         7.250 ms-push-p99	         1.500 ms-push-median
BenchmarkBroken-2
--- FAIL: BenchmarkBroken-2
    peers_test.go:31: npm ci: executable file not found | in $PATH
FAIL
`

func TestPrintedFiguresAreFound(t *testing.T) {
	t.Parallel()
	all := &results{}
	all.put(&result{part: "feed", lines: benchmarkLines(printed)})
	got, found := all.value(figure{"feed", "Feed/account=32", "ms-push-p99", ""})
	if !found || got != 7.25 {
		t.Errorf("%v %v", got, found)
	}
	for _, missing := range []figure{
		{"feed", "Feed/account=32", "ms-push-p98", ""},
		{"feed", "Feed/account", "ms-push-p99", ""},
		{"feed", "Broken", "ms-push-p99", ""},
		{"storm", "Feed/account=32", "ms-push-p99", ""},
	} {
		if got, found := all.value(missing); found {
			t.Errorf("%v is %v", missing, got)
		}
	}
}

func TestFailureSaysWhy(t *testing.T) {
	t.Parallel()
	const want = "npm ci: executable file not found | in $PATH"
	if got := reason(printed); got != want {
		t.Errorf("%q", got)
	}
	all := &results{}
	all.put(&result{part: "storm", failed: reason(printed)})
	line := all.line(row{what: "a", beside: "b", goal: 1, reached: figure{"storm", "Storm", "s", "%f"}})
	if want := `| a | b | ≤ 1 | not measured: npm ci: executable file not found \| in $PATH |  |`; line != want {
		t.Errorf("%q", line)
	}
}

func TestLineSaysWhetherTheGoalIsMet(t *testing.T) {
	t.Parallel()
	all := &results{}
	all.put(&result{part: "p", lines: []string{"BenchmarkX 1 0.75 ratio 12.0 ms"}})
	ratio, ms := figure{"p", "X", "ratio", "%.2f"}, figure{"p", "X", "ms", "%.0f ms"}
	for _, c := range []struct {
		of   row
		want string
	}{
		{row{what: "w", beside: "b", goal: 0.75, atLeast: true, reached: ratio, raw: []figure{ms}}, "| w | b | ≥ 0.75 | 0.75, met | 12 ms |"},
		{row{what: "w", beside: "b", goal: 0.76, atLeast: true, reached: ratio}, "| w | b | ≥ 0.76 | 0.75, **not met** |  |"},
		{row{what: "w", beside: "b", goal: 11, reached: ms}, "| w | b | ≤ 11 | 12 ms, **not met** |  |"},
		{row{what: "w", beside: "b", reached: ms}, "| w | b | – | 12 ms |  |"},
	} {
		if got := all.line(c.of); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestResultsAreKeptAsTheyWere(t *testing.T) {
	t.Parallel()
	all := &results{machine: []fact{{"cores", "2"}, {"kernel", "Linux 6.1"}}}
	all.put(&result{part: "home", commit: "abc with changes", date: "2026-11-30", took: time.Minute, lines: []string{"BenchmarkX 1 2 s"}})
	all.put(&result{part: "storm", commit: "abc", date: "2026-11-30", failed: "no: reason"})
	again, err := parseResults(all.format())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, again, cmp.AllowUnexported(results{}, fact{}, result{})); diff != "" {
		t.Error(diff)
	}
	again.put(&result{part: "storm", lines: []string{"BenchmarkStorm 1 3 s"}})
	if len(again.all) != 2 || again.of("storm").failed != "" {
		t.Errorf("a part that ran again stands there twice: %+v", again.all)
	}
	if _, err := parseResults([]byte("part: home\nnonsense: 1\n")); err == nil {
		t.Error("nonsense was taken")
	}
}

// TestPageHasTheTable holds docs/performance.md to the figures that were kept, so that
// nobody changes one by hand.
func TestPageHasTheTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../" + kept)
	if err != nil {
		t.Fatal(err)
	}
	all, err := parseResults(text)
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile("../../../" + page)
	if err != nil {
		t.Fatal(err)
	}
	want, err := replaceSection(string(written), all.markdown())
	if err != nil {
		t.Fatal(err)
	}
	if want != string(written) {
		t.Error("the table of docs/performance.md is another: go run ./internal/tools/bench -table")
	}
	for _, one := range rows {
		if one.goal != 0 && !strings.Contains(string(written), "| "+one.what+" | "+one.beside+" | "+one.limit()+" |") {
			t.Errorf("no row for %q", one.what)
		}
	}
}

// TestRowsComeFromParts finds a row whose part was renamed.
func TestRowsComeFromParts(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, one := range parts {
		names[one.name] = true
	}
	for _, one := range rows {
		for _, figure := range append([]figure{one.reached}, one.raw...) {
			if !names[figure.part] {
				t.Errorf("%s: there is no part %q", one.what, figure.part)
			}
		}
	}
}

func TestPageWithoutMarkersIsLeftAlone(t *testing.T) {
	t.Parallel()
	if _, err := replaceSection("a page", "a table"); err == nil {
		t.Error("it was written")
	}
	got, err := replaceSection("a\n"+begin+"old\n"+end+"z\n", "new\n")
	if want := "a\n" + begin + "\nnew\n\n" + end + "z\n"; err != nil || got != want {
		t.Errorf("%q %v", got, err)
	}
}
