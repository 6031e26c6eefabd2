package account_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	"luxbff/ent/message"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/viewer"
)

// addBelongings gives the account a child with a device, a push device and a code.
func addBelongings(t *testing.T, k *accounttest.Kit, v viewer.Viewer) (device *ent.Device) {
	t.Helper()
	_, err := k.Accounts.Push.AddDevice(t.Context(), v, account.PushDeviceParams{RegistrationID: "phone-1"})
	accounttest.OK(t, err)
	k.SMSCode(t, phone)
	k.Write(t, func(ctx context.Context, tx *store.Tx) error {
		child, err := tx.ChildUser.Create().SetRootUserID(v.RootUserID()).SetFirstName("test").SetLastName("").
			SetBirthdate("2020-01-02").SetGender("F").SetCreatedAt(k.Clock.Now()).Save(ctx)
		if err != nil {
			return err
		}
		device, err = tx.Device.Create().SetSerialCode("SL20401000").SetMACID("00:80:E1:27:4C:84").SetProjectID(1).
			SetHardwareID(1).SetNowFirmwareID(1).SetFirmwareVersion("1.0.0").SetDeviceAlias("mine").
			SetRootUserID(v.RootUserID()).SetChildUser(child).SetCreatedAt(k.Clock.Now()).Save(ctx)
		return err
	})
	return device
}

func TestDeleteRemovesPersonalData(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	device := addBelongings(t, k, v)
	accounttest.OK(t, k.Accounts.Delete(t.Context(), v, account.DeleteAccountParams{NeedsSignInType: true}))
	if diff := cmp.Diff([]accounttest.Ended{{RootUserID: v.RootUserID(), SessionIDs: nil}}, k.TakeEnded()); diff != "" {
		t.Errorf("ended sessions (-want +got):\n%s", diff)
	}
	read, ctx := k.Store.Read(), t.Context()
	free := read.Device.GetX(ctx, device.ID)
	if free.ChildUserID != nil || free.RootUserID != nil || free.DeviceAlias != "" {
		t.Errorf("the device is not free: %v", free)
	}
	for name, n := range map[string]int{
		"children": read.ChildUser.Query().CountX(ctx), "consents": read.Consent.Query().CountX(ctx),
		"push devices": read.PushDevice.Query().CountX(ctx), "codes": read.VerificationCode.Query().CountX(ctx),
		// The report of the deletion goes once it is sent.
		"messages that stay": read.Message.Query().Where(message.IsDeletedOnceSent(false)).CountX(ctx),
	} {
		if n != 0 {
			t.Errorf("%d %s are left", n, name)
		}
	}
	left := k.User(t, v.RootUserID()).String()
	for _, one := range read.Identity.Query().AllX(ctx) {
		left += one.String()
	}
	for _, fact := range []string{"하나", "1990", "Parent", "parent", "lux.example", phone, "DE"} {
		if strings.Contains(left, fact) {
			t.Errorf("%q is still stored: %s", fact, left)
		}
	}
}

func TestDeletedAccountsAreRecognised(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	tokens := k.SignUp(t, email, phone).Tokens
	v := k.Viewer(t, tokens)
	accounttest.OK(t, k.Accounts.Delete(t.Context(), v, account.DeleteAccountParams{}))
	_, err := k.Auth.Sessions.Authenticate(t.Context(), tokens.AccessToken)
	accounttest.WantKind(t, err, apperr.UserIsDeleted)
	_, err = k.Auth.Sessions.Refresh(t.Context(), tokens.RefreshToken)
	accounttest.WantKind(t, err, apperr.UserIsDeleted)
	accounttest.WantKind(t, k.Accounts.Delete(t.Context(), v, account.DeleteAccountParams{}), apperr.UserIsDeleted)
	_, err = k.Accounts.Profiles.Update(t.Context(), v, account.UpdateUserParams{FirstName: ptr("ghost")})
	accounttest.WantKind(t, err, apperr.UserIsDeleted)
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: "PARENT@lux.example", Password: password})
	accounttest.WantKind(t, err, apperr.SignedUpUserIsDeleted)
	again := k.SignUp(t, email, phone)
	if again.User.ID == v.RootUserID() {
		t.Error("the new account has the old one's id")
	}
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
}

