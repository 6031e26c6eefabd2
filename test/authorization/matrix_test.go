package authorization_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/internal/apperr"
	"luxbff/internal/testutil/subscriptiontest"
	"luxbff/server/openapi"
	"luxbff/server/rest"
)

// TestEverythingHasARow fails for an operation, an edge or a route that the table says
// nothing of.
func TestEverythingHasARow(t *testing.T) {
	t.Parallel()
	s := schema()
	var existing []string
	for kind, root := range map[string][]string{
		"query": names(s.Query.Fields), "mutation": names(s.Mutation.Fields), "subscription": names(s.Subscription.Fields),
	} {
		for _, name := range root {
			existing = append(existing, graphQL+" "+kind+" "+name)
		}
	}
	for _, e := range edges(s) {
		existing = append(existing, graphQL+" edge "+e.name())
	}
	existing = append(existing, routes(t)...)
	existing = append(existing, otherRoutes(t)...)
	slices.Sort(existing)
	checkComplete(t, readTable(t), slices.Compact(existing))
}

// TestMatrix sends the request of every row as each of the callers. One program serves
// all rows of a surface, each on families of its own.
func TestMatrix(t *testing.T) {
	t.Parallel()
	bySurface := map[string][]row{}
	for _, r := range readTable(t) {
		bySurface[r.surface] = append(bySurface[r.surface], r)
	}
	for surface, rows := range bySurface {
		t.Run(surface, func(t *testing.T) {
			t.Parallel()
			m := &matrix{program: start(t), schema: schema(), document: rest.Describe(rest.Surfaces())}
			for _, r := range rows {
				m.try(t, r)
			}
		})
	}
}

// matrix is what runs the rows of one surface.
type matrix struct {
	*program
	schema   *ast.Schema
	document *openapi.Document
	// victim and other are the families in use, until one of them changes.
	victim, other *family
	steps         string
}

// answer is what a caller got.
type answer struct {
	verdict string
	body    []byte
}

// try runs a row. Refused callers come first, while the family is as it was made: they
// change no row at all. Whoever is served changes no row of another family.
func (m *matrix) try(t *testing.T, r row) {
	t.Helper()
	m.prepare(t, r)
	before := m.Dump(t)
	for _, caller := range callers() {
		if !r.isServed(caller) {
			m.check(t, r, caller)
		}
	}
	if changed := changes(before, m.Dump(t)); len(changed) > 0 {
		t.Errorf("%s: callers were refused, and yet rows have changed:\n%s", r, strings.Join(changed, "\n"))
	}
	for _, caller := range callers() {
		if r.isServed(caller) {
			m.prepare(t, r)
			m.serve(t, r, caller)
		}
	}
}

// check sends the request as the caller and compares the verdict.
func (m *matrix) check(t *testing.T, r row, caller string) {
	t.Helper()
	got := m.send(t, r, caller)
	if got.verdict != r.wanted(caller) {
		t.Errorf("%s, caller %s: %q, the table says %q: %.300s", r, caller, got.verdict, r.verdicts[caller], got.body)
	}
	if caller == stranger && r.verdicts[caller] != anybody {
		checkPrivate(t, r.String(), got.body, m.victim.private())
	}
}

// serve is check for a caller who is served. What writes leaves a family behind that is
// not as it was made.
func (m *matrix) serve(t *testing.T, r row, caller string) {
	t.Helper()
	if caller != stranger || r.verdicts[caller] == anybody {
		m.check(t, r, caller)
	} else {
		before := m.Dump(t)
		m.check(t, r, caller)
		for _, line := range changes(before, m.Dump(t)) {
			if m.victim.owns(line) && !r.is("subscription") { // for which both upload
				t.Errorf("%s: another family changes a row of the family: %s", r, line)
			}
		}
	}
	if r.is("query") || r.is("edge") || r.is("GET") {
		return
	}
	m.victim = nil
	if caller == stranger {
		m.other = nil
	}
}

// anybody is the verdict of what is served without regard to the token.
const anybody = "anybody"

// wanted is the verdict as send gives it.
func (r row) wanted(caller string) string {
	if r.verdicts[caller] == anybody {
		return "ok"
	}
	return r.verdicts[caller]
}

func (r row) isServed(caller string) bool { return r.wanted(caller) == "ok" }

// is reports whether the row is of the kind: of a GraphQL operation, or an HTTP method.
func (r row) is(kind string) bool { return strings.HasPrefix(r.name, kind+" ") }

