package account_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/viewer"
)

func TestChangePasswordEndsEverything(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	long := k.RegisterLocal(t, "abcd1234")
	v := k.Viewer(t, long.Tokens)
	session, err := k.Auth.Sessions.Start(t.Context(), v.RootUserID(), 0)
	accounttest.OK(t, err)
	change := func(old, fresh string) (account.Renewed, error) {
		return k.Accounts.Credentials.ChangePassword(t.Context(), v, account.ChangePasswordParams{
			OldPassword: old, NewPassword: fresh, Style: auth.LongLivedToken,
		})
	}
	_, err = change("", "efgh5678")
	accounttest.WantKind(t, err, apperr.WrongPassword)
	_, err = change("wrong123", "efgh5678")
	accounttest.WantKind(t, err, apperr.WrongPassword)
	_, err = change(localPassword, "short")
	accounttest.WantKind(t, err, apperr.PasswordMalformed)
	k.Viewer(t, long.Tokens)
	done, err := change(localPassword, "efgh5678")
	accounttest.OK(t, err)
	if diff := cmp.Diff([]accounttest.Ended{{RootUserID: v.RootUserID(), SessionIDs: nil}}, k.TakeEnded()); diff != "" {
		t.Errorf("ended sessions (-want +got):\n%s", diff)
	}
	_, err = k.Auth.Sessions.Authenticate(t.Context(), long.Tokens.AccessToken)
	accounttest.WantKind(t, err, apperr.Unauthenticated)
	_, err = k.Auth.Sessions.Authenticate(t.Context(), session.AccessToken)
	accounttest.WantKind(t, err, apperr.Unauthenticated)
	_, err = k.Auth.Sessions.Refresh(t.Context(), session.RefreshToken)
	accounttest.WantKind(t, err, apperr.RefreshTokenNotValid)
	k.Viewer(t, *done.Tokens)
	_, err = k.Auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "abcd1234", Password: localPassword})
	accounttest.WantKind(t, err, apperr.WrongPassword)
}

func TestChangePasswordOfAnAccountWithoutLocalID(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	done, err := k.Accounts.Credentials.ChangePassword(t.Context(), v, account.ChangePasswordParams{
		OldPassword: password, NewPassword: "a far longer pass phrase 2",
	})
	accounttest.OK(t, err)
	if k.Viewer(t, *done.Tokens).SessionID == 0 {
		t.Error("no new session")
	}
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "a far longer pass phrase 2"})
	accounttest.OK(t, err)

	temp, err := k.Accounts.SignUps.Temporary(t.Context(), auth.LongLivedToken)
	accounttest.OK(t, err)
	_, err = k.Accounts.Credentials.ChangePassword(t.Context(), k.Viewer(t, temp.Tokens), account.ChangePasswordParams{
		OldPassword: localPassword, NewPassword: localPassword,
	})
	accounttest.WantKind(t, err, apperr.NoLocalID)
}

func TestCreateLocalCredential(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	k.RegisterLocal(t, "taken1")
	temp, err := k.Accounts.SignUps.Temporary(t.Context(), auth.LongLivedToken)
	accounttest.OK(t, err)
	v := k.Viewer(t, temp.Tokens)
	create := func(v viewer.Viewer, localID string, style auth.TokenStyle) (account.Renewed, error) {
		return k.Accounts.Credentials.CreateLocal(t.Context(), v, account.CreateLocalCredentialParams{
			LocalID: localID, Password: localPassword, Style: style,
		})
	}
	_, err = create(v, "x", auth.LongLivedToken)
	accounttest.WantKind(t, err, apperr.LocalIDMalformed)
	_, err = create(v, "TAKEN1", auth.LongLivedToken)
	accounttest.WantKind(t, err, apperr.LocalIDTaken)
	k.Viewer(t, temp.Tokens)
	done, err := create(v, "fresh1", auth.LongLivedToken)
	accounttest.OK(t, err)
	_, err = k.Auth.Sessions.Authenticate(t.Context(), temp.Tokens.AccessToken)
	accounttest.WantKind(t, err, apperr.Unauthenticated)
	v = k.Viewer(t, *done.Tokens)
	_, err = create(v, "fresh2", auth.LongLivedToken)
	accounttest.WantKind(t, err, apperr.LocalIDExists)
}

