package parity_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent/usageday"
	"luxbff/internal/apperr"
	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// The prefixes of the surfaces. SNUTT's routes have none.
const (
	lux     = "/api/v1/lux"
	addnox  = "/api/v1/addnox"
	withnox = "/api/v1/withnox"
)

// world is one program in the state in which an action begins. In every request
// ${NAME} stands for the variable of that name.
type world struct {
	*apptest.Server
	vars map[string]string
}

// action is one action of the contract's table. It is done once in each of several
// equal worlds, by GraphQL and by each REST route.
type action struct {
	name string
	// arrange brings a world to the state in which the action begins.
	arrange func(*testing.T, *world)
	// as is the variable that holds the caller's token; empty means that none is sent.
	as string
	// graphql is the field of the mutation or query.
	graphql string
	// rest are the requests that do the same, as "METHOD PATH BODY", one a surface.
	rest []string
	// code is the error that all respond with; empty means success.
	code string
	// differing are tables in which the surfaces differ on purpose: SNUTT's long-lived
	// tokens have no session.
	differing []string
}

// TestParity does each action by GraphQL and by REST, and compares the errors, the
// rows that are stored afterwards, and what the account then sees.

func TestParity(t *testing.T) {
	t.Parallel()
	facebook := apptest.StartFacebook(t)
	for _, a := range allActions() {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			byGraphQL := newWorld(t, a, facebook)
			if got := byGraphQL.execute(t, a); got != a.code {
				t.Fatalf("GraphQL responds with %q, want %q", got, a.code)
			}
			want := byGraphQL.stored(t, a)
			for _, call := range a.rest {
				w := newWorld(t, a, facebook)
				if got := w.request(t, a, call); got != a.code {
					t.Errorf("%s responds with %q, want %q", call, got, a.code)
				}
				if diff := cmp.Diff(want, w.stored(t, a)); diff != "" {
					t.Errorf("%s leaves other rows (+) than GraphQL (-):\n%s", call, diff)
				}
				if diff := cmp.Diff(byGraphQL.seen(t), w.seen(t)); diff != "" {
					t.Errorf("after %s the account sees (+) what it doesn't after GraphQL (-):\n%s", call, diff)
				}
			}
		})
	}
}

// newWorld starts a program at a fixed time, so that equal steps store equal rows.
func newWorld(t *testing.T, a action, facebook string, change ...func(*app.Config)) *world {
	t.Helper()
	w := &world{
		Server: apptest.StartAt(t, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC),
			append([]func(*app.Config){func(c *app.Config) { c.FacebookURL = facebook }}, change...)...),
		vars: map[string]string{"phone": "+821055556666", "push": strings.Repeat("t", 40)},
	}
	w.WatchLog(t)
	if a.arrange != nil {
		a.arrange(t, w)
	}
	return w
}

func (w *world) fill(text string) string {
	for name, value := range w.vars {
		text = strings.ReplaceAll(text, "${"+name+"}", value)
	}
	return text
}

// operationType is "query" or "mutation", by the action's field.
func operationType(a action) string {
	if strings.HasPrefix(a.graphql, "me ") || strings.HasPrefix(a.graphql, "childUser") || strings.HasPrefix(a.graphql, "checkDevice") {
		return "query"
	}
	return "mutation"
}

// execute does the action by GraphQL and gives the code of its error.
func (w *world) execute(t *testing.T, a action) string {
	t.Helper()
	response := w.GraphQL(t, w.vars[a.as], operationType(a)+" { "+w.fill(a.graphql)+" }", nil)
	if len(response.Errors) > 0 && response.Code() == "" {
		t.Fatalf("%s: %+v", a.graphql, response.Errors)
	}
	return response.Code()
}

// request does the action by REST and gives the code of its error.
func (w *world) request(t *testing.T, a action, call string) string {
	t.Helper()
	words := strings.SplitN(w.fill(call)+" ", " ", 3)
	response := w.Call(t, words[0], words[1], w.vars[a.as], strings.TrimSpace(words[2]))
	if response.Status < 300 {
		return ""
	}
	var failure struct{ Detail, Message string }
	if err := json.Unmarshal(response.Body, &failure); err != nil {
		t.Fatalf("%s: %d %s", call, response.Status, response.Body)
	}
	return codeOf(t, failure.Detail+failure.Message)
}

