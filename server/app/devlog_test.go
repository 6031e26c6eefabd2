package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/subscriptiontest"
)

// executor sends an operation and gives its one result as JSON.
type executor func(t *testing.T, operation map[string]any) (result string)

// executors are the ways in which an app sends an operation that has one result. Each
// makes an executor for the account of a token.
func executors() map[string]func(t *testing.T, s *apptest.Server, token string) executor {
	type connect = func(t *testing.T, s *apptest.Server, token string) executor
	over := func(accept string) connect {
		return func(_ *testing.T, s *apptest.Server, token string) executor {
			return func(t *testing.T, operation map[string]any) string {
				t.Helper()
				return post(t, s, token, accept, operation)
			}
		}
	}
	through := func(subprotocol, start string) connect {
		return func(t *testing.T, s *apptest.Server, token string) executor {
			t.Helper()
			return openSocket(t, s, subprotocol, start, token)
		}
	}
	return map[string]connect{
		"POST":                 over("application/json"),
		"POST of GraphQL":      over("application/graphql-response+json"),
		"server-sent events":   over("text/event-stream"),
		"multipart":            over("multipart/mixed;subscriptionSpec=1.0"),
		"graphql-transport-ws": through("graphql-transport-ws", "subscribe"),
		"graphql-ws":           through("graphql-ws", "start"),
	}
}

// post gives the whole body of the response.
func post(t *testing.T, s *apptest.Server, token, accept string, operation map[string]any) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", bytes.NewReader(raw(t, operation)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// openSocket gives the payloads of the messages that have the results. One operation runs
// at a time.
func openSocket(t *testing.T, s *apptest.Server, subprotocol, start, token string) executor {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{subprotocol}}
	conn, response, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	send := func(t *testing.T, m frame) {
		t.Helper()
		if err := conn.WriteJSON(m); err != nil {
			t.Fatal(err)
		}
	}
	send(t, frame{Type: "connection_init", Payload: raw(t, map[string]string{"Authorization": "Bearer " + token})})
	for acknowledged := false; !acknowledged; {
		var f frame
		if err := conn.ReadJSON(&f); err != nil {
			t.Fatal(err)
		}
		acknowledged = f.Type == "connection_ack"
	}
	sent := 0
	return func(t *testing.T, operation map[string]any) string {
		t.Helper()
		sent++
		id := strconv.Itoa(sent)
		send(t, frame{ID: id, Type: start, Payload: raw(t, operation)})
		for {
			var f frame
			if err := conn.ReadJSON(&f); err != nil {
				t.Fatalf("no result of %v: %v", operation, err)
			}
			if f.ID == id && f.Type != "complete" {
				return string(f.Payload)
			}
		}
	}
}

var errorsOfResult = regexp.MustCompile(`"extensions":(\{[^{}]*\})`)

