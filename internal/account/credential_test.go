package account_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/viewer"
)

const localPassword = "abcd1234"

func (w *world) registerLocal(t *testing.T, localID string) auth.SignedIn {
	t.Helper()
	got, err := w.SignUps.ByLocalID(t.Context(), account.RegisterLocalParams{
		LocalID: localID, Password: localPassword, Style: auth.LongLivedToken,
	})
	ok(t, err)
	return got
}

func (w *world) john(t *testing.T) viewer.Viewer {
	t.Helper()
	w.facebook.add("john's", auth.Profile{Subject: "1017", Name: "John Smith"})
	got, err := w.SignUps.SignInWithFacebook(t.Context(), facebook("1017", "john's"))
	ok(t, err)
	return w.viewer(t, got.Tokens)
}

func facebook(id, token string) account.FacebookParams {
	return account.FacebookParams{FacebookID: id, FacebookToken: token, Style: auth.LongLivedToken}
}

func TestLocalAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	registered := w.registerLocal(t, "Abcd1234")
	if registered.User.RegisterType != vocab.RegisteredLocally || registered.Tokens.RefreshToken != "" {
		t.Errorf("%v %+v", registered.User, registered.Tokens)
	}
	v := w.viewer(t, registered.Tokens)
	if v.SessionID != 0 || !v.ExpiresAt.IsZero() {
		t.Errorf("a long-lived token has the session %d until %v", v.SessionID, v.ExpiresAt)
	}
	again, err := w.auth.SignInLocal(t.Context(), auth.SignInLocalParams{
		LocalID: "aBCD1234", Password: localPassword, Style: auth.LongLivedToken,
	})
	ok(t, err)
	if diff := cmp.Diff(registered.Tokens, again.Tokens); diff != "" {
		t.Errorf("signing in again gave another token: %s", diff)
	}
	names, err := w.Credentials.SignInNames(t.Context(), v.User)
	ok(t, err)
	if diff := cmp.Diff(account.SignInNames{LocalID: ptr("Abcd1234")}, names); diff != "" {
		t.Error(diff)
	}
	session, err := w.auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "abcd1234", Password: localPassword})
	ok(t, err)
	if w.viewer(t, session.Tokens).SessionID == 0 {
		t.Error("GraphQL's sign-in opened no session")
	}
	_, err = w.auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "nobody", Password: localPassword})
	want(t, err, apperr.NoSuchLocalID)
	for range 10 {
		_, err = w.auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "abcd1234", Password: "wrong123"})
		want(t, err, apperr.WrongPassword)
	}
	_, err = w.auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "abcd1234", Password: localPassword})
	want(t, err, apperr.AccountBlocked)
}

func TestRegisterLocalRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registerLocal(t, "Taken1")
	for name, tc := range map[string]struct {
		p    account.RegisterLocalParams
		want apperr.Kind
	}{
		"taken":          {account.RegisterLocalParams{LocalID: "tAKEN1", Password: localPassword}, apperr.LocalIDTaken},
		"short id":       {account.RegisterLocalParams{LocalID: "abc", Password: localPassword}, apperr.LocalIDMalformed},
		"long id":        {account.RegisterLocalParams{LocalID: "abcdefghijklmnopqrstuvwxyz1234567", Password: localPassword}, apperr.LocalIDMalformed},
		"id with a dot":  {account.RegisterLocalParams{LocalID: "ab.cd", Password: localPassword}, apperr.LocalIDMalformed},
		"short password": {account.RegisterLocalParams{LocalID: "abcd", Password: "abc12"}, apperr.PasswordMalformed},
		"long password":  {account.RegisterLocalParams{LocalID: "abcd", Password: "abcdefghijklmnopqrst1"}, apperr.PasswordMalformed},
		"no digit":       {account.RegisterLocalParams{LocalID: "abcd", Password: "abcdefg"}, apperr.PasswordMalformed},
		"no letter":      {account.RegisterLocalParams{LocalID: "abcd", Password: "1234567"}, apperr.PasswordMalformed},
		"a blank":        {account.RegisterLocalParams{LocalID: "abcd", Password: "abcd 1234"}, apperr.PasswordMalformed},
		"e-mail":         {account.RegisterLocalParams{LocalID: "abcd", Password: localPassword, Email: ptr("a@b")}, apperr.EmailMalformed},
	} {
		if _, err := w.SignUps.ByLocalID(t.Context(), tc.p); !apperr.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want.New())
		}
	}
	if n := w.store.Read().User.Query().CountX(t.Context()); n != 1 {
		t.Errorf("%d accounts, want 1", n)
	}
}

func TestChangePasswordEndsEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := w.registerLocal(t, "abcd1234")
	v := w.viewer(t, long.Tokens)
	session, err := w.auth.Sessions.Start(t.Context(), v.RootUserID(), 0)
	ok(t, err)
	change := func(old, fresh string) (account.Renewed, error) {
		return w.Credentials.ChangePassword(t.Context(), v, account.ChangePasswordParams{
			OldPassword: old, NewPassword: fresh, Style: auth.LongLivedToken,
		})
	}
	_, err = change("", "efgh5678")
	want(t, err, apperr.WrongPassword)
	_, err = change("wrong123", "efgh5678")
	want(t, err, apperr.WrongPassword)
	_, err = change(localPassword, "short")
	want(t, err, apperr.PasswordMalformed)
	w.viewer(t, long.Tokens)
	done, err := change(localPassword, "efgh5678")
	ok(t, err)
	if diff := cmp.Diff([]ended{{v.RootUserID(), nil}}, w.endings(), cmp.AllowUnexported(ended{})); diff != "" {
		t.Errorf("endings: %s", diff)
	}
	_, err = w.auth.Sessions.Authenticate(t.Context(), long.Tokens.AccessToken)
	want(t, err, apperr.Unauthenticated)
	_, err = w.auth.Sessions.Authenticate(t.Context(), session.AccessToken)
	want(t, err, apperr.Unauthenticated)
	_, err = w.auth.Sessions.Refresh(t.Context(), session.RefreshToken)
	want(t, err, apperr.RefreshTokenNotValid)
	w.viewer(t, *done.Tokens)
	_, err = w.auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "abcd1234", Password: localPassword})
	want(t, err, apperr.WrongPassword)
}

func TestChangePasswordOfAnAccountWithoutLocalID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.parent(t)
	done, err := w.Credentials.ChangePassword(t.Context(), v, account.ChangePasswordParams{
		OldPassword: password, NewPassword: "a far longer pass phrase 2",
	})
	ok(t, err)
	if w.viewer(t, *done.Tokens).SessionID == 0 {
		t.Error("no new session")
	}
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "a far longer pass phrase 2"})
	ok(t, err)

	temp, err := w.SignUps.Temporary(t.Context(), auth.LongLivedToken)
	ok(t, err)
	_, err = w.Credentials.ChangePassword(t.Context(), w.viewer(t, temp.Tokens), account.ChangePasswordParams{
		OldPassword: localPassword, NewPassword: localPassword,
	})
	want(t, err, apperr.NoLocalID)
}

func TestCreateLocalCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registerLocal(t, "taken1")
	temp, err := w.SignUps.Temporary(t.Context(), auth.LongLivedToken)
	ok(t, err)
	v := w.viewer(t, temp.Tokens)
	create := func(v viewer.Viewer, localID string, style auth.TokenStyle) (account.Renewed, error) {
		return w.Credentials.CreateLocal(t.Context(), v, account.CreateLocalCredentialParams{
			LocalID: localID, Password: localPassword, Style: style,
		})
	}
	_, err = create(v, "x", auth.LongLivedToken)
	want(t, err, apperr.LocalIDMalformed)
	_, err = create(v, "TAKEN1", auth.LongLivedToken)
	want(t, err, apperr.LocalIDTaken)
	w.viewer(t, temp.Tokens)
	done, err := create(v, "fresh1", auth.LongLivedToken)
	ok(t, err)
	_, err = w.auth.Sessions.Authenticate(t.Context(), temp.Tokens.AccessToken)
	want(t, err, apperr.Unauthenticated)
	v = w.viewer(t, *done.Tokens)
	_, err = create(v, "fresh2", auth.LongLivedToken)
	want(t, err, apperr.LocalIDExists)

	parent := w.parent(t)
	_, err = create(parent, "parent1", auth.SessionTokens) // the one password changes: sessions end
	ok(t, err)
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: localPassword})
	ok(t, err)
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	want(t, err, apperr.PasswordInvalid)
}

