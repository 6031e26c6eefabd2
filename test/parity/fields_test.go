package parity_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"luxbff/graph"
	"luxbff/internal/apperr"
	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// fault is a request that is refused, and the input that `extensions.field` must name.
type fault struct {
	// arrange brings a world to the state in which the request is refused.
	arrange func(*testing.T, *world)
	// as is the variable that holds the caller's token; empty means that none is sent.
	as string
	// call is the root field with its arguments, without a selection.
	call string
	// code is the error's, and field the input it names.
	code, field string
	// setup changes the settings of the program; nil leaves them.
	setup func(*app.Config)
}

const badRequest400 = "INVALID_REQUEST_OR_MISSING_PARAMETERS"

// TestErrorsNameTheirInput sends each root field every request that is wrong in one
// input, and holds the path of that input.
func TestErrorsNameTheirInput(t *testing.T) {
	t.Parallel()
	facebook := apptest.StartFacebook(t)
	for _, f := range faults() {
		t.Run(rootField(f.call)+"/"+f.code+"/"+f.field, func(t *testing.T) {
			t.Parallel()
			var change []func(*app.Config)
			if f.setup != nil {
				change = append(change, f.setup)
			}
			w := newWorld(t, action{arrange: f.arrange}, facebook, change...)
			selected := " { __typename } }"
			response := w.GraphQL(t, w.vars[f.as], operationType(action{graphql: f.call})+" { "+w.fill(f.call)+selected, nil)
			if len(response.Errors) != 1 {
				t.Fatalf("%s gives %+v", f.call, response.Errors)
			}
			got := response.Errors[0].Extensions
			if got.Code != f.code || got.Field != f.field {
				t.Errorf("%s gives %s of the field %q, want %s of %q", f.call, got.Code, got.Field, f.code, f.field)
			}
		})
	}
}

func rootField(call string) string { return regexp.MustCompile(`^\w+`).FindString(call) }

// TestEveryDocumentedErrorNamesItsInput fails when the description of a mutation names
// an error that is neither among the faults nor has a reason to name no input, and when
// an error is in no description. The errors of uploadDevlogs name a record: they are left
// to the tests of the upload.
func TestEveryDocumentedErrorNamesItsInput(t *testing.T) {
	t.Parallel()
	named, reasons := map[string]bool{}, withoutField()
	for _, f := range faults() {
		named[rootField(f.call)+" "+f.code] = true
	}
	documented, codes := map[string]bool{}, map[string]bool{}
	for _, field := range graph.Schema(nil).Schema().Mutation.Fields {
		for _, found := range documentedCode.FindAllStringSubmatch(field.Description, -1) {
			code, name := found[1], field.Name+" "+found[1]
			codes[code], documented[name] = true, true
			if _, isReasoned := reasons[name]; named[name] == isReasoned && field.Name != "uploadDevlogs" {
				t.Errorf("%s: either a fault has it, with its field, or a reason says why it has none", name)
			}
		}
	}
	for name := range reasons {
		if !documented[name] {
			t.Errorf("%s has a reason and is in no description", name)
		}
	}
	for _, kind := range apperr.Kinds() {
		if _, isOutside := notOfMutations()[kind]; codes[kind.New().Code()] == isOutside {
			t.Errorf("%s: either a mutation documents it, or a reason says why none does", kind.New().Code())
		}
	}
}

