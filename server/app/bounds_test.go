package app_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"luxbff/internal/account"
	"luxbff/internal/child"
	"luxbff/internal/store"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/subscriptiontest"
	"luxbff/server/app"
)

// TestFiftyFirstChildIsRefused asks for one child too many on each surface. Its device
// stays free.
func TestFiftyFirstChildIsRefused(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	for range child.MaxChildren {
		s.CreateChild(t, token)
	}
	s.AddDevices(t, "SL99990000,00:80:E1:99:00:00")
	response := s.GraphQL(t, token, `mutation { createChildUser(input: {
		firstName: "test", lastName: "", birthdate: "1997-01-01", gender: FEMALE,
		serialCode: "SL99990000", macId: "00:80:E1:99:00:00"}) { childUser { id } } }`, nil)
	if response.Code() != "REAL_USER_CREATE_FAILED" {
		t.Errorf("GraphQL: %+v", response)
	} else if got := response.Errors[0].Extensions.Reason; got != "An account has at most 50 children." {
		t.Errorf("GraphQL gives the reason %q", got)
	}
	for path, mac := range map[string]string{"/api/v1/lux": "0000", "/api/v1/addnox": "00:80:E1:99:00:00", "/api/v1/withnox": "00:80:E1:99:00:00"} {
		got := s.Call(t, http.MethodPost, path+"/user/create-real-user", token,
			`{"first_name": "test", "last_name": "", "birthdate": "19970101", "gender": "F", `+
				`"serial_code": "SL99990000", "mac_id": "`+mac+`", "unique_id": "unique-of-the-last"}`)
		if got.Status != http.StatusConflict || strings.TrimSpace(string(got.Body)) != `{"detail":"Real user create failed"}` {
			t.Errorf("%s: got %d %s", path, got.Status, got.Body)
		}
	}
	if n := len(s.Rows(t, "child_users", apptest.Columns{})); n != child.MaxChildren {
		t.Errorf("%d children are stored", n)
	}
}

// TestNewestPhoneIsNeverRefused adds phones over both surfaces beyond the bound: the
// account is notified on those that were added last.
func TestNewestPhoneIsNeverRefused(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	for i := range account.MaxPushDevices + 2 {
		if i%2 == 0 {
			s.Data(t, token, fmt.Sprintf(`mutation { addPushDevice(input: {registrationId: "phone-%d"}) { user { id } } }`, i), nil, &struct{}{})
			continue
		}
		if got := s.Call(t, http.MethodPost, fmt.Sprint("/v1/user/device/phone-", i), token, ""); got.Status != http.StatusOK {
			t.Fatalf("got %d %s", got.Status, got.Body)
		}
	}
	var shown struct {
		Me struct {
			PushDevices []struct{ RegistrationID string }
		}
	}
	s.Data(t, token, `{ me { pushDevices { registrationId } } }`, nil, &shown)
	got := shown.Me.PushDevices
	if len(got) != account.MaxPushDevices || got[0].RegistrationID != "phone-2" || got[len(got)-1].RegistrationID != "phone-33" {
		t.Errorf("got %v", got)
	}
}

// answersTo sends one document over each transport, and gives the response of each as text.
func answersTo(t *testing.T, s *apptest.Server, token, document string) map[string]string {
	t.Helper()
	return answersToRequest(t, s, token, map[string]any{"query": document}, !strings.HasPrefix(document, "mutation"))
}

// answersToRequest sends one request over each transport, and by GET too if it may be.
func answersToRequest(t *testing.T, s *apptest.Server, token string, request map[string]any, byGet bool) map[string]string {
	t.Helper()
	body := string(raw(t, request))
	answers := map[string]string{}
	for _, accept := range []string{"application/json", "application/graphql-response+json", "text/event-stream", "multipart/mixed;subscriptionSpec=1.0"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Accept": {accept}, "Content-Type": {"application/json"}, "Authorization": {"Bearer " + token}}
		answers["POST "+accept] = string(s.Do(t, r).Body)
	}
	if byGet {
		answers["GET"] = string(s.Call(t, http.MethodGet, "/graphql?"+parametersOf(t, request), token, "").Body)
	}
	for protocol, start := range map[string]string{"graphql-transport-ws": "subscribe", "graphql-ws": "start"} {
		answers[protocol] = askOverSocket(t, s, token, protocol, start, body)
	}
	return answers
}

