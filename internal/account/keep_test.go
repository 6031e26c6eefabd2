package account_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/viewer"
)

// linkFacebook links a Facebook account to the account.
func linkFacebook(t *testing.T, k *accounttest.Kit, v viewer.Viewer, subject string) {
	t.Helper()
	k.Facebook.Add("token of "+subject, auth.Profile{Subject: subject})
	_, err := k.Accounts.Credentials.ConnectFacebook(t.Context(), v, accounttest.FacebookParams(subject, "token of "+subject))
	accounttest.OK(t, err)
}

func signInByFacebook(t *testing.T, k *accounttest.Kit, subject string) error {
	t.Helper()
	_, err := k.Auth.SignInSocial(t.Context(), auth.SocialParams{Provider: "facebook", Credential: auth.Credential{Token: "token of " + subject}})
	return err
}

// waysBack are how the owner of an account that was verified gets it back.
func waysBack() map[string]func(t *testing.T, k *accounttest.Kit, v viewer.Viewer) {
	return map[string]func(t *testing.T, k *accounttest.Kit, v viewer.Viewer){
		"reset": func(t *testing.T, k *accounttest.Kit, _ viewer.Viewer) {
			t.Helper()
			token := resetToken(t, k)
			accounttest.OK(t, k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: token, NewPassword: "the owner's 1"}))
		},
		"revert": func(t *testing.T, k *accounttest.Kit, v viewer.Viewer) {
			t.Helper()
			v = viewer.Viewer{User: k.User(t, v.RootUserID())}
			changeEmail(t, k, v, "thief@lux.example")
			accounttest.OK(t, verifyEmail(t, k, v, "thief@lux.example"))
			accounttest.OK(t, revert(t, k, revertToken(t, k, email)))
		},
	}
}

// TestAThiefKeepsNoLink: with a borrowed token a thief links a Facebook account, before the
// address is changed or after it. The owner gets a report of it, and is rid of it by the link that
// was mailed.
func TestAThiefKeepsNoLink(t *testing.T) {
	t.Parallel()
	for name, takeBack := range waysBack() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := accounttest.New(t)
			v := k.Parent(t)
			accounttest.OK(t, verifyEmail(t, k, v, email))
			k.Clock.Add(24 * time.Hour)
			linkFacebook(t, k, v, "666")
			k.Clock.Add(time.Hour)
			takeBack(t, k, v)
			if diff := cmp.Diff([]string{"email parent@lux.example", "phone " + phone}, ways(t, k, v.RootUserID())); diff != "" {
				t.Errorf("ways in (-want +got):\n%s", diff)
			}
			accounttest.WantKind(t, signInByFacebook(t, k, "666"), apperr.SignUpFirst)
		})
	}
	k := accounttest.New(t)
	v := k.Parent(t)
	changeEmail(t, k, v, "thief@lux.example")
	k.Clock.Add(time.Hour)
	linkFacebook(t, k, v, "666")
	accounttest.OK(t, revert(t, k, revertToken(t, k, email)))
	accounttest.WantKind(t, signInByFacebook(t, k, "666"), apperr.SignUpFirst)
}

// TestAnOwnerKeepsOldLinks: of what was reported long ago, and of the way in by which
// the account was made, no way back takes anything away.
func TestAnOwnerKeepsOldLinks(t *testing.T) {
	t.Parallel()
	for name, takeBack := range waysBack() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := accounttest.New(t)
			v := k.Parent(t)
			accounttest.OK(t, verifyEmail(t, k, v, email))
			k.Clock.Add(24 * time.Hour)
			linkFacebook(t, k, v, "1017")
			k.Clock.Add(72*time.Hour + time.Millisecond)
			takeBack(t, k, v)
			accounttest.OK(t, signInByFacebook(t, k, "1017"))
		})
	}
	k := accounttest.New(t)
	k.Facebook.Add("token of 1017", auth.Profile{Subject: "1017"})
	made, err := k.Accounts.SignUps.SignInWithFacebook(t.Context(), accounttest.FacebookParams("1017", "token of 1017"))
	accounttest.OK(t, err)
	v := k.Viewer(t, made.Tokens)
	accounttest.OK(t, verifyEmail(t, k, v, email))
	_, err = k.Accounts.Credentials.CreateLocal(t.Context(), v, account.CreateLocalCredentialParams{LocalID: "owner1", Password: "secret123"})
	accounttest.OK(t, err)
	for _, takeBack := range waysBack() {
		takeBack(t, k, v)
		accounttest.OK(t, signInByFacebook(t, k, "1017"))
	}
}