// withoutField says why an error of a mutation names no input.
func withoutField() map[string]string {
	const (
		ours    = "a fault of the server: the client can mend none of its inputs"
		state   = "the state of the account: with no other value would the call succeed"
		noInput = "the mutation takes no input"
	)
	return map[string]string{
		"sendSmsCode FAILED_TO_SEND_SMS": ours,
		"signUp USER_PREVIOUSLY_DELETED": "the validToken goes with the deleted account and is refused first",
		"signUp FAILED_TO_SIGN_UP_USER":  ours,
		"signIn SIGN_UP_NOT_COMPLETED":   state, "signIn SMS_VERIFICATION_REQUIRED": state,
		"signIn ACCESS_DENIED_ACCOUNT_BLOCKED":                       state,
		"updateNotificationSettings USER_NOTIFICATION_UPDATE_FAILED": ours,
		"createChildUser REAL_USER_CREATE_FAILED":                    state,
		"sendImpedanceAlert PHONE_NUMBER_IS_NOT_FOUND":               noInput,
		"sendImpedanceAlert ALIMTALK_SEND_FAILED":                    noInput,
		"signInLocal ACCESS_DENIED_ACCOUNT_BLOCKED":                  state,
		"signInWithFacebook INVALID_FACEBOOK_ACCESS_TOKEN":           ours, // Facebook is not configured
		"changePassword ACCOUNT_HAS_NO_LOCAL_ID":                     state,
		"changePassword ACCESS_DENIED_ACCOUNT_BLOCKED":               state,
		"createLocalCredential ACCOUNT_HAS_A_LOCAL_ID_ALREADY":       state,
		"createLocalCredential ACCESS_DENIED_ACCOUNT_BLOCKED":        state,
		"signInWithFacebook PROVIDER_UNAVAILABLE":                    ours, "connectFacebook PROVIDER_UNAVAILABLE": ours,
		"connectFacebook ACCOUNT_HAS_A_FACEBOOK_LINK_ALREADY": state,
		"connectFacebook INVALID_FACEBOOK_ACCESS_TOKEN":       ours, // Facebook is not configured
		"disconnectFacebook ACCOUNT_HAS_NO_LOCAL_ID":          noInput,
		"disconnectFacebook ACCOUNT_HAS_NO_FACEBOOK_LINK":     noInput,
		"signInWithProvider PROVIDER_UNAVAILABLE":             ours, "signUpWithProvider PROVIDER_UNAVAILABLE": ours, "connectProvider PROVIDER_UNAVAILABLE": ours,
		"signInWithProvider USER_IS_NOT_VALID_PLEASE_SIGN_UP": state, "signInWithProvider USER_IS_SIGNED_UP_WITH_EMAIL_TYPE": state,
		"signInWithProvider USER_IS_SIGNED_UP_WITH_GOOGLE_TYPE": state, "signUpWithProvider FAILED_TO_SIGN_UP_USER": ours,
		"signUpWithProvider USER_PREVIOUSLY_DELETED":       "the validToken goes with the deleted account and is refused first",
		"sendEmailVerification EMAIL_IS_VERIFIED_ALREADY":  state,
		"sendEmailVerification TOO_MANY_EMAIL_CODES":       state,
		"sendEmailVerification EMAIL_SEND_FAILED":          ours,
		"verifyEmail EMAIL_IS_VERIFIED_BY_ANOTHER_ACCOUNT": "the code is right; the address is none of the inputs",
		"revertEmail EMAIL_IS_VERIFIED_BY_ANOTHER_ACCOUNT": "the token is right; the address is none of the inputs",
		"requestPasswordReset EMAIL_SEND_FAILED":           ours,
		"updatePolicy USER_POLICY_NOT_FOUND":               state,
		"setPushToken PUSH_PERMISSON_DENIED":               state,
	}
}

// notOfMutations are the errors that no mutation gives, or all may give whatever is
// sent, with the reason why they name no input.
func notOfMutations() map[apperr.Kind]string {
	const (
		anywhere = "says nothing of what was sent"
		restOnly = "REST alone, whose pages have no place for a field"
		withName = "documented with the name of a provider"
		ofTheKey = "of the key of the request, which is no input"
	)
	return map[apperr.Kind]string{
		apperr.Internal: anywhere, apperr.Unavailable: anywhere, apperr.TooManyRequests: "of the client; where a recipient has too many, internal/ratelimit has the error name it", apperr.UserIsNone: anywhere,
		apperr.ResourceNotFound: "the query node, and REST", apperr.MethodNotAllowed: restOnly, apperr.SignInTypeNotFound: restOnly,
		apperr.PayloadTooLarge: anywhere, apperr.UnsupportedMediaType: anywhere, apperr.UpgradeRequired: "of the app",
		apperr.DeviceNotFound: restOnly, apperr.SameEmailRegistered: restOnly, apperr.UserIDNotResolved: restOnly,
		apperr.NotAuthenticated:   restOnly,
		apperr.SignedUpWithSocial: withName, apperr.ProviderTokenInvalid: withName,
		apperr.CursorNotValid: "the subscription and the pages alone", apperr.CursorExpired: "the subscription alone",
		apperr.MessageNotFound:        "the subscription alone",
		apperr.IdempotencyKeyNotValid: ofTheKey, apperr.IdempotencyKeyReused: ofTheKey,
		apperr.IdempotencyKeyInUse: ofTheKey, apperr.IdempotencyAnswerLost: ofTheKey,
	}
}

func faults() []fault {
	return slices.Concat(signUpFaults(), accountFaults(), credentialFaults(), identityFaults(), emailFaults(), recoveryFaults(), consentFaults(), childFaults(), deviceFaults())
}

// later moves the clock.
func later(d time.Duration) func(*testing.T, *world) {
	return func(_ *testing.T, w *world) { w.Clock.Add(d) }
}

// with replaces one member of an input.
func with(input, member, value string) string {
	return regexp.MustCompile(`\b`+member+`: ("[^"]*"|\w+)`).ReplaceAllLiteralString(input, member+": "+value)
}

