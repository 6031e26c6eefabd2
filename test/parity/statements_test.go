package parity_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
)

// TestNoPathTakesAStatementAnElement asks for everything on every path, of an account
// with three children and of one with many more, each with more logs: the statements
// are the same.
func TestNoPathTakesAStatementAnElement(t *testing.T) {
	t.Parallel()
	walk := newWalker()
	w := &world{Server: apptest.Start(t), vars: map[string]string{}}
	w.vars["parent"], _ = w.Parent(t)
	first, second := w.CreateChild(t, w.vars["parent"]), w.CreateChild(t, w.vars["parent"])
	crowd(t, w)
	paths := walk.paths(walk.schema.Query)
	documents := append(walk.documents(paths), walk.documents(walk.argumentPaths(observe(t, w, w.vars["parent"])))...)
	for _, field := range walk.schema.Query.Fields {
		if walk.schema.Types[field.Type.Name()].IsLeafType() {
			documents = append(documents, "{ plain: "+field.Name+" }")
		}
		if !strings.HasPrefix(field.Name, "__") && !slices.ContainsFunc(documents, func(document string) bool {
			return strings.Contains(document, ": "+field.Name)
		}) {
			t.Errorf("no document asks for %s", field.Name)
		}
	}
	documents = append(documents,
		`{ childUsers { devlogs(first: 20, updatedAfter: "") { edges { cursor node { id device { childUser { id } } childUser { devlogs(updatedAfter: "") { edges { cursor } } } } } } } }`)
	// Below these payloads are children and logs.
	for _, mutation := range []string{
		`mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs}) { devlogs { id } } }`,
		fmt.Sprintf(`mutation { updateChildUser(input: {childUserId: %d, firstName: "b"}) { childUser { id } } }`, first.ID),
		fmt.Sprintf(`mutation { updateDeviceAlias(input: {childUserId: %d, deviceId: %d, deviceAlias: "a"}) { device { id } } }`, first.ID, first.DeviceID),
		`mutation { updateUser(input: {firstName: "b"}) { user { id } } }`,
		`mutation { signIn(input: {email: "parent1@example.com", password: "secret123"}) { user { id } } }`,
	} {
		documents = append(documents, walk.wholePayload(walk.schema.Mutation, mutation))
	}
	logs := append(logsOf(first, 10, 10), logsOf(second, 10, 10)...)
	few := w.statements(t, documents, logs)
	for range 10 {
		crowd(t, w)
	}
	logs = append(logsOf(first, 13, 17), logsOf(second, 13, 17)...)
	many := w.statements(t, documents, logs)
	for i, document := range documents {
		if few[i] != many[i] {
			t.Errorf("%d statements for a small family, %d for a large one: %.300s", few[i], many[i], document)
		}
	}
}

// TestAliasesTakeNoStatements: what an account holds in other tables is read once for an
// answer, on however many paths it is asked for.
func TestAliasesTakeNoStatements(t *testing.T) {
	t.Parallel()
	w := &world{Server: apptest.Start(t), vars: map[string]string{}}
	w.vars["parent"], _ = w.Parent(t)
	const everything = `me { localId facebook { name } policy { isPushAgree } pushDevices { registrationId } childUsers { id } }`
	one, _ := w.CountStatements(t, w.vars["parent"], `{ `+everything+` }`, nil)
	three, _ := w.CountStatements(t, w.vars["parent"], `{ a: `+everything+` b: `+everything+` c: `+everything+` childUsers { id } }`, nil)
	if one != three || one != 5 {
		t.Errorf("%d statements, and %d for all of it three times; want 5", one, three)
	}
}

// statements counts those of each document, one of which uploads the logs.
func (w *world) statements(t *testing.T, documents []string, logs []map[string]any) []int {
	t.Helper()
	counts := make([]int, len(documents))
	for i, document := range documents {
		n, response := w.CountStatements(t, w.vars["parent"], document, map[string]any{"logs": logs})
		if len(response.Errors) > 0 {
			t.Fatalf("%.300s: %+v", document, response.Errors)
		}
		counts[i] = n
	}
	return counts
}
