package app_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/gziptest"
	"luxbff/server/app"
)

const keyOfAction = "0f1b8a3e-7c5d-4e0a-9d3e-2b1c4d5e6f70"

// withKey sends a request with a key.
func withKey(t *testing.T, s *apptest.Server, call, token, key, body string, more ...string) apptest.Response {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	return s.Do(t, r)
}

func count(t *testing.T, s *apptest.Server, table string) int {
	t.Helper()
	return len(s.Rows(t, table, apptest.Columns{}))
}

// childInput describes a child with a device that is new to the catalogue.
func childInput(t *testing.T, s *apptest.Server, n int) map[string]any {
	t.Helper()
	serial, mac := fmt.Sprintf("SL4%07d", n), fmt.Sprintf("00:80:E1:28:00:%02X", n)
	s.AddDevices(t, serial+","+mac)
	return map[string]any{
		"firstName": "<a&b>", "lastName": "", "birthdate": "1997-01-01", "gender": "FEMALE",
		"serialCode": serial, "macId": mac, "uniqueId": fmt.Sprint("unique", n),
	}
}

// TestAMutationWithAKeyRunsOnce over every transport, and over another than the first time.
func TestAMutationWithAKeyRunsOnce(t *testing.T) {
	t.Parallel()
	for transport, connect := range executors() {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t)
			token, _ := s.Parent(t)
			do := connect(t, s, token)
			operation := func(n int, key any) map[string]any {
				return map[string]any{
					"query": apptest.CreateChildDocument, "extensions": map[string]any{"idempotencyKey": key},
					"variables": map[string]any{"input": childInput(t, s, n)},
				}
			}
			first := operation(1, keyOfAction)
			want := do(t, first)
			if got := do(t, first); got != want || strings.Contains(want, "errors") || count(t, s, "child_users") != 1 {
				t.Errorf("first %s\nthen  %s", want, got)
			}
			again := withKey(t, s, "POST /graphql", token, keyOfAction, string(raw(t, first)))
			if !strings.Contains(want, string(again.Body)) || again.Header.Get("Idempotency-Replayed") != "true" {
				t.Errorf("by POST it is answered %s, %v", again.Body, again.Header)
			}
			for code, wrong := range map[string]map[string]any{
				"IDEMPOTENCY_KEY_REUSED": operation(2, keyOfAction), "IDEMPOTENCY_KEY_NOT_VALID": operation(2, 1234567890123456),
			} {
				if got := do(t, wrong); !strings.Contains(got, code) {
					t.Errorf("%s is answered %s", code, got)
				}
			}
			// A refusal of what was asked for is an answer as well, and the other action has its own.
			second := operation(1, keyOfAction+"2")
			want = do(t, second)
			if got := do(t, second); got != want || !strings.Contains(want, "ALREADY_CONNECTED_DEVICE") {
				t.Errorf("first %s\nthen  %s", want, got)
			}
			if n := count(t, s, "child_users"); n != 1 {
				t.Errorf("%d children", n)
			}
			if n := count(t, s, "idempotency_keys"); n != 2 {
				t.Errorf("%d keys", n)
			}
		})
	}
}

// TestSeveralMutationsAreOneRequest: the document runs once, also where one of them failed.
func TestSeveralMutationsAreOneRequest(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	const document = `{"query": "mutation { a: createLocalCredential(input: {localId: \"Abcd1234\", password: \"secret123\"}) { user { localId } } ` +
		`b: createLocalCredential(input: {localId: \"Abcd1234\", password: \"secret123\"}) { user { localId } } }"}`
	first := withKey(t, s, "POST /graphql", token, keyOfAction, document)
	if !strings.Contains(string(first.Body), `"path":["b"]`) || !strings.Contains(string(first.Body), `"a":{"user":`) {
		t.Fatalf("the first is answered %s", first.Body)
	}
	for _, accept := range []string{"application/json", "application/graphql-response+json"} {
		again := withKey(t, s, "POST /graphql", token, keyOfAction, document, "Accept", accept)
		if !bytes.Equal(again.Body, first.Body) || again.Status != first.Status {
			t.Errorf("then %d %s", again.Status, again.Body)
		}
	}
}

