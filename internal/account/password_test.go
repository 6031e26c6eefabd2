package account_test

import (
	"strings"
	"testing"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/viewer"
)

// TestPasswordsThatNobodyCanTypeAgain holds every way to set a password to one
// rule.
func TestPasswordsThatNobodyCanTypeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	parent, local, john := w.parent(t), w.viewer(t, w.registerLocal(t, "abcd1234").Tokens), w.john(t)
	valid, reset := w.validToken(t, "+821011112222"), w.resetToken(t)
	change := func(v viewer.Viewer, old string) func(string) error {
		return func(to string) error {
			_, err := w.Credentials.ChangePassword(t.Context(), v, account.ChangePasswordParams{OldPassword: old, NewPassword: to})
			return err
		}
	}
	ways := map[string]struct {
		set  func(string) error
		want apperr.Kind
	}{
		"sign-up": {func(to string) error {
			p := signUpParams(valid, "second@lux.example", "+821011112222")
			p.Password = to
			_, err := w.SignUps.ByEmail(t.Context(), p)
			return err
		}, apperr.BadRequest},
		"sign-up of Addnox": {func(to string) error {
			_, err := w.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: "second@lux.example", Password: to})
			return err
		}, apperr.BadRequest},
		"reset": {func(to string) error {
			return w.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: reset, NewPassword: to})
		}, apperr.BadRequest},
		"change": {change(parent, password), apperr.PasswordMalformed},
		"registration": {func(to string) error {
			_, err := w.SignUps.ByLocalID(t.Context(), account.RegisterLocalParams{LocalID: "fresh1", Password: to})
			return err
		}, apperr.PasswordMalformed},
		"local credential": {func(to string) error {
			_, err := w.Credentials.CreateLocal(t.Context(), john, account.CreateLocalCredentialParams{LocalID: "fresh1", Password: to})
			return err
		}, apperr.PasswordMalformed},
		"change of a local password": {change(local, localPassword), apperr.PasswordMalformed},
	}
	for name, way := range ways {
		for _, to := range []string{"secret\x00123", "secret\ufffd123", "secret\xff123", "secret\n123", strings.Repeat("é1", 65)} {
			if err := way.set(to); !apperr.Is(err, way.want) {
				t.Errorf("%s to %q: %v, want %v", name, to, cause(err), way.want.New())
			}
		}
	}
}

func TestAFacebookIDThatCantBeStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for id, want := range map[string]apperr.Kind{
		"10\x0017":               apperr.FacebookTokenRefused,
		strings.Repeat("1", 255): apperr.FacebookTokenRefused,
	} {
		w.facebook.add(id, auth.Profile{Subject: id})
		if _, err := w.SignUps.SignInWithFacebook(t.Context(), facebook(id, id)); !apperr.Is(err, want) {
			t.Errorf("%q: %v", id, cause(err))
		}
	}
	long := strings.Repeat("é", 254)
	w.facebook.add("long", auth.Profile{Subject: long, Name: long})
	_, err := w.SignUps.SignInWithFacebook(t.Context(), facebook(long, "long"))
	ok(t, err)
}
