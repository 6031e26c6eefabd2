package account_test

import (
	"testing"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/testutil/accounttest"
)

func TestAddnoxSignUp(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	accounttest.WantKind(t, k.Accounts.AddnoxSignUps.Check(t.Context(), email), apperr.UserNotFound)
	_, err := k.Accounts.AddnoxSignUps.EmailUserID(t.Context(), email)
	accounttest.WantKind(t, err, apperr.UserIDNotResolved)
	begin := func(email, password string) (int, error) {
		return k.Accounts.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: email, Password: password})
	}
	_, err = begin("a@b", password)
	accounttest.WantKind(t, err, apperr.EmailNotValid)
	_, err = begin(email, "weak")
	accounttest.WantKind(t, err, apperr.BadRequest)
	id, err := begin(email, "first password 1")
	accounttest.OK(t, err)
	again, err := begin("PARENT@lux.example", password)
	accounttest.OK(t, err)
	found, err := k.Accounts.AddnoxSignUps.EmailUserID(t.Context(), email)
	accounttest.OK(t, err)
	if again != id || found != id {
		t.Errorf("email_user_id %d, then %d, found %d", id, again, found)
	}
	accounttest.WantKind(t, k.Accounts.AddnoxSignUps.Check(t.Context(), email), apperr.UserNotFound)
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "first password 1"})
	accounttest.WantKind(t, err, apperr.PasswordInvalid)
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.WantKind(t, err, apperr.SignUpNotCompleted)

	complete := account.CompleteSignUpParams{ValidToken: k.ValidToken(t, phone), EmailUserID: id, Email: email, Person: accounttest.Person(phone)}
	for name, tc := range map[string]struct {
		spoil func(*account.CompleteSignUpParams)
		want  apperr.Kind
	}{
		"no token":     {func(p *account.CompleteSignUpParams) { p.ValidToken = "" }, apperr.NotAuthenticated},
		"forged token": {func(p *account.CompleteSignUpParams) { p.ValidToken = "forged" }, apperr.NotAuthenticated},
		"unknown id":   {func(p *account.CompleteSignUpParams) { p.EmailUserID = 999 }, apperr.UserNotFound},
		"other e-mail": {func(p *account.CompleteSignUpParams) { p.Email = "other@lux.example" }, apperr.UserNotFound},
		"born never":   {func(p *account.CompleteSignUpParams) { p.Birthdate = "" }, apperr.BadRequest},
	} {
		p := complete
		tc.spoil(&p)
		if _, err := k.Accounts.AddnoxSignUps.Complete(t.Context(), p); !apperr.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want.New())
		}
	}
	done, err := k.Accounts.AddnoxSignUps.Complete(t.Context(), complete)
	accounttest.OK(t, err)
	if done.User.RegisterType != vocab.RegisteredByEmail {
		t.Errorf("%v", done.User)
	}
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
	accounttest.OK(t, k.Accounts.AddnoxSignUps.Check(t.Context(), email))
	_, err = begin(email, password)
	accounttest.WantKind(t, err, apperr.SameEmailRegistered)
	complete.Phone = "+821011112222"
	complete.ValidToken = k.ValidToken(t, complete.Phone)
	_, err = k.Accounts.AddnoxSignUps.Complete(t.Context(), complete)
	accounttest.WantKind(t, err, apperr.UserNotFound)
}

func TestLuxSignUpTakesOverAnIncompleteOne(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	_, err := k.Accounts.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: email, Password: "somebody else 1"})
	accounttest.OK(t, err)
	k.SignUp(t, email, phone)
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "somebody else 1"})
	accounttest.WantKind(t, err, apperr.PasswordInvalid)
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
}