// TestKeysOverHTTP has each way in which a key is refused, and what passes over one.
func TestKeysOverHTTP(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	other, _ := s.Parent(t)
	rename := func(name, more string) string {
		return fmt.Sprintf(`{"query": "mutation($n: String) { updateUser(input: {firstName: $n}) { user { firstName } } }", "variables": {"n": %q}%s}`, name, more)
	}
	const long, extension = keyOfAction, `, "extensions": {"idempotencyKey": "another-key-of-the-action"}`
	const two = `"query": "mutation A { updateUser(input: {firstName: \"a\"}) { user { firstName } } } mutation B { updateUser(input: {firstName: \"b\"}) { user { firstName } } }"}`
	const json, graphQL = "application/json", "application/graphql-response+json"
	for _, c := range []struct {
		name, token, key, body, accept string
		status                         int
		want, replayed                 string
	}{
		{"the first", token, long, rename("a", ""), json, 200, `{"data":{"updateUser":{"user":{"firstName":"a"}}}}`, ""},
		{"the same", token, long, rename("a", ""), json, 200, `{"data":{"updateUser":{"user":{"firstName":"a"}}}}`, "true"},
		{"in quotes", token, `"` + long + `"`, rename("a", ""), graphQL, 200, `{"data":{"updateUser":{"user":{"firstName":"a"}}}}`, "true"},
		{"another body", token, long, rename("b", ""), json, 422, `IDEMPOTENCY_KEY_REUSED`, ""},
		{"another body", token, long, rename("b", ""), graphQL, 422, `"status":422`, ""},
		{"another account", other, long, rename("b", ""), json, 200, `{"data":{"updateUser":{"user":{"firstName":"b"}}}}`, ""},
		{"nobody", "", long, rename("b", ""), json, 200, `UNAUTHENTICATED`, ""},
		{"too short", token, "short", rename("b", ""), json, 400, `IDEMPOTENCY_KEY_NOT_VALID`, ""},
		{"two keys", token, long, rename("a", extension), json, 400, `The request names two keys.`, ""},
		{"a query", token, long, `{"query": "{ me { firstName } }"}`, json, 200, `{"data":{"me":{"firstName":"a"}}}`, ""},
		{"a query with a bad key", token, "short", `{"query": "{ me { firstName } }"}`, json, 200, `{"data":{"me":{"firstName":"a"}}}`, ""},
		{"one of two", token, long + "two", `{"operationName": "A", ` + two, json, 200, `{"data":{"updateUser":{"user":{"firstName":"a"}}}}`, ""},
		{"the other of two", token, long + "two", `{"operationName": "B", ` + two, json, 422, `IDEMPOTENCY_KEY_REUSED`, ""},
		{"too dear", token, long + "dear", `{"query": "mutation { updateUser(input: {firstName: \"c\"}) { user { childUsers { devlogs(first: 100) { edges { node { childUser { devlogs(first: 100) { edges { node { id } } } } } } } } } } }"}`, json, 200, `COMPLEXITY_LIMIT_EXCEEDED`, ""},
		{"a wrong document", token, long, `{"query": "mutation { nothing }"}`, json, 200, `GRAPHQL_VALIDATION_FAILED`, ""},
		{"a wrong variable", token, long, `{"query": "mutation($n: String!) { updateUser(input: {firstName: $n}) { user { id } } }"}`, json, 200, `must be defined`, ""},
	} {
		got := withKey(t, s, "POST /graphql", c.token, c.key, c.body, "Accept", c.accept)
		if got.Status != c.status || !strings.Contains(string(got.Body), c.want) || got.Header.Get("Idempotency-Replayed") != c.replayed {
			t.Errorf("%s: %d %s, replayed %q", c.name, got.Status, got.Body, got.Header.Get("Idempotency-Replayed"))
		}
	}
	if n := count(t, s, "idempotency_keys"); n != 3 {
		t.Errorf("%d keys are stored, of three actions", n)
	}
	// An answer is the same byte for byte, also where JSON has several ways to write it.
	odd := rename("<\u2028&>", "")
	first := withKey(t, s, "POST /graphql", token, long+"odd", odd)
	if again := withKey(t, s, "POST /graphql", token, long+"odd", odd); !bytes.Equal(first.Body, again.Body) || !strings.Contains(string(first.Body), "<") {
		t.Errorf("first %s\nthen  %s", first.Body, again.Body)
	}
}

