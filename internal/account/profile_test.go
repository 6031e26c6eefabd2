package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
)

func ptr[T any](v T) *T { return &v }

func TestUpdateUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.parent(t)
	before := w.user(t, v.RootUserID())
	unchanged, err := w.Profiles.Update(t.Context(), v, account.UpdateUserParams{})
	ok(t, err)
	if diff := cmp.Diff(before.String(), unchanged.String()); diff != "" {
		t.Errorf("an empty update changed: %s", diff)
	}
	changed, err := w.Profiles.Update(t.Context(), v, account.UpdateUserParams{
		FirstName: ptr("james"), LastName: ptr("kim"), Birthdate: ptr(vocab.Date("1997-01-01")), Gender: ptr(vocab.PreferNotToSay),
	})
	ok(t, err)
	if *changed.FirstName != "james" || *changed.LastName != "kim" || *changed.Birthdate != "1997-01-01" ||
		*changed.Gender != vocab.PreferNotToSay || *changed.Phone != phone {
		t.Errorf("%v", changed)
	}
	longest := strings.Repeat("김", 100)
	changed, err = w.Profiles.Update(t.Context(), v, account.UpdateUserParams{FirstName: &longest})
	ok(t, err)
	if *changed.FirstName != longest {
		t.Errorf("a name of 100 characters became %q", *changed.FirstName)
	}
	for name, tc := range map[string]struct {
		p    account.UpdateUserParams
		want apperr.Kind
	}{
		"empty first name": {account.UpdateUserParams{FirstName: ptr("")}, apperr.BadRequest},
		"too long":         {account.UpdateUserParams{LastName: ptr(longest + "x")}, apperr.BadRequest},
		"tomorrow":         {account.UpdateUserParams{Birthdate: ptr(vocab.Date("2026-03-05"))}, apperr.BadRequest},
		"gender":           {account.UpdateUserParams{Gender: ptr(vocab.Gender(""))}, apperr.BadRequest},
		"e-mail":           {account.UpdateUserParams{Email: ptr("a b@lux.example")}, apperr.EmailMalformed},
		"empty e-mail":     {account.UpdateUserParams{Email: ptr("")}, apperr.EmailMalformed},
	} {
		if _, err := w.Profiles.Update(t.Context(), v, tc.p); !apperr.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want.New())
		}
	}
	if diff := cmp.Diff(changed.String(), w.user(t, v.RootUserID()).String()); diff != "" {
		t.Errorf("a refused update changed the row: %s", diff)
	}
}

func TestANewEmailIsUnverifiedAndTheOldOneStillSignsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.parent(t)
	changed, err := w.Profiles.Update(t.Context(), v, account.UpdateUserParams{Email: ptr("New@lux.example")})
	ok(t, err)
	if *changed.Email != "New@lux.example" || changed.IsEmailVerified {
		t.Errorf("%v", changed)
	}
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	ok(t, err)
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: "new@lux.example", Password: password})
	want(t, err, apperr.UserNotFound)
}

