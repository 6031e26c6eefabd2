package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/account"
	"luxbff/internal/auth"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/viewer"
)

// from is a request of an app.
func from(t *testing.T, client viewer.Client) context.Context {
	t.Helper()
	return viewer.WithClient(t.Context(), client)
}

// installed is an app that names its installation.
func installed(id string) viewer.Client {
	return viewer.Client{InstallationID: &id, AppName: "LUX", AppVersion: "3.2"}
}

// reported are the messages about new sign-ins, oldest first.
func reported(t *testing.T, k *accounttest.Kit) []*ent.Message {
	t.Helper()
	rows, err := k.Store.Read().Message.Query().Where(entmessage.PurposeEQ(entmessage.PurposeNewSignIn)).Order(ent.Asc(entmessage.FieldID)).All(t.Context())
	accounttest.OK(t, err)
	return rows
}

// withPhone gives the account a phone for push, without consent to it.
func withPhone(t *testing.T, k *accounttest.Kit, v viewer.Viewer) {
	t.Helper()
	_, err := k.Accounts.Push.AddDevice(t.Context(), v, account.PushDeviceParams{RegistrationID: fmt.Sprint("phone-", v.RootUserID())})
	accounttest.OK(t, err)
}

// TestASignInFromAnUnknownPlaceIsReported, whichever way it goes, and once for each place.
func TestASignInFromAnUnknownPlaceIsReported(t *testing.T) {
	t.Parallel()
	local := auth.SignInLocalParams{LocalID: "james", Password: accounttest.LocalPassword}
	for name, c := range map[string]struct {
		begin  func(*testing.T, *accounttest.Kit) viewer.Viewer
		signIn func(context.Context, *accounttest.Kit) error
	}{
		"by e-mail": {
			func(t *testing.T, k *accounttest.Kit) viewer.Viewer { return k.Parent(t) },
			func(ctx context.Context, k *accounttest.Kit) error {
				_, err := k.Auth.SignIn(ctx, auth.SignInParams{Email: accounttest.Email, Password: accounttest.Password})
				return err
			},
		},
		"by a local id, with a long-lived token": {
			func(t *testing.T, k *accounttest.Kit) viewer.Viewer {
				return k.Viewer(t, k.RegisterLocal(t, "james").Tokens)
			},
			func(ctx context.Context, k *accounttest.Kit) error {
				_, err := k.Auth.SignInLocal(ctx, auth.SignInLocalParams{LocalID: local.LocalID, Password: local.Password, Style: auth.LongLivedToken})
				return err
			},
		},
		"by a local id, with a session": {
			func(t *testing.T, k *accounttest.Kit) viewer.Viewer {
				return k.Viewer(t, k.RegisterLocal(t, "james").Tokens)
			},
			func(ctx context.Context, k *accounttest.Kit) error {
				_, err := k.Auth.SignInLocal(ctx, local)
				return err
			},
		},
		"by a provider": {
			func(t *testing.T, k *accounttest.Kit) viewer.Viewer {
				return k.Viewer(t, k.SocialSignUp(t, accounttest.Email, accounttest.Phone, "1017").Tokens)
			},
			func(ctx context.Context, k *accounttest.Kit) error {
				_, err := k.Auth.SignInSocial(ctx, auth.SocialParams{Provider: "facebook", Credential: auth.Credential{Token: "1017's"}})
				return err
			},
		},
		"by Facebook on SNUTT": {
			func(t *testing.T, k *accounttest.Kit) viewer.Viewer { return k.John(t) },
			func(ctx context.Context, k *accounttest.Kit) error {
				_, err := k.Accounts.SignUps.SignInWithFacebook(ctx, accounttest.FacebookParams("1017", "john's"))
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := accounttest.New(t)
			withPhone(t, k, c.begin(t, k))
			for i, step := range []struct {
				client viewer.Client
				want   int
			}{
				{viewer.Client{}, 0}, // where it signed up
				{installed("a"), 1},
				{installed("a"), 1},
				{installed("b"), 2},
				{viewer.Client{AppName: "LUX", AppVersion: "3.2", UserAgent: "LUX/3.2 (iPhone; iOS 17.1) CFNetwork/1474"}, 3},
				{viewer.Client{AppName: "LUX", AppVersion: "3.10.1", UserAgent: "LUX/3.10.1 (iPhone; iOS 18.0.2) CFNetwork/1568.100.1"}, 3}, // an update
				{viewer.Client{AppName: "LUX", AppVersion: "3.10.1", UserAgent: "LUX/3.10.1 (Android 15; SM-G991N) okhttp/4.12.0"}, 4},
				{viewer.Client{}, 4},
			} {
				accounttest.OK(t, c.signIn(from(t, step.client), k))
				if got := len(reported(t, k)); got != step.want {
					t.Fatalf("step %d: %d messages, want %d", i, got, step.want)
				}
			}
			first := reported(t, k)[0]
			if first.Channel != entmessage.ChannelPush || !strings.Contains(first.Text, "LUX 3.2") || !strings.Contains(first.Text, "2026-03-04 12:00 UTC") || first.Title == nil {
				t.Errorf("%v", first)
			}
		})
	}
}