// TestTheTokenOfASignUpIsPartOfTheRequest: another phone has another one, whatever the rest says.
func TestTheTokenOfASignUpIsPartOfTheRequest(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	const phone, call = "+821012345678", "POST /api/v1/lux/auth/email/signup"
	s.Call(t, http.MethodPost, "/api/v1/lux/auth/send-sms-auth", "", `{"phone": "`+phone+`"}`)
	verified, _ := s.Call(t, http.MethodPost, "/api/v1/lux/auth/phone-number-validation", "", `{"phone": "`+phone+`", "validnum": "`+s.LastCode(t, phone)+`"}`).JSON(t).(map[string]any)
	valid, _ := verified["valid_token"].(string)
	const body = `{"email": "parent@lux.example", "password": "correct horse 1", "register_type": "E", "first_name": "test", "last_name": "", "birthdate": "19900506",
		"gender": "F", "phone": "` + phone + `", "is_push_agree": false, "is_marketing_agree": true, "national_code": "KR"}`
	first, again := withKey(t, s, call, valid, keyOfAction, body), withKey(t, s, call, valid, keyOfAction, body)
	if first.Status != http.StatusOK || !bytes.Equal(first.Body, again.Body) || count(t, s, "users") != 1 {
		t.Errorf("first %d %s\nthen  %d %s", first.Status, first.Body, again.Status, again.Body)
	}
	if other := withKey(t, s, call, valid+"x", keyOfAction, body); other.Status != http.StatusUnprocessableEntity {
		t.Errorf("another token is answered %d %s", other.Status, other.Body)
	}
}

// TestAKeyOnRest does each surface's action twice, and then another with its key, which is
// refused in the form of the surface.
func TestAKeyOnRest(t *testing.T) {
	t.Parallel()
	child := func(n int) string {
		return fmt.Sprintf(`{"first_name": "test", "last_name": "", "birthdate": "19970101", "gender": "F", "serial_code": "SL4%07d", "mac_id": "00%02X", "unique_id": "unique%d"}`, n, n, n)
	}
	detail := `{"detail":"Idempotency key reused"}`
	for _, c := range []struct {
		surface, call, body, other string
		isPublic                   bool
		status                     int
		table, refused             string
	}{
		{"LUX", "POST /api/v1/lux/user/create-real-user", child(1), child(2), false, 201, "child_users", detail},
		{"Addnox", "POST /api/v1/addnox/user/create-real-user", child(1), child(2), false, 201, "child_users", detail},
		{"Withnox", "POST /api/v1/withnox/user/create-real-user", child(1), child(2), false, 201, "child_users", detail},
		{"LUX by PATCH", "PATCH /api/v1/lux/user/root-user", `{"first_name": "a"}`, `{"first_name": "b"}`, false, 200, "", detail},
		{"sign-in", "POST /api/v1/lux/auth/email/signin", `{"username": "parent1@example.com", "password": "secret123"}`, `{"username": "parent1@example.com", "password": "secret1234"}`, true, 200, "sessions", detail},
		{"SNUTT", "POST /auth/register_local", `{"id": "Abcd1234", "password": "abcd1234"}`, `{"id": "Abcd12345", "password": "abcd1234"}`, true, 200, "users", `{"errcode":0,"message":"Idempotency key reused"}`},
		{"SNUTT v1", "POST /v1/user/password", `{"id": "Abcd1234", "password": "secret123"}`, `{"id": "Abcd12345", "password": "secret123"}`, false, 200, "identities", `{"errcode":0,"message":"Idempotency key reused"}`},
		{"SNUTT by DELETE", "DELETE /user/device/one", "", "", false, 200, "", `{"errcode":0,"message":"Idempotency key reused"}`},
	} {
		t.Run(c.surface, func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t)
			token, _ := s.Parent(t)
			childInput(t, s, 1)
			childInput(t, s, 2)
			if c.isPublic {
				token = ""
			}
			before := 0
			if c.table != "" {
				before = count(t, s, c.table)
			}
			first := withKey(t, s, c.call, token, keyOfAction, c.body)
			again := withKey(t, s, c.call, token, keyOfAction, c.body)
			if first.Status >= 300 || first.Header.Get("Idempotency-Replayed") != "" {
				t.Fatalf("the first is answered %d %s", first.Status, first.Body)
			}
			if again.Status != first.Status || !bytes.Equal(again.Body, first.Body) || again.Header.Get("Idempotency-Replayed") != "true" ||
				again.Header.Get("Content-Type") != "application/json" || again.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("first %d %s\nthen  %d %s %v", first.Status, first.Body, again.Status, again.Body, again.Header)
			}
			if c.table != "" {
				if n := count(t, s, c.table) - before; n != 1 {
					t.Errorf("%d rows are added to %s", n, c.table)
				}
			}
			call, body := c.call, c.other
			if body == "" {
				call = "DELETE /user/device/two"
			}
			other := withKey(t, s, call, token, keyOfAction, body)
			if other.Status != http.StatusUnprocessableEntity || strings.TrimSpace(string(other.Body)) != c.refused {
				t.Errorf("another request is answered %d %s", other.Status, other.Body)
			}
			short := withKey(t, s, c.call, token, "short", c.body)
			if short.Status != http.StatusBadRequest || !strings.Contains(string(short.Body), "Idempotency key not valid") {
				t.Errorf("a short key is answered %d %s", short.Status, short.Body)
			}
		})
	}
}

