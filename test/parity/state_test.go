package parity_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/viewer"
)

// state is what answers have shown of each object, by its type and id, and where it
// was seen first. The same object must look the same wherever it is seen.
type state map[string]seenObject

type seenObject struct {
	fields map[string]any
	where  string
}

// add takes in every object of an answer that was asked for its type, and fails for
// one that looks other than before.
func (s state) add(t *testing.T, where string, value any) {
	t.Helper()
	switch value := value.(type) {
	case []any:
		for i, element := range value {
			s.add(t, fmt.Sprint(where, "[", i, "]"), element)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			s.add(t, where+"."+name, value[name])
		}
		name, asked := value["__typename"].(string)
		id, hasID := value["id"].(string)
		if asked && hasID {
			s.addObject(t, name+" "+id, seenObject{ownFields(value), where})
		}
	}
}

func (s state) addObject(t *testing.T, name string, seen seenObject) {
	t.Helper()
	before, known := s[name]
	if !known {
		s[name] = seen
		return
	}
	if diff := cmp.Diff(before.fields, seen.fields); diff != "" {
		s[name] = seen // so that each difference is printed once
		t.Errorf("%s is shown one way at %s (-) and another at %s (+):\n%s", name, before.where, seen.where, diff)
	}
}

// ownFields are the fields of an object, in which another object with an id is only
// its id.
func ownFields(object map[string]any) map[string]any {
	own := map[string]any{}
	for name, value := range object {
		own[name] = ownValue(value)
	}
	return own
}

func ownValue(value any) any {
	switch value := value.(type) {
	case []any:
		elements := make([]any, len(value))
		for i, element := range value {
			elements[i] = ownValue(element)
		}
		return elements
	case map[string]any:
		if id, hasID := value["id"]; hasID {
			return id
		}
		own := ownFields(value)
		delete(own, "__typename") // asked for on some paths alone
		return own
	}
	return value
}

