package account_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/testutil/accounttest"
)

func TestFacebook(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	john := k.John(t)
	again, err := k.Accounts.SignUps.SignInWithFacebook(t.Context(), accounttest.FacebookParams("1017", "john's"))
	accounttest.OK(t, err)
	if again.User.ID != john.RootUserID() || again.User.RegisterType != vocab.RegisteredBySocial {
		t.Errorf("%v", again.User)
	}
	names, err := k.Accounts.Credentials.SignInNames(t.Context(), john.User)
	accounttest.OK(t, err)
	if diff := cmp.Diff(account.FacebookLink{Attached: true, Name: ptr("John Smith")}, names.Facebook); diff != "" {
		t.Error(diff)
	}
	_, err = k.Accounts.Credentials.DisconnectFacebook(t.Context(), john, auth.LongLivedToken)
	accounttest.WantKind(t, err, apperr.NoLocalID)

	local := k.RegisterLocal(t, "abcd1234")
	v := k.Viewer(t, local.Tokens)
	_, err = k.Accounts.Credentials.DisconnectFacebook(t.Context(), v, auth.LongLivedToken)
	accounttest.WantKind(t, err, apperr.NoFacebook)
	k.Facebook.Add("jane's", auth.Profile{Subject: "2034", Name: "Jane \x00"})
	for name, tc := range map[string]struct {
		p    account.FacebookParams
		want apperr.Kind
	}{
		"no id":        {accounttest.FacebookParams("", "jane's"), apperr.FacebookParametersMissing},
		"no token":     {accounttest.FacebookParams("2034", ""), apperr.FacebookParametersMissing},
		"refused":      {accounttest.FacebookParams("2034", "forged"), apperr.FacebookTokenRefused},
		"another's id": {accounttest.FacebookParams("1017", "jane's"), apperr.FacebookTokenRefused},
		"taken":        {accounttest.FacebookParams("1017", "john's"), apperr.FacebookTaken},
	} {
		if _, err := k.Accounts.Credentials.ConnectFacebook(t.Context(), v, tc.p); !apperr.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want.New())
		}
	}
	done, err := k.Accounts.Credentials.ConnectFacebook(t.Context(), v, accounttest.FacebookParams("2034", "jane's"))
	accounttest.OK(t, err)
	_, err = k.Auth.Sessions.Authenticate(t.Context(), local.Tokens.AccessToken)
	accounttest.WantKind(t, err, apperr.Unauthenticated)
	v = k.Viewer(t, *done.Tokens)
	_, err = k.Accounts.Credentials.ConnectFacebook(t.Context(), v, accounttest.FacebookParams("2034", "jane's"))
	accounttest.WantKind(t, err, apperr.FacebookExists)
	done, err = k.Accounts.Credentials.DisconnectFacebook(t.Context(), v, auth.LongLivedToken)
	accounttest.OK(t, err)
	v = k.Viewer(t, *done.Tokens)
	names, err = k.Accounts.Credentials.SignInNames(t.Context(), v.User)
	accounttest.OK(t, err)
	if names.Facebook.Attached {
		t.Error("the link is still there")
	}
}

func TestConnectFacebookLeavesSessionsAlone(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	k.Facebook.Add("john's", auth.Profile{Subject: "1017", Name: "John Smith"})
	done, err := k.Accounts.Credentials.ConnectFacebook(t.Context(), v, account.FacebookParams{FacebookID: "1017", FacebookToken: "john's"})
	accounttest.OK(t, err)
	if done.Tokens != nil {
		t.Error("a session that goes on got other tokens")
	}
	if diff := cmp.Diff([]accounttest.Ended{{RootUserID: v.RootUserID(), SessionIDs: []int{0}}}, k.TakeEnded()); diff != "" {
		t.Errorf("ended sessions (-want +got):\n%s", diff)
	}
	_, err = k.Accounts.Credentials.DisconnectFacebook(t.Context(), v, auth.SessionTokens)
	accounttest.OK(t, err)
}

// TestFacebookNameIsRefreshed follows a person who changes their name at Facebook, at each
// sign-in with it.
func TestFacebookNameIsRefreshed(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	john := k.John(t)
	name := func() string {
		names, err := k.Accounts.Credentials.SignInNames(t.Context(), john.User)
		accounttest.OK(t, err)
		return *names.Facebook.Name
	}
	ways := []func() error{
		func() error {
			_, err := k.Accounts.SignUps.SignInWithFacebook(t.Context(), accounttest.FacebookParams("1017", "john's"))
			return err
		},
		func() error {
			_, err := k.Auth.SignInSocial(t.Context(), auth.SocialParams{Provider: "facebook", Credential: auth.Credential{Token: "john's"}})
			return err
		},
	}
	for i, signIn := range ways {
		for _, c := range []struct{ now, want string }{
			{fmt.Sprint("John Miller ", i), fmt.Sprint("John Miller ", i)},
			{"", fmt.Sprint("John Miller ", i)},
			{"\u3164", fmt.Sprint("John Miller ", i)}, // nothing to show
		} {
			k.Facebook.Add("john's", auth.Profile{Subject: "1017", Name: c.now})
			accounttest.OK(t, signIn())
			if name() != c.want {
				t.Errorf("the name is %q, want %q", name(), c.want)
			}
		}
	}
}

// TestSilentProvider tells a provider that gives no answer from one that refuses.
func TestSilentProvider(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	local := k.Viewer(t, k.RegisterLocal(t, "abcd1234").Tokens)
	social := k.SocialSignUpParams(t, email, phone, "john's")
	for name, answer := range map[string]auth.Profile{"silence": {}, "an id that cannot be stored": {Subject: "10\x0017"}} {
		k.Facebook.Add("john's", answer)
		_, err := k.Accounts.SignUps.SignInWithFacebook(t.Context(), accounttest.FacebookParams("1017", "john's"))
		_, connect := k.Accounts.Credentials.ConnectFacebook(t.Context(), local, accounttest.FacebookParams("1017", "john's"))
		_, signIn := k.Auth.SignInSocial(t.Context(), auth.SocialParams{Provider: "facebook", Credential: auth.Credential{Token: "john's"}})
		_, signUp := k.Accounts.SignUps.BySocial(t.Context(), social)
		for _, err := range []error{err, connect, signIn, signUp} {
			if !apperr.Is(err, apperr.ProviderUnavailable) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
	k.Facebook.Add("john's", auth.Profile{Subject: "1017"})
	_, err := k.Accounts.SignUps.BySocial(t.Context(), social) // whose valid_token is good still
	accounttest.OK(t, err)
}
