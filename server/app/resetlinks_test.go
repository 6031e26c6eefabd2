package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent/identity"
	"luxbff/ent/user"
	"luxbff/ent/verificationcode"
	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// TestEachChangeEndsResetLinks asks for a reset link, changes the account on each surface,
// and holds that the link is worth nothing then.
func TestEachChangeEndsResetLinks(t *testing.T) {
	t.Parallel()
	// A change may have the code of an e-mail in its place for CODE.
	type change func(t *testing.T, s *apptest.Server, token, code string)
	rest := func(method, path, body string) change {
		return func(t *testing.T, s *apptest.Server, token, code string) {
			t.Helper()
			if answer := s.Call(t, method, path, token, strings.Replace(body, "CODE", code, 1)); answer.Status != http.StatusOK {
				t.Fatalf("%s %s: %d %s", method, path, answer.Status, answer.Body)
			}
		}
	}
	mutation := func(name, input string) change {
		return func(t *testing.T, s *apptest.Server, token, code string) {
			t.Helper()
			if _, code := mutate(t, s, token, name, strings.Replace(input, "CODE", code, 1), "__typename"); code != "" {
				t.Fatalf("%s: %s", name, code)
			}
		}
	}
	const link = `facebookId: "7", facebookToken: "token 7"`
	linked, codeSent := mutation("connectFacebook", link), mutation("sendEmailVerification", `email: null`)
	phoneCodeSent := mutation("sendSmsCode", `phone: "+821055556666"`)
	for name, tc := range map[string]struct {
		arrange, change change
	}{
		"changePassword":                     {nil, mutation("changePassword", `oldPassword: "secret123", newPassword: "another1"`)},
		"PUT /user/password":                 {nil, rest(http.MethodPut, "/user/password", `{"old_password": "secret123", "new_password": "another1"}`)},
		"createLocalCredential":              {nil, mutation("createLocalCredential", `localId: "james1", password: "secret123"`)},
		"POST /user/password":                {nil, rest(http.MethodPost, "/v1/user/password", `{"id": "james1", "password": "secret123"}`)},
		"connectFacebook":                    {nil, linked},
		"POST /user/facebook":                {nil, rest(http.MethodPost, "/user/facebook", `{"fb_id": "7", "fb_token": "token 7"}`)},
		"disconnectFacebook":                 {linked, mutation("disconnectFacebook", "")},
		"DELETE /user/facebook":              {linked, rest(http.MethodDelete, "/user/facebook", "")},
		"updateUser":                         {nil, mutation("updateUser", `email: "new@example.com"`)},
		"PUT /user/info":                     {nil, rest(http.MethodPut, "/user/info", `{"email": "new@example.com"}`)},
		"sendEmailVerification":              {nil, mutation("sendEmailVerification", `email: "new@example.com"`)},
		"POST /user/email/verification":      {nil, rest(http.MethodPost, "/user/email/verification", `{"email": "new@example.com"}`)},
		"changePhone":                        {phoneCodeSent, mutation("changePhone", `phone: "+821055556666", validnum: "CODE"`)},
		"POST lux/user/change-phone":         {phoneCodeSent, rest(http.MethodPost, apptest.LUX+"/user/change-phone", `{"phone": "+821055556666", "validnum": "CODE"}`)},
		"verifyEmail":                        {codeSent, mutation("verifyEmail", `code: "CODE"`)},
		"POST /user/email/verification/code": {codeSent, rest(http.MethodPost, "/user/email/verification/code", `{"code": "CODE"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t, func(c *app.Config) { c.FacebookURL = apptest.StartFacebook(t) })
			token, _ := s.Parent(t)
			var code string
			if tc.arrange != nil {
				tc.arrange(t, s, token, "")
				for _, to := range []string{"parent1@example.com", "+821055556666"} {
					if sent, err := s.App.Outbox.Recent(t.Context(), to, 1); err == nil && len(sent) == 1 && strings.Contains(sent[0].Text, "인증번호") {
						code = s.LastCode(t, to)
					}
				}
			}
			reset := resetToken(t, s, "parent1@example.com")
			tc.change(t, s, token, code)
			changed := s.App.Store.Read().User.Query().Where(user.PasswordHashNotNil()).OnlyX(t.Context())
			expectCode(t, s, "", "resetPassword", `token: "`+reset+`", newPassword: "a thief's 1"`, "VALIDATION_CODE_IS_INVALID")
			if page := s.PostForm(t, "/reset-password", url.Values{"token": {reset}, "password": {"a thief's 1"}}); page.Status == http.StatusOK {
				t.Errorf("the page answers %d", page.Status)
			}
			after := s.App.Store.Read().User.GetX(t.Context(), changed.ID)
			if diff := cmp.Diff(changed.String(), after.String()); diff != "" || *changed.PasswordHash != *after.PasswordHash {
				t.Errorf("the link changed the account (-before +after):\n%s", diff)
			}
			open := s.App.Store.Read().VerificationCode.Query().Where(
				verificationcode.PurposeEQ(verificationcode.PurposePasswordReset), verificationcode.ClosedAtIsNil(),
			).CountX(t.Context())
			if open != 0 {
				t.Errorf("%d reset links are open", open)
			}
		})
	}
}

// TestAResetTakesTheAccountBackOnEachSurface has a stranger sign up with somebody else's
// address and link Facebook and a local id to it, until the owner resets the password.
func TestAResetTakesTheAccountBackOnEachSurface(t *testing.T) {
	t.Parallel()
	mail := func(path string) func(*testing.T, *apptest.Server) {
		return func(t *testing.T, s *apptest.Server) {
			t.Helper()
			if answer := s.Call(t, http.MethodPost, path, "", `{"email": "PARENT1@example.com"}`); answer.Status != http.StatusOK {
				t.Fatalf("%d %s", answer.Status, answer.Body)
			}
		}
	}
	graphQL := func(t *testing.T, s *apptest.Server, token string) {
		t.Helper()
		expectPayload(t, s, "", "resetPassword", `token: "`+token+`", newPassword: "the owner's 1"`, "ok", `{"ok": true}`)
	}
	page := func(t *testing.T, s *apptest.Server, token string) {
		t.Helper()
		if answer := s.PostForm(t, "/reset-password", url.Values{"token": {token}, "password": {"the owner's 1"}}); answer.Status != http.StatusOK {
			t.Fatalf("%d %s", answer.Status, answer.Body)
		}
	}
	for name, tc := range map[string]struct {
		request func(*testing.T, *apptest.Server)
		reset   func(*testing.T, *apptest.Server, string)
	}{
		"GraphQL": {func(t *testing.T, s *apptest.Server) {
			t.Helper()
			expectPayload(t, s, "", "requestPasswordReset", `email: "PARENT1@example.com"`, "ok", `{"ok": true}`)
		}, graphQL},
		"LUX and the page":     {mail(apptest.LUX + "/auth/send-reset-mail"), page},
		"Addnox and the page":  {mail("/api/v1/addnox/auth/send-reset-mail"), page},
		"Withnox and the page": {mail("/api/v1/withnox/auth/send-reset-mail"), page},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t, func(c *app.Config) { c.FacebookURL = apptest.StartFacebook(t) })
			token, id := s.Parent(t)
			expectPayload(t, s, token, "connectFacebook", `facebookId: "7", facebookToken: "token 7"`, "tokens { accessToken }", `{"tokens": null}`)
			expectPayload(t, s, token, "createLocalCredential", `localId: "james1", password: "secret123"`, "tokens { accessToken }", `{"tokens": null}`)
			tc.request(t, s)
			sent, err := s.App.Outbox.Recent(t.Context(), "parent1@example.com", 1)
			if err != nil || len(sent) != 1 {
				t.Fatalf("%v %v", sent, err)
			}
			_, reset, _ := strings.Cut(sent[0].Text, "token=")
			tc.reset(t, s, reset)

			db := s.App.Store.Read()
			ways := db.Identity.Query().Where(identity.RootUserID(id)).Order(identity.ByID()).AllX(t.Context())
			if len(ways) != 2 || ways[0].Provider != identity.ProviderEmail || ways[1].Provider != identity.ProviderPhone {
				t.Errorf("ways in: %v", ways)
			}
			if u := db.User.GetX(t.Context(), id); !u.IsEmailVerified || *u.Email != "parent1@example.com" {
				t.Errorf("the account is %v", u)
			}
			expectCode(t, s, token, "signOut", "", "UNAUTHENTICATED")
			expectCode(t, s, "", "signInLocal", `localId: "james1", password: "secret123"`, "NO_SUCH_ID")
			expectCode(t, s, "", "signIn", `email: "parent1@example.com", password: "secret123"`, "PASSWORD_IS_INVALID")
			stranger := accessToken(t, s, "", "signInWithFacebook", `facebookId: "7", facebookToken: "token 7"`)
			expectPayload(t, s, stranger, "updateUser", `lastName: ""`, "user { email }", `{"user": {"email": null}}`) // an account of its own
			expectPayload(t, s, "", "signIn", `email: "parent1@example.com", password: "the owner's 1"`, "user { isEmailVerified }", `{"user": {"isEmailVerified": true}}`)
		})
	}
}

// TestGuessesWithATokenBlockOnEachSurface has somebody who holds an access token guess at
// the password, by adding a local id.
func TestGuessesWithATokenBlockOnEachSurface(t *testing.T) {
	t.Parallel()
	rest := func(path string) func(*testing.T, *apptest.Server, string, string) string {
		return func(t *testing.T, s *apptest.Server, token, password string) string {
			t.Helper()
			answer := s.Call(t, http.MethodPost, path, token, `{"id": "james1", "password": "`+password+`"}`)
			return strings.TrimSpace(string(answer.Body))
		}
	}
	const wrongBySNUTT, blockedBySNUTT = `{"errcode":8197,"message":"Wrong password"}`, `{"errcode":8197,"message":"Access denied. Account blocked"}`
	for name, tc := range map[string]struct {
		guess          func(*testing.T, *apptest.Server, string, string) string
		wrong, blocked string
	}{
		"SNUTT":    {rest("/user/password"), wrongBySNUTT, blockedBySNUTT},
		"SNUTT v1": {rest("/v1/user/password"), wrongBySNUTT, blockedBySNUTT},
		"GraphQL": {func(t *testing.T, s *apptest.Server, token, password string) string {
			t.Helper()
			_, code := mutate(t, s, token, "createLocalCredential", `localId: "james1", password: "`+password+`"`, "__typename")
			return code
		}, "WRONG_PASSWORD", "ACCESS_DENIED_ACCOUNT_BLOCKED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t)
			token, id := s.Parent(t)
			for range 10 {
				if got := tc.guess(t, s, token, "guess1234"); got != tc.wrong {
					t.Errorf("a wrong password: %s", got)
				}
			}
			if got := tc.guess(t, s, token, "secret123"); got != tc.blocked {
				t.Errorf("the right one after ten: %s", got)
			}
			signIn := s.Call(t, http.MethodPost, signInPath, "", `{"username": "parent1@example.com", "password": "secret123"}`)
			if signIn.Status != http.StatusLocked {
				t.Errorf("a sign-in: %d %s", signIn.Status, signIn.Body)
			}
			held := s.App.Store.Read().Identity.Query().Where(identity.RootUserID(id), identity.ProviderEQ(identity.ProviderLocal)).CountX(t.Context())
			if u := s.App.Store.Read().User.GetX(t.Context(), id); u.BlockedUntil == nil || held != 0 {
				t.Errorf("%d local ids of %v", held, u)
			}
			if n := readMetrics(t, s)[`luxbff_wrong_sign_ins_total{code="WRONG_PASSWORD"}`]; n != 10 {
				t.Errorf("%v wrong passwords are counted", n)
			}
		})
	}
}