func signUpFaults() []fault {
	const wrongCode = "VALIDATION_CODE_IS_INVALID"
	ready := steps(validToken, mail("new@lux.example", "correct horse 1"))
	signUp := func(member, value string) string { return "signUp(input: {" + with(signUpInput, member, value) + "})" }
	// gone deletes an account with ${phone} that is held back.
	gone := steps(parent, code, sent(http.MethodPost, lux+"/user/change-phone", `{"phone": "${phone}", "validnum": "${code}"}`),
		sent(http.MethodDelete, lux+"/user/root-user", ""), code)
	held := func(c *app.Config) { c.RejoinAfter = 30 }
	taken := steps(parent, code, sent(http.MethodPost, lux+"/user/change-phone", `{"phone": "${phone}", "validnum": "${code}"}`), code)
	refreshOf := func(used bool) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			t.Helper()
			parent(t, w)
			answer := w.mustCall(t, http.MethodPost, lux+"/auth/email/signin", "", `{"username": "parent1@example.com", "password": "secret123"}`)
			w.vars["refresh"], _ = answer["refresh_token"].(string)
			token := w.vars["refresh"]
			for range 2 {
				if used {
					answer = w.mustCall(t, http.MethodPost, lux+"/auth/refresh-token", "", `{"refresh_token": "`+token+`"}`)
					token, _ = answer["refresh_token"].(string)
				}
			}
		}
	}
	const refresh, refreshed = `refreshToken(input: {refreshToken: "${refresh}"})`, "input.refreshToken"
	return []fault{
		{call: `sendSmsCode(input: {phone: "nowhere"})`, code: "PHONE_NUMBER_IS_INVALID", field: "input.phone"},
		{call: `verifySmsCode(input: {phone: "nowhere", code: "000000"})`, code: "PHONE_NUMBER_IS_INVALID", field: "input.phone"},
		{call: `verifySmsCode(input: {phone: "${phone}", code: "123456"})`, code: wrongCode, field: "input.code"},
		{arrange: code, call: `verifySmsCode(input: {phone: "${phone}", code: "x"})`, code: wrongCode, field: "input.code"},
		{arrange: steps(code, later(4*time.Minute)), call: `verifySmsCode(input: {phone: "${phone}", code: "${code}"})`, code: "VALIDATION_CODE_IS_EXPIRED", field: "input.code"},
		{arrange: taken, call: `verifySmsCode(input: {phone: "${phone}", code: "${code}"})`, code: "PHONE_NUMBER_IS_ALREADY_REGISTERED", field: "input.phone"},
		{arrange: gone, setup: held, call: `verifySmsCode(input: {phone: "${phone}", code: "${code}"})`, code: "USER_PREVIOUSLY_DELETED", field: "input.phone"},
		{arrange: ready, call: signUp("validToken", `""`), code: "TOKEN_IS_INVALID", field: "input.validToken"},
		{arrange: ready, call: signUp("validToken", `"forged"`), code: "TOKEN_IS_INVALID", field: "input.validToken"},
		{arrange: ready, call: signUp("phone", `"+821055557777"`), code: "TOKEN_IS_INVALID", field: "input.validToken"},
		{arrange: ready, call: signUp("phone", `"x"`), code: "PHONE_NUMBER_IS_INVALID", field: "input.phone"},
		{arrange: ready, call: signUp("email", `"new@"`), code: "EMAIL_IS_NOT_VALID", field: "input.email"},
		{arrange: steps(parent, ready), call: signUp("email", `"Parent1@example.com"`), code: "SAME_EMAIL_IS_ALREADY_REGISTERED", field: "input.email"},
		{arrange: ready, call: signUp("password", `"weak"`), code: badRequest400, field: "input.password"},
		{arrange: ready, call: signUp("firstName", `" "`), code: badRequest400, field: "input.firstName"},
		{arrange: ready, call: signUp("lastName", `" "`), code: badRequest400, field: "input.lastName"},
		{arrange: ready, call: signUp("birthdate", `"2999-01-01"`), code: badRequest400, field: "input.birthdate"},
		{arrange: ready, call: signUp("birthdate", `"1990-02-30"`), code: badRequest400, field: "input.birthdate"},
		{arrange: ready, call: signUp("nationalCode", `"XX"`), code: badRequest400, field: "input.nationalCode"},
		{arrange: steps(ready, takePhone), call: signUp("email", `"new@lux.example"`), code: "PHONE_NUMBER_IS_ALREADY_REGISTERED", field: "input.phone"},
		{call: `signIn(input: {email: "nobody@example.com", password: "secret123"})`, code: "USER_NOT_FOUND", field: "input.email"},
		{arrange: steps(parent, sent(http.MethodDelete, lux+"/user/root-user", "")), call: `signIn(input: {email: "parent1@example.com", password: "secret123"})`, code: "USER_IS_DELETED", field: "input.email"},
		{arrange: parent, call: `signIn(input: {email: "parent1@example.com", password: "wrong"})`, code: "PASSWORD_IS_INVALID", field: "input.password"},
		{call: `refreshToken(input: {refreshToken: "x"})`, code: "UNAUTHENTICATED", field: refreshed},
		{arrange: steps(refreshOf(false), later(15*24*time.Hour)), call: refresh, code: "TOKEN_IS_EXPIRED", field: refreshed},
		{arrange: refreshOf(true), call: refresh, code: "REFRESH_TOKEN_IS_NOT_VALID", field: refreshed},
		{arrange: steps(refreshOf(false), sent(http.MethodDelete, lux+"/user/root-user", "")), call: refresh, code: "USER_IS_DELETED", field: refreshed},
	}
}

