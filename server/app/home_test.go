package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"luxbff/graph"
	"luxbff/internal/child"
	"luxbff/internal/store"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/storetest"
	"luxbff/server/app"
)

// grow gives the parent children with a device each until there are n.
func grow(t *testing.T, s *apptest.Server, token string, have, n int) {
	t.Helper()
	for range n - have {
		s.CreateChild(t, token)
	}
}

func TestHomeScreenTakesOneStatementForAnyFamily(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	home := apptest.Sample(t, "home").Document
	have := 0
	for _, children := range []int{1, 10, child.MaxChildren} {
		grow(t, s, token, have, children)
		have = children
		n, reply := s.CountStatements(t, token, home, nil)
		if n > 1 || len(reply.Errors) > 0 {
			t.Errorf("%d children took %d statements, errors %+v", children, n, reply.Errors)
		}
		var data struct {
			ChildUsers []struct{ Device struct{ LastLogFileID int } }
		}
		if err := json.Unmarshal(reply.Data, &data); err != nil || len(data.ChildUsers) != children {
			t.Errorf("%d children are shown for %d: %v", len(data.ChildUsers), children, err)
		}
	}
}

// leaves are the fields of a type that have no fields of their own.
func leaves(of string) (names []string) {
	schema := graph.Schema(nil).Schema()
	names = []string{"__typename"}
	for _, field := range schema.Types[of].Fields {
		if schema.Types[field.Type.Name()].IsLeafType() && len(field.Arguments) == 0 {
			names = append(names, field.Name)
		}
	}
	return names
}

// TestAnyHomeScreenShowsWhatIsStored asks for any fields of the account, the children and
// their devices in two documents: one that a single statement answers if it shows no more
// than home screens do, and the same with a field that this statement does not read, so that
// all is read. What both ask for must be the same.
func TestAnyHomeScreenShowsWhatIsStored(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	childless, _ := s.Parent(t)
	grow(t, s, token, 0, 3)
	upload(t, s, token, 1, 7)
	s.Data(t, token, `mutation {
		updateUser(input: {firstName: "Mina", lastName: "Kim", birthdate: "1985-04-05", gender: FEMALE}) { user { id } }
		updateDeviceAlias(input: {childUserId: 1, deviceId: 1, deviceAlias: "blue"}) { device { id } }
		unregisterDevice(input: {childUserId: 2, uniqueId: "unique1"}) { device { id } }
	}`, nil, &struct{}{})
	ofHome := map[string][]string{
		"User": {
			"__typename", "id", "globalId", "firstName", "lastName", "birthdate", "gender", "phone", "isPhoneNumberChecked",
			"needsPersonalInfoUpdate", "needsPasswordChange",
		},
		"ChildUser": {"__typename", "id", "globalId", "rootUserId", "firstName", "lastName", "birthdate", "gender"},
		"Device":    {"__typename", "id", "globalId", "uniqueId", "deviceAlias", "firmwareVersion", "lastLogFileId"},
	}
	rapid.Check(t, func(rt *rapid.T) {
		isHome := true
		some := func(of string) string {
			fields := ofHome[of]
			if rapid.IntRange(0, 3).Draw(rt, "how") == 0 {
				fields = leaves(of)
			}
			asked := rapid.SliceOfNDistinct(rapid.SampledFrom(fields), 1, len(fields), rapid.ID).Draw(rt, "fields")
			if slices.ContainsFunc(asked, func(field string) bool { return !slices.Contains(ofHome[of], field) }) {
				isHome = false
			}
			return strings.Join(asked, " ")
		}
		asked := fmt.Sprintf("childUsers { ...C device { %s } } me { ... on User { %s } }", some("Device"), some("User"))
		fragment := fmt.Sprintf("fragment C on ChildUser { %s }", some("ChildUser"))
		who := rapid.SampledFrom([]string{token, childless}).Draw(rt, "token")
		one, short := s.CountStatements(t, who, "{ "+asked+" } "+fragment, nil)
		several, full := s.CountStatements(t, who, "{ "+asked+" all: me { createdAt } } "+fragment, nil)
		if isHome && one != 1 || isHome == (one == several) || len(short.Errors)+len(full.Errors) > 0 {
			rt.Fatalf("%d and %d statements, errors %v and %v", one, several, short.Errors, full.Errors)
		}
		all, _, _ := strings.Cut(string(full.Data), `,"all":`)
		if got := strings.TrimSuffix(string(short.Data), "}"); got != all {
			rt.Fatalf("of %d statements\n%s\nof all\n%s", one, got, all)
		}
	})
}