// TestALocalIDNeedsThePasswordThatThereIs: who holds an access token alone must not give
// the account a password of their own, nor guess at the one it has for ever.
func TestALocalIDNeedsThePasswordThatThereIs(t *testing.T) {
	t.Parallel()
	for name, style := range map[string]auth.TokenStyle{"GraphQL": auth.SessionTokens, "SNUTT": auth.LongLivedToken} {
		k := accounttest.New(t)
		v := k.Parent(t)
		var long auth.SignedIn
		k.Write(t, func(ctx context.Context, tx *store.Tx) (err error) {
			long, err = k.Auth.Sessions.Issue(ctx, tx, v.User, auth.LongLivedToken)
			return err
		})
		create := func(password string) (account.Renewed, error) {
			return k.Accounts.Credentials.CreateLocal(t.Context(), v, account.CreateLocalCredentialParams{
				LocalID: "Parent1", Password: password, Style: style,
			})
		}
		before := k.User(t, v.RootUserID())
		_, err := create("x") // no account has such a password
		accounttest.WantKind(t, err, apperr.PasswordMalformed)
		if u := k.User(t, v.RootUserID()); u.WrongPasswords != 0 {
			t.Errorf("%s: what is no password counts as a guess", name)
		}
		for range 9 {
			_, err := create(localPassword)
			accounttest.WantKind(t, err, apperr.WrongPassword)
		}
		if u := k.User(t, v.RootUserID()); u.WrongPasswords != 9 || *u.PasswordHash != *before.PasswordHash {
			t.Errorf("%s: %d wrong passwords are counted", name, u.WrongPasswords)
		}
		done, err := create(password)
		accounttest.OK(t, err)
		after := k.User(t, v.RootUserID())
		want := *before
		want.CredentialVersion++
		if diff := cmp.Diff(want.String(), after.String()); diff != "" || *after.PasswordHash != *before.PasswordHash {
			t.Errorf("%s: the account changed (-want +got):\n%s", name, diff)
		}
		names, err := k.Accounts.Credentials.SignInNames(t.Context(), after)
		accounttest.OK(t, err)
		if names.LocalID == nil || *names.LocalID != "Parent1" {
			t.Errorf("%s: %+v", name, names)
		}
		if diff := cmp.Diff([]accounttest.Ended{{RootUserID: v.RootUserID(), SessionIDs: []int{0}}}, k.TakeEnded()); diff != "" {
			t.Errorf("%s: ended sessions (-want +got):\n%s", name, diff)
		}
		_, err = k.Auth.Sessions.Authenticate(t.Context(), long.Tokens.AccessToken)
		accounttest.WantKind(t, err, apperr.Unauthenticated)
		if (done.Tokens == nil) != (style == auth.SessionTokens) {
			t.Errorf("%s: tokens %v", name, done.Tokens)
		}
		_, err = k.Auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "parent1", Password: password})
		accounttest.OK(t, err)
	}
}

// TestGuessesByALocalIDBlock the account as those at sign-in do.
func TestGuessesByALocalIDBlock(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	create := func(password string) error {
		_, err := k.Accounts.Credentials.CreateLocal(t.Context(), v, account.CreateLocalCredentialParams{LocalID: "parent1", Password: password})
		return err
	}
	for range 10 {
		accounttest.WantKind(t, create("wrong1234"), apperr.WrongPassword)
	}
	accounttest.WantKind(t, create(password), apperr.AccountBlocked)
	_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.WantKind(t, err, apperr.AccountBlocked)
}

// TestRaceForAFirstPassword has one account without a password get several at once: one is
// set, and the others are compared with it.
func TestRaceForAFirstPassword(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	tokens, err := k.Auth.Sessions.Start(t.Context(), k.John(t).RootUserID(), 0) // which goes on after the first
	accounttest.OK(t, err)
	john := k.Viewer(t, tokens)
	errs := testutil.Concurrently(8, func(i int) error {
		_, err := k.Accounts.Credentials.CreateLocal(t.Context(), john, account.CreateLocalCredentialParams{
			LocalID: fmt.Sprint("john", i), Password: fmt.Sprint("secret", i), Style: auth.SessionTokens,
		})
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 1, apperr.LocalIDExists.New().Detail(): 7}, accounttest.CountByDetail(errs)); diff != "" {
		t.Error(diff)
	}
	won := slices.Index(errs, nil)
	_, err = k.Auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: fmt.Sprint("john", won), Password: fmt.Sprint("secret", won)})
	accounttest.OK(t, err)
}

// TestPasswordsThatNobodyCanTypeAgain holds every way to set a password to one
// rule.
func TestPasswordsThatNobodyCanTypeAgain(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	parent, local, john := k.Parent(t), k.Viewer(t, k.RegisterLocal(t, "abcd1234").Tokens), k.John(t)
	valid, reset := k.ValidToken(t, "+821011112222"), resetToken(t, k)
	change := func(v viewer.Viewer, old string) func(string) error {
		return func(to string) error {
			_, err := k.Accounts.Credentials.ChangePassword(t.Context(), v, account.ChangePasswordParams{OldPassword: old, NewPassword: to})
			return err
		}
	}
	ways := map[string]struct {
		set  func(string) error
		want apperr.Kind
	}{
		"sign-up": {func(to string) error {
			p := accounttest.SignUpParams(valid, "second@lux.example", "+821011112222")
			p.Password = to
			_, err := k.Accounts.SignUps.ByEmail(t.Context(), p)
			return err
		}, apperr.BadRequest},
		"sign-up of Addnox": {func(to string) error {
			_, err := k.Accounts.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: "second@lux.example", Password: to})
			return err
		}, apperr.BadRequest},
		"reset": {func(to string) error {
			return k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: reset, NewPassword: to})
		}, apperr.BadRequest},
		"change": {change(parent, password), apperr.PasswordMalformed},
		"registration": {func(to string) error {
			_, err := k.Accounts.SignUps.ByLocalID(t.Context(), account.RegisterLocalParams{LocalID: "fresh1", Password: to})
			return err
		}, apperr.PasswordMalformed},
		"local credential": {func(to string) error {
			_, err := k.Accounts.Credentials.CreateLocal(t.Context(), john, account.CreateLocalCredentialParams{LocalID: "fresh1", Password: to})
			return err
		}, apperr.PasswordMalformed},
		"change of a local password": {change(local, localPassword), apperr.PasswordMalformed},
	}
	for name, way := range ways {
		for _, to := range []string{"secret\x00123", "secret\ufffd123", "secret\xff123", "secret\n123", strings.Repeat("é1", 65)} {
			if err := way.set(to); !apperr.Is(err, way.want) {
				t.Errorf("%s to %q: %v, want %v", name, to, accounttest.Cause(err), way.want.New())
			}
		}
	}
}