// TestBodiesThatSayTheSameAreOne: members in another order, another border between the parts
// of a form, another compression, or another place of a parameter in the query.
func TestBodiesThatSayTheSameAreOne(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	const call = "PATCH /api/v1/lux/user/root-user"
	form := func(border, name string) string {
		return fmt.Sprintf("--%s\r\nContent-Disposition: form-data; name=\"first_name\"\r\n\r\n%s\r\n--%[1]s--\r\n", border, name)
	}
	multipart := func(border string) []string {
		return []string{"Content-Type", "multipart/form-data; boundary=" + border}
	}
	for name, same := range map[string][2]struct {
		body string
		more []string
	}{
		"gzip":   {{`{"first_name": "a"}`, nil}, {gziptest.Compress(t, `{"first_name": "a"}`), []string{"Content-Encoding", "gzip"}}},
		"JSON":   {{`{"first_name": "a", "last_name": "b"}`, nil}, {` {"last_name":"b","first_name":"\u0061"}`, nil}},
		"a form": {{form("x", "a"), multipart("x")}, {form("yy", "a"), multipart("yy")}},
	} {
		key := keyOfAction + strings.ReplaceAll(name, " ", "")
		for i, one := range same {
			got := withKey(t, s, call, token, key, one.body, one.more...)
			if got.Status != http.StatusOK || (got.Header.Get("Idempotency-Replayed") == "true") != (i == 1) {
				t.Errorf("%s: %d is answered %d %s %v", name, i, got.Status, got.Body, got.Header)
			}
		}
		if got := withKey(t, s, call, token, key, form("z", "c"), multipart("z")...); got.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: another body is answered %d %s", name, got.Status, got.Body)
		}
	}
	// Parameters of the query, which this route takes as well.
	for i, query := range []string{"?a=1&b=2", "?b=2&a=1"} {
		got := withKey(t, s, call+query, token, keyOfAction+"query", `{"first_name": "a"}`)
		if got.Status != http.StatusOK || (got.Header.Get("Idempotency-Replayed") == "true") != (i == 1) {
			t.Errorf("%s is answered %d %s", query, got.Status, got.Body)
		}
	}
	document := func(variables string) string {
		return `{"query": "mutation($i: UpdateUserInput!) { updateUser(input: $i) { user { id } } }", "variables": {"i": ` + variables + `}}`
	}
	withKey(t, s, "POST /graphql", token, keyOfAction, document(`{"firstName": "a", "lastName": "b"}`))
	if got := withKey(t, s, "POST /graphql", token, keyOfAction, document(`{"lastName": "b", "firstName": "a"}`)); got.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("GraphQL: %d %s", got.Status, got.Body)
	}
}

