package account_test

import (
	"testing"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
)

func (w *world) socialSignUp(t *testing.T, email, phone, subject string) auth.SignedIn {
	t.Helper()
	w.facebook.add(subject+"'s", auth.Profile{Subject: subject, Name: "John Smith"})
	got, err := w.SignUps.BySocial(t.Context(), w.socialParams(t, email, phone, subject+"'s"))
	ok(t, err)
	return got
}

func (w *world) socialParams(t *testing.T, email, phone, token string) account.SocialSignUpParams {
	t.Helper()
	return account.SocialSignUpParams{
		ValidToken: w.validToken(t, phone), Email: email, Person: person(phone),
		SocialParams: auth.SocialParams{Provider: "facebook", Token: token},
	}
}

func TestAddnoxSignUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want(t, w.AddnoxSignUps.Check(t.Context(), email), apperr.UserNotFound)
	_, err := w.AddnoxSignUps.EmailUserID(t.Context(), email)
	want(t, err, apperr.UserIDNotResolved)
	begin := func(email, password string) (int, error) {
		return w.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: email, Password: password})
	}
	_, err = begin("a@b", password)
	want(t, err, apperr.EmailNotValid)
	_, err = begin(email, "weak")
	want(t, err, apperr.BadRequest)
	id, err := begin(email, "first password 1")
	ok(t, err)
	again, err := begin("PARENT@lux.example", password)
	ok(t, err)
	found, err := w.AddnoxSignUps.EmailUserID(t.Context(), email)
	ok(t, err)
	if again != id || found != id {
		t.Errorf("email_user_id %d, then %d, found %d", id, again, found)
	}
	want(t, w.AddnoxSignUps.Check(t.Context(), email), apperr.UserNotFound)
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "first password 1"})
	want(t, err, apperr.PasswordInvalid)
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	want(t, err, apperr.SignUpNotCompleted)

	complete := account.CompleteSignUpParams{ValidToken: w.validToken(t, phone), EmailUserID: id, Email: email, Person: person(phone)}
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
		if _, err := w.AddnoxSignUps.Complete(t.Context(), p); !apperr.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want.New())
		}
	}
	done, err := w.AddnoxSignUps.Complete(t.Context(), complete)
	ok(t, err)
	if done.User.RegisterType != vocab.RegisteredByEmail {
		t.Errorf("%v", done.User)
	}
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	ok(t, err)
	ok(t, w.AddnoxSignUps.Check(t.Context(), email))
	_, err = begin(email, password)
	want(t, err, apperr.SameEmailRegistered)
	complete.Phone = "+821011112222"
	complete.ValidToken = w.validToken(t, complete.Phone)
	_, err = w.AddnoxSignUps.Complete(t.Context(), complete)
	want(t, err, apperr.UserNotFound)
}

func TestALuxSignUpTakesOverABegunOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: email, Password: "somebody else 1"})
	ok(t, err)
	w.signUp(t, email, phone)
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "somebody else 1"})
	want(t, err, apperr.PasswordInvalid)
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	ok(t, err)
}

func TestSocialSignUpAndIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	signIn := func(provider, token string) (auth.SignedIn, error) {
		return w.auth.SignInSocial(t.Context(), auth.SocialParams{Provider: provider, Token: token})
	}
	_, err := signIn("myspace", "x")
	want(t, err, apperr.ResourceNotFound)
	_, err = signIn("email", "x")
	want(t, err, apperr.ResourceNotFound)
	_, err = signIn("google", "x")
	if want(t, err, apperr.ProviderTokenInvalid); err.Error() != "Invalid google access token" {
		t.Error(err)
	}
	_, err = signIn("facebook", "forged")
	want(t, err, apperr.ProviderTokenInvalid)
	w.facebook.add("john's", auth.Profile{Subject: "1017"})
	_, err = signIn("facebook", "john's")
	want(t, err, apperr.SignUpFirst)

	params := w.socialParams(t, email, phone, "john's")
	spoilt := params
	spoilt.ValidToken = ""
	_, err = w.SignUps.BySocial(t.Context(), spoilt)
	want(t, err, apperr.NotAuthenticated)
	spoilt = params
	spoilt.Provider = "myspace"
	_, err = w.SignUps.BySocial(t.Context(), spoilt)
	want(t, err, apperr.ResourceNotFound)
	spoilt = params
	spoilt.Token = "forged"
	_, err = w.SignUps.BySocial(t.Context(), spoilt)
	want(t, err, apperr.ProviderTokenInvalid)
	done, err := w.SignUps.BySocial(t.Context(), params)
	ok(t, err)
	if done.User.RegisterType != vocab.RegisteredBySocial {
		t.Errorf("%v", done.User)
	}
	in, err := signIn("facebook", "john's")
	ok(t, err)
	if in.User.ID != done.User.ID || w.viewer(t, in.Tokens).SessionID == 0 {
		t.Errorf("%v", in)
	}
	_, err = w.SignUps.BySocial(t.Context(), w.socialParams(t, "new@lux.example", "+821011112222", "john's"))
	want(t, err, apperr.SameEmailIsRegistered)
	w.facebook.add("jane's", auth.Profile{Subject: "2034"})
	_, err = w.SignUps.BySocial(t.Context(), w.socialParams(t, email, "+821033334444", "jane's"))
	want(t, err, apperr.SameEmailIsRegistered)
}

func TestSocialSignInTellsTheOtherWayIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, email, phone)
	w.socialSignUp(t, "social@lux.example", "+821011112222", "1017")
	w.facebook.add("mail", auth.Profile{Subject: "1", Email: "PARENT@lux.example"})
	w.facebook.add("social", auth.Profile{Subject: "2", Email: "social@lux.example"})
	w.facebook.add("nobody", auth.Profile{Subject: "3", Email: "nobody@lux.example"})
	for token, kind := range map[string]apperr.Kind{
		"mail": apperr.SignedUpWithEmail, "social": apperr.SignedUpWithSocial, "nobody": apperr.SignUpFirst,
	} {
		_, err := w.auth.SignInSocial(t.Context(), auth.SocialParams{Provider: "facebook", Token: token})
		if want(t, err, kind); kind == apperr.SignedUpWithSocial && err.Error() != "User is signed up with facebook type" {
			t.Error(err)
		}
	}
}
