package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/graph"
	"luxbff/internal/account"
	"luxbff/internal/auth"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/message/history"
	"luxbff/internal/testutil/apptest"
	"luxbff/server/gqlhttp"
)

// TestLimitsLeaveRoomForTheContract sends the largest documents that the
// contract lets a client send: the limits of gqlhttp are made for them.
func TestLimitsLeaveRoomForTheContract(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)

	var schema struct {
		Schema struct{ Types []struct{ Name string } } `json:"__schema"`
	}
	s.Data(t, "", graph.IntrospectionQuery, nil, &schema)
	if len(schema.Schema.Types) < 30 {
		t.Errorf("introspection shows %d types", len(schema.Schema.Types))
	}

	var literals strings.Builder
	for file := range 1_000 {
		fmt.Fprintf(&literals, `{childUserId: "1", deviceId: "1", uniqueId: "unique0", treatmentDate: "2025-02-21T%02d:%02d:49", `+
			`finishFlag: BUTTON_SHUTDOWN, lastIntensity: 25, treatmentTime: 500000, logFileId: %d}, `, file/60, file%60, file+1)
	}
	var uploaded struct {
		UploadDevlogs struct{ Devlogs []struct{ ID string } }
	}
	s.Data(t, token, `mutation { uploadDevlogs(input: {logs: [`+literals.String()+`]}) { devlogs {
		id status finishFlag treatmentDate lastIntensity treatmentTime logFileId createdAt updatedAt childUser { id } device { id lastLogFileId } } } }`,
		nil, &uploaded)
	if n := len(uploaded.UploadDevlogs.Devlogs); n != 1_000 {
		t.Errorf("%d of 1,000 logs came back", n)
	}
}

// plainFields lists the leaves of a type that take no arguments.
func plainFields(t *testing.T, name string) string {
	t.Helper()
	schema := graph.Schema(nil).Schema()
	var plain []string
	for _, field := range schema.Types[name].Fields {
		if schema.Types[field.Type.Name()].IsLeafType() && len(field.Arguments) == 0 {
			plain = append(plain, field.Name)
		}
	}
	return strings.Join(plain, " ")
}

// TestCost asks for as much of the history as the schema offers, and for what grows with
// the power of its depth.
func TestCost(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	family := s.NewFamily(t)
	page := `devlogs(first: 100) {edges {cursor node {` + plainFields(t, "Devlog") + `}} pageInfo {` + plainFields(t, "PageInfo") + `}}`
	withObjects := `devlogs(first: 100) {edges {cursor node {` + plainFields(t, "Devlog") + ` childUser {` + plainFields(t, "ChildUser") +
		`} device {` + plainFields(t, "Device") + `}}} pageInfo {` + plainFields(t, "PageInfo") + `}}`
	children := func(selections string) string {
		return `{childUsers {` + plainFields(t, "ChildUser") + ` ` + selections + `}}`
	}
	const upload = `mutation($logs: [DevlogInput!]!) {uploadDevlogs(input: {logs: $logs}) {devlogs {id childUser {%s}}}}`
	logs := make([]map[string]any, 200)
	for i := range logs {
		logs[i] = map[string]any{
			"childUserId": family.Child.ID, "deviceId": family.DeviceID, "uniqueId": family.UniqueID,
			"treatmentDate": fmt.Sprintf("2025-02-21T15:%02d:%02d", i/60, i%60), "finishFlag": "BUTTON_SHUTDOWN",
			"lastIntensity": 1, "treatmentTime": 1, "logFileId": i + 1,
		}
	}
	count := func(name string) int { return len(strings.Fields(plainFields(t, name))) }
	pageCost := 50 + 100*(3+count("Devlog")+1+count("PageInfo"))
	const nestedCost = 50 + 100*(3+50+100*3)
	nested := `devlogs(first: 100) {edges {node {childUser {devlogs(first: 100) {edges {node {id}}}}}}}`
	for name, tc := range map[string]struct {
		query     string
		variables map[string]any
		cost      int // 0 where it is allowed
	}{
		"a page of each child":                {children(page), nil, 0},
		"two pages of each child":             {children("a: " + page + " b: " + page), nil, 0},
		"with children and devices":           {children(withObjects), nil, 0},
		"a page after an upload":              {fmt.Sprintf(upload, "id"), map[string]any{"logs": logs}, 0},
		"pages below pages":                   {children(nested), nil, 1 + child.MaxChildren*(count("ChildUser")+nestedCost)},
		"pages below the logs of an upload":   {fmt.Sprintf(upload, page), map[string]any{"logs": logs}, 1 + 200*(3+pageCost)},
		"pages below pages, one child by id":  {fmt.Sprintf(`{childUser(id: %d) {`, family.Child.ID) + repeated(8, "a%d: "+nested+" ") + `}}`, nil, 1 + 8*nestedCost},
		"phones":                              {`{me {` + repeated(30, "a%d: pushDevices {registrationId createdAt} ") + `}}`, nil, 0},
		"pages below pages, below me":         {`{me {childUsers {` + nested + `}}}`, nil, 2 + child.MaxChildren*nestedCost},
		"pages below the devices of children": {children(`device {childUser {` + nested + `}}`), nil, 1 + child.MaxChildren*(count("ChildUser")+2+nestedCost)},
	} {
		response := s.GraphQL(t, family.Token, tc.query, tc.variables)
		if tc.cost == 0 {
			if response.Code() != "" {
				t.Errorf("%s: got %+v", name, response.Errors)
			}
			continue
		}
		want := fmt.Sprintf("The operation has complexity %d, which exceeds the limit of %d.", tc.cost, gqlhttp.DefaultMaxComplexity)
		if response.Code() != "COMPLEXITY_LIMIT_EXCEEDED" || response.Errors[0].Message != want {
			t.Errorf("%s: got %+v, want %s", name, response.Errors, want)
		}
	}
}

