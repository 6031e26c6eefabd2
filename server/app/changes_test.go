package app_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/subscriptiontest"
)

// keptLogs are the logs of one child as a phone keeps them, by their ids, with where it has
// read to.
type keptLogs struct {
	logs   map[string]string
	cursor string
}

// devlogsDocument reads one page of a child's logs, behind a cursor of the argument.
func devlogsDocument(argument string) string {
	return `query($id: ID!, $cursor: String) {
		childUser(id: $id) { devlogs(first: 100, ` + argument + `: $cursor) {
			edges { node { id status finishFlag treatmentDate treatmentTime lastIntensity logFileId updatedAt } }
			pageInfo { hasNextPage hasPreviousPage endCursor }
		} }
	}`
}

// devlogsPage is its answer.
type devlogsPage struct {
	ChildUser struct {
		Devlogs struct {
			Edges    []struct{ Node json.RawMessage }
			PageInfo struct {
				HasNextPage, HasPreviousPage bool
				EndCursor                    *string
			}
		}
	}
}

// keep adds the logs of the page.
func (p *devlogsPage) keep(t *testing.T, logs map[string]string) {
	t.Helper()
	for _, edge := range p.ChildUser.Devlogs.Edges {
		var log struct{ ID string }
		if err := json.Unmarshal(edge.Node, &log); err != nil {
			t.Fatal(err)
		}
		logs[log.ID] = string(edge.Node)
	}
}

// catchUp reads all changes, and gives how many came.
func (k *keptLogs) catchUp(t *testing.T, s *apptest.Server, token string, child int) (came int) {
	t.Helper()
	for more := true; more; {
		var page devlogsPage
		s.Data(t, token, devlogsDocument("updatedAfter"), map[string]any{"id": fmt.Sprint(child), "cursor": k.cursor}, &page)
		page.keep(t, k.logs)
		came += len(page.ChildUser.Devlogs.Edges)
		info := page.ChildUser.Devlogs.PageInfo
		if info.HasPreviousPage {
			t.Error("a page of changes has a previous one")
		}
		if info.EndCursor != nil {
			k.cursor = *info.EndCursor
		}
		more = info.HasNextPage
	}
	return came
}

// wholeHistory reads all logs by the pages of the history.
func wholeHistory(t *testing.T, s *apptest.Server, token string, child int) map[string]string {
	t.Helper()
	logs, variables := map[string]string{}, map[string]any{"id": fmt.Sprint(child)}
	for more := true; more; {
		var page devlogsPage
		s.Data(t, token, devlogsDocument("after"), variables, &page)
		page.keep(t, logs)
		info := page.ChildUser.Devlogs.PageInfo
		variables["cursor"], more = info.EndCursor, info.HasNextPage
	}
	return logs
}

// TestAPhoneThatWasAwayForHalfAYear comes back when the feed is long gone: it subscribes
// anew and reads what has changed since, of the log too that it has seen running. A child
// that was deleted meanwhile is missing in the list, which is all that tells of its logs.
func TestAPhoneThatWasAwayForHalfAYear(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	family := s.NewFamily(t)
	sister := s.CreateChild(t, family.Token)
	call := subscriptiontest.Request{URL: s.URL, Token: family.Token, Transport: subscriptiontest.WebSocket}
	feed := open(t, s, call)
	upload(t, s, family.Token, 1, 3)
	call.After = expectEvents(t, feed, false, 1, 2, 3).Cursor
	s.Data(t, family.Token, uploadDocument, map[string]any{"logs": []map[string]any{{
		"childUserId": family.ID, "deviceId": family.DeviceID, "uniqueId": family.UniqueID,
		"treatmentDate": "2025-02-20T15:48:49", "lastIntensity": 1, "treatmentTime": 1,
	}}}, &struct{}{})
	cut(t, s, feed)
	phone := &keptLogs{logs: map[string]string{}}
	if came := phone.catchUp(t, s, family.Token, family.ID); came != 4 {
		t.Errorf("%d logs come first, want 4", came)
	}
	s.Data(t, family.Token, uploadDocument, map[string]any{"logs": []map[string]any{{
		"childUserId": sister.ID, "deviceId": sister.DeviceID, "uniqueId": sister.UniqueID,
		"treatmentDate": "2025-02-21T15:48:49", "finishFlag": "NORMAL_SHUTDOWN", "lastIntensity": 1, "treatmentTime": 1, "logFileId": 1,
	}}}, &struct{}{})
	ofSister := &keptLogs{logs: map[string]string{}}
	ofSister.catchUp(t, s, family.Token, sister.ID)

	s.Clock.Add(182 * 24 * time.Hour)
	call.Token = newToken(t, s)
	if how := subscribeRefused(t, call); how.ErrorCode != "CURSOR_EXPIRED" {
		t.Errorf("the cursor of the feed: %v", &how)
	}
	for file := 4; file < 254; file += 50 {
		upload(t, s, call.Token, file, file+49)
	}
	s.Data(t, call.Token, fmt.Sprintf(`mutation { deleteChildUser(input: {childUserId: %d, uniqueId: %q}) { childUserId } }`, sister.ID, sister.UniqueID), nil, &struct{}{})
	call.After = ""
	open(t, s, call)
	// The first of them has completed the running log, which comes once more for that.
	if came := phone.catchUp(t, s, call.Token, family.ID); came != 250 {
		t.Errorf("%d logs come after half a year, want 250", came)
	}
	if diff := cmp.Diff(wholeHistory(t, s, call.Token, family.ID), phone.logs); diff != "" {
		t.Errorf("the phone's logs (-history +phone):\n%s", diff)
	}
	if came := phone.catchUp(t, s, call.Token, family.ID); came != 0 {
		t.Errorf("%d logs come once more", came)
	}
	gone := s.GraphQL(t, call.Token, devlogsDocument("updatedAfter"), map[string]any{"id": fmt.Sprint(sister.ID), "cursor": ofSister.cursor})
	if code := gone.Code(); code != "REAL_USER_IS_NOT_FOUND" {
		t.Errorf("the changes of a deleted child: %q", code)
	}
	var home struct{ ChildUsers []struct{ ID string } }
	s.Data(t, call.Token, `{ childUsers { id } }`, nil, &home)
	if len(home.ChildUsers) != 1 || home.ChildUsers[0].ID != fmt.Sprint(family.ID) {
		t.Errorf("the children are %v", home.ChildUsers)
	}
}