// valuesOf are the values that the objects seen so far have in a field.
func (s state) valuesOf(field string) (values []string) {
	for _, seen := range s {
		if value, isText := seen.fields[field].(string); isText && !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	slices.Sort(values)
	return values
}

// observe asks for everything that the account can see, on every path.
func observe(t *testing.T, w *world, token string) state {
	t.Helper()
	// What becomes of a message goes on in the background.
	testutil.WaitFor(t, "all messages are sent", func() bool {
		waiting, err := w.App.Store.Read().Message.Query().Where(entmessage.StateEQ(entmessage.StatePending)).Exist(t.Context())
		return err == nil && !waiting
	})
	s := state{}
	walk := newWalker()
	ask := func(paths [][]step) {
		for _, document := range walk.documents(paths) {
			s.add(t, "query", decoded(t, document, w.GraphQL(t, token, document, nil)))
		}
	}
	paths := walk.paths(walk.schema.Query)
	ask(paths)
	// The other way round the fields of one document are read in another order.
	paths = append(paths, walk.argumentPaths(s)...)
	slices.Reverse(paths)
	ask(paths)
	return s
}

// argumentPaths are those that begin with a field of the query that needs an
// argument. Its values are those of a field with the argument's name in the objects
// that were seen: ids of the field's own type, or what else has that name.
func (w walker) argumentPaths(s state) (all [][]step) {
	for _, field := range w.schema.Query.Fields {
		if strings.HasPrefix(field.Name, "__") || !needsArgument(field) {
			continue
		}
		argument := field.Arguments[0].Name
		for _, value := range s.argumentValues(w, field.Type.Name(), argument) {
			for _, first := range w.stepsBy(field, fmt.Sprintf("(%s: %q)", argument, value)) {
				for _, rest := range w.paths(first.to) {
					all = append(all, append([]step{first}, rest[:min(len(rest), maxPathLength-1)]...))
				}
			}
		}
	}
	return all
}

func (s state) argumentValues(w walker, typeName, argument string) []string {
	of := w.schema.Types[typeName]
	switch {
	case of.IsAbstractType():
		// The interface's own id, but of no device: one that nobody has is shown below its
		// logs and not found by its id.
		found := maps.Clone(s)
		maps.DeleteFunc(found, func(name string, _ seenObject) bool { return strings.HasPrefix(name, "Device ") })
		return found.valuesOf(of.Fields[0].Name)
	case of.Fields.ForName(argument) == nil:
		return s.valuesOf(argument)
	}
	own := state{}
	for name, seen := range s {
		if strings.HasPrefix(name, typeName+" ") {
			own[name] = seen
		}
	}
	return own.valuesOf(argument)
}

func decoded(t *testing.T, document string, response apptest.GraphQLResponse) any {
	t.Helper()
	if len(response.Errors) > 0 {
		t.Fatalf("%.200s\nis refused: %+v", document, response.Errors)
	}
	var data any
	if err := json.Unmarshal(response.Data, &data); err != nil {
		t.Fatal(err)
	}
	return data
}

// crowd gives the parent two more children. The first of them has logs with a device
// that is its sister's now, with a name; the second has logs with a device that
// nobody has.
func crowd(t *testing.T, w *world) {
	t.Helper()
	token := w.vars["parent"]
	first, second := w.CreateChild(t, token), w.CreateChild(t, token)
	w.upload(t, token, first, 1, 2)
	w.upload(t, token, second, 1, 5)
	w.moveDevice(t, first, second)
	w.Data(t, token, `mutation { addPushDevice(input: {registrationId: "phone:0"}) { pushDevice { registrationId } } }`, nil, &struct{}{})
}

const unregister = `mutation($child: ID!, $unique: String!) { unregisterDevice(input: {childUserId: $child, uniqueId: $unique}) { device { serialCode macId } } }`

// moveDevice registers the device of one child to its sister, in place of her own, and
// gives it a name and a log there.
func (w *world) moveDevice(t *testing.T, from, to apptest.Child) {
	t.Helper()
	token := w.vars["parent"]
	var freed struct {
		UnregisterDevice struct {
			Device struct{ SerialCode, MacID string }
		}
	}
	w.Data(t, token, unregister, map[string]any{"child": to.ID, "unique": to.UniqueID}, &freed)
	w.Data(t, token, unregister, map[string]any{"child": from.ID, "unique": from.UniqueID}, &freed)
	w.Data(t, token, `mutation($child: ID!, $serial: String!, $mac: String!) {
		registerDevice(input: {childUserId: $child, serialCode: $serial, macId: $mac}) { device { id } } }`,
		map[string]any{"child": to.ID, "serial": freed.UnregisterDevice.Device.SerialCode, "mac": freed.UnregisterDevice.Device.MacID}, &freed)
	w.upload(t, token, apptest.Child{ID: to.ID, DeviceID: from.DeviceID, UniqueID: from.UniqueID}, 4, 4)
	w.Data(t, token, `mutation($child: ID!, $device: ID!) {
		updateDeviceAlias(input: {childUserId: $child, deviceId: $device, deviceAlias: "hers"}) { device { id } } }`,
		map[string]any{"child": to.ID, "device": from.DeviceID}, &freed)
}

// upload stores the logs of the files from first to last, and one that still runs.
func (w *world) upload(t *testing.T, token string, of apptest.Child, first, last int) {
	t.Helper()
	logs := logsOf(of, first, last+1)
	running := logs[len(logs)-1]
	delete(running, "logFileId")
	delete(running, "finishFlag")
	w.Data(t, token, `mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs}) { devlogs { id } } }`,
		map[string]any{"logs": logs}, &struct{}{})
}

// logsOf are complete logs of the files from first to last, as an app uploads them.
func logsOf(of apptest.Child, first, last int) (logs []map[string]any) {
	for file := first; file <= last; file++ {
		logs = append(logs, map[string]any{
			"childUserId": of.ID, "deviceId": of.DeviceID, "uniqueId": of.UniqueID,
			"treatmentDate": fmt.Sprintf("2025-02-%02dT15:48:49", file), "lastIntensity": 2, "treatmentTime": 600,
			"logFileId": file, "finishFlag": "BUTTON_SHUTDOWN",
		})
	}
	return logs
}

// TestEveryPathShowsOneState asks for everything on every path of the schema and
// compares: an object looks the same wherever it is met. After each mutation of the
// contract its payload has to show what a query shows then.
func TestEveryPathShowsOneState(t *testing.T) {
	t.Parallel()
	facebook := apptest.StartFacebook(t)
	walk := newWalker()
	for _, a := range allActions() {
		if a.code != "" {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, a, facebook)
			if w.vars["parent"] != "" {
				crowd(t, w)
			}
			if operationType(a) == "query" {
				if w.vars["parent"] != "" {
					observe(t, w, w.vars["parent"])
				}
				return
			}
			document := walk.wholePayload(walk.schema.Mutation, w.fill("mutation { "+a.graphql+" }"))
			data := decoded(t, document, w.GraphQL(t, w.vars[a.as], document, nil))
			payload := state{}
			payload.add(t, "payload", data)
			token := newestToken(data, w.vars["parent"])
			if token == "" || strings.HasPrefix(a.graphql, "deleteAccount") {
				return
			}
			payload.compare(t, observe(t, w, token))
		})
	}
}