// codeOf is GraphQL's code for the text of a REST error.
func codeOf(t *testing.T, detail string) string {
	t.Helper()
	for _, kind := range apperr.Kinds() {
		if kind.New().Detail() == detail {
			return kind.New().Code()
		}
	}
	t.Fatalf("%q is the text of no documented error", detail)
	return ""
}

// randomColumns hold random values.
func randomColumns() []string {
	return []string{"refresh_hash", "previous_hash", "rotation_salt", "code_hash", "grant_hash", "password_hash", "secret_hash", "text", "html"}
}

// stored is every row of every table as text, except for the tables that differ, and for the
// usage, which tells the surfaces apart.
func (w *world) stored(t *testing.T, a action) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, table := range apptest.Tables() {
		if table != usageday.Table && !slices.Contains(a.differing, table) {
			all[table] = w.Rows(t, table, apptest.Columns{Ignored: apptest.WorkerColumns(), Random: randomColumns()})
		}
	}
	return all
}

// seen is what GraphQL shows the parent of the world, an error included.
func (w *world) seen(t *testing.T) string {
	t.Helper()
	const everything = `{ me { id firstName lastName birthdate gender email isEmailVerified phone isPhoneNumberChecked
		registerType nationalCode needsPersonalInfoUpdate needsPasswordChange isAdmin createdAt localId
		notificationSettings { isDeviceMuted isDeviceAlimTalkEnabled isBasestationAlertEnabled }
		policy { isPushAgree isMarketingAgree pushAgreeDate marketingAgreeDate }
		facebook { attached name } pushDevices { registrationId createdAt }
		childUsers { id firstName lastName birthdate gender device { id uniqueId serialCode deviceAlias macId lastLogFileId } } } }`
	response := w.GraphQL(t, w.vars["parent"], everything, nil)
	return string(response.Data) + response.Code()
}

// The steps below bring a world to the state in which an action begins.

// parent signs up a parent.
func parent(t *testing.T, w *world) {
	t.Helper()
	w.vars["parent"], _ = w.Parent(t)
}

// family signs up a parent, whose child has the first of two devices, and another
// account.
func family(t *testing.T, w *world) {
	t.Helper()
	parent(t, w)
	w.vars["other"], _ = w.Parent(t)
	w.AddDevices(t, "SL20401000,00:80:E1:27:41:AD", "SL20401001,00:80:E1:27:4C:84")
	w.mustCall(t, http.MethodPost, lux+"/user/create-real-user", "parent", `{"first_name": "test", "last_name": "kim",
		"birthdate": "19970101", "gender": "F", "serial_code": "SL20401000", "mac_id": "41AD", "unique_id": "unique"}`)
}

// local registers an account on SNUTT.
func local(t *testing.T, w *world) {
	t.Helper()
	response := w.mustCall(t, http.MethodPost, "/auth/register_local", "", `{"id": "Abcd1234", "password": "abcd1234", "email": "john@snu.example"}`)
	w.vars["parent"], _ = response["token"].(string)
}

// code sends a code to ${phone} and keeps it as ${code}.
func code(t *testing.T, w *world) {
	t.Helper()
	w.mustCall(t, http.MethodPost, lux+"/auth/send-sms-auth", "", `{"phone": "${phone}"}`)
	w.vars["code"] = w.LastCode(t, w.vars["phone"])
}

// validToken verifies ${phone} and keeps the valid_token as ${valid}.
func validToken(t *testing.T, w *world) {
	t.Helper()
	code(t, w)
	response := w.mustCall(t, http.MethodPost, lux+"/auth/phone-number-validation", "", `{"phone": "${phone}", "validnum": "${code}"}`)
	w.vars["valid"], _ = response["valid_token"].(string)
}

// steps does one step after another.
func steps(all ...func(*testing.T, *world)) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		t.Helper()
		for _, step := range all {
			step(t, w)
		}
	}
}

// sent is the step of sending a request as the parent.
func sent(method, path, body string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		t.Helper()
		response := w.mustCall(t, method, path, "parent", body)
		if token, renewed := response["token"].(string); renewed {
			w.vars["parent"] = token
		}
	}
}

// mustCall sends a request that must succeed, and gives the members of its response.
func (w *world) mustCall(t *testing.T, method, path, as, body string) map[string]any {
	t.Helper()
	response := w.Call(t, method, path, w.vars[as], w.fill(body))
	if response.Status >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, response.Status, response.Body)
	}
	object, _ := response.JSON(t).(map[string]any)
	return object
}
