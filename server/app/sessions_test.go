package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/subscriptiontest"
)

// shownSession is a session as the API shows it.
type shownSession struct {
	ID                    string
	CreatedAt, LastUsedAt time.Time
	ClientName            *string
	ClientVersion         *string
	IsCurrent             bool
}

func (s shownSession) client() string {
	described := "-"
	if s.ClientName != nil {
		described = *s.ClientName
	}
	if s.ClientVersion != nil {
		described += " " + *s.ClientVersion
	}
	return described
}

// sessionsOf gives the sessions that a token's account shows it.
func sessionsOf(t *testing.T, s *apptest.Server, token string) []shownSession {
	t.Helper()
	var data struct {
		Me struct{ Sessions []shownSession }
	}
	s.Data(t, token, `{ me { sessions { id createdAt lastUsedAt clientName clientVersion isCurrent } } }`, nil, &data)
	return data.Me.Sessions
}

// currentSession is the id of the token's own session.
func currentSession(t *testing.T, s *apptest.Server, token string) string {
	t.Helper()
	for _, of := range sessionsOf(t, s, token) {
		if of.IsCurrent {
			return of.ID
		}
	}
	t.Fatal("no session is current")
	return ""
}

// postAs sends a request with headers of its own.
func postAs(t *testing.T, s *apptest.Server, path, token, body string, header map[string]string) apptest.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return s.Do(t, r)
}

// TestSessionsNameTheirClients: each way to sign in says in its own way which app it is.
func TestSessionsNameTheirClients(t *testing.T) {
	t.Parallel()
	const (
		signIn  = `{"query": "mutation { signIn(input: {email: \"parent1@example.com\", password: \"secret123\"}) { user { sessions { id isCurrent } } } }"}`
		restful = `{"username": "parent1@example.com", "password": "secret123"}`
	)
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	agent := map[string]string{"User-Agent": "LUX/3.1 (iPhone) CFNetwork/1.0"}
	for _, step := range []struct {
		want string
		in   func()
	}{
		{"lux-ios 4.2", func() {
			postAs(t, s, "/graphql", "", signIn, map[string]string{"Apollographql-Client-Name": "lux-ios", "Apollographql-Client-Version": "4.2", "User-Agent": "x/1"})
		}},
		{"relay 1", func() {
			postAs(t, s, "/graphql", "", signIn, map[string]string{"Graphql-Client-Name": "relay", "Graphql-Client-Version": "1"})
		}},
		{"LUX 3.1", func() { postAs(t, s, "/graphql", "", signIn, agent) }},
		{"LUX 3.1", func() { postAs(t, s, signInPath, "", restful, agent) }},
		{"Addnox", func() {
			postAs(t, s, "/api/v1/addnox/auth/email/signin", "", restful, map[string]string{"User-Agent": "Addnox"})
		}},
		{"stream 2", func() {
			postAs(t, s, "/graphql", token, signIn, map[string]string{"Accept": "text/event-stream", "User-Agent": "stream/2"})
		}},
		{"socket-app 7", func() {
			c := dialAs(t, s, map[string]any{"accessToken": token, "apollographql-client-name": "socket-app", "apollographql-client-version": "7"})
			c.want("connection_ack")
			c.send(frame{ID: "1", Type: "subscribe", Payload: []byte(signIn)})
			c.want("next")
		}},
		{"older-socket", func() {
			c := dialOver(t, s, "graphql-ws", map[string]any{"accessToken": token, "graphql-client-name": "older-socket"})
			c.want("connection_ack")
			c.send(frame{ID: "1", Type: "start", Payload: []byte(signIn)})
			c.want("data")
		}},
		{"Go-http-client 1.1", func() { s.Call(t, http.MethodPost, signInPath, "", restful) }},
	} {
		before := len(sessionsOf(t, s, token))
		s.Clock.Add(time.Second)
		step.in()
		after := sessionsOf(t, s, token)
		if len(after) != before+1 || after[0].client() != step.want || after[0].IsCurrent {
			t.Errorf("want one more, of %s: %+v", step.want, after)
		}
	}
}

