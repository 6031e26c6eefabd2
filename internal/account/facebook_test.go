package account_test

import (
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
	if again.User.ID != john.RootUserID() || again.User.RegisterType != vocab.RegisteredLocally {
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
