package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
)

// injections are what a mail server, or a program that makes a mail, could read as more than
// one address or as another header.
func injections() []string {
	return []string{
		"a@b.example\r\nBcc: victim@c.example", "a@b.example\nBcc: victim@c.example", "a@b.example\rBcc:victim@c.example",
		"a\r\n@b.example", "a@b.example\r\n\r\nText", "a@b\x00.example", "\x00a@b.example", "a@b.example\x00",
		"a@b.example,victim@c.example", "a@b.example, victim@c.example", "a@b.example;victim@c.example", "a@b.example victim@c.example",
		"Parent <a@b.example>", "<a@b.example>", `"Parent" <a@b.example>`, `"a b"@b.example`, `"a\r\n"@b.example`, "(comment)a@b.example", "a@b.example (comment)",
		"group:a@b.example;", "a@b.example>", "mailto:a@b.example", "a@[127.0.0.1]", "a@b.example%0d%0aBcc:victim@c.example", "a\u2028@b.example", "a\u0085@b.example",
	}
}

// TestAddressesInjectNothing: no surface takes an address that says more than an address, and
// none of them changes a row for it.
func TestAddressesInjectNothing(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	local := s.Call(t, http.MethodPost, "/auth/register_local", "", `{"id": "abcd1234", "password": "abcd1234"}`)
	var snutt struct{ Token string }
	if err := json.Unmarshal(local.Body, &snutt); err != nil {
		t.Fatal(err)
	}
	const phone = "+821020000001"
	valid := validToken(t, s, phone)
	before := s.Dump(t)
	refused := func(name, address string, status int, body []byte) {
		t.Helper()
		if status < 400 || status >= 500 {
			t.Errorf("%s with %q: %d %s", name, address, status, body)
		}
	}
	for _, address := range injections() {
		quoted := string(raw(t, address))
		email := `{"email": ` + quoted + `}`
		signUp := strings.Replace(signUpBody("EMAIL", phone, "KR", `"password": "secret123", "email_user_id": 1`), `"EMAIL"`, quoted, 1)
		for _, c := range []struct{ method, path, token, body string }{
			{http.MethodPost, apptest.LUX + "/auth/email/signup", valid, signUp},
			{http.MethodPost, "/api/v1/addnox/auth/email/signup", valid, signUp},
			{http.MethodPost, "/api/v1/addnox/auth/email/pre-signup", "", `{"email": ` + quoted + `, "password": "secret123"}`},
			{http.MethodPost, "/api/v1/addnox/auth/social/signup", valid, strings.Replace(signUp, `"register_type": "E"`, `"register_type": "S", "social_id": "token", "social_type": "google"`, 1)},
			{http.MethodPost, apptest.LUX + "/auth/email/signin", "", `{"username": ` + quoted + `, "password": "secret123"}`},
			{http.MethodPost, apptest.LUX + "/auth/send-reset-mail", "", email},
			{http.MethodPost, "/api/v1/addnox/auth/send-reset-mail", "", email},
			{http.MethodPost, "/auth/register_local", "", `{"id": "efgh5678", "password": "abcd1234", "email": ` + quoted + `}`},
			{http.MethodPut, "/user/info", snutt.Token, email},
			{http.MethodPut, "/v1/user/info", snutt.Token, email},
			{http.MethodPost, "/user/email/verification", snutt.Token, email},
		} {
			got := s.Call(t, c.method, c.path, c.token, c.body)
			refused(c.method+" "+c.path, address, got.Status, got.Body)
		}
		for mutation, as := range map[string]string{
			`updateUser(input: {email: $a}) { user { id } }`:                                               token,
			`sendEmailVerification(input: {email: $a}) { ok }`:                                             token,
			`requestPasswordReset(input: {email: $a}) { ok }`:                                              "",
			`registerLocal(input: {localId: "efgh5678", password: "abcd1234", email: $a}) { user { id } }`: "",
			`signIn(input: {email: $a, password: "secret123"}) { user { id } }`:                            "",
			fmt.Sprintf(`signUp(input: {validToken: %q, email: $a, password: "secret123", firstName: "a", lastName: "", birthdate: "1997-01-01", gender: FEMALE,
				phone: %q, nationalCode: "KR", isPushAgree: false, isMarketingAgree: false}) { user { id } }`, valid, phone): "",
		} {
			got := s.GraphQL(t, as, "mutation($a: String!) { "+mutation+" }", map[string]any{"a": address})
			if len(got.Errors) != 1 || got.Errors[0].Extensions.Status < 400 || got.Errors[0].Extensions.Status >= 500 {
				t.Errorf("%s with %q: %+v", mutation, address, got.Errors)
			}
		}
	}
	after := s.Dump(t)
	// The same requests with an address are taken.
	mustCall(t, s, http.MethodPost, apptest.LUX+"/auth/email/signup", valid, signUpBody("good@b.example", phone, "KR", `"password": "secret123"`))
	mustCall(t, s, http.MethodPost, "/auth/register_local", "", `{"id": "efgh5678", "password": "abcd1234", "email": "good@c.example"}`)
	mustCall(t, s, http.MethodPut, "/user/info", snutt.Token, `{"email": "good@d.example"}`)
	mustCall(t, s, http.MethodPost, apptest.LUX+"/auth/send-reset-mail", "", `{"email": "good@b.example"}`)
	for table := range before {
		if strings.Join(before[table], "\n") != strings.Join(after[table], "\n") {
			t.Errorf("%s: %q, and before %q", table, after[table], before[table])
		}
	}
}