// TestSessionsAreTheirOwners: a parent sees where the account is signed in, and ends what
// is not theirs.
func TestSessionsAreTheirOwners(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	began := s.Clock.Now()
	stranger, _ := s.Parent(t)
	s.Clock.Add(10 * time.Minute)
	lost := accessToken(t, s, "", "signIn", `email: "parent1@example.com", password: "secret123"`)
	mine := sessionsOf(t, s, token)
	var shown []string
	for _, of := range mine {
		shown = append(shown, of.CreatedAt.Sub(began).String()+" "+of.LastUsedAt.Sub(began).String())
	}
	// Both were used now, the newer one by its sign-in.
	if diff := cmp.Diff([]string{"10m0s 10m0s", "0s 10m0s"}, shown); diff != "" || mine[0].IsCurrent || !mine[1].IsCurrent {
		t.Fatalf("%+v (-want +got):\n%s", mine, diff)
	}
	expectCode(t, s, stranger, "endSession", `sessionId: `+mine[0].ID, "NOT_AUTHORIZED_USER")
	expectCode(t, s, token, "endSession", `sessionId: 999`, "SESSION_NOT_FOUND")
	expectPayload(t, s, token, "endSession", `sessionId: `+mine[0].ID, "ok", `{"ok": true}`)
	expectCode(t, s, token, "endSession", `sessionId: `+mine[0].ID, "SESSION_NOT_FOUND")
	if code := s.GraphQL(t, lost, `{ me { id } }`, nil).Code(); code != "UNAUTHENTICATED" {
		t.Errorf("the ended session answers %q", code)
	}
	if left := sessionsOf(t, s, token); len(left) != 1 || left[0].ID != mine[1].ID {
		t.Errorf("left: %+v", left)
	}
	s.Data(t, token, `mutation { signOutEverywhere { ok } }`, nil, &struct{}{})
	if code := s.GraphQL(t, token, `{ me { id } }`, nil).Code(); code != "UNAUTHENTICATED" {
		t.Errorf("after signing out everywhere: %q", code)
	}
	s.Data(t, stranger, `{ me { id } }`, nil, &struct{}{})
}

// TestLongLivedTokenAndSessions: it sees the sessions, is none of them, and stops with
// them.
func TestLongLivedTokenAndSessions(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	long := registerLocal(t, s)
	if of := sessionsOf(t, s, long); len(of) != 0 {
		t.Errorf("a long-lived token alone: %+v", of)
	}
	session := accessToken(t, s, "", "signInLocal", `localId: "abcd1234", password: "abcd1234"`)
	if of := sessionsOf(t, s, long); len(of) != 1 || of[0].IsCurrent {
		t.Errorf("as a long-lived token sees them: %+v", of)
	}
	ends := startSubscription(t, s, long)
	s.Data(t, session, `mutation { signOutEverywhere { ok } }`, nil, &struct{}{})
	ends.expectForbidden()
	if code := s.GraphQL(t, long, `{ me { id } }`, nil).Code(); code != "UNAUTHENTICATED" {
		t.Errorf("the long-lived token answers %q", code)
	}
}

// TestLastUseCostsTheHomeScreenNothing: also the first request after a pause takes its
// usual statements, and one list of sessions is read however often it is asked for.
func TestLastUseCostsTheHomeScreenNothing(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 2)
	home := apptest.Sample(t, "home").Document
	usual, _ := s.CountStatements(t, token, home, nil)
	s.Clock.Add(5 * time.Minute)
	if afterPause, reply := s.CountStatements(t, token, home, nil); afterPause != usual || len(reply.Errors) > 0 {
		t.Errorf("%d statements after a pause, %d usually; %+v", afterPause, usual, reply.Errors)
	}
	const twice = `{ me { a: sessions { id isCurrent } b: sessions { lastUsedAt } } again: me { sessions { id } } }`
	if n, reply := s.CountStatements(t, token, twice, nil); n != 2 || len(reply.Errors) > 0 {
		t.Errorf("%d statements for sessions three times; %+v", n, reply.Errors)
	}
}