// failures are the extensions of the errors in a result.
func failures(t *testing.T, result string) (all []failure) {
	t.Helper()
	for _, found := range errorsOfResult.FindAllStringSubmatch(result, -1) {
		var one failure
		if err := json.Unmarshal([]byte(found[1]), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

type failure struct {
	Code   string
	Status int
	Field  string
}

// TestErrorOfAnUploadNamesTheRecord sends two good records and a bad one between them, in
// the ways in which clients write an upload: whatever is wrong, the error names the record
// and its field.
func TestErrorOfAnUploadNamesTheRecord(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 2)
	other, _ := s.Parent(t)
	foreign := s.CreateChild(t, other)
	const badRequest = "INVALID_REQUEST_OR_MISSING_PARAMETERS"
	bad := map[string]struct {
		member string
		value  any
		want   failure
	}{
		"no child":                {"childUserId", nil, failure{badRequest, 400, "childUserId"}},
		"a child in words":        {"childUserId", "one", failure{badRequest, 400, "childUserId"}},
		"no date":                 {"treatmentDate", nil, failure{badRequest, 400, "treatmentDate"}},
		"a day without a time":    {"treatmentDate", "2025-02-21", failure{badRequest, 400, "treatmentDate"}},
		"an impossible date":      {"treatmentDate", "2025-02-30T15:48:49", failure{badRequest, 400, "treatmentDate"}},
		"an unknown finish flag":  {"finishFlag", "SLEPT", failure{badRequest, 400, "finishFlag"}},
		"an intensity below 0":    {"lastIntensity", -1, failure{badRequest, 400, "lastIntensity"}},
		"an intensity in words":   {"lastIntensity", "high", failure{badRequest, 400, "lastIntensity"}},
		"half a second":           {"treatmentTime", 0.5, failure{badRequest, 400, "treatmentTime"}},
		"a file below 0":          {"logFileId", -1, failure{badRequest, 400, "logFileId"}},
		"a member nobody knows":   {"movement", 1, failure{badRequest, 400, "movement"}},
		"an unknown child":        {"childUserId", 999, failure{"NOT_FOUND_USER", 404, "childUserId"}},
		"another account's child": {"childUserId", foreign.ID, failure{"NOT_AUTHORIZED_USER", 401, "childUserId"}},
		"an unknown device":       {"deviceId", 999, failure{"NOT_FOUND_DEVICE", 404, "deviceId"}},
		"another unique id":       {"uniqueId", "unique1", failure{"NOT_FOUND_DEVICE", 404, "uniqueId"}},
		"a sister's device":       {"childUserId", 2, failure{"NOT_CONNECTED_DEVICE", 409, "deviceId"}},
	}
	documents := map[string]func(records []map[string]any) map[string]any{
		"the input as a variable": func(records []map[string]any) map[string]any {
			return map[string]any{
				"query":     `mutation($upload: UploadDevlogsInput!) { uploadDevlogs(input: $upload) { devlogs { id } } }`,
				"variables": map[string]any{"upload": map[string]any{"logs": records}},
			}
		},
		"the list as a variable": func(records []map[string]any) map[string]any {
			return map[string]any{
				"query":     `mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs}) { devlogs { id } } }`,
				"variables": map[string]any{"logs": records},
			}
		},
		"each record as a variable": func(records []map[string]any) map[string]any {
			return map[string]any{
				"query": `mutation($a: DevlogInput!, $b: DevlogInput!, $c: DevlogInput!) {
					uploadDevlogs(input: {logs: [$a, $b, $c]}) { devlogs { id } } }`,
				"variables": map[string]any{"a": records[0], "b": records[1], "c": records[2]},
			}
		},
	}
	for transport, connect := range executors() {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			execute := connect(t, s, token)
			for name, c := range bad {
				for form, document := range documents {
					records := logs(1, 1, 3)
					records[1][c.member] = c.value
					want := c.want
					want.Field = "input.logs[1]." + want.Field
					got := execute(t, document(records))
					if all := failures(t, got); len(all) != 1 || all[0] != want {
						t.Errorf("%s, %s: %s, want %+v", name, form, got, want)
					}
				}
			}
		})
	}
}

// TestTooManyRecordsAreExplained holds that an app which sends more than an upload may hold
// learns why it is refused, over every transport.
func TestTooManyRecordsAreExplained(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	for transport, connect := range executors() {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			execute := connect(t, s, token)
			got := execute(t, map[string]any{
				"query":     `mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs}) { devlogs { id } } }`,
				"variables": map[string]any{"logs": logs(1, 1, 1001)},
			})
			const reason = `"reason":"An upload has 1 to 1000 records, and this one has 1001."`
			want := failure{"INVALID_REQUEST_OR_MISSING_PARAMETERS", 400, "input.logs"}
			if all := failures(t, got); len(all) != 1 || all[0] != want || !strings.Contains(got, reason) {
				t.Errorf("%s, want %+v and %s", got, want, reason)
			}
		})
	}
}

