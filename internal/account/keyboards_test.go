package account_test

import (
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"luxbff/internal/account"
	"luxbff/internal/auth"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/viewer"
)

// TestPasswordsOfTwoKeyboards sets a password in each way as one keyboard types it, and
// reads it in each way as another one does.
func TestPasswordsOfTwoKeyboards(t *testing.T) {
	t.Parallel()
	const typed, localID = "Pässwört각1", "abcd1234"
	byEmail := func(t *testing.T, k *accounttest.Kit, password string) error {
		t.Helper()
		_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
		return err
	}
	byLocalID := func(t *testing.T, k *accounttest.Kit, password string) error {
		t.Helper()
		_, err := k.Auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: localID, Password: password})
		return err
	}
	for name, way := range map[string]struct {
		set    func(*testing.T, *accounttest.Kit, string) error
		signIn func(*testing.T, *accounttest.Kit, string) error
	}{
		"sign-up": {func(t *testing.T, k *accounttest.Kit, password string) error {
			t.Helper()
			p := accounttest.SignUpParams(k.ValidToken(t, phone), email, phone)
			p.Password = password
			_, err := k.Accounts.SignUps.ByEmail(t.Context(), p)
			return err
		}, byEmail},
		"sign-up in two steps": {func(t *testing.T, k *accounttest.Kit, password string) error {
			t.Helper()
			id, err := k.Accounts.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: email, Password: password})
			accounttest.OK(t, err)
			_, err = k.Accounts.AddnoxSignUps.Complete(t.Context(), account.CompleteSignUpParams{
				ValidToken: k.ValidToken(t, phone), EmailUserID: id, Email: email, Person: accounttest.Person(phone),
			})
			return err
		}, byEmail},
		"local sign-up": {func(t *testing.T, k *accounttest.Kit, password string) error {
			t.Helper()
			_, err := k.Accounts.SignUps.ByLocalID(t.Context(), account.RegisterLocalParams{LocalID: localID, Password: password})
			return err
		}, byLocalID},
		"local id": {func(t *testing.T, k *accounttest.Kit, password string) error {
			t.Helper()
			_, err := k.Accounts.Credentials.CreateLocal(t.Context(), k.John(t), account.CreateLocalCredentialParams{LocalID: localID, Password: password})
			return err
		}, byLocalID},
		"change": {func(t *testing.T, k *accounttest.Kit, password string) error {
			t.Helper()
			_, err := k.Accounts.Credentials.ChangePassword(t.Context(), k.Parent(t), account.ChangePasswordParams{OldPassword: accounttest.Password, NewPassword: password})
			return err
		}, byEmail},
		"reset": {func(t *testing.T, k *accounttest.Kit, password string) error {
			t.Helper()
			k.Parent(t)
			return k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: resetToken(t, k), NewPassword: password})
		}, byEmail},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, forms := range [][2]string{{norm.NFC.String(typed), norm.NFD.String(typed)}, {norm.NFD.String(typed), norm.NFC.String(typed)}} {
				k := accounttest.New(t)
				accounttest.OK(t, way.set(t, k, forms[0]))
				accounttest.OK(t, way.signIn(t, k, forms[1]))
				u := k.Store.Read().User.Query().OnlyX(t.Context())
				_, err := k.Accounts.Credentials.ChangePassword(t.Context(), viewer.Viewer{User: u}, account.ChangePasswordParams{
					OldPassword: forms[1], NewPassword: strings.ToUpper(forms[0]),
				})
				accounttest.OK(t, err)
				accounttest.OK(t, way.signIn(t, k, strings.ToUpper(forms[1])))
			}
		})
	}
}