// parametersOf gives the query string of a request by GET.
func parametersOf(t *testing.T, request map[string]any) string {
	t.Helper()
	parameters := url.Values{}
	for name, value := range request {
		text, isText := value.(string)
		if !isText {
			text = string(raw(t, value))
		}
		parameters.Set(name, text)
	}
	return parameters.Encode()
}

// TestRepetitionIsRefusedOnEveryTransport asks for one thing too often, in each way.
func TestRepetitionIsRefusedOnEveryTransport(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	for name, tc := range map[string]struct{ document, code string }{
		"aliases of a list":       {"{me {" + repeated(200, "a%d: pushDevices {registrationId createdAt} ") + "}}", "TOO_MANY_ALIASES"},
		"aliases of a root field": {"{" + repeated(31, "a%d: __typename ") + "}", "TOO_MANY_ALIASES"},
		"guesses in one document": {"mutation {" + repeated(31, `a%d: signIn(input: {email: "a@lux.example", password: "wrong 123"}) {user {id}} `) + "}", "TOO_MANY_ALIASES"},
		"aliases by fragments": {
			"{me {x: pushDevices {registrationId} ...a} ...b ...c ...d} fragment b on Query {me {...a}} fragment c on Query {me {...a}} fragment d on Query {me {...a}}" +
				" fragment a on User {" + repeated(10, "a%d: pushDevices {registrationId} ") + "}", "TOO_MANY_ALIASES",
		},
		"root fields":     {"{" + strings.Repeat("me {id} __typename ", 16) + "}", "TOO_MANY_ROOT_FIELDS"},
		"repeated fields": {"{me {" + strings.Repeat("id ", 51) + "}}", "TOO_MANY_REPEATED_FIELDS"},
		"repeated root":   {"{" + strings.Repeat("__typename ", 500) + "}", "TOO_MANY_REPEATED_FIELDS"},
	} {
		for transport, answer := range answersTo(t, s, token, tc.document) {
			if !strings.Contains(answer, `"`+tc.code+`"`) || strings.Contains(answer, `"data":`) {
				t.Errorf("%s, %s: got %.300s", name, transport, answer)
			}
		}
	}
	for _, allowed := range []string{
		"{me {" + repeated(30, "a%d: pushDevices {registrationId createdAt} ") + "}}",
		"{" + repeated(30, "a%d: __typename ") + "}",
		"{me {" + strings.Repeat("id ", 50) + "}}",
	} {
		for transport, answer := range answersTo(t, s, token, allowed) {
			if strings.Contains(answer, `"errors"`) {
				t.Errorf("%.40s, %s: got %.300s", allowed, transport, answer)
			}
		}
	}
}

// TestRepetitionIsSettable starts a server with other limits, and sends it a document by
// its hash alone.
func TestRepetitionIsSettable(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *app.Config) { c.MaxAliases, c.MaxRootFields, c.MaxRepeated = 2, 3, 4 })
	for document, code := range map[string]string{
		"{a: __typename b: __typename}":                 "",
		"{a: __typename b: __typename c: __typename}":   "TOO_MANY_ALIASES",
		"{__typename __typename __typename}":            "",
		"{__typename __typename __typename __typename}": "TOO_MANY_ROOT_FIELDS",
		"{" + strings.Repeat("__typename ", 5) + "}":    "TOO_MANY_REPEATED_FIELDS",
	} {
		sum := sha256.Sum256([]byte(document))
		for _, text := range []string{document, ""} { // the second time by its hash
			request := map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hex.EncodeToString(sum[:])}}}
			if text != "" {
				request["query"] = text
			}
			got := s.Call(t, http.MethodPost, "/graphql", "", string(raw(t, request)))
			var response apptest.GraphQLResponse
			if err := json.Unmarshal(got.Body, &response); err != nil || response.Code() != code {
				t.Errorf("%s, text %q: got %s", document, text, got.Body)
			}
		}
	}
}