// TestOffsetIsShownWhereverALogIs uploads with an offset, in a variable and in the
// document, and finds it in the payload, in the history and in the feed of each transport.
func TestOffsetIsShownWhereverALogIs(t *testing.T) {
	t.Parallel()
	onEachTransport(t, func(t *testing.T, s *apptest.Server, call subscriptiontest.Request) {
		call.Selection = "devlog { treatmentDate treatmentOffset }"
		feed := open(t, s, call)
		const shown = `{"treatmentDate":"2025-02-21T15:48:00","treatmentOffset":"+09:00"}`
		records := logs(1, 1, 1)
		records[0]["treatmentDate"] = "2025-02-21 15:48+0900"
		const fields = "treatmentDate treatmentOffset"
		uploaded := s.GraphQL(t, call.Token, `mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs}) { devlogs { `+fields+` } } }`,
			map[string]any{"logs": records})
		if want := `{"uploadDevlogs":{"devlogs":[` + shown + `]}}`; string(uploaded.Data) != want {
			t.Errorf("the payload is %s, %+v; want %s", uploaded.Data, uploaded.Errors, want)
		}
		if e, err := feed.Next(); err != nil || !strings.Contains(e.Status, strings.Trim(shown, "{}")) {
			t.Errorf("the event is %+v, %v", e, err)
		}
		s.Data(t, call.Token, `mutation { uploadDevlogs(input: {logs: [{childUserId: 1, deviceId: 1, uniqueId: "unique0",
			treatmentDate: "2025-02-21T15:58:30Z", lastIntensity: 1, treatmentTime: 1}]}) { devlogs { id } } }`, nil, &struct{}{})
		if e, err := feed.Next(); err != nil || !strings.Contains(e.Status, `"treatmentDate":"2025-02-21T15:58:00","treatmentOffset":"+00:00"`) {
			t.Errorf("the event is %+v, %v", e, err)
		}
		history := s.GraphQL(t, call.Token, `{ childUser(id: 1) { devlogs { edges { node { `+fields+` } } } } }`, nil)
		want := `{"childUser":{"devlogs":{"edges":[{"node":{"treatmentDate":"2025-02-21T15:58:00","treatmentOffset":"+00:00"}},{"node":` + shown + `}]}}}`
		if string(history.Data) != want {
			t.Errorf("the history is %s, want %s", history.Data, want)
		}
	})
}

