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

// TestEveryActionHasAPair fails when a mutation or a route is added without its
// twin: what stands on one surface alone is listed here.
func TestEveryActionHasAPair(t *testing.T) {
	t.Parallel()
	graphQLAlone := []string{"resetPassword", "signOut"}
	restAlone := []string{
		"GET /auth/sign-in/check/{email}", "POST /auth/email/get-id/{email}", "POST /auth/email/pre-signup",
		"POST /auth/social-signin/{provider}", "POST /auth/social/signup",
		"GET /user/email/verification", "POST /auth/logout", "POST /auth/request_temp",
	}
	var lonely []string
	for _, field := range graph.Schema(nil).Schema().Mutation.Fields {
		if !slices.Contains(graphQLAlone, field.Name) && !slices.ContainsFunc(allActions(), func(a action) bool {
			return strings.HasPrefix(a.graphql, field.Name+"(") || strings.HasPrefix(a.graphql, field.Name+" ")
		}) {
			lonely = append(lonely, field.Name)
		}
	}
	for _, surface := range rest.Surfaces() {
		for _, route := range surface.Routes {
			name := route.Method + " " + route.Path
			if !slices.Contains(restAlone, name) && !slices.ContainsFunc(allActions(), func(a action) bool { return a.calls(route) }) {
				lonely = append(lonely, name)
			}
		}
	}
	if diff := cmp.Diff([]string(nil), lonely); diff != "" {
		t.Errorf("done on one surface alone (+):\n%s", diff)
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