func repeated(count int, format string) string {
	var all strings.Builder
	for i := range count {
		fmt.Fprintf(&all, format, i)
	}
	return all.String()
}

// TestCostIsReported holds that a client which asks what an operation costs gets to know it over
// every transport that has headers of its own, and that nobody else does.
func TestCostIsReported(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	for header, want := range map[string]string{
		"report": `"extensions":{"cost":{"limit":250000,"operation":101}}`,
		"REPORT": `{"data":{"childUsers":[]}}`,
		"":       `{"data":{"childUsers":[]}}`,
	} {
		for _, accept := range []string{"application/json", "text/event-stream", "multipart/mixed;subscriptionSpec=1.0"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", strings.NewReader(`{"query": "{childUsers {id firstName}}"}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", accept)
			r.Header.Set("Authorization", "Bearer "+token)
			if header != "" {
				r.Header.Set("GraphQL-Cost", header)
			}
			if got := string(s.Do(t, r).Body); !strings.Contains(got, want) {
				t.Errorf("GraphQL-Cost %q with Accept %s: %s, want %s", header, accept, got, want)
			}
		}
	}
}

// TestEveryListIsBounded walks the schema: each list is one of those below, with what it
// holds at most, and costs as much. A list that is new stands here once it is paged, or once
// what an account may own of it is bounded, and has a size in the schema.
func TestEveryListIsBounded(t *testing.T) {
	t.Parallel()
	schema := graph.Schema(nil).Schema()
	costs, err := gqlhttp.NewCosts(schema)
	if err != nil {
		t.Fatal(err)
	}
	// A bound of 0 is that of the field above, whose arguments are what counts, or how many
	// values the enum has.
	bounds := map[string]int{
		"Query.childUsers":             child.MaxChildren,
		"User.childUsers":              child.MaxChildren,
		"User.pushDevices":             account.MaxPushDevices,
		"User.identities":              auth.MaxLinks,
		"User.sessions":                auth.MaxSessions,
		"DevlogConnection.edges":       0,
		"MessageConnection.edges":      0,
		"UploadDevlogsPayload.devlogs": 0,
		"UploadDevlogsPayload.results": 0,
		"Query.errorCodes":             0,
	}
	for _, above := range []struct {
		parent, field string
		arguments     map[string]any
		bound         int
	}{
		{"ChildUser", "devlogs", map[string]any{"first": int64(100)}, 100},
		{"ChildUser", "devlogs", map[string]any{"last": int64(100)}, 100},
		{"ChildUser", "devlogs", nil, 20},
		{"User", "messages", map[string]any{"first": int64(100)}, 100},
		{"User", "messages", nil, history.DefaultPageSize},
		{"Mutation", "uploadDevlogs", map[string]any{"input": map[string]any{"logs": make([]any, devlog.MaxRecords)}}, devlog.MaxRecords},
	} {
		field := schema.Types[above.parent].Fields.ForName(above.field)
		if cost := costs.OfField(field, 1000, above.arguments); cost/1000 != above.bound {
			t.Errorf("%s.%s of %d costs %d times what it selects", above.parent, above.field, above.bound, cost/1000)
		}
	}
	found := 0
	for _, object := range schema.Types {
		if object.BuiltIn || object.Kind != ast.Object && object.Kind != ast.Interface {
			continue
		}
		for _, field := range object.Fields {
			if field.Type.Elem == nil || strings.HasPrefix(field.Name, "__") {
				continue
			}
			name := object.Name + "." + field.Name
			bound, known := bounds[name]
			if !known {
				t.Errorf("nothing bounds the list %s", name)
				continue
			}
			found++
			if bound == 0 {
				continue
			}
			if cost := costs.OfField(field, 1000, nil); cost/1000 != bound {
				t.Errorf("%s holds %d and costs %d times what it selects", name, bound, cost/1000)
			}
			if !strings.Contains(strings.ReplaceAll(field.Description, "\n", " "), fmt.Sprint("at most ", bound)) {
				t.Errorf("%s says of its bound: %s", name, field.Description)
			}
		}
	}
	if found != len(bounds) {
		t.Errorf("the schema has %d of the %d lists", found, len(bounds))
	}
}

// TestSchemaSaysTheLimits compares the text with the constants.
func TestSchemaSaysTheLimits(t *testing.T) {
	t.Parallel()
	said := strings.ReplaceAll(graph.Schema(nil).Schema().Query.Description, "\n", " ")
	for _, limit := range []string{
		fmt.Sprintf("An operation may cost %d,000.", gqlhttp.DefaultMaxComplexity/1000),
		fmt.Sprintf("at most %d,000 tokens and %d fields and fragments", gqlhttp.DefaultMaxTokens/1000, gqlhttp.DefaultMaxSelections),
		fmt.Sprintf("at most %d levels deep", gqlhttp.DefaultMaxDepth),
		fmt.Sprintf("at most %d aliases of one field", gqlhttp.DefaultMaxAliases),
		fmt.Sprintf("%d root fields", gqlhttp.DefaultMaxRootFields),
		fmt.Sprintf("at most %d times the same field", gqlhttp.DefaultMaxRepeatedFields),
		fmt.Sprintf("at most %d MiB", gqlhttp.DefaultMaxAnswer>>20),
	} {
		if !strings.Contains(said, limit) {
			t.Errorf("%q is not in %s", limit, said)
		}
	}
}
