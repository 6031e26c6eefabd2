package app_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// mutate runs a mutation as `name(input: …) { fields }` and gives its payload, or
// the code of its error.
func mutate(t *testing.T, s *apptest.Server, token, name, input, fields string) (payload any, code string) {
	t.Helper()
	query := "mutation { " + name
	if input != "" {
		query += "(input: {" + input + "})"
	}
	reply := s.GraphQL(t, token, query+" { "+fields+" } }", nil)
	if code := reply.Code(); code != "" {
		return nil, code
	}
	if len(reply.Errors) > 0 {
		t.Fatalf("%s: %+v", name, reply.Errors)
	}
	var data map[string]any
	if err := json.Unmarshal(reply.Data, &data); err != nil {
		t.Fatal(err)
	}
	return data[name], ""
}

// expectPayload fails unless the mutation answers as the JSON of want.
func expectPayload(t *testing.T, s *apptest.Server, token, name, input, fields, want string) {
	t.Helper()
	got, code := mutate(t, s, token, name, input, fields)
	var wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatalf("%v in %s", err, want)
	}
	if diff := cmp.Diff(wanted, got); diff != "" || code != "" {
		t.Errorf("%s: %s %s", name, code, diff)
	}
}

// expectCode fails unless the mutation answers with the code.
func expectCode(t *testing.T, s *apptest.Server, token, name, input, want string) {
	t.Helper()
	if _, code := mutate(t, s, token, name, input, "__typename"); code != want {
		t.Errorf("%s(%s): %q, want %q", name, input, code, want)
	}
}

// accessToken is the token in a payload with tokens.
func accessToken(t *testing.T, s *apptest.Server, token, name, input string) string {
	t.Helper()
	payload, code := mutate(t, s, token, name, input, "user { id } tokens { accessToken expiresIn refreshToken refreshExpiresIn tokenType }")
	object, _ := payload.(map[string]any)
	tokens, _ := object["tokens"].(map[string]any)
	access, _ := tokens["accessToken"].(string)
	if access == "" || tokens["tokenType"] != "bearer" || tokens["refreshToken"] == "" {
		t.Fatalf("%s: %s %v", name, code, payload)
	}
	return access
}

func TestMutationsOfTheProfile(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	expectPayload(t, s, token, "updateUser", `firstName: "하나", lastName: "", birthdate: "1990-05-06", gender: NON_BINARY, email: "new@example.com"`,
		"user { firstName lastName birthdate gender email isEmailVerified }",
		`{"user": {"firstName": "하나", "lastName": "", "birthdate": "1990-05-06", "gender": "NON_BINARY", "email": "new@example.com", "isEmailVerified": false}}`)
	expectPayload(t, s, token, "updateUser", `firstName: null`, "user { firstName }", `{"user": {"firstName": "하나"}}`)
	expectCode(t, s, token, "updateUser", `email: "new@"`, "NOT_AN_EMAIL_ADDRESS")
	expectCode(t, s, token, "updateUser", `firstName: ""`, "INVALID_REQUEST_OR_MISSING_PARAMETERS")
	expectCode(t, s, "", "updateUser", `firstName: "x"`, "UNAUTHENTICATED")

	expectPayload(t, s, token, "updateNotificationSettings", `isDeviceMuted: true`,
		"user { notificationSettings { isDeviceMuted isDeviceAlimTalkEnabled isBasestationAlertEnabled } }",
		`{"user": {"notificationSettings": {"isDeviceMuted": true, "isDeviceAlimTalkEnabled": false, "isBasestationAlertEnabled": false}}}`)

	push := strings.Repeat("t", 40)
	expectCode(t, s, token, "setPushToken", `token: "`+push+`"`, "PUSH_PERMISSON_DENIED")
	expectCode(t, s, token, "updatePolicy", `isPushAgree: true`, "USER_POLICY_UPDATE_FAILED")
	expectPayload(t, s, token, "updatePolicy", `isPushAgree: true, token: "`+push+`"`,
		"policy { isPushAgree isMarketingAgree marketingAgreeDate } user { policy { isPushAgree } }",
		`{"policy": {"isPushAgree": true, "isMarketingAgree": false, "marketingAgreeDate": null}, "user": {"policy": {"isPushAgree": true}}}`)
	expectPayload(t, s, token, "setPushToken", `token: "`+push+`"`, "ok", `{"ok": true}`)
	expectCode(t, s, token, "setPushToken", `token: "short"`, "USER_PUSH_TOKEN_UPDATE_FAILED")

	expectPayload(t, s, token, "addPushDevice", `registrationId: "phone:1"`, "pushDevice { registrationId } user { pushDevices { registrationId } }",
		`{"pushDevice": {"registrationId": "phone:1"}, "user": {"pushDevices": [{"registrationId": "phone:1"}]}}`)
	expectPayload(t, s, token, "removePushDevice", `registrationId: "phone:1"`, "ok user { pushDevices { registrationId } }",
		`{"ok": true, "user": {"pushDevices": []}}`)

	const phone = "+821055556666"
	expectCode(t, s, token, "changePhone", `phone: "`+phone+`", validnum: "123456"`, "VALIDATION_CODE_IS_INVALID")
	expectPayload(t, s, "", "sendSmsCode", `phone: "`+phone+`"`, "ok", `{"ok": true}`)
	expectPayload(t, s, token, "changePhone", `phone: "`+phone+`", validnum: "`+s.LastCode(t, phone)+`"`,
		"user { phone isPhoneNumberChecked }", `{"user": {"phone": "`+phone+`", "isPhoneNumberChecked": true}}`)
	expectPayload(t, s, "", "sendSmsCode", `phone: "`+phone+`"`, "ok", `{"ok": true}`)
	expectPayload(t, s, "", "findAccount", `phone: "`+phone+`", validnum: "`+s.LastCode(t, phone)+`"`, "email provider",
		`{"email": "parent1@example.com", "provider": "email"}`)

	expectPayload(t, s, token, "deleteAccount", "", "ok", `{"ok": true}`)
	expectCode(t, s, token, "deleteAccount", "", "USER_IS_DELETED")
}

