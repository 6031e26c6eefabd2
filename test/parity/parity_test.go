package parity_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/apperr"
	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// Where the surfaces begin.
const (
	lux     = "/api/v1/lux"
	addnox  = "/api/v1/addnox"
	withnox = "/api/v1/withnox"
)

// world is one program in the state that an action begins with. ${NAME} stands
// for what vars holds under it, in every request.
type world struct {
	*apptest.Server
	vars map[string]string
}

// action is one action of the contract's table, done in equal worlds.
type action struct {
	name string
	// arrange brings a world to where the action begins.
	arrange func(*testing.T, *world)
	// as is the variable that holds the caller's token; empty is nobody.
	as string
	// graphql is the field of the mutation or query.
	graphql string
	// rest are the same action as "METHOD PATH BODY", one a surface.
	rest []string
	// code is the error that all answer; empty is success.
	code string
	// apart are tables in which the surfaces differ on purpose: SNUTT's long-lived
	// tokens have no session.
	apart []string
}

func TestParity(t *testing.T) {
	t.Parallel()
	graph := facebook(t)
	for _, a := range allActions() {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			byGraphQL := newWorld(t, a, graph)
			if got := byGraphQL.mutate(t, a); got != a.code {
				t.Fatalf("GraphQL answers %q, want %q", got, a.code)
			}
			want := byGraphQL.stored(t, a)
			for _, call := range a.rest {
				w := newWorld(t, a, graph)
				if got := w.call(t, a, call); got != a.code {
					t.Errorf("%s answers %q, want %q", call, got, a.code)
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

// facebook stands in for the Graph API: the token of N is "token N".
func facebook(t *testing.T) string {
	t.Helper()
	graph := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, known := strings.CutPrefix(r.URL.Query().Get("access_token"), "token ")
		if !known {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"id": id, "name": "John Smith"})
	}))
	t.Cleanup(graph.Close)
	return graph.URL
}

// newWorld starts a program at a fixed time, so that equal steps store equal rows.
func newWorld(t *testing.T, a action, graph string) *world {
	t.Helper()
	w := &world{
		Server: apptest.StartAt(t, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), func(c *app.Config) { c.FacebookURL = graph }),
		vars:   map[string]string{"phone": "+821055556666", "push": strings.Repeat("t", 40)},
	}
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

// kindOf is the kind of operation that the action's field belongs to.
func kindOf(a action) string {
	if strings.HasPrefix(a.graphql, "me ") || strings.HasPrefix(a.graphql, "childUser") || strings.HasPrefix(a.graphql, "checkDevice") {
		return "query"
	}
	return "mutation"
}

// mutate does the action through GraphQL and gives the code of its error.
func (w *world) mutate(t *testing.T, a action) string {
	t.Helper()
	reply := w.GraphQL(t, w.vars[a.as], kindOf(a)+" { "+w.fill(a.graphql)+" }", nil)
	if len(reply.Errors) > 0 && reply.Code() == "" {
		t.Fatalf("%s: %+v", a.graphql, reply.Errors)
	}
	return reply.Code()
}

// call does the action over REST and gives the code of its error.
func (w *world) call(t *testing.T, a action, call string) string {
	t.Helper()
	words := strings.SplitN(w.fill(call)+" ", " ", 3)
	answer := w.Call(t, words[0], words[1], w.vars[a.as], strings.TrimSpace(words[2]))
	if answer.Status < 300 {
		return ""
	}
	var failure struct{ Detail, Message string }
	if err := json.Unmarshal(answer.Body, &failure); err != nil {
		t.Fatalf("%s: %d %s", call, answer.Status, answer.Body)
	}
	return codeOf(t, failure.Detail+failure.Message)
}

// codeOf is the code that GraphQL has for a documented text.
func codeOf(t *testing.T, detail string) string {
	t.Helper()
	for _, kind := range apperr.Kinds() {
		if kind.New().Detail() == detail {
			return kind.New().Code()
		}
	}
	t.Fatalf("%q is no documented text", detail)
	return ""
}