// TestHomeScreenTakesFewAllocations holds what a request takes in the program's handler.
// The bound leaves room for what the race detector adds.
func TestHomeScreenTakesFewAllocations(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	const most = 340
	s := apptest.Start(t, func(c *app.Config) { c.DatabaseURL = storetest.SQLiteURL(t) })
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 2)
	body, err := json.Marshal(map[string]string{"query": apptest.Sample(t, "home").Document})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
	r.Host, r.ContentLength = "localhost", int64(len(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept-Encoding", "gzip, zstd")
	var w *httptest.ResponseRecorder
	allocated := testing.AllocsPerRun(100, func() {
		w = httptest.NewRecorder()
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.App.Handler().ServeHTTP(w, r)
	})
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"lastLogFileId"`) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	t.Logf("%.0f allocations a request", allocated)
	if allocated > most {
		t.Errorf("%.0f allocations a request, want at most %d", allocated, most)
	}
}

// TestHomeScreenIsRefusedAsAnyQuery takes a token's rights away in each way, and compares the
// home screen, whose statement checks the token itself, with a query that has it checked.
func TestHomeScreenIsRefusedAsAnyQuery(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	signedOut, _ := s.Parent(t)
	deleted, _ := s.Parent(t)
	longLived := registerLocal(t, s)
	home := apptest.Sample(t, "home").Document
	for _, tc := range []struct{ token, end, code string }{
		{signedOut, `mutation { signOut { ok } }`, "UNAUTHENTICATED"},
		{deleted, `mutation { deleteAccount { ok } }`, "USER_IS_DELETED"},
		{longLived, `mutation { signOut { ok } }`, "UNAUTHENTICATED"},
	} {
		s.Data(t, tc.token, home, nil, &struct{}{})
		s.Data(t, tc.token, tc.end, nil, &struct{}{})
		code, other := s.GraphQL(t, tc.token, home, nil).Code(), s.GraphQL(t, tc.token, `{ me { createdAt } }`, nil).Code()
		if code != tc.code || other != tc.code {
			t.Errorf("after %s: %q, another query %q, want %q", tc.end, code, other, tc.code)
		}
	}
}

// TestOneChildIsReadAlone holds that the history of one child costs no more beside 49 others:
// they are read only where the query may show them.
func TestOneChildIsReadAlone(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 3)
	for document, reads := range map[string]bool{
		apptest.Sample(t, "history").Document:                                              false,
		`query($id: ID!) { childUser(id: $id) { device { childUser { id } } } }`:           false,
		`query($id: ID!) { childUser(id: $id) { id } me { childUsers { id } } }`:           true,
		`query($id: ID!) { ...F } fragment F on Query { childUser(id: $id) { lastName } }`: true,
	} {
		stop := s.RecordStatements()
		var shown struct{ ChildUser map[string]any }
		s.Data(t, token, document, map[string]any{"id": 2}, &shown)
		readsAll := slices.ContainsFunc(stop(), func(ran store.Statement) bool {
			return strings.Contains(ran.Query, "child_users") && strings.Contains(ran.Query, "root_user_id = $1")
		})
		if readsAll != reads || len(shown.ChildUser) == 0 {
			t.Errorf("%s: reads all children: %v, want %v; shows %v", document, readsAll, reads, shown)
		}
	}
}

// everyField asks for all that issue statements could multiply in a list.
const everyField = `query Every($first: Int!) {
  me { childUsers { device { childUser { id device { id } } } } }
  childUsers {
    rootUserId lastName
    device { macId childUser { firstName } }
  }
  childUser(id: 1) {
    devlogs(first: $first) { edges { cursor node { id childUser { firstName device { serialCode } } device { serialCode childUser { id } } } } }
  }
}`

func TestNoFieldTakesAStatementAListElement(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	upload(t, s, token, 1, 30)
	few, reply := s.CountStatements(t, token, everyField, map[string]any{"first": 1})
	if len(reply.Errors) > 0 {
		t.Fatalf("errors: %+v", reply.Errors)
	}
	grow(t, s, token, 1, 20)
	many, reply := s.CountStatements(t, token, everyField, map[string]any{"first": 30})
	if len(reply.Errors) > 0 {
		t.Fatalf("errors: %+v", reply.Errors)
	}
	if few != many {
		t.Errorf("%d statements for one child and log, %d for 20 children and 30 logs", few, many)
	}
}

func TestUploadTakesTheSameStatementsForAnyNumberOfLogs(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	const response = `mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs}) {
		devlogs { id childUser { id device { id } } device { lastLogFileId childUser { id } } } } }`
	one, reply := s.CountStatements(t, token, response, map[string]any{"logs": logs(1, 1, 1)})
	if len(reply.Errors) > 0 {
		t.Fatalf("errors: %+v", reply.Errors)
	}
	many, reply := s.CountStatements(t, token, response, map[string]any{"logs": logs(1, 2, 400)})
	if len(reply.Errors) > 0 {
		t.Fatalf("errors: %+v", reply.Errors)
	}
	if one != many {
		t.Errorf("%d statements for one log, %d for 399", one, many)
	}
}

// logs are complete logs of child and device n with the file ids from first to last.
func logs(n, first, last int) []map[string]any {
	var all []map[string]any
	for file := first; file <= last; file++ {
		all = append(all, map[string]any{
			"childUserId": n, "deviceId": n, "uniqueId": fmt.Sprint("unique", n-1),
			"treatmentDate": fmt.Sprintf("2025-02-%02dT15:48:49", 1+file%28), "finishFlag": "BUTTON_SHUTDOWN",
			"lastIntensity": 25, "treatmentTime": 500000, "logFileId": file,
		})
	}
	return all
}

const uploadDocument = `mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs}) { devlogs { id } } }`

func upload(t *testing.T, s *apptest.Server, token string, first, last int) {
	t.Helper()
	s.Data(t, token, uploadDocument, map[string]any{"logs": logs(1, first, last)}, &struct{}{})
}