// String says where the row stands.
func (r row) String() string {
	return fmt.Sprintf("%s:%d: %s %s", tablePath, r.line, r.surface, r.name)
}

// prepare makes two families in the state that the row needs, where there are none.
func (m *matrix) prepare(t *testing.T, r row) {
	t.Helper()
	steps := strings.Join(r.steps, " ")
	if m.steps != steps {
		m.steps, m.victim, m.other = steps, nil, nil
	}
	if m.victim == nil {
		m.victim = m.newFamily(t, r.steps)
	}
	if m.other == nil {
		m.other = m.newFamily(t, slices.DeleteFunc(slices.Clone(r.steps), func(step string) bool {
			return step != noLocal && step != unlinked
		}))
	}
}

func (m *matrix) token(caller string) string {
	switch caller {
	case nobody:
		return ""
	case deleted:
		return m.ghost
	case stranger:
		return m.other.tokens[owner]
	default:
		return m.victim.tokens[caller]
	}
}

func (m *matrix) send(t *testing.T, r row, caller string) answer {
	t.Helper()
	m.victim.values["caller-child"] = m.victim.values["child"]
	if caller == stranger {
		m.victim.values["caller-child"] = m.other.values["child"]
	}
	token := m.token(caller)
	kind, name, _ := strings.Cut(r.name, " ")
	switch {
	case r.surface == "other":
		response := m.Call(t, kind, otherPath(name), token, "")
		if response.Status < http.StatusBadRequest {
			return answer{"ok", response.Body}
		}
		return answer{fmt.Sprint(response.Status), response.Body}
	case r.surface != graphQL:
		made := request(t, m.document, r, m.victim)
		response := m.Call(t, made.method, made.target, token, made.body)
		return answer{restVerdict(response), response.Body}
	case kind == "edge":
		return m.sendEdge(t, r, name, token)
	case kind == "subscription":
		if name == "messageStatus" {
			return m.followMessage(t, r, token)
		}
		return m.subscribe(t, r, caller, token)
	}
	w := writer{m.schema, m.victim, r, t}
	root := w.schema.Query
	if kind == "mutation" {
		root = w.schema.Mutation
	}
	return m.ask(t, token, w.root(kind, root.Fields.ForName(name)))
}

// ask sends a document.
func (m *matrix) ask(t *testing.T, token, document string) answer {
	t.Helper()
	response := m.GraphQL(t, token, document, nil)
	body, err := json.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	return answer{graphQLVerdict(response), body}
}

// subscribe subscribes over every transport, lets both families upload, and reads an
// event where the subscription is taken.
func (m *matrix) subscribe(t *testing.T, r row, caller, token string) answer {
	t.Helper()
	childID, _ := inputValue(r, m.victim, "childUserId")
	if childID == absent {
		childID = ""
	}
	uploader := m.victim
	if caller == stranger {
		uploader = m.other
	}
	var verdicts []string
	var body []byte
	for i, transport := range subscriptiontest.Transports() {
		// A subscription that should have been refused gets no event, and would wait for ever.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		s, err := subscriptiontest.Open(ctx, subscriptiontest.Request{
			URL: m.URL, Token: token, Transport: transport, ChildUserID: childID,
			Selection: "device { uniqueId deviceAlias } devlog { childUser { id firstName } }",
		})
		if err == nil && r.isServed(caller) {
			m.WaitForSubscribers(t, 1)
			m.upload(t, m.victim, 100+i)
			m.upload(t, uploader, 200+i)
		}
		var event subscriptiontest.Event
		if err == nil {
			event, err = s.Next()
			s.Close()
		}
		cancel()
		verdicts = append(verdicts, subscriptionVerdict(t, err))
		body = fmt.Appendf(body, "%s", event.Status)
		m.WaitForSubscribers(t, 0)
		if event.Status != "" {
			checkEvent(t, event.Status, uploader)
		}
	}
	slices.Sort(verdicts)
	return answer{strings.Join(slices.Compact(verdicts), " "), body}
}

