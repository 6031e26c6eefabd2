package parity_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
)

// TestEmailsAreTrimmed sends each input that takes an e-mail, on every surface, an address
// as keyboards and the clipboard pass it on.
func TestEmailsAreTrimmed(t *testing.T) {
	t.Parallel()
	const before, after = " \u00a0\u202a", "\u202c\u200b\ufeff \r\n"
	padded := func(address string) string { return before + address + after }
	inJSON := func(address string) string {
		text, err := json.Marshal(padded(address))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	w := newWorld(t, action{}, apptest.StartFacebook(t))
	// accept sends a request that must succeed, as "METHOD PATH BODY".
	accept := func(as, method, path, body, want string) {
		t.Helper()
		response := w.Call(t, method, path, w.vars[as], w.fill(body))
		if response.Status >= 300 || !strings.Contains(string(response.Body), want) {
			t.Errorf("%s %s %q: %d %s", method, path, body, response.Status, response.Body)
		}
		var members map[string]any
		if json.Unmarshal(response.Body, &members) == nil {
			for _, name := range []string{"access_token", "token"} {
				if token, given := members[name].(string); given {
					w.vars["parent"] = token
				}
			}
		}
	}
	graphQL := func(as, call, want string) {
		t.Helper()
		response := w.GraphQL(t, w.vars[as], operationType(action{graphql: call})+" { "+w.fill(call)+" }", nil)
		if len(response.Errors) > 0 || !strings.Contains(string(response.Data), want) {
			t.Errorf("%s: %s %+v", call, response.Data, response.Errors)
		}
	}
	signUp := func(phone, address string) {
		t.Helper()
		w.vars["phone"], w.vars["email"], w.vars["password"] = phone, address, "correct horse 1"
		validToken(t, w)
	}
	signUp("+821055550001", "GraphQL@lux.example")
	graphQL("", "signUp(input: {"+with(signUpInput, "email", inJSON("GraphQL@lux.example"))+"}) { user { email } }", `"email":"GraphQL@lux.example"`)
	graphQL("", `signIn(input: {email: `+inJSON("graphql@lux.example")+`, password: "correct horse 1"}) { user { email } }`, "GraphQL@lux.example")
	for _, surface := range []string{lux, addnox, withnox} {
		accept("", http.MethodPost, surface+"/auth/email/signin", `{"username": `+inJSON("graphql@lux.example")+`, "password": "correct horse 1"}`, "access_token")
		form := url.Values{"username": {padded("graphql@lux.example")}, "password": {"correct horse 1"}}
		if response := w.PostForm(t, surface+"/auth/email/signin", form); response.Status != http.StatusOK {
			t.Errorf("a form on %s: %d %s", surface, response.Status, response.Body)
		}
		accept("", http.MethodPost, surface+"/auth/send-reset-mail", `{"email": `+inJSON("graphql@lux.example")+`}`, "successfully")
	}
	graphQL("", `requestPasswordReset(input: {email: `+inJSON("graphql@lux.example")+`}) { ok }`, "true")

	signUp("+821055550002", "lux@lux.example")
	accept("valid", http.MethodPost, lux+"/auth/email/signup", strings.Replace(signUpBody, `"${email}"`, inJSON("lux@lux.example"), 1), "access_token")
	graphQL("parent", `me { email }`, `"lux@lux.example"`)

	signUp("+821055550003", "addnox@lux.example")
	accept("", http.MethodPost, addnox+"/auth/email/pre-signup", `{"email": `+inJSON("Addnox@lux.example")+`, "password": "correct horse 1"}`, `"email":"Addnox@lux.example"`)
	path := url.PathEscape(padded("addnox@lux.example"))
	begun := w.mustCall(t, http.MethodPost, addnox+"/auth/email/get-id/"+path, "", "")
	id, err := json.Marshal(begun["email_user_id"])
	if err != nil {
		t.Fatal(err)
	}
	accept("valid", http.MethodPost, addnox+"/auth/email/signup",
		`{"email_user_id": `+string(id)+`, "email": `+inJSON("Addnox@lux.example")+`, "register_type": "E"`+person, "access_token")
	graphQL("parent", `me { email }`, `"Addnox@lux.example"`)
	accept("", http.MethodGet, addnox+"/auth/sign-in/check/"+path, "", "already signed up")

	signUp("+821055550004", "social@lux.example")
	accept("valid", http.MethodPost, addnox+"/auth/social/signup",
		`{"email": `+inJSON("social@lux.example")+`, "register_type": "S", "social_id": "token 7", "social_type": "facebook"`+person, "access_token")
	graphQL("parent", `me { email }`, `"social@lux.example"`)

	graphQL("", `registerLocal(input: {localId: "graphql1", password: "abcd1234", email: `+inJSON("local@snu.example")+`}) { user { email } }`, `"local@snu.example"`)
	accept("", http.MethodPost, "/auth/register_local", `{"id": "snutt1", "password": "abcd1234", "email": `+inJSON("john@snu.example")+`}`, "token")
	accept("parent", http.MethodGet, "/user/info", "", `"email":"john@snu.example"`)
	accept("parent", http.MethodPut, "/user/info", `{"email": `+inJSON("put@snu.example")+`}`, "ok")
	accept("parent", http.MethodGet, "/user/info", "", `"email":"put@snu.example"`)
	graphQL("parent", `updateUser(input: {email: `+inJSON("update@snu.example")+`}) { user { email } }`, `"update@snu.example"`)
	accept("parent", http.MethodPost, "/user/email/verification", `{"email": `+inJSON("code@snu.example")+`}`, "ok")
	w.LastCode(t, "code@snu.example")
	graphQL("parent", `sendEmailVerification(input: {email: `+inJSON("again@snu.example")+`}) { ok }`, "true")
	graphQL("parent", `verifyEmail(input: {code: "`+w.LastCode(t, "again@snu.example")+`"}) { user { email isEmailVerified } }`, `"email":"again@snu.example","isEmailVerified":true`)
}