// TestTheKeyOfAnUpgradeIsNone of the operations that follow on the socket.
func TestTheKeyOfAnUpgradeIsNone(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	header := http.Header{"Idempotency-Key": {keyOfAction}, "Authorization": {"Bearer " + token}}
	conn, response, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/graphql", header)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	defer func() { _ = conn.Close() }()
	for id, name := range []string{"init", "a", "b"} {
		f := frame{Type: "connection_init"}
		if id > 0 {
			f = frame{ID: fmt.Sprint(id), Type: "subscribe", Payload: raw(t, map[string]any{
				"query": fmt.Sprintf("mutation { updateUser(input: {firstName: %q}) { user { firstName } } }", name),
			})}
		}
		if err := conn.WriteJSON(f); err != nil {
			t.Fatal(err)
		}
		for answered := false; !answered; {
			var got frame
			if err := conn.ReadJSON(&got); err != nil {
				t.Fatal(err)
			}
			answered = got.Type == "connection_ack" || got.Type == "next"
			if got.Type == "next" && !strings.Contains(string(got.Payload), `"firstName":"`+name+`"`) {
				t.Errorf("%s is answered %s", name, got.Payload)
			}
		}
	}
	if n := count(t, s, "idempotency_keys"); n != 0 {
		t.Errorf("%d keys are stored", n)
	}
}

// TestTwoReplicasRunOneRequestOnce while many send it to both.
func TestTwoReplicasRunOneRequestOnce(t *testing.T) {
	t.Parallel()
	one := apptest.Start(t)
	other := apptest.Start(t, func(cfg *app.Config) { cfg.DatabaseURL = one.App.Config.DatabaseURL })
	token, _ := one.Parent(t)
	body := string(raw(t, map[string]any{"query": apptest.CreateChildDocument, "variables": map[string]any{"input": childInput(t, one, 1)}}))
	var mu sync.Mutex
	var all sync.WaitGroup
	answers, replays := map[string]int{}, 0
	for i := range 12 {
		all.Go(func() {
			got := withKey(t, []*apptest.Server{one, other}[i%2], "POST /graphql", token, keyOfAction, body)
			mu.Lock()
			defer mu.Unlock()
			answers[string(got.Body)]++
			if got.Header.Get("Idempotency-Replayed") == "true" {
				replays++
			}
		})
	}
	all.Wait()
	if len(answers) != 1 || replays != 11 || count(t, one, "child_users") != 1 {
		t.Errorf("%d replays, %d children: %v", replays, count(t, one, "child_users"), answers)
	}
}

// TestAKeyIsForgottenAfterADay, and what passes is not kept at all.
func TestAKeyIsForgottenAfterADay(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	const signIn, credentials = "POST /api/v1/lux/auth/email/signin", `{"username": "parent1@example.com", "password": "secret123"}`
	if got := withKey(t, s, signIn, "", keyOfAction, credentials); got.Status != http.StatusNotFound || count(t, s, "idempotency_keys") != 0 {
		t.Errorf("before there is an account: %d %s", got.Status, got.Body)
	}
	s.Parent(t)
	var last []byte
	for i, later := range []time.Duration{0, 24*time.Hour - time.Millisecond, time.Millisecond} {
		s.Clock.Add(later)
		got := withKey(t, s, signIn, "", keyOfAction, credentials)
		if got.Status != http.StatusOK || bytes.Equal(got.Body, last) != (i == 1) {
			t.Errorf("sign-in %d: %d %s", i, got.Status, got.Body)
		}
		last = got.Body
	}
	// A token that is too old is refused, and the same request with a new one runs.
	const rename, name = "PATCH /api/v1/lux/user/root-user", `{"first_name": "a"}`
	credential := `email: "parent1@example.com", password: "secret123"`
	token := accessToken(t, s, "", "signIn", credential)
	s.Clock.Add(time.Hour)
	if got := withKey(t, s, rename, token, keyOfAction, name); got.Status != http.StatusUnauthorized {
		t.Errorf("an old token: %d %s", got.Status, got.Body)
	}
	token = accessToken(t, s, "", "signIn", credential)
	if got := withKey(t, s, rename, token, keyOfAction, name); got.Status != http.StatusOK || got.Header.Get("Idempotency-Replayed") != "" {
		t.Errorf("a new token: %d %s", got.Status, got.Body)
	}
}