// followMessage subscribes to a message of the family over every transport. One that has
// ended comes as it stands.
func (m *matrix) followMessage(t *testing.T, r row, token string) answer {
	t.Helper()
	id, _ := inputValue(r, m.victim, "id")
	var verdicts []string
	var body []byte
	for _, transport := range subscriptiontest.Transports() {
		s, err := subscriptiontest.Open(t.Context(), subscriptiontest.Request{
			URL: m.URL, Token: token, Transport: transport, Document: fmt.Sprintf(`subscription { messageStatus(id: %s) { id status } }`, id),
		})
		var event subscriptiontest.Event
		if err == nil {
			event, err = s.Next()
			s.Close()
		}
		verdicts = append(verdicts, subscriptionVerdict(t, err))
		body = fmt.Appendf(body, "%s", event.Status)
	}
	slices.Sort(verdicts)
	return answer{strings.Join(slices.Compact(verdicts), " "), body}
}

// checkEvent holds that the event is one of the family's own.
func checkEvent(t *testing.T, status string, f *family) {
	t.Helper()
	if !strings.Contains(status, f.fill(`"${unique}"`)) || !strings.Contains(status, f.fill(`"Child ${n}"`)) {
		t.Errorf("the feed of the family %s shows %s", f.values["n"], status)
	}
}

func (m *matrix) upload(t *testing.T, f *family, logFileID int) {
	t.Helper()
	m.Data(t, f.tokens[owner], f.fill(fmt.Sprintf(`mutation {
		uploadDevlogs(input: {logs: [{childUserId: "${child}", deviceId: "${device}", uniqueId: "${unique}",
			treatmentDate: "2025-04-%02dT15:48:49", finishFlag: BUTTON_SHUTDOWN, lastIntensity: 2, treatmentTime: 60, logFileId: %d}]}) { devlogs { id } }
	}`, 1+logFileID%28, logFileID)), nil, &struct{}{})
}

// subscriptionVerdict is "ok" for an event, or the code of the error. Sockets close
// without one, and say the reason.
func subscriptionVerdict(t *testing.T, err error) string {
	t.Helper()
	var ended *subscriptiontest.EndError
	switch {
	case err == nil:
		return "ok"
	case !errors.As(err, &ended):
		return err.Error()
	case ended.ErrorCode != "":
		return ended.ErrorCode
	}
	return reasonVerdict(ended.Code, ended.Reason)
}

// closeVerdict is the verdict of a socket that was closed.
func closeVerdict(err error) string {
	var closed *websocket.CloseError
	if !errors.As(err, &closed) {
		return err.Error()
	}
	return reasonVerdict(closed.Code, closed.Text)
}

// reasonVerdict is the code of the error whose text a socket gave as its reason.
func reasonVerdict(code int, reason string) string {
	for _, kind := range apperr.Kinds() {
		if kind.New().Detail() == reason {
			return kind.New().Code()
		}
	}
	return fmt.Sprint(code, " ", reason)
}

// sendEdge asks for an edge below each field of the query that leads to it. The verdict
// lists those of all of them.
func (m *matrix) sendEdge(t *testing.T, r row, name, token string) answer {
	t.Helper()
	w := writer{m.schema, m.victim, r, t}
	var verdicts []string
	var bodies []json.RawMessage
	for _, e := range edges(w.schema) {
		if e.name() != name {
			continue
		}
		for _, document := range w.through(e) {
			one := m.ask(t, token, document)
			verdicts, bodies = append(verdicts, one.verdict), append(bodies, one.body)
		}
	}
	body, err := json.Marshal(bodies)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(verdicts)
	return answer{strings.Join(slices.Compact(verdicts), " "), body}
}

func (e edge) name() string { return e.from.Name + "." + e.field.Name }

// changes are the rows that are new, gone or other than before, with their tables.
func changes(before, after map[string][]string) (all []string) {
	for table := range after {
		for _, line := range difference(before[table], after[table]) {
			all = append(all, table+": "+line)
		}
		for _, line := range difference(after[table], before[table]) {
			all = append(all, table+": "+line)
		}
	}
	return all
}

// difference is what b has and a has not.
func difference(a, b []string) (all []string) {
	known := map[string]bool{}
	for _, line := range a {
		known[line] = true
	}
	for _, line := range b {
		if !known[line] {
			all = append(all, line)
		}
	}
	return all
}

// owns reports whether a row is the family's, by the ids in it.
func (f *family) owns(line string) bool {
	table, cells, _ := strings.Cut(line, ": ")
	for _, cell := range strings.Fields(cells) {
		name, value, _ := strings.Cut(cell, "=")
		switch {
		case name == "root_user_id" && value == fmt.Sprint(f.id), name == "child_user_id" && value == f.values["child"],
			name == "id" && table == "users" && value == fmt.Sprint(f.id),
			name == "id" && table == "devices" && value == f.values["device"]:
			return true
		}
	}
	return false
}