// compare fails for an object that looks other than a query shows it.
func (s state) compare(t *testing.T, query state) {
	t.Helper()
	for name, shown := range s {
		isSentMeanwhile := strings.HasPrefix(name, "Message ")
		if queried, isQueried := query[name]; isQueried && !isSentMeanwhile {
			if diff := cmp.Diff(queried.fields, shown.fields); diff != "" {
				t.Errorf("%s at %s differs (+) from what a query shows (-):\n%s", name, shown.where, diff)
			}
		}
	}
}

// TestEventsShowOneState asks each event for everything: it shows its log and the number
// of its device as they were, on every path, and all else as it stands.
func TestEventsShowOneState(t *testing.T) {
	t.Parallel()
	w := &world{Server: apptest.Start(t), vars: map[string]string{}}
	w.vars["parent"], _ = w.Parent(t)
	token := w.vars["parent"]
	mine, sister := w.CreateChild(t, token), w.CreateChild(t, token)
	walk := newWalker()
	document := walk.wholePayload(walk.schema.Subscription, "subscription($after: String) { devlogStatus(after: $after) { cursor } }")

	live := w.subscribe(t, document, "")
	w.upload(t, token, mine, 1, 2)
	w.upload(t, token, mine, 3, 3)
	first := readEvents(t, live, 5)
	w.moveDevice(t, mine, sister)
	again := readEvents(t, w.subscribe(t, document, cursorOf(first[0])), 4)
	for _, event := range append(first, again...) {
		shown := state{}
		shown.add(t, "event", event)
		if len(shown) < 5 {
			t.Errorf("an event shows but %d objects", len(shown))
		}
	}
	w.compareEvents(t, again)
	// The same once nobody has the device any more.
	w.Data(t, token, unregister, map[string]any{"child": sister.ID, "unique": mine.UniqueID}, &struct{}{})
	w.compareEvents(t, readEvents(t, w.subscribe(t, document, cursorOf(first[0])), 4))
}

// compareEvents compares events with what a query shows. Only the event's own log and the
// number of its device are as they were.
func (w *world) compareEvents(t *testing.T, events []map[string]any) {
	t.Helper()
	query := observe(t, w, w.vars["parent"])
	for _, event := range events {
		shown := state{}
		shown.add(t, "event", event)
		delete(shown, "Devlog "+event["devlog"].(map[string]any)["id"].(string))
		device := "Device " + event["device"].(map[string]any)["id"].(string)
		if queried, isQueried := query[device]; isQueried {
			shown[device].fields["lastLogFileId"] = queried.fields["lastLogFileId"]
		}
		shown.compare(t, query)
	}
}

func cursorOf(event map[string]any) string { return event["cursor"].(string) }

// subscribe opens a stream of server-sent events.
func (w *world) subscribe(t *testing.T, document, after string) *bufio.Scanner {
	t.Helper()
	variables := map[string]any{}
	if after != "" {
		variables["after"] = after
	}
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Authorization", "Bearer "+w.vars["parent"])
	response, err := w.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	return lines
}