func TestFacebook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	john := w.john(t)
	again, err := w.SignUps.SignInWithFacebook(t.Context(), facebook("1017", "john's"))
	ok(t, err)
	if again.User.ID != john.RootUserID() || again.User.RegisterType != vocab.RegisteredLocally {
		t.Errorf("%v", again.User)
	}
	names, err := w.Credentials.SignInNames(t.Context(), john.User)
	ok(t, err)
	if diff := cmp.Diff(account.FacebookLink{Attached: true, Name: ptr("John Smith")}, names.Facebook); diff != "" {
		t.Error(diff)
	}
	_, err = w.Credentials.DisconnectFacebook(t.Context(), john, auth.LongLivedToken)
	want(t, err, apperr.NoLocalID)

	local := w.registerLocal(t, "abcd1234")
	v := w.viewer(t, local.Tokens)
	_, err = w.Credentials.DisconnectFacebook(t.Context(), v, auth.LongLivedToken)
	want(t, err, apperr.NoFacebook)
	w.facebook.add("jane's", auth.Profile{Subject: "2034", Name: "Jane \x00"})
	for name, tc := range map[string]struct {
		p    account.FacebookParams
		want apperr.Kind
	}{
		"no id":        {facebook("", "jane's"), apperr.FacebookParametersMissing},
		"no token":     {facebook("2034", ""), apperr.FacebookParametersMissing},
		"refused":      {facebook("2034", "forged"), apperr.FacebookTokenRefused},
		"another's id": {facebook("1017", "jane's"), apperr.FacebookTokenRefused},
		"taken":        {facebook("1017", "john's"), apperr.FacebookTaken},
	} {
		if _, err := w.Credentials.ConnectFacebook(t.Context(), v, tc.p); !apperr.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want.New())
		}
	}
	done, err := w.Credentials.ConnectFacebook(t.Context(), v, facebook("2034", "jane's"))
	ok(t, err)
	_, err = w.auth.Sessions.Authenticate(t.Context(), local.Tokens.AccessToken)
	want(t, err, apperr.Unauthenticated)
	v = w.viewer(t, *done.Tokens)
	_, err = w.Credentials.ConnectFacebook(t.Context(), v, facebook("2034", "jane's"))
	want(t, err, apperr.FacebookExists)
	done, err = w.Credentials.DisconnectFacebook(t.Context(), v, auth.LongLivedToken)
	ok(t, err)
	v = w.viewer(t, *done.Tokens)
	names, err = w.Credentials.SignInNames(t.Context(), v.User)
	ok(t, err)
	if names.Facebook.Attached {
		t.Error("the link is still there")
	}
}

func TestConnectFacebookLeavesSessionsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.parent(t)
	w.facebook.add("john's", auth.Profile{Subject: "1017", Name: "John Smith"})
	done, err := w.Credentials.ConnectFacebook(t.Context(), v, account.FacebookParams{FacebookID: "1017", FacebookToken: "john's"})
	ok(t, err)
	if done.Tokens != nil {
		t.Error("a session that goes on got other tokens")
	}
	if diff := cmp.Diff([]ended{{v.RootUserID(), []int{0}}}, w.endings(), cmp.AllowUnexported(ended{})); diff != "" {
		t.Errorf("endings: %s", diff)
	}
	_, err = w.Credentials.DisconnectFacebook(t.Context(), v, auth.SessionTokens)
	ok(t, err)
}