// takePhone gives the parent ${phone}, which has earned a valid_token before.
func takePhone(t *testing.T, w *world) {
	t.Helper()
	steps(parent, code, sent(http.MethodPost, lux+"/user/change-phone", `{"phone": "${phone}", "validnum": "${code}"}`))(t, w)
}

func accountFaults() []fault {
	changePhone := `changePhone(input: {phone: "${phone}", validnum: "${code}"})`
	other := func(t *testing.T, w *world) {
		t.Helper()
		w.vars["taker"], _ = w.Parent(t)
		code(t, w)
		w.mustCall(t, http.MethodPost, lux+"/user/change-phone", "taker", `{"phone": "${phone}", "validnum": "${code}"}`)
	}
	goneOther := func(t *testing.T, w *world) {
		t.Helper()
		w.mustCall(t, http.MethodDelete, lux+"/user/root-user", "taker", "")
	}
	return []fault{
		{arrange: parent, as: "parent", call: `endSession(input: {sessionId: 999})`, code: "SESSION_NOT_FOUND", field: "input.sessionId"},
		{arrange: steps(parent, other), as: "parent", call: `endSession(input: {sessionId: 2})`, code: "NOT_AUTHORIZED_USER", field: "input.sessionId"},
		{arrange: parent, as: "parent", call: `updateUser(input: {firstName: ""})`, code: badRequest400, field: "input.firstName"},
		{arrange: parent, as: "parent", call: `updateUser(input: {lastName: " "})`, code: badRequest400, field: "input.lastName"},
		{arrange: parent, as: "parent", call: `updateUser(input: {birthdate: "2999-01-01"})`, code: badRequest400, field: "input.birthdate"},
		{arrange: parent, as: "parent", call: `updateUser(input: {email: "new@"})`, code: "NOT_AN_EMAIL_ADDRESS", field: "input.email"},
		{arrange: parent, as: "parent", call: `changePhone(input: {phone: "x", validnum: "000000"})`, code: badRequest400, field: "input.phone"},
		{arrange: steps(parent, code), as: "parent", call: `changePhone(input: {phone: "${phone}", validnum: "x"})`, code: "VALIDATION_CODE_IS_INVALID", field: "input.validnum"},
		{arrange: steps(parent, code, later(4*time.Minute)), as: "parent", call: changePhone, code: "VALIDATION_CODE_IS_EXPIRED", field: "input.validnum"},
		{arrange: steps(parent, other, code), as: "parent", call: changePhone, code: "PHONE_NUMBER_IS_ALREADY_REGISTERED", field: "input.phone"},
		{
			arrange: steps(parent, other, goneOther, code), as: "parent", setup: func(c *app.Config) { c.RejoinAfter = 30 },
			call: changePhone, code: "USER_PREVIOUSLY_DELETED", field: "input.phone",
		},
	}
}