// TestAnswersAreBoundedOnEveryTransport asks for answers that are larger than the server
// sends.
func TestAnswersAreBoundedOnEveryTransport(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *app.Config) { c.AnswerBytes = 1_000 })
	token, _ := s.Parent(t)
	long := strings.Repeat("a", 1_000)
	for _, document := range []string{"{" + long + ": me {id}}", "mutation {" + long + ": updateUser(input: {}) {user {id}}}"} {
		for transport, answer := range answersTo(t, s, token, document) {
			if !strings.Contains(answer, `"ANSWER_TOO_LARGE"`) || strings.Contains(answer, long) {
				t.Errorf("%.40s, %s: got %.300s", document, transport, answer)
			}
		}
	}
}

// TestEventsAreBoundedOnEveryTransport has an event come that is larger than the server
// sends, and one that is not.
func TestEventsAreBoundedOnEveryTransport(t *testing.T) {
	t.Parallel()
	for _, transport := range subscriptiontest.Transports() {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t, func(c *app.Config) { c.AnswerBytes = 1_000 })
			token, _ := s.Parent(t)
			grow(t, s, token, 0, 1)
			call := subscriptiontest.Request{URL: s.URL, Token: token, Transport: transport, Selection: strings.Repeat("a", 1_000) + ": cursor"}
			large := open(t, s, call)
			upload(t, s, token, 1, 1)
			var ended *subscriptiontest.EndError
			if got, err := large.Next(); !errors.As(err, &ended) || ended.ErrorCode != "ANSWER_TOO_LARGE" {
				t.Errorf("got %+v, %v", got, err)
			}
			cut(t, s, large)
			call.Selection = "occurredAt"
			small := open(t, s, call)
			upload(t, s, token, 2, 2)
			if got, err := small.Next(); err != nil || got.LogFileID != 2 {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// TestManyPhonesByManyAliases asks for all that an account owned before there was a bound:
// 800 phones of 2 KB, as often as a document may.
func TestManyPhonesByManyAliases(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, id := s.Parent(t)
	own := func(from, to int) {
		if err := s.App.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for i := range to - from {
				tx.PushDevice.Create().SetRootUserID(id).SetRegistrationID(fmt.Sprintf("%d-%s", from+i, strings.Repeat("r", 2_000))).
					SetCreatedAt(s.Clock.Now()).SaveX(ctx)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	own(0, account.MaxPushDevices)
	document := "{me {" + repeated(30, "a%d: pushDevices {registrationId createdAt} ") + "}}"
	if got := s.GraphQL(t, token, document, nil); got.Code() != "" || len(got.Data) < 30*account.MaxPushDevices*2_000 {
		t.Errorf("got %d bytes, %v", len(got.Data), got.Errors)
	}
	own(account.MaxPushDevices, 800)
	if got := s.GraphQL(t, token, document, nil); got.Code() != "ANSWER_TOO_LARGE" || string(got.Data) != "null" {
		t.Errorf("got %d bytes, %v", len(got.Data), got.Errors)
	}
}

// TestValidationErrorsAreFewOnEveryTransport sends production a document with many errors,
// one of them long.
func TestValidationErrorsAreFewOnEveryTransport(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Production)
	token := registered(t, s)
	document := "{" + strings.Repeat("x", 3_000) + " " + repeated(25, "field%d ") + "}"
	for transport, answer := range answersTo(t, s, token, document) {
		if n := strings.Count(answer, `"message"`); n == 0 || n > 3 || len(answer) > 1_500 || strings.Contains(answer, "Did you mean") {
			t.Errorf("%s: %d errors in %d bytes: %.300s", transport, n, len(answer), answer)
		}
	}
}