// TestAnOwnerIsNotLockedOut: who has no phone cannot sign in by e-mail, and without a local
// id has nothing but the link.
func TestAnOwnerIsNotLockedOut(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	made, err := k.Accounts.SignUps.Temporary(t.Context(), auth.LongLivedToken)
	accounttest.OK(t, err)
	k.Clock.Add(time.Hour)
	v := k.Viewer(t, made.Tokens)
	linkFacebook(t, k, v, "1017")
	v = viewer.Viewer{User: k.User(t, v.RootUserID())}
	accounttest.OK(t, verifyEmail(t, k, v, email))
	changeEmail(t, k, v, "thief@lux.example")
	accounttest.OK(t, revert(t, k, revertToken(t, k, email)))
	accounttest.OK(t, signInByFacebook(t, k, "1017"))
}

// TestReportsAreNoMailBomb: any number of accounts can name an address that nobody has
// proved to be theirs. Each reports its changes to it, and together they are as bounded as all
// messages to one recipient; the owner of an account that is found by the address gets each
// report all the same.
func TestReportsAreNoMailBomb(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t, accounttest.WithLimits)
	owner := k.Parent(t)
	mails := func(from int) (count, newest int) {
		reports, newest := reportsSince(t, k, from)
		for _, report := range reports {
			if strings.HasPrefix(report, "email "+email) {
				count++
			}
		}
		return count, newest
	}
	_, newest := mails(0)
	for i := range 4 {
		v := k.Viewer(t, k.RegisterLocal(t, fmt.Sprintf("bomb%d", i)).Tokens)
		for range 10 {
			changeEmail(t, k, v, email)
			changeEmail(t, k, v, "other@lux.example")
		}
	}
	bomb, newest := mails(newest)
	if bomb != 20 {
		t.Errorf("%d mails from strangers' accounts, want 20", bomb)
	}
	changeEmail(t, k, owner, "thief@lux.example")
	if got, _ := mails(newest); got != 1 {
		t.Errorf("%d mails to the owner, want 1", got)
	}
}

// TestATakenBackAddressNeedsANewPassword: the thief knows the password, or has set it. It
// opens nothing from the moment the owner opens the link; the one that the owner chooses by
// the mail that follows does.
func TestATakenBackAddressNeedsANewPassword(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	_, err := k.Accounts.Credentials.CreateLocal(t.Context(), v, account.CreateLocalCredentialParams{LocalID: "owner1", Password: password})
	accounttest.OK(t, err)
	changeEmail(t, k, v, "thief@lux.example")
	accounttest.OK(t, verifyEmail(t, k, v, "thief@lux.example"))
	reset := resetTokenOf(t, k, "thief@lux.example")
	accounttest.OK(t, k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: reset, NewPassword: "a thief's 1"}))
	accounttest.OK(t, revert(t, k, revertToken(t, k, email)))
	for _, known := range []string{password, "a thief's 1", ""} {
		_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: known})
		accounttest.WantKind(t, err, apperr.PasswordInvalid)
		_, err = k.Auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "owner1", Password: known})
		accounttest.WantKind(t, err, apperr.WrongPassword)
	}
	mailed := mailedReset(t, k)
	accounttest.OK(t, k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: mailed, NewPassword: "the owner's 1"}))
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "the owner's 1"})
	accounttest.OK(t, err)
}

// TestAThiefCannotKeepAnAddressFromItsOwner: an account with a local id gives its address up
// at once, and LUX signs up with any address. The thief signs up with it, so that it can't be
// given back.
func TestAThiefCannotKeepAnAddressFromItsOwner(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Viewer(t, k.RegisterLocal(t, "owner1").Tokens)
	accounttest.OK(t, verifyEmail(t, k, v, email))
	changeEmail(t, k, v, "thief@lux.example")
	token := revertToken(t, k, email)
	squatter := k.SignUp(t, email, phone).User.ID
	reset := resetToken(t, k)
	accounttest.OK(t, revert(t, k, token))
	if diff := cmp.Diff([]string{"email parent@lux.example", "local owner1"}, ways(t, k, v.RootUserID())); diff != "" {
		t.Errorf("ways in (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"phone " + phone}, ways(t, k, squatter)); diff != "" {
		t.Errorf("ways in of the squatter (-want +got):\n%s", diff)
	}
	accounttest.WantKind(t, k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: reset, NewPassword: "a thief's 1"}), apperr.CodeInvalid)
	accounttest.OK(t, k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: mailedReset(t, k), NewPassword: "the owner1"}))
	_, err := k.Auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "owner1", Password: "the owner1"})
	accounttest.OK(t, err)
}
