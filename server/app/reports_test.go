package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// TestAChangedEmailIsTakenBack changes the address of an account on each surface that can,
// and takes it back by the link of the mail, by the mutation and by the page.
func TestAChangedEmailIsTakenBack(t *testing.T) {
	t.Parallel()
	const former = "parent1@example.com"
	for name, change := range map[string]func(*testing.T, *apptest.Server, string){
		"updateUser": func(t *testing.T, s *apptest.Server, token string) {
			expectPayload(t, s, token, "updateUser", `email: "new@example.com"`, "user { email }", `{"user": {"email": "new@example.com"}}`)
		},
		"PUT /user/info": func(t *testing.T, s *apptest.Server, token string) {
			mustCall(t, s, http.MethodPut, "/user/info", token, `{"email": "new@example.com"}`)
		},
		"POST /user/email/verification": func(t *testing.T, s *apptest.Server, token string) {
			mustCall(t, s, http.MethodPost, "/user/email/verification", token, `{"email": "new@example.com"}`)
		},
		"verifyEmail": func(t *testing.T, s *apptest.Server, token string) {
			expectPayload(t, s, token, "sendEmailVerification", `email: "new@example.com"`, "ok", `{"ok": true}`)
			expectPayload(t, s, token, "verifyEmail", `code: "`+s.LastCode(t, "new@example.com")+`"`, "user { email }", `{"user": {"email": "new@example.com"}}`)
		},
	} {
		for _, byPage := range []bool{false, true} {
			s := apptest.Start(t)
			token, _ := s.Parent(t)
			change(t, s, token)
			secret := mailedToken(t, s, former, "/revert-email")
			for range 2 { // whoever looks through mail opens links, and changes nothing
				shown := s.Call(t, http.MethodGet, "/revert-email?token="+secret, "", "")
				if shown.Status != http.StatusOK || !strings.Contains(string(shown.Body), `<form method="post"`) {
					t.Errorf("%s: %d %s", name, shown.Status, shown.Body)
				}
			}
			if byPage {
				done := s.PostForm(t, "/revert-email", url.Values{"token": {secret}})
				if done.Status != http.StatusOK || !strings.Contains(string(done.Body), "is your account's again") {
					t.Errorf("%s: %d %s", name, done.Status, done.Body)
				}
			} else {
				expectPayload(t, s, "", "revertEmail", `token: "`+secret+`"`, "ok", `{"ok": true}`)
			}
			if code := s.GraphQL(t, token, `{ me { id } }`, nil).Code(); code != "UNAUTHENTICATED" {
				t.Errorf("%s: the session from before: %q", name, code)
			}
			expectCode(t, s, "", "revertEmail", `token: "`+secret+`"`, "VALIDATION_CODE_IS_INVALID")
			again := s.PostForm(t, "/revert-email", url.Values{"token": {secret}})
			if again.Status != http.StatusBadRequest || strings.Contains(string(again.Body), "<form") {
				t.Errorf("%s: the link again: %d %s", name, again.Status, again.Body)
			}
			fresh := mailedToken(t, s, former, "/reset-password")
			expectPayload(t, s, "", "resetPassword", `token: "`+fresh+`", newPassword: "fourth 123"`, "ok", `{"ok": true}`)
			expectPayload(t, s, "", "signIn", `email: "`+former+`", password: "fourth 123"`, "user { email }", `{"user": {"email": "`+former+`"}}`)
		}
	}
}

func mustCall(t *testing.T, s *apptest.Server, method, path, token, body string) {
	t.Helper()
	if got := s.Call(t, method, path, token, body); got.Status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, got.Status, got.Body)
	}
}

// TestReportsAreLeftOnEverySurface does each change that an older surface has, and looks for
// the report at the address and the phone.
func TestReportsAreLeftOnEverySurface(t *testing.T) {
	t.Parallel()
	const email, phone, password = "parent1@example.com", "+821010000001", "secret123"
	facebook := apptest.StartFacebook(t)
	for call, want := range map[string]string{
		"PUT /user/info " + `{"email": "new@example.com"}`:                                         "계정의 이메일 주소가",
		"POST /user/password " + `{"id": "james1", "password": "` + password + `"}`:                "계정에 로그인 아이디가",
		"PUT /user/password " + `{"old_password": "` + password + `", "new_password": "efgh5678"}`: "계정의 비밀번호가",
		"POST /user/facebook " + `{"fb_id": "7", "fb_token": "token 7"}`:                           "계정에 Facebook 계정이",
		"DELETE /user/account":                      "계정이 삭제되었습니다",
		"DELETE " + apptest.LUX + "/user/root-user": "계정이 삭제되었습니다",
		"DELETE /api/v1/addnox/user/root-user":      "계정이 삭제되었습니다",
		"DELETE /api/v1/withnox/user/root-user":     "계정이 삭제되었습니다",
	} {
		s := apptest.Start(t, func(c *app.Config) { c.FacebookURL = facebook })
		token, _ := s.Parent(t)
		words := strings.SplitN(call+" ", " ", 3)
		mustCall(t, s, words[0], words[1], token, strings.TrimSpace(words[2]))
		for _, to := range []string{email, phone} {
			sent, err := s.App.Outbox.Recent(t.Context(), to, 1)
			if err != nil || len(sent) != 1 || !strings.HasPrefix(sent[0].Text, want) {
				t.Errorf("%s: %s has %v, %v", call, to, sent, err)
			}
		}
	}
}
