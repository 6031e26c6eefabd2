package app_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"luxbff/internal/child"
	"luxbff/internal/testutil/apptest"
)

// grow gives the parent children with a device each until there are n.
func grow(t *testing.T, s *apptest.Server, token string, have, n int) {
	t.Helper()
	for range n - have {
		s.CreateChild(t, token)
	}
}

func TestHomeScreenTakesThreeStatementsForAnyFamily(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	home := apptest.Sample(t, "home").Document
	have := 0
	for _, children := range []int{1, 10, child.MaxChildren} {
		grow(t, s, token, have, children)
		have = children
		n, reply := s.CountStatements(t, token, home, nil)
		if n > 3 || len(reply.Errors) > 0 {
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

func upload(t *testing.T, s *apptest.Server, token string, first, last int) {
	t.Helper()
	s.Data(t, token, `mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs}) { devlogs { id } } }`,
		map[string]any{"logs": logs(1, first, last)}, &struct{}{})
}
