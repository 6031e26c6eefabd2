package parity_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	entmessage "luxbff/ent/message"
	"luxbff/internal/devlog"
	"luxbff/internal/message"
	"luxbff/internal/message/operator"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/storetest"
	"luxbff/internal/testutil/subscriptiontest"
	"luxbff/internal/usage"
	"luxbff/server/app"
)

// exception is a part of statements that may do what no other may, for a reason.
type exception struct{ part, reason string }

// fewRows and manyRows are how many rows each account has gathered in each table when a
// statement is measured. Whatever looks at all of them takes fifty times as many steps.
const fewRows, manyRows = 20, 1000

// allowedSteps is how many steps a statement may take among many rows that takes so many
// among few. The constant is less than it costs to look at each of them.
func allowedSteps(few int) int { return few + few/2 + 300 }

// episode is something that the program does, in a world of its own.
type episode struct {
	name    string
	arrange action
	do      func(t *testing.T, w *world)
}

// TestNoStatementGrowsWithWhatIsStored does every action on each surface and everything
// that the program does beside its requests, and judges each statement that was needed. By
// the engine's plan none reads a whole table and, on SQLite, none sorts. On SQLite the steps
// of each are counted too, and none takes more of them where each account has gathered fifty
// times as much.
func TestNoStatementGrowsWithWhatIsStored(t *testing.T) {
	t.Parallel()
	facebook, excepted := apptest.StartFacebook(t), newExceptions(stepExceptions())
	var mu sync.Mutex
	ran := map[string]string{} // by which episode
	t.Run("episodes", func(t *testing.T) {
		for _, e := range episodes() {
			t.Run(e.name, func(t *testing.T) {
				t.Parallel()
				var few, many map[string]storetest.Cost
				if !storetest.IsPostgres() { // which counts no steps
					_, few = e.measure(t, facebook, fewRows)
				}
				w, many := e.measure(t, facebook, manyRows)
				for text, cost := range many {
					if most := allowedSteps(few[text].Most); few[text].Runs > 0 && cost.Most > most && !excepted.has(text) {
						t.Errorf("%d steps among %d rows, %d among %d:\n%s", few[text].Most, fewRows, cost.Most, manyRows, text)
					}
				}
				mu.Lock()
				defer mu.Unlock()
				for _, text := range w.Statements() {
					ran[text] = e.name
				}
			})
		}
	})
	excepted.check(t)
	judgePlans(t, ran)
}

// measure does the episode in a world that has grown, and gives the costs of its
// statements, none on PostgreSQL.
func (e episode) measure(t *testing.T, facebook string, rows int) (*world, map[string]storetest.Cost) {
	t.Helper()
	url := storetest.URL(t)
	meter := storetest.Measure(t, url)
	w := newWorld(t, e.arrange, facebook, func(c *app.Config) { c.DatabaseURL = url })
	if !storetest.IsPostgres() {
		grow(t, w.Server, rows)
	}
	meter.Reset()
	e.do(t, w)
	return w, meter.Costs()
}

func episodes() []episode {
	var all []episode
	for _, a := range allActions() {
		all = append(all, episode{a.name, a, func(t *testing.T, w *world) { w.execute(t, a) }})
		for i, call := range a.rest {
			all = append(all, episode{fmt.Sprintf("%s by REST %d", a.name, i+1), a, func(t *testing.T, w *world) { w.request(t, a, call) }})
		}
	}
	withLogs := action{arrange: func(t *testing.T, w *world) {
		w.vars["parent"], _ = w.Parent(t)
		w.CreateChild(t, w.vars["parent"])
		crowd(t, w)
	}}
	return append(all,
		episode{"all paths", withLogs, askEverything},
		episode{"sessions and links", action{arrange: parent}, endAndResume},
		episode{"a code again", action{arrange: steps(parent, code)}, askForCodesAgain},
		episode{"the feed", withLogs, followFeed},
		episode{"logs that are rejected", action{arrange: func(t *testing.T, w *world) {
			withLogs.arrange(t, w)
			uploadRejected(t, w)
		}}, uploadRejected},
		episode{"requests with a key", action{arrange: func(t *testing.T, w *world) {
			withLogs.arrange(t, w)
			sendWithKeys(t, w)
		}}, sendWithKeys},
		episode{"the status of messages", withLogs, followMessages},
		episode{"the background", action{arrange: func(t *testing.T, w *world) {
			withLogs.arrange(t, w)
			writeUsage(t, w)
		}}, workInBackground},
		episode{"the operator", action{arrange: func(t *testing.T, w *world) {
			withLogs.arrange(t, w)
			writeUsage(t, w)
		}}, operate},
	)
}