// TestKeysGoWithTheAccount: what is left of a deletion that had a key itself is nothing.
func TestKeysGoWithTheAccount(t *testing.T) {
	t.Parallel()
	for surface, c := range map[string]struct{ call, body string }{
		"REST":    {"DELETE /api/v1/lux/user/root-user", ""},
		"GraphQL": {"POST /graphql", `{"query": "mutation { deleteAccount { ok } }"}`},
	} {
		s := apptest.Start(t)
		token, _ := s.Parent(t)
		other, _ := s.Parent(t)
		for _, of := range []string{token, other} {
			withKey(t, s, "PATCH /api/v1/lux/user/root-user", of, keyOfAction, `{"first_name": "a"}`)
		}
		if got := withKey(t, s, c.call, token, keyOfAction+"2", c.body); got.Status != http.StatusOK || strings.Contains(string(got.Body), "errors") {
			t.Errorf("%s: the deletion is answered %d %s", surface, got.Status, got.Body)
		}
		if n := count(t, s, "idempotency_keys"); n != 1 {
			t.Errorf("%s: %d keys are left, of one other account", surface, n)
		}
		if got := withKey(t, s, c.call, token, keyOfAction+"2", c.body); !strings.Contains(strings.ToUpper(string(got.Body)), "DELETED") {
			t.Errorf("%s: the deletion again is answered %d %s", surface, got.Status, got.Body)
		}
	}
}

// TestTokensOfAnAnswerAreNotReadable in the table, nor anything else of an answer.
func TestTokensOfAnAnswerAreNotReadable(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	s.Parent(t)
	got := withKey(t, s, "POST /api/v1/lux/auth/email/signin", "", keyOfAction, `{"username": "parent1@example.com", "password": "secret123"}`)
	tokens, _ := got.JSON(t).(map[string]any)
	kept, err := s.App.Store.Read().IdempotencyKey.Query().Only(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	row := fmt.Sprintf("%+v %s", kept, *kept.Answer)
	for _, secret := range []string{"access_token", tokens["access_token"].(string), tokens["refresh_token"].(string), keyOfAction, "secret123"} {
		if secret == "" || strings.Contains(row, secret) {
			t.Errorf("the row holds %q", secret)
		}
	}
	if log := s.Log.String(); strings.Contains(log, keyOfAction) {
		t.Error("the log holds the key")
	}
}

// TestWhatAKeyCosts: without one nothing is asked. With one the row is looked for, written, those
// that are too many are looked for, each write notes that it has stored something, and the
// answer is kept; again it is one read in place of all that the action does.
func TestWhatAKeyCosts(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	ofKeys := func(do func()) (keys, all int) {
		stop := s.RecordStatements()
		do()
		for _, statement := range stop() {
			all++
			if strings.Contains(statement.Query, "idempotency_keys") {
				keys++
			}
		}
		return keys, all
	}
	const graphQL, rest = `{"query": "mutation { updateUser(input: {firstName: \"a\"}) { user { id } } }"}`, `{"first_name": "b"}`
	for _, c := range []struct{ call, body string }{{"POST /graphql", graphQL}, {"PATCH /api/v1/lux/user/root-user", rest}} {
		method, path, _ := strings.Cut(c.call, " ")
		without, plain := ofKeys(func() { s.Call(t, method, path, token, c.body) })
		first, _ := ofKeys(func() { withKey(t, s, c.call, token, keyOfAction+path, c.body) })
		again, replayed := ofKeys(func() { withKey(t, s, c.call, token, keyOfAction+path, c.body) })
		if without != 0 || first != 5 || again != 1 || replayed != 2 || plain <= replayed {
			t.Errorf("%s: %d statements, of keys %d without one, %d with one; again %d, of keys %d", c.call, plain, without, first, replayed, again)
		}
	}
}
