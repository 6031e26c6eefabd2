package parity_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/graph"
	"luxbff/server/rest"
)

func allActions() []action {
	return slices.Concat(profileActions(), consentActions(), signUpActions(), credentialActions(), childActions())
}

// TestEveryActionIsCompared fails when a mutation or a route is added and no action
// compares it. What is on one surface alone is listed here.
func TestEveryActionIsCompared(t *testing.T) {
	t.Parallel()
	graphQLOnly := []string{"endSession", "resetPassword", "revertEmail", "signOut", "signOutEverywhere"}
	restOnly := []string{
		"GET /auth/sign-in/check/{email}", "POST /auth/email/get-id/{email}", "POST /auth/email/pre-signup",
		"GET /user/email/verification", "POST /auth/logout", "POST /auth/request_temp",
	}
	var missing []string
	for _, field := range graph.Schema(nil).Schema().Mutation.Fields {
		if !slices.Contains(graphQLOnly, field.Name) && !slices.ContainsFunc(allActions(), func(a action) bool {
			return strings.HasPrefix(a.graphql, field.Name+"(") || strings.HasPrefix(a.graphql, field.Name+" ")
		}) {
			missing = append(missing, field.Name)
		}
	}
	for _, surface := range rest.Surfaces() {
		for _, route := range surface.Routes {
			name := route.Method + " " + route.Path
			if !slices.Contains(restOnly, name) && !slices.ContainsFunc(allActions(), func(a action) bool { return a.calls(route) }) {
				missing = append(missing, name)
			}
		}
	}
	if diff := cmp.Diff([]string(nil), missing); diff != "" {
		t.Errorf("compared by no action (+):\n%s", diff)
	}
}

// calls reports whether one of the REST calls goes to the route, on any surface
// that has it.
func (a action) calls(route rest.Route) bool {
	fixed, _, _ := strings.Cut(route.Path, "{")
	return slices.ContainsFunc(a.rest, func(call string) bool {
		words := strings.Fields(call)
		path, _, _ := strings.Cut(words[1], "?")
		return words[0] == route.Method && strings.Contains(path, fixed)
	})
}
