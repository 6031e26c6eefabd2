package account_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/store"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/viewer"
)

// social is what an app brings from a provider.
func social(provider, token string) auth.SocialParams {
	return auth.SocialParams{Provider: provider, Credential: auth.Credential{Token: token}}
}

// connect links the viewer's account to the person N of a provider.
func connect(t *testing.T, k *accounttest.Kit, v viewer.Viewer, provider, subject string) error {
	t.Helper()
	k.Facebook.Add(subject, auth.Profile{Subject: subject, Name: "John Smith"})
	k.Google.Add(subject, auth.Profile{Subject: subject, Name: "John at Google"})
	_, err := k.Accounts.Credentials.Connect(t.Context(), v, social(provider, subject))
	return err
}

// linked are the providers that the viewer's account is linked to.
func linked(t *testing.T, k *accounttest.Kit, v viewer.Viewer) string {
	t.Helper()
	names, err := k.Accounts.Credentials.SignInNames(t.Context(), v.User)
	accounttest.OK(t, err)
	var all []string
	for _, one := range names.Linked {
		all = append(all, one.Provider+" "+*one.Name)
		if one.ConnectedAt != k.Clock.Now() {
			t.Errorf("%s was linked at %s", one.Provider, one.ConnectedAt)
		}
	}
	return strings.Join(all, ", ")
}

func TestConnectAndDisconnect(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	accounttest.OK(t, connect(t, k, v, "google", "7"))
	accounttest.OK(t, connect(t, k, v, "facebook", "8"))
	if got := linked(t, k, v); got != "google John at Google, facebook John Smith" {
		t.Errorf("linked to %s", got)
	}
	signedIn, err := k.Auth.SignInSocial(t.Context(), social("google", "7"))
	accounttest.OK(t, err)
	if signedIn.User.ID != v.RootUserID() {
		t.Error("Google opens another account")
	}
	for _, to := range []string{accounttest.Email, accounttest.Phone} {
		sent, err := k.Outbox.Recent(t.Context(), to, 1)
		accounttest.OK(t, err)
		if len(sent) != 1 || !strings.Contains(sent[0].Text, "Facebook") {
			t.Errorf("%s was told %+v", to, sent)
		}
	}
	k.TakeEnded()
	_, err = k.Accounts.Credentials.Disconnect(t.Context(), v, "google")
	accounttest.OK(t, err)
	if ended := k.TakeEnded(); len(ended) != 1 || ended[0].SessionIDs[0] != 0 {
		t.Errorf("ended %+v, want the long-lived token alone", ended)
	}
	if _, err := k.Auth.SignInSocial(t.Context(), social("google", "7")); !apperr.Is(err, apperr.SignUpFirst) {
		t.Errorf("a link that was removed opens: %v", err)
	}
	for name, want := range map[string]apperr.Kind{"google": apperr.NoIdentity, "myspace": apperr.ResourceNotFound, "email": apperr.ResourceNotFound} {
		if _, err := k.Accounts.Credentials.Disconnect(t.Context(), v, name); !apperr.Is(err, want) {
			t.Errorf("disconnect %s: %v", name, err)
		}
	}
}

// TestAccountsAreNeverMerged leaves a person with the account that has them, and takes one of
// each provider.
func TestAccountsAreNeverMerged(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	john, jane := k.Parent(t), k.Viewer(t, k.RegisterLocal(t, "jane1").Tokens)
	accounttest.OK(t, connect(t, k, john, "google", "7"))
	if err := connect(t, k, jane, "google", "7"); !apperr.Is(err, apperr.IdentityTaken) {
		t.Errorf("another's: %v", err)
	}
	for _, subject := range []string{"7", "8"} {
		if err := connect(t, k, john, "google", subject); !apperr.Is(err, apperr.IdentityExists) {
			t.Errorf("a second: %v", err)
		}
	}
	// The same number at another provider is another person.
	accounttest.OK(t, connect(t, k, jane, "facebook", "7"))
	if got := linked(t, k, jane); got != "facebook John Smith" {
		t.Errorf("linked to %s", got)
	}
}

// TestRaceToConnect has two accounts link one person, and one account two of one provider.
func TestRaceToConnect(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	john, jane := k.Parent(t), k.Viewer(t, k.RegisterLocal(t, "jane1").Tokens)
	k.Google.Add("7", auth.Profile{Subject: "7", Name: "N"})
	k.Google.Add("8", auth.Profile{Subject: "8", Name: "N"})
	for _, race := range []struct {
		viewers  [2]viewer.Viewer
		subjects [2]string
	}{
		{[2]viewer.Viewer{john, jane}, [2]string{"7", "7"}},
		{[2]viewer.Viewer{john, john}, [2]string{"7", "8"}},
	} {
		var all sync.WaitGroup
		errs := [2]error{}
		for n := range errs {
			all.Go(func() {
				_, errs[n] = k.Accounts.Credentials.Connect(t.Context(), race.viewers[n], social("google", race.subjects[n]))
			})
		}
		all.Wait()
		if won := (errs[0] == nil) != (errs[1] == nil); !won {
			t.Errorf("%v, want one to win", errs)
		}
		for n, err := range errs {
			if err != nil && !apperr.Is(err, apperr.IdentityTaken) && !apperr.Is(err, apperr.IdentityExists) {
				t.Errorf("got %v", err)
			}
			if err == nil {
				_, err := k.Accounts.Credentials.Disconnect(t.Context(), race.viewers[n], "google")
				accounttest.OK(t, err)
			}
		}
	}
}