// TestEventsWhileTheFamilyChanges makes and deletes children again and again, frees a
// device and registers it again, and withdraws a consent, while the logs of all of them
// flow. The account's feed leaves an event out or shows the whole of it, and misses none of
// a child that stays; so does a feed that is resumed meanwhile.
func TestEventsWhileTheFamilyChanges(t *testing.T) {
	t.Parallel()
	const rounds, records = 25, 8
	onEachTransport(t, func(t *testing.T, s *apptest.Server, call subscriptiontest.Request) {
		grow(t, s, call.Token, 1, 2)
		call.Selection = everythingOfAnEvent
		feed := open(t, s, call)
		ended, resumed := make(chan error, 1), make(chan error, 1)
		go func() {
			ended <- followFiles(feed, 1, rounds*records, func(e subscriptiontest.Event) {
				if e.LogFileID != rounds*records/2 {
					return
				}
				again := call
				again.After = e.Cursor
				go func() {
					feed, err := subscriptiontest.Open(t.Context(), again)
					if err == nil {
						defer feed.Close()
						err = followFiles(feed, e.LogFileID+1, rounds*records, func(subscriptiontest.Event) {})
					}
					resumed <- err
				}()
			})
		}()
		for round := range rounds {
			changeFamily(t, s, call.Token, round, records)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if err := <-resumed; err != nil {
			t.Errorf("a feed that was resumed: %v", err)
		}
	})
}

// followFiles reads a feed until all files from first to last of the child 1 have come, in
// their order.
func followFiles(feed *subscriptiontest.Subscription, first, last int, onEach func(subscriptiontest.Event)) error {
	for file := first; file <= last; {
		e, err := feed.Next()
		if err != nil {
			return fmt.Errorf("waiting for file %d: %w", file, err)
		}
		if !strings.Contains(e.Status, `"childUser":{"id":"1","firstName"`) {
			continue
		}
		if e.LogFileID != file {
			return fmt.Errorf("file %d came, not %d", e.LogFileID, file)
		}
		onEach(e)
		file++
	}
	return nil
}

// changeFamily uploads logs of the children 1 and 2 and of a new one in one call. Then it
// deletes the new child, and takes the device of the child 2 away and gives it back.
func changeFamily(t *testing.T, s *apptest.Server, token string, round, records int) {
	t.Helper()
	made := s.CreateChild(t, token)
	mixed := append(logs(1, round*records+1, (round+1)*records), logs(2, 2*round+1, 2*round+2)...)
	for _, of := range logs(1, 1, records) {
		of["childUserId"], of["deviceId"], of["uniqueId"] = made.ID, made.DeviceID, made.UniqueID
		mixed = append(mixed, of)
	}
	s.Data(t, token, `mutation($logs: [DevlogInput!]!, $delete: DeleteChildUserInput!) {
		uploadDevlogs(input: {logs: $logs}) { devlogs { id } }
		deleteChildUser(input: $delete) { childUserId }
		unregisterDevice(input: {childUserId: 2, uniqueId: "unique1"}) { device { id } }
		updatePolicy(input: {isMarketingAgree: false}) { user { id } }
		registerDevice(input: {childUserId: 2, serialCode: "SL00000001", macId: "0001", uniqueId: "unique1"}) { device { id } }
	}`, map[string]any{"logs": mixed, "delete": map[string]any{"childUserId": made.ID, "uniqueId": made.UniqueID}}, &struct{}{})
}

// everythingOfAnEvent asks for all objects to which an event leads.
const everythingOfAnEvent = `occurredAt
	devlog { id
		childUser { id firstName device { id childUser { id } } devlogs(first: 1) { edges { node { id } } } }
		device { id childUser { id } } }
	device { id lastLogFileId childUser { id device { id lastLogFileId } } }`

// TestFeedsEndWhileEventsFlow deletes a child to which a feed is filtered, and then the
// account, right behind an upload: whatever comes before the end is whole, and the end is
// the one that the feed has without events.
func TestFeedsEndWhileEventsFlow(t *testing.T) {
	t.Parallel()
	const rounds, records = 10, 12
	onEachTransport(t, func(t *testing.T, s *apptest.Server, call subscriptiontest.Request) {
		call.Selection = everythingOfAnEvent
		for range rounds {
			family := s.NewFamily(t)
			call.Token = family.Token
			filtered := call
			filtered.ChildUserID = strconv.Itoa(family.ID)
			feeds := []*subscriptiontest.Subscription{open(t, s, filtered)}
			account, err := subscriptiontest.Open(t.Context(), call)
			if err != nil {
				t.Fatal(err)
			}
			s.WaitForSubscribers(t, 2)
			feeds = append(feeds, account)
			uploaded := logs(1, 1, records)
			for _, of := range uploaded {
				of["childUserId"], of["deviceId"], of["uniqueId"] = family.ID, family.DeviceID, family.UniqueID
			}
			s.Data(t, family.Token, `mutation($logs: [DevlogInput!]!, $delete: DeleteChildUserInput!) {
				uploadDevlogs(input: {logs: $logs}) { devlogs { id } }
				deleteChildUser(input: $delete) { childUserId }
				deleteAccount { ok }
			}`, map[string]any{"logs": uploaded, "delete": map[string]any{"childUserId": family.ID, "uniqueId": family.UniqueID}}, &struct{}{})
			for i, feed := range feeds {
				end := readEnd(t, feed)
				if lost := end.Code == 4403 || end.ErrorCode == "UNAUTHENTICATED"; !lost && (i > 0 || !end.Complete) {
					t.Errorf("feed %d ends by %v", i, &end)
				}
				feed.Close()
			}
			s.WaitForSubscribers(t, 0)
		}
	})
}

// TestWrongPageBesideAGoodOne holds that a page which was read already in the same answer
// does not stand in for one with arguments that are wrong.
func TestWrongPageBesideAGoodOne(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	family := s.NewFamily(t)
	for arguments, code := range map[string]string{
		"first: -1":    "INVALID_REQUEST_OR_MISSING_PARAMETERS",
		"last: -1":     "INVALID_REQUEST_OR_MISSING_PARAMETERS",
		"first: 101":   "INVALID_REQUEST_OR_MISSING_PARAMETERS",
		`after: ""`:    "CURSOR_NOT_VALID",
		`before: "x"`:  "CURSOR_NOT_VALID",
		"after: null":  "",
		"last: null":   "",
		"first: 20":    "",
		"first: 0":     "",
		"before: null": "",
	} {
		response := s.GraphQL(t, family.Token, fmt.Sprintf(
			`{ childUsers { devlogs { __typename } wrong: devlogs(%s) { __typename } } }`, arguments), nil)
		if response.Code() != code {
			t.Errorf("%s: code %q, want %q", arguments, response.Code(), code)
		}
	}
}
