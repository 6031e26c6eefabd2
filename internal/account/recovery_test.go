package account_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/viewer"
)

// resetToken asks for a reset mail and takes the token out of its link.
func resetToken(t *testing.T, k *accounttest.Kit) string {
	t.Helper()
	accounttest.OK(t, k.Accounts.Recovery.RequestPasswordReset(t.Context(), account.RequestPasswordResetParams{Email: email}))
	text := k.LastMessage(t, strings.ToLower(email)).Text
	_, address, _ := strings.Cut(text, "https://")
	link, err := url.Parse("https://" + address)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(link.String(), "https://lux.example/reset-password?") {
		t.Errorf("the link is %s", link)
	}
	return link.Query().Get("token")
}

func TestResetPassword(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	session, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
	reset := func(token, password string) error {
		return k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: token, NewPassword: password})
	}
	replaced, late := resetToken(t, k), resetToken(t, k)
	accounttest.WantKind(t, reset("forged", "another horse 2"), apperr.CodeInvalid)
	accounttest.WantKind(t, reset(replaced, "another horse 2"), apperr.CodeInvalid)
	accounttest.WantKind(t, reset(late, "weak"), apperr.BadRequest)
	k.Clock.Add(30 * time.Minute)
	accounttest.WantKind(t, reset(late, "another horse 2"), apperr.CodeExpired)
	for range 10 {
		_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "wrong 1"})
		accounttest.WantKind(t, err, apperr.PasswordInvalid)
	}
	good := resetToken(t, k)
	accounttest.OK(t, reset(good, "another horse 2"))
	accounttest.WantKind(t, reset(good, "another horse 3"), apperr.CodeInvalid)
	_, err = k.Auth.Sessions.Refresh(t.Context(), session.Tokens.RefreshToken)
	accounttest.WantKind(t, err, apperr.RefreshTokenNotValid)
	if got := k.TakeEnded(); len(got) != 1 || got[0].RootUserID != v.RootUserID() || got[0].SessionIDs != nil {
		t.Errorf("ended sessions %v", got)
	}
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "another horse 2"})
	accounttest.OK(t, err)
}

func TestRequestPasswordResetRefuses(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	request := func(email string) error {
		return k.Accounts.Recovery.RequestPasswordReset(t.Context(), account.RequestPasswordResetParams{Email: email})
	}
	accounttest.WantKind(t, request("nobody@lux.example"), apperr.UserIDNotFound)
	_, err := k.Accounts.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: "begun@lux.example", Password: password})
	accounttest.OK(t, err)
	accounttest.WantKind(t, request("begun@lux.example"), apperr.UserIDNotFound)
	k.SocialSignUp(t, "social@lux.example", phone, "1017")
	accounttest.WantKind(t, request("social@lux.example"), apperr.SocialAccountHasNoPassword)
}

func TestRaceToResetAPassword(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	k.SignUp(t, email, phone)
	token := resetToken(t, k)
	errs := testutil.Concurrently(16, func(i int) error {
		return k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: token, NewPassword: fmt.Sprintf("another horse %d", i)})
	})
	if diff := cmp.Diff(map[string]int{"": 1, "Validation code is invalid": 15}, accounttest.CountByDetail(errs)); diff != "" {
		t.Error(diff)
	}
}

func TestFindAccount(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	find := func(phone, code string) (account.FoundAccount, error) {
		return k.Accounts.Recovery.FindAccount(t.Context(), account.FindAccountParams{Phone: phone, Code: code})
	}
	_, err := find("nonsense", "123456")
	accounttest.WantKind(t, err, apperr.BadRequest)
	_, err = find(phone, "123456")
	accounttest.WantKind(t, err, apperr.CodeInvalid)
	_, err = find(phone, k.SMSCode(t, phone))
	accounttest.WantKind(t, err, apperr.UserIDNotFound)
	k.SignUp(t, email, phone)
	code := k.SMSCode(t, phone)
	_, err = k.Auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: code})
	accounttest.WantKind(t, err, apperr.PhoneTaken) // and the code stays good for recovery
	found, err := find(phone, code)
	accounttest.OK(t, err)
	if *found.Email != email || found.Provider != "email" {
		t.Errorf("%+v", found)
	}
	_, err = find(phone, code)
	accounttest.WantKind(t, err, apperr.CodeInvalid)
	k.SocialSignUp(t, "social@lux.example", "+821011112222", "1017")
	found, err = find("+821011112222", k.SMSCode(t, "+821011112222"))
	accounttest.OK(t, err)
	if *found.Email != "social@lux.example" || found.Provider != "facebook" {
		t.Errorf("%+v", found)
	}
}

// TestFindAccountNamesTheAddressThatSignsIn, whatever address waits to be verified.
func TestFindAccountNamesTheAddressThatSignsIn(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	find := func(phone string) account.FoundAccount {
		t.Helper()
		found, err := k.Accounts.Recovery.FindAccount(t.Context(), account.FindAccountParams{Phone: phone, Code: k.SMSCode(t, phone)})
		accounttest.OK(t, err)
		return found
	}
	changeEmail := func(v viewer.Viewer, to string) {
		t.Helper()
		_, err := k.Accounts.Profiles.Update(t.Context(), v, account.UpdateUserParams{Email: &to})
		accounttest.OK(t, err)
	}
	want := func(phone string, found account.FoundAccount) {
		t.Helper()
		if diff := cmp.Diff(found, find(phone)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	parent := k.Parent(t)
	want(phone, account.FoundAccount{Email: ptr(email), Provider: "email"})
	changeEmail(parent, "Pending@lux.example")
	want(phone, account.FoundAccount{Email: ptr(strings.ToLower(email)), Provider: "email"})
	accounttest.OK(t, verifyEmail(t, k, parent, "Pending@lux.example"))
	want(phone, account.FoundAccount{Email: ptr("Pending@lux.example"), Provider: "email"})

	const second = "+821011112222"
	local := k.Viewer(t, k.RegisterLocal(t, "abcd1234").Tokens)
	_, err := k.Accounts.Profiles.ChangePhone(t.Context(), local, account.ChangePhoneParams{Phone: second, Code: k.SMSCode(t, second)})
	accounttest.OK(t, err)
	changeEmail(local, "john@snu.example")
	want(second, account.FoundAccount{Provider: "local"}) // nobody can sign in by that address yet
	accounttest.OK(t, verifyEmail(t, k, local, "john@snu.example"))
	want(second, account.FoundAccount{Email: ptr("john@snu.example"), Provider: "local"})
}