// random are columns whose values are random: it counts whether there is one.
func random() []string {
	return []string{"refresh_hash", "code_hash", "grant_hash", "password_hash", "secret_hash", "text"}
}

// stored is every row of every table, as text.
func (w *world) stored(t *testing.T, a action) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, table := range apptest.Tables() {
		if !slices.Contains(a.apart, table) {
			all[table] = w.Rows(t, table, apptest.Columns{Ignored: apptest.WorkerColumns(), Random: random()})
		}
	}
	return all
}

// seen is what the parent of the world is shown, an error included.
func (w *world) seen(t *testing.T) string {
	t.Helper()
	const everything = `{ me { id firstName lastName birthdate gender email isEmailVerified phone isPhoneNumberChecked
		registerType nationalCode needsPersonalInfoUpdate needsPasswordChange isAdmin createdAt localId
		notificationSettings { isDeviceMuted isDeviceAlimTalkEnabled isBasestationAlertEnabled }
		policy { isPushAgree isMarketingAgree pushAgreeDate marketingAgreeDate }
		facebook { attached name } pushDevices { registrationId createdAt }
		childUsers { id firstName lastName birthdate gender device { id uniqueId serialCode deviceAlias macId lastLogFileId } } } }`
	reply := w.GraphQL(t, w.vars["parent"], everything, nil)
	return string(reply.Data) + reply.Code()
}

// The steps below bring a world to where an action begins.

// parent signs a parent up on LUX.
func parent(t *testing.T, w *world) {
	t.Helper()
	w.vars["parent"], _ = w.Parent(t)
}

// family is a parent with a child that has the first of two devices, and
// another account.
func family(t *testing.T, w *world) {
	t.Helper()
	parent(t, w)
	w.vars["other"], _ = w.Parent(t)
	w.AddDevices(t, "SL20401000,00:80:E1:27:41:AD", "SL20401001,00:80:E1:27:4C:84")
	w.good(t, http.MethodPost, lux+"/user/create-real-user", "parent", `{"first_name": "test", "last_name": "kim",
		"birthdate": "19970101", "gender": "F", "serial_code": "SL20401000", "mac_id": "41AD", "unique_id": "unique"}`)
}

// local registers an account of SNUTT.
func local(t *testing.T, w *world) {
	t.Helper()
	answer := w.good(t, http.MethodPost, "/auth/register_local", "", `{"id": "Abcd1234", "password": "abcd1234", "email": "john@snu.example"}`)
	w.vars["parent"], _ = answer["token"].(string)
}

// code has an SMS sent to ${phone} and keeps its code.
func code(t *testing.T, w *world) {
	t.Helper()
	w.good(t, http.MethodPost, lux+"/auth/send-sms-auth", "", `{"phone": "${phone}"}`)
	w.vars["code"] = w.LastCode(t, w.vars["phone"])
}

// validToken earns the valid_token of ${phone}.
func validToken(t *testing.T, w *world) {
	t.Helper()
	code(t, w)
	answer := w.good(t, http.MethodPost, lux+"/auth/phone-number-validation", "", `{"phone": "${phone}", "validnum": "${code}"}`)
	w.vars["valid"], _ = answer["valid_token"].(string)
}

// both does one step after another.
func both(steps ...func(*testing.T, *world)) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		t.Helper()
		for _, step := range steps {
			step(t, w)
		}
	}
}

// after is a request of the parent that must succeed.
func after(method, path, body string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		t.Helper()
		answer := w.good(t, method, path, "parent", body)
		if token, renewed := answer["token"].(string); renewed {
			w.vars["parent"] = token
		}
	}
}

func (w *world) good(t *testing.T, method, path, as, body string) map[string]any {
	t.Helper()
	answer := w.Call(t, method, path, w.vars[as], w.fill(body))
	if answer.Status >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, answer.Status, answer.Body)
	}
	object, _ := answer.JSON(t).(map[string]any)
	return object
}
