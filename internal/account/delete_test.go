package account_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// furnish gives the account a child with a device, a push device and a code.
func (w *world) furnish(t *testing.T, v viewer.Viewer) (device *ent.Device) {
	t.Helper()
	_, err := w.Push.AddDevice(t.Context(), v, account.PushDeviceParams{RegistrationID: "phone-1"})
	ok(t, err)
	w.smsCode(t, phone)
	w.write(t, func(ctx context.Context, tx *store.Tx) error {
		child, err := tx.ChildUser.Create().SetRootUserID(v.RootUserID()).SetFirstName("test").SetLastName("").
			SetBirthdate("2020-01-02").SetGender("F").SetCreatedAt(w.clock.now()).Save(ctx)
		if err != nil {
			return err
		}
		device, err = tx.Device.Create().SetSerialCode("SL20401000").SetMACID("00:80:E1:27:4C:84").SetProjectID(1).
			SetHardwareID(1).SetNowFirmwareID(1).SetFirmwareVersion("1.0.0").SetDeviceAlias("mine").
			SetRootUserID(v.RootUserID()).SetChildUser(child).SetCreatedAt(w.clock.now()).Save(ctx)
		return err
	})
	return device
}

func TestDeleteAccountForgetsThePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.parent(t)
	device := w.furnish(t, v)
	ok(t, w.Delete(t.Context(), v, account.DeleteAccountParams{NeedsSignInType: true}))
	if diff := cmp.Diff([]ended{{v.RootUserID(), nil}}, w.endings(), cmp.AllowUnexported(ended{})); diff != "" {
		t.Errorf("endings: %s", diff)
	}
	read, ctx := w.store.Read(), t.Context()
	free := read.Device.GetX(ctx, device.ID)
	if free.ChildUserID != nil || free.RootUserID != nil || free.DeviceAlias != "" {
		t.Errorf("the device is not free: %v", free)
	}
	for name, n := range map[string]int{
		"children": read.ChildUser.Query().CountX(ctx), "consents": read.Consent.Query().CountX(ctx),
		"push devices": read.PushDevice.Query().CountX(ctx), "codes": read.VerificationCode.Query().CountX(ctx),
		"messages": read.Message.Query().CountX(ctx),
	} {
		if n != 0 {
			t.Errorf("%d %s are left", n, name)
		}
	}
	left := w.user(t, v.RootUserID()).String()
	for _, one := range read.Identity.Query().AllX(ctx) {
		left += one.String()
	}
	for _, fact := range []string{"하나", "1990", "Parent", "parent", "lux.example", phone, "KR"} {
		if strings.Contains(left, fact) {
			t.Errorf("%q is still stored: %s", fact, left)
		}
	}
}

func TestADeletedAccountIsToldApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.signUp(t, email, phone).Tokens
	v := w.viewer(t, tokens)
	ok(t, w.Delete(t.Context(), v, account.DeleteAccountParams{}))
	_, err := w.auth.Sessions.Authenticate(t.Context(), tokens.AccessToken)
	want(t, err, apperr.UserIsDeleted)
	_, err = w.auth.Sessions.Refresh(t.Context(), tokens.RefreshToken)
	want(t, err, apperr.UserIsDeleted)
	want(t, w.Delete(t.Context(), v, account.DeleteAccountParams{}), apperr.UserIsDeleted)
	_, err = w.Profiles.Update(t.Context(), v, account.UpdateUserParams{FirstName: ptr("ghost")})
	want(t, err, apperr.UserIsDeleted)
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: "PARENT@lux.example", Password: password})
	want(t, err, apperr.SignedUpUserIsDeleted)
	again := w.signUp(t, email, phone)
	if again.User.ID == v.RootUserID() {
		t.Error("the new account has the old one's id")
	}
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	ok(t, err)
}

func TestDeletionFreesEveryWayIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	local := w.registerLocal(t, "abcd1234")
	w.facebook.add("john's", auth.Profile{Subject: "1017"})
	done, err := w.Credentials.ConnectFacebook(t.Context(), w.viewer(t, local.Tokens), facebook("1017", "john's"))
	ok(t, err)
	v := w.viewer(t, *done.Tokens)
	ok(t, w.verifyEmail(t, v, "john@snu.example"))
	ok(t, w.Delete(t.Context(), v, account.DeleteAccountParams{}))
	_, err = w.auth.Sessions.Authenticate(t.Context(), done.Tokens.AccessToken)
	want(t, err, apperr.UserIsDeleted)
	_, err = w.auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "abcd1234", Password: localPassword})
	want(t, err, apperr.NoSuchLocalID)
	_, err = w.auth.SignInSocial(t.Context(), auth.SocialParams{Provider: "facebook", Token: "john's"})
	want(t, err, apperr.SignUpFirst)
	again := w.registerLocal(t, "abcd1234")
	_, err = w.Credentials.ConnectFacebook(t.Context(), w.viewer(t, again.Tokens), facebook("1017", "john's"))
	ok(t, err)
}

func TestATemporaryAccountHasNoSignInType(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	temp, err := w.SignUps.Temporary(t.Context(), auth.LongLivedToken)
	ok(t, err)
	v := w.viewer(t, temp.Tokens)
	want(t, w.Delete(t.Context(), v, account.DeleteAccountParams{NeedsSignInType: true}), apperr.SignInTypeNotFound)
	ok(t, w.Delete(t.Context(), v, account.DeleteAccountParams{}))
}

func TestRejoinAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rejoinAfter(30*24*time.Hour))
	v := w.parent(t)
	ok(t, w.Delete(t.Context(), v, account.DeleteAccountParams{}))
	second := w.viewer(t, w.signUp(t, "second@lux.example", "+821011112222").Tokens)
	code := w.smsCode(t, phone)
	_, err := w.auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: code})
	want(t, err, apperr.UserPreviouslyDeleted)
	_, err = w.Profiles.ChangePhone(t.Context(), second, account.ChangePhoneParams{Phone: phone, Code: code})
	want(t, err, apperr.UserPreviouslyDeleted)
	_, err = w.Recovery.FindAccount(t.Context(), account.FindAccountParams{Phone: phone, Code: code})
	want(t, err, apperr.UserPreviouslyDeleted)
	w.clock.advance(30 * 24 * time.Hour)
	w.signUp(t, email, phone)
}