// TestWhatIsNoSignInIsNotReported: a refresh, and tokens in place of those that a change of
// credentials ends.
func TestWhatIsNoSignInIsNotReported(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	signedUp := k.SignUp(t, accounttest.Email, accounttest.Phone)
	v := k.Viewer(t, signedUp.Tokens)
	withPhone(t, k, v)
	_, err := k.Auth.Sessions.Refresh(from(t, installed("a")), signedUp.Tokens.RefreshToken)
	accounttest.OK(t, err)
	_, err = k.Accounts.Credentials.ChangePassword(from(t, installed("b")), v, account.ChangePasswordParams{
		OldPassword: accounttest.Password, NewPassword: "another123",
	})
	accounttest.OK(t, err)
	if got := reported(t, k); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// TestNamesOfApps: a name that could be a sentence, an address or a number is not repeated.
func TestNamesOfApps(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	withPhone(t, k, k.Parent(t))
	for i, c := range []struct{ name, version, want string }{
		{"LUX", "3.2.1", "(LUX 3.2.1, "},
		{"Withnox-iOS", "", "(Withnox-iOS, "},
		{"Call 02-123-4567", "1", "(?, "},
		{"lux.example", "1", "(?, "},
		{"LUX", "call me", "(LUX, "},
		{strings.Repeat("x", 60), "1", "(?, "},
		{"", "", "(?, "},
	} {
		client := installed(fmt.Sprint(i))
		client.AppName, client.AppVersion = c.name, c.version
		_, err := k.Auth.SignIn(from(t, client), auth.SignInParams{Email: accounttest.Email, Password: accounttest.Password})
		accounttest.OK(t, err)
		if text := reported(t, k)[i].Text; !strings.Contains(text, c.want) {
			t.Errorf("%q %q: %s", c.name, c.version, text)
		}
	}
}

// TestInstallationsAreFew: the one that was not used for the longest time makes room, and is
// unknown then; 400 days without a sign-in remove any.
func TestInstallationsAreFew(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	withPhone(t, k, k.Parent(t))
	signIn := func(id string, wantReported int) {
		t.Helper()
		k.Clock.Add(time.Hour)
		_, err := k.Auth.SignIn(from(t, installed(id)), auth.SignInParams{Email: accounttest.Email, Password: accounttest.Password})
		accounttest.OK(t, err)
		if got := len(reported(t, k)); got != wantReported {
			t.Fatalf("after %s: %d messages, want %d", id, got, wantReported)
		}
	}
	count := func(want int) {
		t.Helper()
		if got := k.Store.Read().Installation.Query().CountX(t.Context()); got != want {
			t.Errorf("%d installations, want %d", got, want)
		}
	}
	for i := range 49 {
		signIn(fmt.Sprint(i), i+1)
	}
	signIn("0", 49)
	count(50)
	signIn("new", 50) // in the place of where it signed up
	signIn("0", 50)
	signIn("newer", 51) // in the place of 1
	count(50)
	signIn("1", 52)
	accounttest.OK(t, k.Auth.Prune(t.Context()))
	count(50)
	k.Clock.Add(400*24*time.Hour - 2*time.Hour)
	accounttest.OK(t, k.Auth.Prune(t.Context()))
	count(3) // 0, newer and 1
}

// TestSignInsAtOnce from one unknown place are one message, and each succeeds.
func TestSignInsAtOnce(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	withPhone(t, k, k.Parent(t))
	accounttest.OK(t, errors.Join(testutil.Concurrently(8, func(int) error {
		_, err := k.Auth.SignIn(viewer.WithClient(context.WithoutCancel(t.Context()), installed("a")), auth.SignInParams{Email: accounttest.Email, Password: accounttest.Password})
		return err
	})...))
	if got := len(reported(t, k)); got != 1 {
		t.Errorf("%d messages", got)
	}
}

// TestPlacesGoWithTheAccount and hold nothing of what the app said.
func TestPlacesGoWithTheAccount(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	_, err := k.Auth.SignIn(from(t, installed("a-name")), auth.SignInParams{Email: accounttest.Email, Password: accounttest.Password})
	accounttest.OK(t, err)
	for _, row := range k.Store.Read().Installation.Query().AllX(t.Context()) {
		if len(row.Digest) != 64 || strings.Contains(row.Digest, "a-name") {
			t.Errorf("%v", row)
		}
	}
	accounttest.OK(t, k.Accounts.Delete(t.Context(), v, account.DeleteAccountParams{}))
	if got := k.Store.Read().Installation.Query().CountX(t.Context()); got != 0 {
		t.Errorf("%d are left", got)
	}
}

// TestSignInWithoutAProviderOfPush succeeds.
func TestSignInWithoutAProviderOfPush(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t, accounttest.WithoutSenders)
	var u *ent.User
	k.Write(t, func(ctx context.Context, tx *store.Tx) (err error) {
		u, err = tx.User.Create().SetRegisterType("L").SetCreatedAt(k.Clock.Now()).SetPushToken("phone").Save(ctx)
		return err
	})
	for _, id := range []string{"a", "b"} {
		k.Write(t, func(_ context.Context, tx *store.Tx) error {
			_, err := k.Auth.Sessions.Issue(from(t, installed(id)), tx, u, auth.SessionTokens)
			return err
		})
	}
	if got := reported(t, k); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// TestTheFirstPlaceIsLearntInSilence: that of an account from before places were remembered.
func TestTheFirstPlaceIsLearntInSilence(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	withPhone(t, k, k.Parent(t))
	accounttest.OK(t, k.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Installation.Delete().Exec(ctx)
		return err
	}))
	for i, client := range []viewer.Client{installed("a"), {AppName: "LUX", UserAgent: "okhttp"}, {AppName: "Addnox", UserAgent: "okhttp"}} {
		_, err := k.Auth.SignIn(from(t, client), auth.SignInParams{Email: accounttest.Email, Password: accounttest.Password})
		accounttest.OK(t, err)
		if got := len(reported(t, k)); got != i {
			t.Errorf("%d messages, want %d", got, i)
		}
	}
}