// TestTheLastWayInStays holds each kind of account to what it signs in by.
func TestTheLastWayInStays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sign func(*testing.T, *accounttest.Kit) viewer.Viewer
		goes bool
	}{
		"e-mail, password and phone": {sign: func(t *testing.T, k *accounttest.Kit) viewer.Viewer { t.Helper(); return k.Parent(t) }, goes: true},
		"local id": {sign: func(t *testing.T, k *accounttest.Kit) viewer.Viewer {
			t.Helper()
			return k.Viewer(t, k.RegisterLocal(t, "jane1").Tokens)
		}, goes: true},
		"Facebook": {sign: func(t *testing.T, k *accounttest.Kit) viewer.Viewer { t.Helper(); return k.John(t) }, goes: true},
		"nothing but its token": {sign: func(t *testing.T, k *accounttest.Kit) viewer.Viewer {
			t.Helper()
			made, err := k.Accounts.SignUps.Temporary(t.Context(), auth.LongLivedToken)
			accounttest.OK(t, err)
			return k.Viewer(t, made.Tokens)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := accounttest.New(t)
			v := c.sign(t, k)
			k.Google.Add("7", auth.Profile{Subject: "7"})
			renewed, err := k.Accounts.Credentials.Connect(t.Context(), v, social("google", "7"))
			accounttest.OK(t, err)
			if renewed.Tokens != nil {
				v = k.Viewer(t, *renewed.Tokens)
			}
			_, err = k.Accounts.Credentials.Disconnect(t.Context(), v, "google")
			if c.goes {
				accounttest.OK(t, err)
			} else if !apperr.Is(err, apperr.LastWayIn) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestRaceToRemoveTheLastWaysIn has an account remove both at once: one stays.
func TestRaceToRemoveTheLastWaysIn(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	john := k.John(t)
	k.Google.Add("7", auth.Profile{Subject: "7"})
	renewed, err := k.Accounts.Credentials.Connect(t.Context(), john, social("google", "7"))
	accounttest.OK(t, err)
	john = k.Viewer(t, *renewed.Tokens)
	var all sync.WaitGroup
	errs := [2]error{}
	for n, provider := range []string{"google", "facebook"} {
		all.Go(func() { _, errs[n] = k.Accounts.Credentials.Disconnect(t.Context(), john, provider) })
	}
	all.Wait()
	if errs[0] == nil == (errs[1] == nil) {
		t.Errorf("%v, want one to be refused", errs)
	}
	for _, err := range errs {
		if err != nil && !apperr.Is(err, apperr.LastWayIn) {
			t.Errorf("got %v", err)
		}
	}
	names, err := k.Accounts.Credentials.SignInNames(t.Context(), john.User)
	accounttest.OK(t, err)
	if len(names.Linked) != 1 {
		t.Errorf("%d links are left", len(names.Linked))
	}
}

// TestAnEmailWithoutAPhoneIsNoWayIn: sign-in by e-mail asks for a phone, so the link stays.
func TestAnEmailWithoutAPhoneIsNoWayIn(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	john := k.John(t)
	hash, err := k.Auth.Passwords.Hash(t.Context(), auth.AccountKey(john.RootUserID()), accounttest.Password)
	accounttest.OK(t, err)
	accounttest.OK(t, k.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := k.Auth.Identities.TakeEmail(ctx, tx, john.RootUserID(), "john@lux.example"); err != nil {
			return err
		}
		return tx.User.UpdateOneID(john.RootUserID()).SetPasswordHash(hash).Exec(ctx)
	}))
	if _, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: "john@lux.example", Password: accounttest.Password}); !apperr.Is(err, apperr.SmsVerificationRequired) {
		t.Errorf("sign in: %v", err)
	}
	if _, err := k.Accounts.Credentials.Disconnect(t.Context(), john, "facebook"); !apperr.Is(err, apperr.LastWayIn) {
		t.Errorf("disconnect: %v", err)
	}
	if _, err := k.Accounts.Credentials.DisconnectFacebook(t.Context(), john, auth.LongLivedToken); !apperr.Is(err, apperr.NoLocalID) {
		t.Errorf("disconnect as SNUTT does: %v", err)
	}
}

// TestAnEmailWithoutAPasswordIsNoWayIn: who signed up through a provider has no password.
func TestAnEmailWithoutAPasswordIsNoWayIn(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Viewer(t, k.SocialSignUp(t, accounttest.Email, accounttest.Phone, "1017").Tokens)
	if _, err := k.Accounts.Credentials.Disconnect(t.Context(), v, "facebook"); !apperr.Is(err, apperr.LastWayIn) {
		t.Errorf("got %v", err)
	}
}