func TestNotificationSettings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.parent(t)
	changed, err := w.Profiles.UpdateNotifications(t.Context(), v, account.NotificationSettings{
		IsDeviceMuted: ptr(true), IsBasestationAlertEnabled: ptr(true),
	})
	ok(t, err)
	if !changed.IsDeviceMuted || changed.IsDeviceAlimTalkEnabled || !changed.IsBasestationAlertEnabled {
		t.Errorf("%v", changed)
	}
	changed, err = w.Profiles.UpdateNotifications(t.Context(), v, account.NotificationSettings{IsDeviceMuted: ptr(false)})
	ok(t, err)
	if changed.IsDeviceMuted || !changed.IsBasestationAlertEnabled {
		t.Errorf("%v", changed)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.parent(t)
	pushToken := strings.Repeat("t", 32)
	update := func(p account.UpdatePolicyParams) error {
		_, err := w.Consents.Update(t.Context(), v, p)
		return err
	}
	want(t, w.Push.SetToken(t.Context(), v, account.SetPushTokenParams{Token: pushToken}), apperr.PushPermissionDenied)
	want(t, update(account.UpdatePolicyParams{IsPushAgree: ptr(true), NeedsPushToken: true}), apperr.UserPolicyUpdateFailed)
	want(t, update(account.UpdatePolicyParams{IsPushAgree: ptr(true), PushToken: ptr("short")}), apperr.UserPolicyUpdateFailed)
	ok(t, update(account.UpdatePolicyParams{NeedsPushToken: true}))

	got, err := w.Consents.Update(t.Context(), v, account.UpdatePolicyParams{
		IsPushAgree: ptr(true), PushToken: &pushToken, NeedsPushToken: true,
	})
	ok(t, err)
	agreed := w.clock.now()
	if !got.IsPushAgree || !got.PushAgreeDate.Equal(agreed) || !got.IsMarketingAgree {
		t.Errorf("%v", got)
	}
	w.clock.advance(time.Hour)
	got, err = w.Consents.Update(t.Context(), v, account.UpdatePolicyParams{IsPushAgree: ptr(true), IsMarketingAgree: ptr(false)})
	ok(t, err)
	if !got.PushAgreeDate.Equal(agreed) || got.IsMarketingAgree || got.MarketingAgreeDate == nil {
		t.Errorf("consent given again, and withdrawn: %v", got)
	}
	ok(t, update(account.UpdatePolicyParams{IsPushAgree: ptr(false)}))
	if u := w.user(t, v.RootUserID()); u.PushToken == nil || *u.PushToken != pushToken {
		t.Error("withdrawing consent lost the push token")
	}
	got, err = w.Consents.Update(t.Context(), v, account.UpdatePolicyParams{IsPushAgree: ptr(true), NeedsPushToken: true})
	ok(t, err)
	if !got.PushAgreeDate.Equal(w.clock.now()) {
		t.Errorf("consent given anew has the date %v", got.PushAgreeDate)
	}
}

func TestPolicyWithoutTokenOnAddnox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.parent(t)
	got, err := w.Consents.Update(t.Context(), v, account.UpdatePolicyParams{IsPushAgree: ptr(true)})
	ok(t, err)
	if !got.IsPushAgree {
		t.Errorf("%v", got)
	}
	longest := strings.Repeat("~", 4096)
	ok(t, w.Push.SetToken(t.Context(), v, account.SetPushTokenParams{Token: longest}))
	for _, malformed := range []string{"", strings.Repeat("t", 31), longest + "~", strings.Repeat("t", 32) + " ", strings.Repeat("é", 32)} {
		want(t, w.Push.SetToken(t.Context(), v, account.SetPushTokenParams{Token: malformed}), apperr.PushTokenUpdateFailed)
	}
}

func TestAnAccountOfSnuttHasNoPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	temp, err := w.SignUps.Temporary(t.Context(), auth.LongLivedToken)
	ok(t, err)
	v := w.viewer(t, temp.Tokens)
	_, err = w.Consents.Update(t.Context(), v, account.UpdatePolicyParams{IsPushAgree: ptr(false)})
	want(t, err, apperr.UserPolicyNotFound)
	want(t, w.Push.SetToken(t.Context(), v, account.SetPushTokenParams{Token: strings.Repeat("t", 32)}), apperr.PushPermissionDenied)
	policy, err := w.Consents.Get(t.Context(), v.User)
	ok(t, err)
	if policy != nil {
		t.Errorf("%v", policy)
	}
}