// identityFaults are those of the mutations that take a provider's token.
func identityFaults() []fault {
	ready := steps(code, validToken)
	const token, refused = `provider: FACEBOOK, token: "token 7"`, "INVALID_FACEBOOK_ACCESS_TOKEN"
	signUpInput := token + `, validToken: "${valid}", email: "new@lux.example", firstName: "test", lastName: "", birthdate: "1990-05-06",
		gender: FEMALE, phone: "${phone}", isPushAgree: false, isMarketingAgree: false, nationalCode: "KR"`
	signUp := func(member, value string) string {
		return "signUpWithProvider(input: {" + with(signUpInput, member, value) + "})"
	}
	elsewhere := func(t *testing.T, w *world) {
		t.Helper()
		w.mustCall(t, http.MethodPost, "/auth/login_fb", "", `{"fb_id": "7", "fb_token": "token 7"}`)
	}
	linked := steps(local, sent(http.MethodPost, "/user/facebook", `{"fb_id": "8", "fb_token": "token 8"}`))
	alone := func(t *testing.T, w *world) {
		t.Helper()
		w.vars["parent"], _ = w.mustCall(t, http.MethodPost, "/auth/login_fb", "", `{"fb_id": "7", "fb_token": "token 7"}`)["token"].(string)
	}
	return []fault{
		{call: `signInWithProvider(input: {provider: FACEBOOK, token: ""})`, code: badRequest400, field: "input.token"},
		{call: `signInWithProvider(input: {provider: FACEBOOK, token: "x"})`, code: refused, field: "input.token"},
		{call: `signInWithProvider(input: {` + token + `, nonce: "n"})`, code: refused, field: "input.token"},
		{arrange: ready, call: signUp("token", `"x"`), code: refused, field: "input.token"},
		{arrange: ready, call: signUp("token", `""`), code: badRequest400, field: "input.token"},
		{arrange: ready, call: signUp("validToken", `"forged"`), code: "TOKEN_IS_INVALID", field: "input.validToken"},
		{arrange: ready, call: signUp("validToken", `""`), code: "TOKEN_IS_INVALID", field: "input.validToken"},
		{arrange: ready, call: signUp("email", `"new@"`), code: "EMAIL_IS_NOT_VALID", field: "input.email"},
		{arrange: ready, call: signUp("phone", `"x"`), code: "PHONE_NUMBER_IS_INVALID", field: "input.phone"},
		{arrange: ready, call: signUp("birthdate", `"2999-01-01"`), code: badRequest400, field: "input.birthdate"},
		{arrange: steps(parent, ready), call: signUp("email", `"Parent1@example.com"`), code: "SAME_EMAIL_IS_ALREADY_REGISTERED", field: "input.email"},
		{arrange: steps(ready, elsewhere), call: signUp("email", `"new@lux.example"`), code: "SAME_EMAIL_IS_ALREADY_REGISTERED", field: "input.token"},
		{arrange: steps(ready, takePhone), call: signUp("email", `"new@lux.example"`), code: "PHONE_NUMBER_IS_ALREADY_REGISTERED", field: "input.phone"},
		{arrange: local, as: "parent", call: `connectProvider(input: {provider: FACEBOOK, token: ""})`, code: badRequest400, field: "input.token"},
		{arrange: local, as: "parent", call: `connectProvider(input: {provider: FACEBOOK, token: "x"})`, code: refused, field: "input.token"},
		{arrange: steps(local, elsewhere), as: "parent", call: `connectProvider(input: {` + token + `})`, code: "IDENTITY_IS_LINKED_TO_ANOTHER_ACCOUNT", field: "input.token"},
		{arrange: linked, as: "parent", call: `connectProvider(input: {` + token + `})`, code: "ACCOUNT_HAS_AN_IDENTITY_OF_THIS_PROVIDER_ALREADY", field: "input.provider"},
		{arrange: local, as: "parent", call: `disconnectProvider(input: {provider: FACEBOOK})`, code: "ACCOUNT_HAS_NO_IDENTITY_OF_THIS_PROVIDER", field: "input.provider"},
		{arrange: alone, as: "parent", call: `disconnectProvider(input: {provider: FACEBOOK})`, code: "LAST_WAY_TO_SIGN_IN_CANNOT_BE_REMOVED", field: "input.provider"},
	}
}

