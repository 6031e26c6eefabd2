package auth_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	id := k.SignUp(t, email, phone).User.ID
	got, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: "PARENT@lux.EXAMPLE", Password: password})
	accounttest.OK(t, err)
	if v := k.Viewer(t, got.Tokens); v.RootUserID() != id {
		t.Errorf("signed in as %d, want %d", v.RootUserID(), id)
	}
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "correct horse 2"})
	accounttest.WantKind(t, err, apperr.PasswordInvalid)
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: "nobody@lux.example", Password: password})
	accounttest.WantKind(t, err, apperr.UserNotFound)
}

func TestTenWrongPasswordsBlock(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	k.SignUp(t, email, phone)
	try := func(password string) error {
		_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
		return err
	}
	for range 9 {
		accounttest.WantKind(t, try("wrong 1"), apperr.PasswordInvalid)
	}
	accounttest.OK(t, try(password)) // which resets the count
	for range 10 {
		accounttest.WantKind(t, try("wrong 1"), apperr.PasswordInvalid)
	}
	accounttest.WantKind(t, try(password), apperr.AccountBlocked)
	k.Clock.Add(15*time.Minute - time.Millisecond)
	accounttest.WantKind(t, try(password), apperr.AccountBlocked)
	k.Clock.Add(time.Millisecond)
	accounttest.WantKind(t, try("wrong 1"), apperr.PasswordInvalid)
	accounttest.OK(t, try(password))
}

func TestRaceToGuessAPassword(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	k.SignUp(t, email, phone)
	errs := testutil.Concurrently(16, func(int) error {
		_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "wrong 1"})
		return err
	})
	if diff := cmp.Diff(map[string]int{"Password is invalid": 10, "Access denied. Account blocked": 6}, accounttest.CountByDetail(errs)); diff != "" {
		t.Error(diff)
	}
}

func TestSocialSignInNamesTheOtherMethod(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	k.SignUp(t, email, phone)
	k.SocialSignUp(t, "social@lux.example", "+821011112222", "1017")
	// One that was made through Facebook and has a password by now.
	both := k.SocialSignUp(t, "both@lux.example", "+821033334444", "1018")
	_, err := k.Accounts.Credentials.CreateLocal(t.Context(), k.Viewer(t, both.Tokens), account.CreateLocalCredentialParams{
		LocalID: "abcd1234", Password: accounttest.LocalPassword,
	})
	accounttest.OK(t, err)
	k.Facebook.Add("both", auth.Profile{Subject: "4", Email: "both@lux.example"})
	k.Facebook.Add("mail", auth.Profile{Subject: "1", Email: "PARENT@lux.example"})
	k.Facebook.Add("social", auth.Profile{Subject: "2", Email: "social@lux.example"})
	k.Facebook.Add("nobody", auth.Profile{Subject: "3", Email: "nobody@lux.example"})
	for token, kind := range map[string]apperr.Kind{
		"mail": apperr.SignedUpWithEmail, "both": apperr.SignedUpWithEmail, "social": apperr.SignedUpWithSocial, "nobody": apperr.SignUpFirst,
	} {
		_, err := k.Auth.SignInSocial(t.Context(), auth.SocialParams{Provider: "facebook", Credential: auth.Credential{Token: token}})
		if accounttest.WantKind(t, err, kind); kind == apperr.SignedUpWithSocial && err.Error() != "User is signed up with facebook type" {
			t.Error(err)
		}
	}
}