func TestPushDevices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.parent(t)
	second := w.viewer(t, w.signUp(t, "second@lux.example", "+821011112222").Tokens)
	add := func() error {
		_, err := w.Push.AddDevice(t.Context(), v, account.PushDeviceParams{RegistrationID: "phone-1"})
		return err
	}
	ok(t, add())
	ok(t, add())
	ids := func(of int) []string {
		var ids []string
		for _, d := range w.store.Read().User.GetX(t.Context(), of).QueryPushDevices().AllX(t.Context()) {
			ids = append(ids, d.RegistrationID)
		}
		return ids
	}
	if diff := cmp.Diff([]string{"phone-1"}, ids(v.RootUserID())); diff != "" {
		t.Error(diff)
	}
	_, err := w.Push.AddDevice(t.Context(), second, account.PushDeviceParams{RegistrationID: "phone-1"})
	ok(t, err)
	if len(ids(v.RootUserID())) != 0 || len(ids(second.RootUserID())) != 1 {
		t.Error("the phone did not move to the account that added it last")
	}
	ok(t, w.Push.RemoveDevice(t.Context(), v.RootUserID(), account.PushDeviceParams{RegistrationID: "phone-1"}))
	if len(ids(second.RootUserID())) != 1 {
		t.Error("another account removed it")
	}
	ok(t, w.Push.RemoveDevice(t.Context(), second.RootUserID(), account.PushDeviceParams{RegistrationID: "phone-1"}))
	ok(t, w.Push.RemoveDevice(t.Context(), second.RootUserID(), account.PushDeviceParams{RegistrationID: "phone-1"}))
	if len(ids(second.RootUserID())) != 0 {
		t.Error("it is still there")
	}
	for _, malformed := range []string{"", "a b", "a\x00b", "\xff", strings.Repeat("r", 4097)} {
		_, err := w.Push.AddDevice(t.Context(), v, account.PushDeviceParams{RegistrationID: malformed})
		want(t, err, apperr.BadRequest)
		ok(t, w.Push.RemoveDevice(t.Context(), v.RootUserID(), account.PushDeviceParams{RegistrationID: malformed}))
	}
}

func TestChangePhone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.parent(t)
	const fresh = "+821055556666"
	w.signUp(t, "second@lux.example", "+821011112222")
	change := func(phone, code string) error {
		_, err := w.Profiles.ChangePhone(t.Context(), v, account.ChangePhoneParams{Phone: phone, Code: code})
		return err
	}
	want(t, change("01055556666", "123456"), apperr.BadRequest)
	want(t, change(fresh, "123456"), apperr.CodeInvalid)
	want(t, change(fresh, ""), apperr.CodeInvalid)
	want(t, change(fresh, w.smsCode(t, phone)), apperr.CodeInvalid) // the code must go to the new number
	want(t, change("+821011112222", w.smsCode(t, "+821011112222")), apperr.PhoneTaken)
	late := w.smsCode(t, fresh)
	w.clock.advance(3 * time.Minute)
	want(t, change(fresh, late), apperr.CodeExpired)
	good := w.smsCode(t, fresh)
	changed, err := w.Profiles.ChangePhone(t.Context(), v, account.ChangePhoneParams{Phone: fresh, Code: good})
	ok(t, err)
	if *changed.Phone != fresh {
		t.Errorf("%v", changed)
	}
	want(t, change(fresh, good), apperr.CodeInvalid)
	ok(t, change(fresh, w.smsCode(t, fresh)))
	w.signUp(t, "third@lux.example", phone) // the old number is free
}

func TestDerivedFacts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.parent(t).User
	temp, err := w.SignUps.Temporary(t.Context(), auth.LongLivedToken)
	ok(t, err)
	if account.NeedsPersonalInfoUpdate(u) || !account.NeedsPersonalInfoUpdate(temp.User) {
		t.Error("personal info: a full account needs none, an empty one does")
	}
	if !account.IsPhoneNumberChecked(u) || account.IsPhoneNumberChecked(temp.User) {
		t.Error("phone: one that is there was checked")
	}
	w.clock.advance(92 * 24 * time.Hour) // 4 March to 4 June
	if w.Profiles.NeedsPasswordChange(u) {
		t.Error("a password of three months is not older than that")
	}
	w.clock.advance(time.Millisecond)
	if !w.Profiles.NeedsPasswordChange(u) || w.Profiles.NeedsPasswordChange(temp.User) {
		t.Error("past three months a password is old; none never is")
	}
}
