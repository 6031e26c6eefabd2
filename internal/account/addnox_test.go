package account_test

import (
	"testing"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
)

func (w *world) socialSignUp(t *testing.T, email, phone, subject string) account.SignedIn {
	t.Helper()
	w.facebook.add(subject+"'s", account.Profile{Subject: subject, Name: "John Smith"})
	got, err := w.SocialSignUp(t.Context(), w.socialParams(t, email, phone, subject+"'s"))
	ok(t, err)
	return got
}

func (w *world) socialParams(t *testing.T, email, phone, token string) account.SocialSignUpParams {
	t.Helper()
	return account.SocialSignUpParams{
		ValidToken: w.validToken(t, phone), Email: email, Person: person(phone),
		SocialSignInParams: account.SocialSignInParams{Provider: "facebook", Token: token},
	}
}

func TestAddnoxSignUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want(t, w.CheckSignUp(t.Context(), email), apperr.UserNotFound)
	_, err := w.EmailUserID(t.Context(), email)
	want(t, err, apperr.UserIDNotResolved)
	begin := func(email, password string) (int, error) {
		return w.PreSignUp(t.Context(), account.PreSignUpParams{Email: email, Password: password})
	}
	_, err = begin("a@b", password)
	want(t, err, apperr.EmailNotValid)
	_, err = begin(email, "weak")
	want(t, err, apperr.BadRequest)
	id, err := begin(email, "first password 1")
	ok(t, err)
	again, err := begin("PARENT@lux.example", password)
	ok(t, err)
	found, err := w.EmailUserID(t.Context(), email)
	ok(t, err)
	if again != id || found != id {
		t.Errorf("email_user_id %d, then %d, found %d", id, again, found)
	}
	want(t, w.CheckSignUp(t.Context(), email), apperr.UserNotFound)
	_, err = w.SignIn(t.Context(), account.SignInParams{Email: email, Password: "first password 1"})
	want(t, err, apperr.PasswordInvalid)
	_, err = w.SignIn(t.Context(), account.SignInParams{Email: email, Password: password})
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
		if _, err := w.CompleteSignUp(t.Context(), p); !apperr.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want.New())
		}
	}
	done, err := w.CompleteSignUp(t.Context(), complete)
	ok(t, err)
	if done.User.RegisterType != vocab.RegisteredByEmail {
		t.Errorf("%v", done.User)
	}
	_, err = w.SignIn(t.Context(), account.SignInParams{Email: email, Password: password})
	ok(t, err)
	ok(t, w.CheckSignUp(t.Context(), email))
	_, err = begin(email, password)
	want(t, err, apperr.SameEmailRegistered)
	complete.Phone = "+821011112222"
	complete.ValidToken = w.validToken(t, complete.Phone)
	_, err = w.CompleteSignUp(t.Context(), complete)
	want(t, err, apperr.UserNotFound)
}

func TestALuxSignUpTakesOverABegunOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.PreSignUp(t.Context(), account.PreSignUpParams{Email: email, Password: "somebody else 1"})
	ok(t, err)
	w.signUp(t, email, phone)
	_, err = w.SignIn(t.Context(), account.SignInParams{Email: email, Password: "somebody else 1"})
	want(t, err, apperr.PasswordInvalid)
	_, err = w.SignIn(t.Context(), account.SignInParams{Email: email, Password: password})
	ok(t, err)
}

func TestSocialSignUpAndIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	signIn := func(provider, token string) (account.SignedIn, error) {
		return w.SocialSignIn(t.Context(), account.SocialSignInParams{Provider: provider, Token: token})
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
	w.facebook.add("john's", account.Profile{Subject: "1017"})
	_, err = signIn("facebook", "john's")
	want(t, err, apperr.SignUpFirst)

	params := w.socialParams(t, email, phone, "john's")
	spoilt := params
	spoilt.ValidToken = ""
	_, err = w.SocialSignUp(t.Context(), spoilt)
	want(t, err, apperr.NotAuthenticated)
	spoilt = params
	spoilt.Provider = "myspace"
	_, err = w.SocialSignUp(t.Context(), spoilt)
	want(t, err, apperr.ResourceNotFound)
	spoilt = params
	spoilt.Token = "forged"
	_, err = w.SocialSignUp(t.Context(), spoilt)
	want(t, err, apperr.ProviderTokenInvalid)
	done, err := w.SocialSignUp(t.Context(), params)
	ok(t, err)
	if done.User.RegisterType != vocab.RegisteredBySocial {
		t.Errorf("%v", done.User)
	}
	in, err := signIn("facebook", "john's")
	ok(t, err)
	if in.User.ID != done.User.ID || w.viewer(t, in.Tokens).SessionID == 0 {
		t.Errorf("%v", in)
	}
	_, err = w.SocialSignUp(t.Context(), w.socialParams(t, "new@lux.example", "+821011112222", "john's"))
	want(t, err, apperr.SameEmailIsRegistered)
	w.facebook.add("jane's", account.Profile{Subject: "2034"})
	_, err = w.SocialSignUp(t.Context(), w.socialParams(t, email, "+821033334444", "jane's"))
	want(t, err, apperr.SameEmailIsRegistered)
}

func TestSocialSignInTellsTheOtherWayIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, email, phone)
	w.socialSignUp(t, "social@lux.example", "+821011112222", "1017")
	w.facebook.add("mail", account.Profile{Subject: "1", Email: "PARENT@lux.example"})
	w.facebook.add("social", account.Profile{Subject: "2", Email: "social@lux.example"})
	w.facebook.add("nobody", account.Profile{Subject: "3", Email: "nobody@lux.example"})
	for token, kind := range map[string]apperr.Kind{
		"mail": apperr.SignedUpWithEmail, "social": apperr.SignedUpWithSocial, "nobody": apperr.SignUpFirst,
	} {
		_, err := w.SocialSignIn(t.Context(), account.SocialSignInParams{Provider: "facebook", Token: token})
		if want(t, err, kind); kind == apperr.SignedUpWithSocial && err.Error() != "User is signed up with facebook type" {
			t.Error(err)
		}
	}
}