// TestTokensOfOneKindServeAsNoOther sends each kind of token to every place but its own.
func TestTokensOfOneKindServeAsNoOther(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	s.Parent(t)
	signedIn := s.Call(t, http.MethodPost, signInPath, "", `{"username": "parent1@example.com", "password": "secret123"}`)
	tokens, _ := signedIn.JSON(t).(map[string]any)
	text := func(name string) string { value, _ := tokens[name].(string); return value }
	const newPhone = "+821055556666"
	expectPayload(t, s, "", "sendSmsCode", `phone: "`+newPhone+`"`, "ok", `{"ok": true}`)
	earned, _ := mutate(t, s, "", "verifySmsCode", `phone: "`+newPhone+`", code: "`+s.LastCode(t, newPhone)+`"`, "validToken")
	object, _ := earned.(map[string]any)
	valid, _ := object["validToken"].(string)
	kinds := map[string]string{
		"access": text("access_token"), "refresh": text("refresh_token"), "long-lived": registerLocal(t, s),
		"valid_token": valid, "reset link": resetToken(t, s, "parent1@example.com"),
	}
	signUp := func(token string) string {
		return `validToken: "` + token + `", email: "new@example.com", password: "secret123", firstName: "James", lastName: "", birthdate: "1997-01-01",
			gender: MALE, phone: "` + newPhone + `", isPushAgree: false, isMarketingAgree: false, nationalCode: "KR"`
	}
	for kind, token := range kinds {
		if token == "" {
			t.Fatalf("no token of the kind %s", kind)
		}
		places := map[string]func() string{
			"access": func() string { return s.GraphQL(t, token, `{ me { id } }`, nil).Code() },
			"refresh": func() string {
				_, code := mutate(t, s, "", "refreshToken", `refreshToken: "`+token+`"`, "tokens { tokenType }")
				return code
			},
			"valid_token": func() string { _, code := mutate(t, s, "", "signUp", signUp(token), "user { id }"); return code },
			"reset link": func() string {
				_, code := mutate(t, s, "", "resetPassword", `token: "`+token+`", newPassword: "another 123"`, "ok")
				return code
			},
		}
		want := map[string]string{
			"access": "UNAUTHENTICATED", "refresh": "UNAUTHENTICATED",
			"valid_token": "TOKEN_IS_INVALID", "reset link": "VALIDATION_CODE_IS_INVALID",
		}
		for place, send := range places {
			if place == kind || place == "access" && kind == "long-lived" {
				continue // its own
			}
			if code := send(); code != want[place] {
				t.Errorf("a token of the kind %s in the place of %s: %q, want %q", kind, place, code, want[place])
			}
		}
	}
	// Each is good in its own place still.
	for kind, token := range map[string]string{"access": kinds["access"], "long-lived": kinds["long-lived"]} {
		if code := s.GraphQL(t, token, `{ me { id } }`, nil).Code(); code != "" {
			t.Errorf("%s: %q", kind, code)
		}
	}
	expectPayload(t, s, "", "signUp", signUp(valid), "user { firstName }", `{"user": {"firstName": "James"}}`)
	expectPayload(t, s, "", "refreshToken", `refreshToken: "`+kinds["refresh"]+`"`, "tokens { tokenType }", `{"tokens": {"tokenType": "bearer"}}`)
	expectPayload(t, s, "", "resetPassword", `token: "`+kinds["reset link"]+`", newPassword: "another 123"`, "ok", `{"ok": true}`)
}

// TestASubscriptionUsesTheRefresh holds that an access token counts as used by a feed alone,
// whatever carries it (api/README.md, rule 1): from then on the refresh token before it is a
// stolen one.
func TestASubscriptionUsesTheRefresh(t *testing.T) {
	t.Parallel()
	for _, transport := range subscriptiontest.Transports() {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t)
			s.Parent(t)
			type tokens struct {
				Tokens struct{ AccessToken, RefreshToken string }
			}
			var first struct{ SignIn tokens }
			s.Data(t, "", `mutation { signIn(input: {email: "parent1@example.com", password: "secret123"}) { tokens { refreshToken } } }`, nil, &first)
			const refresh = `mutation($t: String!) { refreshToken(input: {refreshToken: $t}) { tokens { accessToken refreshToken } } }`
			before := map[string]any{"t": first.SignIn.Tokens.RefreshToken}
			var second struct{ RefreshToken tokens }
			s.Data(t, "", refresh, before, &second)
			open(t, s, subscriptiontest.Request{URL: s.URL, Token: second.RefreshToken.Tokens.AccessToken, Transport: transport})
			if got := s.GraphQL(t, "", refresh, before).Code(); got != "REFRESH_TOKEN_IS_NOT_VALID" {
				t.Errorf("the refresh token before gives %q", got)
			}
		})
	}
}
