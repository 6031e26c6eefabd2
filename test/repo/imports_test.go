package repo_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// importRule says what a package must not reach, neither itself nor through what it
// imports. The linter depguard sees a file's own imports alone.
type importRule struct {
	// packages are these and all below them, but for the exceptions.
	packages, except, forbidden []string
	why                         string
}

// importRules are those of the house: server, then graph and server/rest, then the
// domain in internal, then ent and the store. What two packages on one level may
// import of each other the compiler holds, because it refuses a circle.
func importRules() []importRule {
	return []importRule{
		{
			packages: []string{"luxbff/ent", "luxbff/operations"}, forbidden: []string{"luxbff/internal", "luxbff/graph", "luxbff/server"},
			why: "the storage model knows no rule and no transport",
		},
		{
			packages: []string{"luxbff/internal"}, except: []string{"luxbff/internal/testutil", "luxbff/internal/tools"},
			forbidden: []string{"luxbff/graph", "luxbff/server", "github.com/99designs/gqlgen", "github.com/vektah/gqlparser", "github.com/gorilla/websocket"},
			why:       "the domain knows no transport",
		},
		{
			packages: []string{"luxbff/graph"}, forbidden: []string{"luxbff/server"},
			why: "the server serves the graph, not the other way round",
		},
		{
			packages: []string{"luxbff/server/rest"}, forbidden: []string{"luxbff/graph", "luxbff/server/app", "github.com/99designs/gqlgen"},
			why: "REST and GraphQL stand side by side over one domain",
		},
		{
			packages:  []string{"luxbff/server/gqlhttp", "luxbff/server/gqlstream", "luxbff/server/gqlws"},
			forbidden: []string{"luxbff/graph", "luxbff/internal/store", "luxbff/server/app"},
			why:       "a transport serves any schema, and knows no row",
		},
		{
			packages: []string{"luxbff"},
			// newmigration is a developer's command, which replays all migrations in a
			// database that it makes and drops as the tests do.
			except:    []string{"luxbff/internal/testutil", "luxbff/test", "luxbff/internal/store/newmigration"},
			forbidden: []string{"luxbff/internal/testutil", "luxbff/test"},
			why:       "helpers of tests are for tests",
		},
	}
}

// goPackage is a package as `go list` describes it, without its tests.
type goPackage struct {
	ImportPath string
	// Deps are all packages that it imports, and what those import.
	Deps []string
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Deps", "./...")
	command.Dir = root
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []goPackage
	for list := json.NewDecoder(strings.NewReader(string(out))); ; {
		var one goPackage
		if err := list.Decode(&one); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
}

func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	all := listPackages(t)
	for _, rule := range importRules() {
		for _, one := range all {
			if !isBelow(one.ImportPath, rule.packages) || isBelow(one.ImportPath, rule.except) {
				continue
			}
			for _, imported := range one.Deps {
				if isBelow(imported, rule.forbidden) {
					t.Errorf("%s reaches %s: %s", one.ImportPath, imported, rule.why)
				}
			}
		}
	}
}

// leftOut are libraries that the program was once built with and never used, with what
// brought them in. A newcomer's first build waited for all of them.
func leftOut() map[string]string {
	return map[string]string{
		"luxbff/ent/migrate":              "the program applies written migrations; what it asks about its tables is in ent/table",
		"entgo.io/ent/dialect/sql/schema": "ent's own way of making tables, see internal/tools/ent",
		"ariga.io/atlas":                  "what ent makes tables with",
		"github.com/hashicorp/hcl":        "atlas's language for schemas",
		"google.golang.org/grpc":          "what otlptracehttp and the collector's package of OTLP bring in; server/tracing sends spans without",
		"github.com/grpc-ecosystem":       "as google.golang.org/grpc",
		"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp": "as google.golang.org/grpc",
		"github.com/zclconf/go-cty":                                       "the values of hcl",
	}
}

// TestProgramIsBuiltWithoutWhatItDoesNotUse reads all packages of the program, because a
// single import somewhere below brings a group of them back without a word.
func TestProgramIsBuiltWithoutWhatItDoesNotUse(t *testing.T) {
	t.Parallel()
	all := listPackages(t)
	at := slices.IndexFunc(all, func(one goPackage) bool { return one.ImportPath == "luxbff/server" })
	if at < 0 {
		t.Fatal("the program is not found")
	}
	for group, why := range leftOut() {
		for _, imported := range all[at].Deps {
			if isBelow(imported, []string{group}) {
				t.Errorf("the program is built with %s again: %s", imported, why)
			}
		}
	}
}

// isBelow reports whether the package is one of these or below one.
func isBelow(path string, packages []string) bool {
	return slices.ContainsFunc(packages, func(one string) bool {
		return path == one || strings.HasPrefix(path, one+"/")
	})
}

// TestRootHoldsNoTest keeps the root to what a reader looks for there first.
func TestRootHoldsNoTest(t *testing.T) {
	t.Parallel()
	for _, path := range files(t, "_test.go") {
		if !strings.Contains(path, "/") {
			t.Errorf("%s: the tests of the repository stand in test/repo", path)
		}
	}
}