func credentialFaults() []fault {
	const malformedID, malformedPassword, missing = "ID_IS_NOT_VALID", "PASSWORD_IS_NOT_VALID", "FACEBOOK_ID_OR_TOKEN_IS_MISSING"
	linkedElsewhere := steps(local, func(t *testing.T, w *world) {
		t.Helper()
		w.mustCall(t, http.MethodPost, "/auth/login_fb", "", `{"fb_id": "7", "fb_token": "token 7"}`)
	})
	facebook := func(mutation string, f fault) []fault {
		f.call, f.code, f.field = mutation+`(input: {facebookId: "", facebookToken: "token 7"})`, missing, "input.facebookId"
		noToken, refused, another := f, f, f
		noToken.call, noToken.field = mutation+`(input: {facebookId: "7", facebookToken: ""})`, "input.facebookToken"
		refused.call, refused.code, refused.field = mutation+`(input: {facebookId: "7", facebookToken: "x"})`, "FACEBOOK_TOKEN_IS_REFUSED", "input.facebookToken"
		another.call, another.code, another.field = mutation+`(input: {facebookId: "8", facebookToken: "token 7"})`, refused.code, refused.field
		return []fault{f, noToken, refused, another}
	}
	return slices.Concat([]fault{
		{call: `registerLocal(input: {localId: "a b", password: "abcd1234"})`, code: malformedID, field: "input.localId"},
		{call: `registerLocal(input: {localId: "Abcd1234", password: "a"})`, code: malformedPassword, field: "input.password"},
		{call: `registerLocal(input: {localId: "Abcd1234", password: "abcd1234", email: "x"})`, code: "NOT_AN_EMAIL_ADDRESS", field: "input.email"},
		{arrange: local, call: `registerLocal(input: {localId: "ABCD1234", password: "abcd1234"})`, code: "ID_IS_ALREADY_TAKEN", field: "input.localId"},
		{call: `signInLocal(input: {localId: "nobody", password: "abcd1234"})`, code: "NO_SUCH_ID", field: "input.localId"},
		{arrange: local, call: `signInLocal(input: {localId: "abcd1234", password: "wrong"})`, code: "WRONG_PASSWORD", field: "input.password"},
		{arrange: local, as: "parent", call: `changePassword(input: {oldPassword: "wrong", newPassword: "efgh5678"})`, code: "WRONG_PASSWORD", field: "input.oldPassword"},
		{arrange: local, as: "parent", call: `changePassword(input: {oldPassword: "abcd1234", newPassword: "x"})`, code: malformedPassword, field: "input.newPassword"},
		{arrange: parent, as: "parent", call: `createLocalCredential(input: {localId: "-", password: "abcd1234"})`, code: malformedID, field: "input.localId"},
		{arrange: parent, as: "parent", call: `createLocalCredential(input: {localId: "fresh1", password: "x"})`, code: malformedPassword, field: "input.password"},
		{arrange: parent, as: "parent", call: `createLocalCredential(input: {localId: "fresh1", password: "abcd1234"})`, code: "WRONG_PASSWORD", field: "input.password"},
		{
			arrange: steps(local, parent), as: "parent", call: `createLocalCredential(input: {localId: "abcd1234", password: "abcd1234"})`,
			code: "ID_IS_ALREADY_TAKEN", field: "input.localId",
		},
		{
			arrange: linkedElsewhere, as: "parent", call: `connectFacebook(input: {facebookId: "7", facebookToken: "token 7"})`,
			code: "FACEBOOK_ID_IS_LINKED_TO_ANOTHER_ACCOUNT", field: "input.facebookId",
		},
	}, facebook("signInWithFacebook", fault{}), facebook("connectFacebook", fault{arrange: local, as: "parent"}))
}

func emailFaults() []fault {
	mailed := steps(local, sent(http.MethodPost, "/user/email/verification", ""))
	verifiedElsewhere := steps(parent, local)
	return []fault{
		{arrange: local, as: "parent", call: `sendEmailVerification(input: {email: "x"})`, code: "NOT_AN_EMAIL_ADDRESS", field: "input.email"},
		{arrange: verifiedElsewhere, as: "parent", call: `sendEmailVerification(input: {email: "parent1@example.com"})`, code: "EMAIL_IS_VERIFIED_BY_ANOTHER_ACCOUNT", field: "input.email"},
		{arrange: mailed, as: "parent", call: `verifyEmail(input: {code: "x"})`, code: "VERIFICATION_CODE_IS_WRONG", field: "input.code"},
		{arrange: local, as: "parent", call: `verifyEmail(input: {code: "000000"})`, code: "VERIFICATION_CODE_IS_WRONG", field: "input.code"},
	}
}

