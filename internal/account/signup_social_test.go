package account_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
)

func TestSocialSignUpAndIn(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	signIn := func(provider, token string) (auth.SignedIn, error) {
		return k.Auth.SignInSocial(t.Context(), auth.SocialParams{Provider: provider, Credential: auth.Credential{Token: token}})
	}
	_, err := signIn("myspace", "x")
	accounttest.WantKind(t, err, apperr.ResourceNotFound)
	_, err = signIn("email", "x")
	accounttest.WantKind(t, err, apperr.ResourceNotFound)
	_, err = signIn("google", "x")
	if accounttest.WantKind(t, err, apperr.ProviderTokenInvalid); err.Error() != "Invalid google access token" {
		t.Error(err)
	}
	_, err = signIn("facebook", "forged")
	accounttest.WantKind(t, err, apperr.ProviderTokenInvalid)
	k.Facebook.Add("john's", auth.Profile{Subject: "1017"})
	_, err = signIn("facebook", "john's")
	accounttest.WantKind(t, err, apperr.SignUpFirst)

	params := k.SocialSignUpParams(t, email, phone, "john's")
	spoilt := params
	spoilt.ValidToken = ""
	_, err = k.Accounts.SignUps.BySocial(t.Context(), spoilt)
	accounttest.WantKind(t, err, apperr.NotAuthenticated)
	spoilt = params
	spoilt.Provider = "myspace"
	_, err = k.Accounts.SignUps.BySocial(t.Context(), spoilt)
	accounttest.WantKind(t, err, apperr.ResourceNotFound)
	spoilt = params
	spoilt.Token = "forged"
	_, err = k.Accounts.SignUps.BySocial(t.Context(), spoilt)
	accounttest.WantKind(t, err, apperr.ProviderTokenInvalid)
	done, err := k.Accounts.SignUps.BySocial(t.Context(), params)
	accounttest.OK(t, err)
	if done.User.RegisterType != vocab.RegisteredBySocial {
		t.Errorf("%v", done.User)
	}
	in, err := signIn("facebook", "john's")
	accounttest.OK(t, err)
	if in.User.ID != done.User.ID || k.Viewer(t, in.Tokens).SessionID == 0 {
		t.Errorf("%v", in)
	}
	_, err = k.Accounts.SignUps.BySocial(t.Context(), k.SocialSignUpParams(t, "new@lux.example", "+821011112222", "john's"))
	accounttest.WantKind(t, err, apperr.SameEmailIsRegistered)
	k.Facebook.Add("jane's", auth.Profile{Subject: "2034"})
	_, err = k.Accounts.SignUps.BySocial(t.Context(), k.SocialSignUpParams(t, email, "+821033334444", "jane's"))
	accounttest.WantKind(t, err, apperr.SameEmailIsRegistered)
}

func TestRaceToSignInWithANewFacebookAccount(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	k.Facebook.Add("john's", auth.Profile{Subject: "1017"})
	errs := testutil.Concurrently(16, func(int) error {
		_, err := k.Accounts.SignUps.SignInWithFacebook(t.Context(), accounttest.FacebookParams("1017", "john's"))
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 16}, accounttest.CountByDetail(errs)); diff != "" {
		t.Error(diff)
	}
	if n := k.Store.Read().User.Query().CountX(t.Context()); n != 1 {
		t.Errorf("%d accounts were made", n)
	}
}

func TestFacebookIDsThatCannotBeStored(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	for id, want := range map[string]apperr.Kind{
		"10\x0017":               apperr.ProviderUnavailable,
		strings.Repeat("1", 255): apperr.ProviderUnavailable,
	} {
		k.Facebook.Add(id, auth.Profile{Subject: id})
		if _, err := k.Accounts.SignUps.SignInWithFacebook(t.Context(), accounttest.FacebookParams(id, id)); !apperr.Is(err, want) {
			t.Errorf("%q: %v", id, accounttest.Cause(err))
		}
	}
	long := strings.Repeat("é", 254)
	k.Facebook.Add("long", auth.Profile{Subject: long, Name: long})
	_, err := k.Accounts.SignUps.SignInWithFacebook(t.Context(), accounttest.FacebookParams(long, "long"))
	accounttest.OK(t, err)
}