// readEvents reads the next n events of a stream.
func readEvents(t *testing.T, lines *bufio.Scanner, n int) (events []map[string]any) {
	t.Helper()
	for len(events) < n && lines.Scan() {
		data, isData := strings.CutPrefix(lines.Text(), "data:")
		if !isData || strings.TrimSpace(data) == "" {
			continue
		}
		var result struct {
			Data   struct{ DevlogStatus map[string]any }
			Errors []apptest.GraphQLError
		}
		if err := json.Unmarshal([]byte(data), &result); err != nil || len(result.Errors) > 0 {
			t.Fatalf("%.200s: %+v, %v", data, result.Errors, err)
		}
		events = append(events, result.Data.DevlogStatus)
	}
	if len(events) < n {
		t.Fatalf("%d events, want %d: %v", len(events), n, lines.Err())
	}
	return events
}

// newestToken is the access token of a payload, or else the one before.
func newestToken(data any, before string) string {
	mutation, _ := data.(map[string]any)
	for _, payload := range mutation {
		object, _ := payload.(map[string]any)
		tokens, _ := object["tokens"].(map[string]any)
		if token, renewed := tokens["accessToken"].(string); renewed {
			return token
		}
	}
	return before
}

// TestOneAnswerShowsOneStateWhileOthersWrite asks on every path while a device goes from
// one child to the other and back, is renamed and writes logs: each answer by itself
// shows one state of each object.
func TestOneAnswerShowsOneStateWhileOthersWrite(t *testing.T) {
	t.Parallel()
	w := &world{Server: apptest.Start(t), vars: map[string]string{}}
	w.vars["parent"], _ = w.Parent(t)
	mine, sister := w.CreateChild(t, w.vars["parent"]), w.CreateChild(t, w.vars["parent"])
	w.upload(t, w.vars["parent"], mine, 1, 2)
	walk := newWalker()
	paths := append(walk.paths(walk.schema.Query), walk.argumentPaths(observe(t, w, w.vars["parent"]))...)
	documents := walk.documents(paths)
	slices.Reverse(paths)
	documents = append(documents, walk.documents(paths)...)
	written := w.write(t, mine, sister)
	for isWritten := false; !isWritten; {
		for _, document := range documents {
			shown := state{}
			shown.add(t, "answer", decoded(t, document, w.GraphQL(t, w.vars["parent"], document, nil)))
		}
		select {
		case <-written:
			isWritten = true
		default:
		}
	}
}

// write changes the first child's device for a while.
func (w *world) write(t *testing.T, mine, sister apptest.Child) (done <-chan struct{}) {
	t.Helper()
	v, err := w.App.Auth.Sessions.Authenticate(t.Context(), w.vars["parent"])
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.App.Children.Device(t.Context(), v, mine.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.App.Children.UnregisterDevice(t.Context(), v, sister.ID, sister.UniqueID); err != nil {
		t.Fatal(err)
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		from, to := mine.ID, sister.ID
		for i := range 40 {
			if err := w.moveBack(t.Context(), v, d, from, to, i); err != nil {
				t.Error(err)
				return
			}
			from, to = to, from
		}
	}()
	return finished
}

// moveBack registers the device to the other child, and changes what there is of both.
func (w *world) moveBack(ctx context.Context, v viewer.Viewer, d *ent.Device, from, to, round int) error {
	children := w.App.Children
	_, unregister := children.UnregisterDevice(ctx, v, from, *d.UniqueID)
	_, register := children.RegisterDevice(ctx, v, to, child.DeviceParams{SerialCode: d.SerialCode, MacID: d.MACID, UniqueID: d.UniqueID})
	_, rename := children.UpdateDeviceAlias(ctx, v, to, d.ID, fmt.Sprint(round))
	_, add := w.App.Accounts.Push.AddDevice(ctx, v, account.PushDeviceParams{RegistrationID: fmt.Sprint("phone", round)})
	_, consent := w.App.Accounts.Consents.Update(ctx, v, account.UpdatePolicyParams{IsMarketingAgree: new(round%2 == 0)})
	_, update := children.Update(ctx, v, to, child.UpdateParams{FirstName: new(fmt.Sprint("child ", round))})
	running := devlog.Record{ChildUserID: to, DeviceID: d.ID, UniqueID: *d.UniqueID, TreatmentDate: "2025-03-01T00:00:00", LastIntensity: round}
	ended := running
	ended.LogFileID, ended.FinishFlag = new(100+round), new(vocab.ButtonShutdown)
	_, upload := w.App.Devlogs.Upload(ctx, v, []devlog.Record{ended, running})
	return errors.Join(unregister, register, rename, add, consent, update, upload)
}