// askEverything asks on every path of the schema, and for the operations of operations/.
func askEverything(t *testing.T, w *world) {
	walk := newWalker()
	paths := append(walk.paths(walk.schema.Query), walk.argumentPaths(observe(t, w, w.vars["parent"]))...)
	for _, document := range walk.documents(paths) {
		w.Data(t, w.vars["parent"], document, nil, &struct{}{})
	}
	var data struct{ ChildUsers []struct{ ID string } }
	w.Data(t, w.vars["parent"], apptest.Sample(t, "home").Document, nil, &data)
	for _, child := range data.ChildUsers {
		w.Data(t, w.vars["parent"], apptest.Sample(t, "history").Document, map[string]any{"id": child.ID}, &struct{}{})
		readChanges(t, w, child.ID)
	}
}

// readChanges reads those of a child in two pages.
func readChanges(t *testing.T, w *world, childUserID string) {
	const pageOf = `query($id: ID!, $after: String!) { childUser(id: $id) { devlogs(first: 2, updatedAfter: $after) { edges { node { id } } pageInfo { endCursor } } } }`
	cursor := ""
	for range 2 {
		var data struct {
			ChildUser struct {
				Devlogs struct{ PageInfo struct{ EndCursor string } }
			}
		}
		w.Data(t, w.vars["parent"], pageOf, map[string]any{"id": childUserID, "after": cursor}, &data)
		cursor = data.ChildUser.Devlogs.PageInfo.EndCursor
	}
}

// endAndResume ends sessions in each way, and uses the links that are sent by e-mail.
func endAndResume(t *testing.T, w *world) {
	do := func(mutation string) {
		t.Helper()
		var data struct {
			SignIn struct{ Tokens struct{ AccessToken string } }
		}
		w.Data(t, w.vars["parent"], "mutation { "+mutation+" }", nil, &data)
		if signedIn := data.SignIn.Tokens.AccessToken; signedIn != "" {
			w.vars["parent"] = signedIn
		}
	}
	signIn := `signIn(input: {email: "parent1@example.com", password: "secret123"}) { tokens { accessToken } }`
	do(signIn)
	do(`endSession(input: {sessionId: 1}) { ok }`)
	do(`signOut { ok }`)
	w.vars["parent"] = ""
	do(signIn)
	do(`updateUser(input: {email: "new@example.com"}) { user { email } }`)
	revert := w.mailed(t, "parent1@example.com", "/revert-email?token=")
	w.Call(t, http.MethodGet, "/revert-email?token="+revert, "", "")
	do(`signOutEverywhere { ok }`)
	w.vars["parent"] = ""
	do(`revertEmail(input: {token: "` + revert + `"}) { ok }`)
	do(`requestPasswordReset(input: {email: "parent1@example.com"}) { ok }`)
	do(`resetPassword(input: {token: "` + w.mailed(t, "parent1@example.com", "/reset-password?token=") + `", newPassword: "fourth 123"}) { ok }`)
}