func TestDeleteFreesEveryIdentity(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	local := k.RegisterLocal(t, "abcd1234")
	k.Facebook.Add("john's", auth.Profile{Subject: "1017"})
	done, err := k.Accounts.Credentials.ConnectFacebook(t.Context(), k.Viewer(t, local.Tokens), accounttest.FacebookParams("1017", "john's"))
	accounttest.OK(t, err)
	v := k.Viewer(t, *done.Tokens)
	accounttest.OK(t, verifyEmail(t, k, v, "john@snu.example"))
	accounttest.OK(t, k.Accounts.Delete(t.Context(), v, account.DeleteAccountParams{}))
	_, err = k.Auth.Sessions.Authenticate(t.Context(), done.Tokens.AccessToken)
	accounttest.WantKind(t, err, apperr.UserIsDeleted)
	_, err = k.Auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "abcd1234", Password: localPassword})
	accounttest.WantKind(t, err, apperr.NoSuchLocalID)
	_, err = k.Auth.SignInSocial(t.Context(), auth.SocialParams{Provider: "facebook", Credential: auth.Credential{Token: "john's"}})
	accounttest.WantKind(t, err, apperr.SignUpFirst)
	again := k.RegisterLocal(t, "abcd1234")
	_, err = k.Accounts.Credentials.ConnectFacebook(t.Context(), k.Viewer(t, again.Tokens), accounttest.FacebookParams("1017", "john's"))
	accounttest.OK(t, err)
}

func TestTemporaryAccountsHaveNoSignInType(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	temp, err := k.Accounts.SignUps.Temporary(t.Context(), auth.LongLivedToken)
	accounttest.OK(t, err)
	v := k.Viewer(t, temp.Tokens)
	accounttest.WantKind(t, k.Accounts.Delete(t.Context(), v, account.DeleteAccountParams{NeedsSignInType: true}), apperr.SignInTypeNotFound)
	accounttest.OK(t, k.Accounts.Delete(t.Context(), v, account.DeleteAccountParams{}))
}

func TestRejoinAfter(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t, accounttest.RejoinAfter(30*24*time.Hour))
	v := k.Parent(t)
	accounttest.OK(t, k.Accounts.Delete(t.Context(), v, account.DeleteAccountParams{}))
	second := k.Viewer(t, k.SignUp(t, "second@lux.example", "+821011112222").Tokens)
	code := k.SMSCode(t, phone)
	_, err := k.Auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: code})
	accounttest.WantKind(t, err, apperr.UserPreviouslyDeleted)
	_, err = k.Accounts.Profiles.ChangePhone(t.Context(), second, account.ChangePhoneParams{Phone: phone, Code: code})
	accounttest.WantKind(t, err, apperr.UserPreviouslyDeleted)
	_, err = k.Accounts.Recovery.FindAccount(t.Context(), account.FindAccountParams{Phone: phone, Code: code})
	accounttest.WantKind(t, err, apperr.UserPreviouslyDeleted)
	k.Clock.Add(30 * 24 * time.Hour)
	k.SignUp(t, email, phone)
}

func TestRaceToDeleteAnAccount(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	k.Facebook.Add("john's", auth.Profile{Subject: "1017"})
	v := k.John(t)
	errs := testutil.Concurrently(16, func(int) error { return k.Accounts.Delete(t.Context(), v, account.DeleteAccountParams{}) })
	if diff := cmp.Diff(map[string]int{"": 1, "User is Deleted": 15}, accounttest.CountByDetail(errs)); diff != "" {
		t.Error(diff)
	}
}