func recoveryFaults() []fault {
	const reset = "resetPassword(input: {token: \"${reset}\", newPassword: \"correct horse 2\"})"
	linkSent := func(t *testing.T, w *world) {
		t.Helper()
		parent(t, w)
		w.mustCall(t, http.MethodPost, lux+"/auth/send-reset-mail", "", `{"email": "parent1@example.com"}`)
		sent, err := w.App.Outbox.Recent(t.Context(), "parent1@example.com", 1)
		if err != nil {
			t.Fatal(err)
		}
		_, w.vars["reset"], _ = strings.Cut(sent[0].Text, "token=")
	}
	changed := func(t *testing.T, w *world) {
		t.Helper()
		parent(t, w)
		w.mustCall(t, http.MethodPut, "/user/info", "parent", `{"email": "new@lux.example"}`)
		sent, err := w.App.Outbox.Recent(t.Context(), "parent1@example.com", 1)
		if err != nil {
			t.Fatal(err)
		}
		_, w.vars["revert"], _ = strings.Cut(sent[0].Text, "token=")
	}
	social := steps(validToken, mail("new@lux.example", ""), func(t *testing.T, w *world) {
		t.Helper()
		w.mustCall(t, http.MethodPost, addnox+"/auth/social/signup", "valid", `{"email": "${email}", "register_type": "S", "social_id": "token 7", "social_type": "facebook"`+person)
	})
	gone := steps(takePhone, sent(http.MethodDelete, lux+"/user/root-user", ""), code)
	return []fault{
		{call: `findAccount(input: {phone: "x", validnum: "000000"})`, code: badRequest400, field: "input.phone"},
		{arrange: code, call: `findAccount(input: {phone: "${phone}", validnum: "x"})`, code: "VALIDATION_CODE_IS_INVALID", field: "input.validnum"},
		{arrange: steps(code, later(4*time.Minute)), call: `findAccount(input: {phone: "${phone}", validnum: "${code}"})`, code: "VALIDATION_CODE_IS_EXPIRED", field: "input.validnum"},
		{arrange: code, call: `findAccount(input: {phone: "${phone}", validnum: "${code}"})`, code: "USER_ID_IS_NOT_FOUND", field: "input.phone"},
		{
			arrange: gone, setup: func(c *app.Config) { c.RejoinAfter = 30 }, call: `findAccount(input: {phone: "${phone}", validnum: "${code}"})`,
			code: "USER_PREVIOUSLY_DELETED", field: "input.phone",
		},
		{call: `requestPasswordReset(input: {email: "nobody@example.com"})`, code: "USER_ID_IS_NOT_FOUND", field: "input.email"},
		{arrange: social, call: `requestPasswordReset(input: {email: "new@lux.example"})`, code: "USER_SIGNED_UP_USING_A_SOCIAL_ACCOUNT", field: "input.email"},
		{call: `resetPassword(input: {token: "x", newPassword: "correct horse 2"})`, code: "VALIDATION_CODE_IS_INVALID", field: "input.token"},
		{call: `revertEmail(input: {token: "x"})`, code: "VALIDATION_CODE_IS_INVALID", field: "input.token"},
		{arrange: steps(changed, later(73*time.Hour)), call: `revertEmail(input: {token: "${revert}"})`, code: "VALIDATION_CODE_IS_EXPIRED", field: "input.token"},
		{arrange: steps(linkSent, later(31*time.Minute)), call: reset, code: "VALIDATION_CODE_IS_EXPIRED", field: "input.token"},
		{arrange: linkSent, call: with(reset, "newPassword", `"weak"`), code: badRequest400, field: "input.newPassword"},
	}
}

func consentFaults() []fault {
	agreed := steps(parent, sent(http.MethodPatch, lux+"/user/policy", `{"is_push_agree": true, "token": "${push}"}`))
	return []fault{
		{arrange: parent, as: "parent", call: `updatePolicy(input: {isPushAgree: true})`, code: "USER_POLICY_UPDATE_FAILED", field: "input.token"},
		{arrange: parent, as: "parent", call: `updatePolicy(input: {token: "short"})`, code: "USER_POLICY_UPDATE_FAILED", field: "input.token"},
		{arrange: agreed, as: "parent", call: `setPushToken(input: {token: "short"})`, code: "USER_PUSH_TOKEN_UPDATE_FAILED", field: "input.token"},
		{arrange: parent, as: "parent", call: `addPushDevice(input: {registrationId: "a b"})`, code: badRequest400, field: "input.registrationId"},
	}
}

