package contract_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/server/rest"
)

// documentedRoutes are the routes of the pages, as "METHOD PATH".
func documentedRoutes(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile("testdata/routes.txt")
	if err != nil {
		t.Fatal(err)
	}
	var routes []string
	for line := range strings.Lines(string(raw)) {
		if words := strings.Fields(line); len(words) == 3 && words[0] != "#" {
			routes = append(routes, words[1]+" "+words[2])
		}
	}
	slices.Sort(routes)
	return routes
}

func TestEveryDocumentedRouteHasCases(t *testing.T) {
	t.Parallel()
	var tested []string
	for _, folder := range folders() {
		for _, f := range readFiles(t, folder) {
			tested = append(tested, f.method+" "+f.route)
			if !f.hasAnswer() {
				t.Errorf("%s has no case with a successful response", f.path)
			}
		}
	}
	slices.Sort(tested)
	if diff := cmp.Diff(documentedRoutes(t), tested); diff != "" {
		t.Errorf("documented routes (-) and routes with cases (+):\n%s", diff)
	}
}

func (f *file) hasAnswer() bool {
	return slices.ContainsFunc(f.blocks, func(b *block) bool { return b.kind == "answer" })
}

func TestEveryServedRouteIsDocumented(t *testing.T) {
	t.Parallel()
	var expected, served []string
	for _, folder := range folders() {
		for _, f := range readFiles(t, folder) {
			for _, v := range variants(folder) {
				expected = append(expected, f.method+" "+v.path(f.route))
			}
		}
	}
	for _, s := range rest.Surfaces() {
		for _, r := range s.Routes {
			served = append(served, r.Method+" "+s.Prefix+r.Path)
		}
	}
	slices.Sort(expected)
	slices.Sort(served)
	if diff := cmp.Diff(expected, served); diff != "" {
		t.Errorf("routes with cases (-) and served routes (+):\n%s", diff)
	}
}