// TestChangesBesideAnEvent: an event shows its log as it was then, so its child's changes do,
// and their cursor stays in front of what has changed since.
func TestChangesBesideAnEvent(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	family := s.NewFamily(t)
	call := subscriptiontest.Request{
		URL: s.URL, Token: family.Token, Transport: subscriptiontest.EventStream,
		Selection: `devlog { childUser { devlogs(updatedAfter: "") { edges { node { status } } pageInfo { endCursor } } } }`,
	}
	record := map[string]any{
		"childUserId": family.ID, "deviceId": family.DeviceID, "uniqueId": family.UniqueID,
		"treatmentDate": "2025-02-20T15:48:49", "lastIntensity": 1, "treatmentTime": 1,
	}
	upload(t, s, family.Token, 1, 2)
	feed := open(t, s, call)
	s.Data(t, family.Token, uploadDocument, map[string]any{"logs": []map[string]any{record}}, &struct{}{})
	first, err := feed.Next()
	if err != nil {
		t.Fatal(err)
	}
	call.After = first.Cursor
	cut(t, s, feed)
	s.Data(t, family.Token, uploadDocument, map[string]any{"logs": []map[string]any{record}}, &struct{}{})
	completed := maps.Clone(record)
	completed["finishFlag"] = "NORMAL_SHUTDOWN"
	s.Data(t, family.Token, uploadDocument, map[string]any{"logs": []map[string]any{completed}}, &struct{}{})
	updated, err := open(t, s, call).Next() // when the log is complete already
	if err != nil {
		t.Fatal(err)
	}
	var status struct {
		Devlog struct {
			ChildUser struct {
				Devlogs struct {
					Edges    []struct{ Node struct{ Status string } }
					PageInfo struct{ EndCursor string }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(updated.Status), &status); err != nil {
		t.Fatal(err)
	}
	shown := status.Devlog.ChildUser.Devlogs
	if len(shown.Edges) != 3 || shown.Edges[2].Node.Status != "TEMPORARY" {
		t.Fatalf("the event shows %s", updated.Status)
	}
	phone := &keptLogs{logs: map[string]string{}, cursor: shown.PageInfo.EndCursor}
	if came := phone.catchUp(t, s, family.Token, family.ID); came != 1 {
		t.Errorf("%d logs have changed since the event, want 1", came)
	}
}

// TestChangesAreRefused holds the errors that a client sees.
func TestChangesAreRefused(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	family := s.NewFamily(t)
	upload(t, s, family.Token, 1, 1)
	for arguments, want := range map[string]string{
		`updatedAfter: "x"`:                   "CURSOR_NOT_VALID",
		`updatedAfter: "ZGV2bG9nOjE"`:         "CURSOR_NOT_VALID", // of the history
		`after: "Y2hhbmdlOjE6MQ"`:             "CURSOR_NOT_VALID", // of the changes
		`updatedAfter: "", last: 1`:           "INVALID_REQUEST_OR_MISSING_PARAMETERS",
		`updatedAfter: "", after: ""`:         "INVALID_REQUEST_OR_MISSING_PARAMETERS",
		`updatedAfter: "", first: 101`:        "INVALID_REQUEST_OR_MISSING_PARAMETERS",
		`updatedAfter: "Y2hhbmdlOjE6MQ"`:      "",
		`updatedAfter: null, first: 1`:        "",
		`updatedAfter: "", first: 0`:          "",
		`updatedAfter: "", before: null`:      "",
		`updatedAfter: "Y2hhbmdlOjAxOjE"`:     "CURSOR_NOT_VALID", // 01
		`updatedAfter: "Y2hhbmdlOi0xOjE"`:     "CURSOR_NOT_VALID", // -1
		`updatedAfter: "Y2hhbmdlOjE6MQ=="`:    "CURSOR_NOT_VALID",
		`updatedAfter: "bWVzc2FnZToxOjE"`:     "CURSOR_NOT_VALID", // message:1:1
		`updatedAfter: "Y2hhbmdlOjk5OjE"`:     "CURSOR_NOT_VALID", // change:99:1, which never was
		`updatedAfter: 1`:                     "GRAPHQL_VALIDATION_FAILED",
		`updatedAfter: "", before: "ZGV2bG9"`: "INVALID_REQUEST_OR_MISSING_PARAMETERS",
	} {
		response := s.GraphQL(t, family.Token, `{ childUsers { devlogs(`+arguments+`) { edges { node { id } } } } }`, nil)
		if code := response.Code(); code != want {
			t.Errorf("%s: %q, want %q", arguments, code, want)
		}
	}
	// The cursor is the first child's. Its sister is read with it, and answered from what was read.
	s.CreateChild(t, family.Token)
	response := s.GraphQL(t, family.Token, `{ childUsers { devlogs(updatedAfter: "Y2hhbmdlOjE6MQ") { edges { node { id } } } } }`, nil)
	if code := response.Code(); code != "CURSOR_NOT_VALID" {
		t.Errorf("a cursor of the sister: %q", code)
	}
}