func childFaults() []fault {
	const input = `firstName: "test", lastName: "", birthdate: "1997-01-01", gender: FEMALE, serialCode: "SL20401001", macId: "4C84", uniqueId: "second"`
	create := func(member, value, code string) fault {
		return fault{arrange: family, as: "parent", call: "createChildUser(input: {" + with(input, member, value) + "})", code: code, field: "input." + member}
	}
	all := []fault{
		create("firstName", `""`, badRequest400), create("lastName", `" "`, badRequest400), create("birthdate", `"2999-01-01"`, badRequest400),
		create("serialCode", `"-"`, "SERIAL_CODE_IS_NOT_VALID"), create("serialCode", `"SL99999999"`, "NOT_FOUND_DEVICE"),
		{arrange: family, as: "parent", call: "createChildUser(input: {" + with(input, "macId", `"FFFF"`) + "})", code: "NOT_FOUND_DEVICE", field: "input.serialCode"},
		create("uniqueId", `""`, badRequest400),
		create("uniqueId", `"unique"`, "ALREADY_CONNECTED_DEVICE"),
		{
			arrange: family, as: "parent", call: "createChildUser(input: {" + with(with(input, "serialCode", `"SL20401000"`), "macId", `"41AD"`) + "})",
			code: "ALREADY_CONNECTED_DEVICE", field: "input.serialCode",
		},
		{arrange: family, as: "parent", call: `updateChildUser(input: {childUserId: 1, firstName: ""})`, code: badRequest400, field: "input.firstName"},
		{arrange: family, as: "parent", call: `updateChildUser(input: {childUserId: 1, lastName: " "})`, code: badRequest400, field: "input.lastName"},
		{arrange: family, as: "parent", call: `updateChildUser(input: {childUserId: 1, birthdate: "2999-01-01"})`, code: badRequest400, field: "input.birthdate"},
		{arrange: family, as: "parent", call: `deleteChildUser(input: {childUserId: 1, uniqueId: "x"})`, code: "REAL_USER_DELETE_FAILED", field: "input.uniqueId"},
		{arrange: family, as: "parent", call: `childUser(id: 99)`, code: "REAL_USER_IS_NOT_FOUND", field: "id"},
		{arrange: family, as: "other", call: `childUser(id: 1)`, code: "NOT_AUTHORIZED_USER", field: "id"},
		{arrange: family, as: "parent", call: `checkDevice(uniqueId: "x")`, code: "NOT_FOUND_DEVICE", field: "uniqueId"},
		{arrange: family, as: "other", call: `checkDevice(uniqueId: "unique")`, code: "ALREADY_CONNECTED_DEVICE", field: "uniqueId"},
	}
	for call, missing := range map[string]string{
		`updateChildUser(input: {childUserId: %d, firstName: "x"})`:                                             "REAL_USER_IS_NOT_FOUND",
		`deleteChildUser(input: {childUserId: %d, uniqueId: "unique"})`:                                         "REAL_USER_IS_NOT_FOUND",
		`registerDevice(input: {childUserId: %d, serialCode: "SL20401001", macId: "4C84", uniqueId: "second"})`: "NOT_FOUND_USER",
		`unregisterDevice(input: {childUserId: %d, uniqueId: "unique"})`:                                        "NOT_FOUND_USER",
		`updateDeviceAlias(input: {childUserId: %d, deviceId: 1, deviceAlias: "x"})`:                            "NOT_FOUND_USER",
	} {
		all = append(all,
			fault{arrange: family, as: "parent", call: fmt.Sprintf(call, 99), code: missing, field: "input.childUserId"},
			fault{arrange: family, as: "other", call: fmt.Sprintf(call, 1), code: "NOT_AUTHORIZED_USER", field: "input.childUserId"})
	}
	return all
}

func deviceFaults() []fault {
	const input = `childUserId: 1, serialCode: "SL20401000", macId: "41AD", uniqueId: "unique"`
	register := func(member, value, code string) fault {
		return fault{arrange: family, as: "parent", call: "registerDevice(input: {" + with(input, member, value) + "})", code: code, field: "input." + member}
	}
	// sister has the second device and the id 2.
	sister := steps(family, sent(http.MethodPost, lux+"/user/create-real-user", `{"first_name": "test", "last_name": "kim",
		"birthdate": "19970101", "gender": "F", "serial_code": "SL20401001", "mac_id": "4C84", "unique_id": "second"}`))
	bare := steps(sister, sent(http.MethodPatch, lux+"/device/un-connect?unique_id=second&real_user_id=2", ""))
	second := with(with(input, "serialCode", `"SL20401001"`), "macId", `"4C84"`)
	return []fault{
		register("serialCode", `"-"`, "SERIAL_CODE_IS_NOT_VALID"), register("uniqueId", `""`, badRequest400),
		register("serialCode", `"SL99999999"`, "NOT_FOUND_DEVICE"),
		{arrange: family, as: "parent", call: "registerDevice(input: {" + with(input, "macId", `"FFFF"`) + "})", code: "NOT_FOUND_DEVICE", field: "input.serialCode"},
		{
			arrange: family, as: "parent", call: "registerDevice(input: {" + second + "})",
			code: "ALREADY_CONNECTED_DEVICE", field: "input.childUserId",
		},
		{
			arrange: bare, as: "parent", call: "registerDevice(input: {" + with(second, "childUserId", "2") + "})",
			code: "ALREADY_CONNECTED_DEVICE", field: "input.uniqueId",
		},
		{
			arrange: bare, as: "parent", call: "registerDevice(input: {" + with(input, "childUserId", "2") + "})",
			code: "ALREADY_CONNECTED_DEVICE", field: "input.serialCode",
		},
		{arrange: sister, as: "parent", call: `unregisterDevice(input: {childUserId: 1, uniqueId: "second"})`, code: "NOT_FOUND_DEVICE", field: "input.uniqueId"},
		{arrange: family, as: "parent", call: `updateDeviceAlias(input: {childUserId: 1, deviceId: 99, deviceAlias: "x"})`, code: "NOT_FOUND_DEVICE", field: "input.deviceId"},
		{arrange: family, as: "parent", call: `updateDeviceAlias(input: {childUserId: 1, deviceId: 2, deviceAlias: "x"})`, code: "NOT_CONNECTED_DEVICE", field: "input.deviceId"},
		{arrange: family, as: "parent", call: `updateDeviceAlias(input: {childUserId: 1, deviceId: 1, deviceAlias: "\u0000"})`, code: badRequest400, field: "input.deviceAlias"},
	}
}