func TestMutationsOfPasswords(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	expectCode(t, s, token, "changePassword", `oldPassword: "wrong", newPassword: "another1"`, "WRONG_PASSWORD")
	expectCode(t, s, token, "changePassword", `oldPassword: "secret123", newPassword: "weak"`, "PASSWORD_IS_NOT_VALID")
	fresh := accessToken(t, s, token, "changePassword", `oldPassword: "secret123", newPassword: "another1"`)
	expectCode(t, s, token, "signOut", "", "UNAUTHENTICATED")
	expectCode(t, s, fresh, "createLocalCredential", `localId: "James1", password: "third123"`, "WRONG_PASSWORD")
	expectPayload(t, s, fresh, "createLocalCredential", `localId: "James1", password: "another1"`, "user { localId } tokens { accessToken }",
		`{"user": {"localId": "James1"}, "tokens": null}`)
	expectCode(t, s, fresh, "createLocalCredential", `localId: "James2", password: "another1"`, "ACCOUNT_HAS_A_LOCAL_ID_ALREADY")
	signedIn := accessToken(t, s, "", "signInLocal", `localId: "jAMES1", password: "another1"`)
	expectCode(t, s, "", "signInLocal", `localId: "nobody", password: "third123"`, "NO_SUCH_ID")
	expectCode(t, s, "", "registerLocal", `localId: "james1", password: "third123"`, "ID_IS_ALREADY_TAKEN")
	registered := accessToken(t, s, "", "registerLocal", `localId: "jane1", password: "third123", email: "jane@example.com"`)

	expectPayload(t, s, registered, "sendEmailVerification", `email: null`, "ok", `{"ok": true}`)
	expectCode(t, s, registered, "verifyEmail", `code: "x"`, "VERIFICATION_CODE_IS_WRONG")
	expectPayload(t, s, registered, "verifyEmail", `code: "`+s.LastCode(t, "jane@example.com")+`"`, "user { email isEmailVerified localId }",
		`{"user": {"email": "jane@example.com", "isEmailVerified": true, "localId": "jane1"}}`)
	expectCode(t, s, registered, "sendEmailVerification", "email: null", "EMAIL_IS_VERIFIED_ALREADY")

	expectCode(t, s, "", "requestPasswordReset", `email: "nobody@example.com"`, "USER_ID_IS_NOT_FOUND")
	expectPayload(t, s, "", "requestPasswordReset", `email: "PARENT1@example.com"`, "ok", `{"ok": true}`)
	sent, err := s.App.Outbox.Recent(t.Context(), "parent1@example.com", 1)
	if err != nil || len(sent) != 1 {
		t.Fatalf("%v %v", sent, err)
	}
	_, reset, _ := strings.Cut(sent[0].Text, "token=")
	expectCode(t, s, "", "resetPassword", `token: "`+reset+`", newPassword: "weak"`, "INVALID_REQUEST_OR_MISSING_PARAMETERS")
	expectPayload(t, s, "", "resetPassword", `token: "`+reset+`", newPassword: "fourth 123"`, "ok", `{"ok": true}`)
	expectCode(t, s, "", "resetPassword", `token: "`+reset+`", newPassword: "fourth 123"`, "VALIDATION_CODE_IS_INVALID")
	expectCode(t, s, signedIn, "signOut", "", "UNAUTHENTICATED")
}

func TestMutationsOfFacebook(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *app.Config) { c.FacebookURL = apptest.StartFacebook(t) })
	token, _ := s.Parent(t)
	const good = `facebookId: "7", facebookToken: "token 7"`
	expectCode(t, s, token, "connectFacebook", `facebookId: "", facebookToken: "x"`, "FACEBOOK_ID_OR_TOKEN_IS_MISSING")
	expectCode(t, s, token, "connectFacebook", `facebookId: "7", facebookToken: "x"`, "FACEBOOK_TOKEN_IS_REFUSED")
	expectCode(t, s, token, "disconnectFacebook", "", "ACCOUNT_HAS_NO_FACEBOOK_LINK")
	expectPayload(t, s, token, "connectFacebook", good, "user { facebook { attached name } } tokens { accessToken }",
		`{"user": {"facebook": {"attached": true, "name": "John Smith"}}, "tokens": null}`)
	expectCode(t, s, token, "connectFacebook", good, "ACCOUNT_HAS_A_FACEBOOK_LINK_ALREADY")
	accessToken(t, s, "", "signInWithFacebook", good)
	expectPayload(t, s, token, "disconnectFacebook", "", "user { facebook { attached name } }",
		`{"user": {"facebook": {"attached": false, "name": null}}}`)
	john := accessToken(t, s, "", "signInWithFacebook", good) // now an account of its own
	expectCode(t, s, john, "disconnectFacebook", "", "ACCOUNT_HAS_NO_LOCAL_ID")
	expectCode(t, s, token, "connectFacebook", good, "FACEBOOK_ID_IS_LINKED_TO_ANOTHER_ACCOUNT")
}

// TestFacebookThatIsNotConfigured: in development the sandbox stands in for it, and refuses
// what it has not made. TestNoFacebookWithoutAnAppInProduction is the answer there.
func TestFacebookThatIsNotConfigured(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	expectCode(t, s, "", "signInWithFacebook", `facebookId: "7", facebookToken: "x"`, "FACEBOOK_TOKEN_IS_REFUSED")
}
