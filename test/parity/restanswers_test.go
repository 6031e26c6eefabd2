package parity_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"luxbff/internal/testutil/apptest"
)

// TestRESTAnswersShowTheStateAfterTheRequest compares what a REST route answers with what
// GraphQL shows then: a value that GraphQL has under no object is one from before.
func TestRESTAnswersShowTheStateAfterTheRequest(t *testing.T) {
	t.Parallel()
	facebook := apptest.StartFacebook(t)
	var compared sync.Map
	t.Cleanup(func() { // after the subtests
		for _, name := range []string{
			"firstname", "gender", "phone", "ispushagree", "isdevicemuted", "devicealias", "lastlogfileid", "uniqueid", "email", "localid",
		} {
			if _, isCompared := compared.Load(name); !isCompared {
				t.Errorf("no answer shows %s", name)
			}
		}
	})
	for _, a := range allActions() {
		if a.code != "" || strings.HasPrefix(a.graphql, "deleteAccount") || strings.HasPrefix(a.graphql, "sendImpedanceAlert") {
			continue
		}
		for _, call := range a.rest {
			t.Run(a.name+" by "+strings.Join(strings.Fields(call)[:2], " "), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, a, facebook)
				answer, token := w.send(t, a, call)
				if token == "" {
					return
				}
				shown := shownValues(observe(t, w, token))
				for name, values := range answerValues(answer) {
					known := shown[name]
					if len(known) == 0 {
						continue // GraphQL has no such field
					}
					compared.Store(name, true)
					for _, value := range values {
						if !slices.Contains(known, value) {
							t.Errorf("%s is %s, and GraphQL shows %s", name, value, known)
						}
					}
				}
			})
		}
	}
}

// send does the action by REST, and gives the answer and the token that is good then.
func (w *world) send(t *testing.T, a action, call string) (answer any, token string) {
	t.Helper()
	words := strings.SplitN(w.fill(call)+" ", " ", 3)
	response := w.Call(t, words[0], words[1], w.vars[a.as], strings.TrimSpace(words[2]))
	if response.Status >= http.StatusMultipleChoices {
		t.Fatalf("%d %s", response.Status, response.Body)
	}
	answer, token = response.JSON(t), w.vars["parent"]
	if members, isObject := answer.(map[string]any); isObject {
		for _, name := range []string{"token", "access_token"} {
			if renewed, isToken := members[name].(string); isToken {
				token = renewed
			}
		}
	}
	return answer, token
}

// answerValues are the scalars of a REST answer, by their names without case and
// underscores, as GraphQL writes them.
func answerValues(answer any) map[string][]string {
	found := map[string][]string{}
	var collect func(name string, value any)
	collect = func(name string, value any) {
		switch value := value.(type) {
		case []any:
			for _, element := range value {
				collect(name, element)
			}
		case map[string]any:
			for name, member := range value {
				collect(strings.ToLower(strings.ReplaceAll(name, "_", "")), member)
			}
		default:
			found[name] = append(found[name], plainText(name, value))
		}
	}
	collect("", answer)
	return found
}

// shownValues are the values of all objects that GraphQL has shown, by the names of
// their fields.
func shownValues(s state) map[string][]string {
	found := map[string][]string{}
	for _, seen := range s {
		for name, values := range answerValues(seen.fields) {
			found[name] = append(found[name], values...)
		}
	}
	return found
}

// plainText writes a value the same for both: REST has days without hyphens, letters for
// enums, the last four digits of a MAC, and either kind of a Boolean.
func plainText(name string, value any) string {
	text := fmt.Sprint(value)
	switch name {
	case "birthdate":
		return strings.ReplaceAll(text, "-", "")
	case "gender", "registertype":
		return text[:1]
	case "macid":
		digits := strings.ReplaceAll(text, ":", "")
		return digits[len(digits)-4:]
	}
	switch text {
	case "true":
		return "1"
	case "false":
		return "0"
	}
	return text
}