// mailed is what stands behind a link in the newest e-mail that has it.
func (w *world) mailed(t *testing.T, to, link string) string {
	t.Helper()
	sent, err := w.App.Outbox.Recent(t.Context(), to, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range sent {
		if _, after, found := strings.Cut(one.Text, link); found {
			token, _, _ := strings.Cut(after, "\n")
			return token
		}
	}
	t.Fatalf("no %s was mailed to %s", link, to)
	return ""
}

// askForCodesAgain asks for codes where some were sent before.
func askForCodesAgain(t *testing.T, w *world) {
	w.mustCall(t, http.MethodPost, lux+"/auth/send-sms-auth", "", `{"phone": "${phone}"}`)
	for range 2 {
		w.Data(t, w.vars["parent"], `mutation { sendEmailVerification(input: {email: "new@example.com"}) { ok } }`, nil, &struct{}{})
	}
	w.GraphQL(t, w.vars["parent"], `mutation { verifyEmail(input: {code: "wrong"}) { user { id } } }`, nil)
}

// sendWithKeys sends requests with new keys, of the account and of nobody, each twice.
func sendWithKeys(t *testing.T, w *world) {
	for token, mutation := range map[string]string{
		w.vars["parent"]: `updateUser(input: {firstName: "a"}) { user { id } }`,
		"":               `signIn(input: {email: "a@b.example", password: "secret123"}) { user { id } }`,
	} {
		operation, err := json.Marshal(map[string]any{
			"query": "mutation { " + mutation + " }", "extensions": map[string]any{"idempotencyKey": uuid.NewString()},
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			w.Call(t, http.MethodPost, "/graphql", token, string(operation))
		}
	}
}

// uploadRejected uploads logs of which two can't be stored.
func uploadRejected(t *testing.T, w *world) {
	logs := logsOf(w.CreateChild(t, w.vars["parent"]), 1, 3)
	logs[0]["uniqueId"], logs[1]["lastIntensity"] = "another", -1
	w.Data(t, w.vars["parent"], `mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs, onInvalid: STORE_VALID}) { results { verdict } } }`,
		map[string]any{"logs": logs}, &struct{}{})
}

// followFeed subscribes in each way that there is, uploads, acknowledges and resumes.
func followFeed(t *testing.T, w *world) {
	token := w.vars["parent"]
	child := w.CreateChild(t, token)
	request := subscriptiontest.Request{URL: w.URL, Token: token, Transport: subscriptiontest.WebSocket, InstallationID: "phone"}
	first := mustOpen(t, request)
	request.ChildUserID = fmt.Sprint(child.ID)
	ofChild := mustOpen(t, request)
	w.WaitForSubscribers(t, 2)
	w.upload(t, token, child, 1, 2)
	event := mustNext(t, first)
	mustNext(t, ofChild)
	w.App.Feed.Poll(t.Context(), 0)
	first.Close()
	ofChild.Close()
	w.WaitForSubscribers(t, 0)
	acknowledging, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+lux+"/user/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	acknowledging.Header.Set("Authorization", "Bearer "+token)
	acknowledging.Header.Set("X-Installation-Id", "phone")
	acknowledging.Header.Set("Last-Event-Id", event.Cursor)
	w.Do(t, acknowledging)
	if err := w.App.Feed.SaveAcks(t.Context()); err != nil {
		t.Fatal(err)
	}
	// By the cursor of the client and by the resume point, of all children and of one.
	for _, after := range []string{event.Cursor, ""} {
		for _, of := range []string{"", fmt.Sprint(child.ID)} {
			request.After, request.ChildUserID = after, of
			resumed := mustOpen(t, request)
			mustNext(t, resumed)
			resumed.Close()
			w.WaitForSubscribers(t, 0)
		}
	}
	w.App.CheckSockets(t.Context())
}

func mustOpen(t *testing.T, r subscriptiontest.Request) *subscriptiontest.Subscription {
	t.Helper()
	opened, err := subscriptiontest.Open(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func mustNext(t *testing.T, s *subscriptiontest.Subscription) subscriptiontest.Event {
	t.Helper()
	event, err := s.Next()
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// followMessages subscribes to the messages of the account, and has one sent.
func followMessages(t *testing.T, w *world) {
	followed := mustOpen(t, subscriptiontest.Request{
		URL: w.URL, Token: w.vars["parent"], Transport: subscriptiontest.WebSocket,
		Document: `subscription { messageStatus { id status } }`,
	})
	defer followed.Close()
	testutil.WaitFor(t, "somebody follows the messages", func() bool { return w.App.Messages.Subscribers() == 1 })
	w.App.Messages.Poll(t.Context(), 0)
}

// workInBackground does what the program does by itself now and then, when there is
// nothing to do and when all that is stored is past its time.
func workInBackground(t *testing.T, w *world) {
	for _, later := range []time.Duration{0, 400 * 24 * time.Hour} {
		w.Clock.Add(later)
		ctx := t.Context()
		w.Call(t, http.MethodGet, lux+"/user/real-user/77", "", "")
		w.GraphQL(t, "", "{ __typename }", nil)
		_, pruneFeed := w.App.Feed.Prune(ctx)
		_, check := w.App.Outbox.Check(ctx)
		_, deliver := w.App.Outbox.Deliver(ctx)
		for _, err := range []error{
			pruneFeed, check, deliver, w.App.Outbox.Prune(ctx), w.App.Push.Prune(ctx), w.App.Devlogs.Prune(ctx), w.App.Once.Prune(ctx), w.App.Usage.Flush(ctx), w.App.Usage.Prune(ctx), w.App.Auth.Sessions.StoreUses(ctx), w.App.Auth.Prune(ctx),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Call(t, http.MethodGet, "/metrics", "", "")
	w.Call(t, http.MethodGet, "/readyz", "", "")
}

// writeUsage has the usage of a day written, so that there are rows that grow.
func writeUsage(t *testing.T, w *world) {
	t.Helper()
	if err := w.App.Usage.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// operate runs the commands that are for a program that serves.
func operate(t *testing.T, w *world) {
	ctx := t.Context()
	w.AddDevices(t, "SL90000001,00:80:E1:27:90:01", "SL90000002,00:80:E1:27:90:02")
	w.AddDevices(t, "SL90000001,00:80:E1:27:90:03")
	messages := operator.New(w.App.Store, w.Clock.Now)
	sent, err := w.App.Outbox.Try(ctx, message.Message{Channel: entmessage.ChannelSms, Purpose: entmessage.PurposeTest, To: "+821012345678", Text: "trial"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := messages.Show(ctx, sent.ID); err != nil {
		t.Fatal(err)
	}
	for _, filter := range []operator.Filter{{Limit: 20}, {Limit: 20, State: entmessage.StateDead}, {Limit: 20, State: entmessage.StateDead, Channel: entmessage.ChannelSms}, {Limit: 20, Channel: entmessage.ChannelSms}} {
		if _, err := messages.List(ctx, filter); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := messages.Counts(ctx); err != nil {
		t.Fatal(err)
	}
	for _, filter := range []usage.Filter{{}, {App: "Go-http-client", Since: w.Clock.Now()}} {
		if _, err := usage.NewOperator(w.App.Store).List(ctx, filter); err != nil {
			t.Fatal(err)
		}
	}
	rejected := devlog.NewOperator(w.App.Store)
	for _, account := range []int{0, 1} {
		if _, err := rejected.List(ctx, account, 20); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := rejected.Show(ctx, 1); err == nil {
		t.Error("a log that was never rejected is shown")
	}
	w.Call(t, http.MethodGet, "/dev/outbox?to=%2B821012345678", "", "")
}

// judgePlans asks the engine how it runs each of the statements.
func judgePlans(t *testing.T, ran map[string]string) {
	t.Helper()
	db := apptest.Start(t).App.Store
	mayScan, maySort := newExceptions(scanExceptions()), newExceptions(sortExceptions())
	planned := 0
	for _, text := range slices.Sorted(maps.Keys(ran)) {
		if !regexp.MustCompile(`^(SELECT|WITH|INSERT|UPDATE|DELETE)\b`).MatchString(text) || strings.HasPrefix(text, grownMark) {
			continue
		}
		planned++
		plan := storetest.ExplainAny(t, db, text)
		if scans(plan) && !mayScan.has(text) {
			t.Errorf("a whole table is read (%s):\n%s\nof\n%s", ran[text], plan, text)
		}
		if strings.Contains(plan, "USE TEMP B-TREE") && !maySort.has(text) {
			t.Errorf("rows are sorted (%s):\n%s\nof\n%s", ran[text], plan, text)
		}
	}
	mayScan.check(t)
	maySort.check(t)
	if planned < 150 {
		t.Errorf("%d statements were looked at, fewer than the program needs", planned)
	}
}

// scans reports whether a plan reads a whole table. What SQLite's plan doesn't say, that it
// looks through what an index has found, the steps show.
func scans(plan string) bool {
	for line := range strings.Lines(plan) {
		if line = strings.TrimSpace(line); wholeTable(line) && !isSubquery(line, plan) {
			return true
		}
	}
	return false
}

var scanNode = regexp.MustCompile(`^SCAN (\w+)( USING (?:COVERING )?INDEX \w+)?$`)

// wholeTable reports whether a line of a plan reads a table of the schema row by row.
func wholeTable(line string) bool {
	if strings.Contains(line, "Seq Scan on ") {
		return true
	}
	found := scanNode.FindStringSubmatch(line)
	return found != nil && (len(found[1]) == 1 || slices.Contains(apptest.Tables(), found[1]))
}

// isSubquery reports whether what a line of SQLite's plan reads is the rows of a select
// within the statement, which has lines of its own.
func isSubquery(line, plan string) bool {
	name := strings.TrimPrefix(line, "SCAN ")
	return strings.Contains(plan, "CO-ROUTINE "+name) || strings.Contains(plan, "MATERIALIZE "+name)
}

// exceptions are those that a rule knows, of which each has to occur.
type exceptions struct {
	mu   sync.Mutex
	all  []exception
	used map[string]bool
}

func newExceptions(all []exception) *exceptions {
	return &exceptions{all: all, used: map[string]bool{}}
}

// numbered is the mark of a parameter, for which the store may give SQLite a ?.
var numbered = regexp.MustCompile(`\$\d+`)

// has reports whether a statement is one of them.
func (e *exceptions) has(text string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	text = numbered.ReplaceAllString(strings.NewReplacer("`", "", `"`, "").Replace(text), "?")
	for _, one := range e.all {
		if strings.Contains(text, one.part) {
			e.used[one.part] = true
			return true
		}
	}
	return false
}

// check fails the test for those that no statement needs any more. All are of SQLite.
func (e *exceptions) check(t *testing.T) {
	t.Helper()
	if storetest.IsPostgres() {
		return
	}
	for _, one := range e.all {
		if !e.used[one.part] {
			t.Errorf("no statement needs the exception any more: %s", one.part)
		}
	}
}

// Reasons of exceptions.
const (
	atTheNewest  = "it ends at the first rows of the primary key"
	aBatch       = "a batch of at most 500"
	aStep        = "a step of 1,000 ids, whatever they hold"
	aList        = "the devices of one batch of a catalogue's file"
	aPoll        = "what is new since the last poll, and 1,000 before"
	codesOfPhone = "a phone gets 30 codes a day, which are kept for four days"
	fewOfAccount = "an account has one of each provider, or is remembered to have signed in from 50 places"
	ofRejected   = "an account has 1,000 rejected logs at most"
	ofDay        = "a surface has 1,000 rows a day, read when it has a new one"
	ofKeys       = "an account has 1,000 requests with a key at most"
	ofAccount    = "it removes all that the account or the child had"
	anOperator   = "an operator asks, and no request waits for it"
)

// scanExceptions are statements whose plan says that they read a table row by row: they
// end at its first rows, or only an operator asks them.
func scanExceptions() []exception {
	return []exception{
		{"INSERT INTO users", "SQLite lists the tables that refer to a new account, and reads none of them"},
		{"SELECT devlog_events.id FROM devlog_events ORDER BY devlog_events.id DESC LIMIT 1", atTheNewest},
		{"SELECT messages.id FROM messages ORDER BY messages.id DESC LIMIT 1", atTheNewest},
		{"SELECT push_devices.id FROM push_devices ORDER BY push_devices.id DESC LIMIT 1", atTheNewest},
		{"SELECT users.id FROM users ORDER BY users.id DESC LIMIT 1", atTheNewest},
		{"rejected_devlogs.rejected_at FROM rejected_devlogs ORDER BY rejected_devlogs.id DESC LIMIT", atTheNewest},
		{"messages.delivered_at FROM messages ORDER BY messages.id DESC LIMIT", atTheNewest},
		{"FROM messages WHERE messages.channel = ", anOperator},
	}
}

// sortExceptions are statements that sort what they have found: few rows, or what an
// operator asks for.
func sortExceptions() []exception {
	return []exception{
		{"FROM identities WHERE identities.root_user_id = ", fewOfAccount},
		{"SELECT installations.id FROM installations WHERE installations.root_user_id = ", fewOfAccount},
		{"SELECT messages.channel, COUNT(*) FROM messages WHERE", anOperator},
		{"SELECT verification_codes.id FROM verification_codes WHERE verification_codes.purpose = ", codesOfPhone},
		{"SELECT min(root_user_id), max(id) FROM devlog_events WHERE id > ?", aPoll},
		{"SELECT min(root_user_id), max(id) FROM messages WHERE id > ?", aPoll},
		{"UPDATE users SET event_floor = pruned.seq", aBatch},
		{"SELECT devices.id FROM list CROSS JOIN devices", aList},
		{"FROM list CROSS JOIN devices WHERE mac_id", aList},
		{"FROM usage_days WHERE usage_days.day >= ", anOperator},
	}
}

// stepExceptions are statements that take more steps among more rows.
func stepExceptions() []exception {
	return []exception{
		{"SELECT messages.channel, COUNT(*) FROM messages WHERE", anOperator},
		{"messages.due_at < ? LIMIT 500", aBatch},
		{"SELECT id FROM sessions WHERE expires_at < ? LIMIT 500", aBatch},
		{"SELECT id FROM verification_codes WHERE created_at < ? LIMIT 500", aBatch},
		{"ORDER BY devlog_events.occurred_at ASC LIMIT 500", aBatch},
		{"SELECT users.id FROM users WHERE (users.id > ? AND users.id <= ?", aStep},
		{"SELECT push_devices.id FROM push_devices WHERE (push_devices.id > ?", aStep},
		{"DELETE FROM push_devices WHERE (push_devices.id > ?", aStep},
		{"SELECT min(root_user_id), max(id) FROM devlog_events WHERE id > ?", aPoll},
		{"SELECT min(root_user_id), max(id) FROM messages WHERE id > ?", aPoll},
		{"SELECT verification_codes.id FROM verification_codes WHERE verification_codes.purpose = ", codesOfPhone},
		{"UPDATE verification_codes SET closed_at = ", codesOfPhone},
		{"DELETE FROM rejected_devlogs WHERE root_user_id = ", ofRejected},
		{"DELETE FROM idempotency_keys WHERE root_user_id = ", ofKeys},
		{"DELETE FROM child_users WHERE", ofAccount},
		{"FROM usage_days WHERE usage_days.day >= ", anOperator},
		{"FROM usage_days WHERE day = ", ofDay},
	}
}
