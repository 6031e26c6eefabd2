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
	"luxbff/internal/testutil/accounttest"
)

func ptr[T any](v T) *T { return &v }

func TestUpdateUser(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	before := k.User(t, v.RootUserID())
	unchanged, err := k.Accounts.Profiles.Update(t.Context(), v, account.UpdateUserParams{})
	accounttest.OK(t, err)
	if diff := cmp.Diff(before.String(), unchanged.String()); diff != "" {
		t.Errorf("an empty update changed: %s", diff)
	}
	changed, err := k.Accounts.Profiles.Update(t.Context(), v, account.UpdateUserParams{
		FirstName: ptr("james"), LastName: ptr("kim"), Birthdate: ptr(vocab.Date("1997-01-01")), Gender: ptr(vocab.PreferNotToSay),
	})
	accounttest.OK(t, err)
	if *changed.FirstName != "james" || *changed.LastName != "kim" || *changed.Birthdate != "1997-01-01" ||
		*changed.Gender != vocab.PreferNotToSay || *changed.Phone != phone {
		t.Errorf("%v", changed)
	}
	longest := strings.Repeat("김", 100)
	changed, err = k.Accounts.Profiles.Update(t.Context(), v, account.UpdateUserParams{FirstName: &longest})
	accounttest.OK(t, err)
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
		if _, err := k.Accounts.Profiles.Update(t.Context(), v, tc.p); !apperr.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want.New())
		}
	}
	if diff := cmp.Diff(changed.String(), k.User(t, v.RootUserID()).String()); diff != "" {
		t.Errorf("a refused update changed the row: %s", diff)
	}
}

func TestNewEmailIsUnverifiedAndTheOldOneSignsIn(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	changed, err := k.Accounts.Profiles.Update(t.Context(), v, account.UpdateUserParams{Email: ptr("New@lux.example")})
	accounttest.OK(t, err)
	if *changed.Email != "New@lux.example" || changed.IsEmailVerified {
		t.Errorf("%v", changed)
	}
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: "new@lux.example", Password: password})
	accounttest.WantKind(t, err, apperr.UserNotFound)
}

func TestNotificationSettings(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	changed, err := k.Accounts.Profiles.UpdateNotifications(t.Context(), v, account.NotificationSettings{
		IsDeviceMuted: ptr(true), IsBasestationAlertEnabled: ptr(true),
	})
	accounttest.OK(t, err)
	if !changed.IsDeviceMuted || changed.IsDeviceAlimTalkEnabled || !changed.IsBasestationAlertEnabled {
		t.Errorf("%v", changed)
	}
	changed, err = k.Accounts.Profiles.UpdateNotifications(t.Context(), v, account.NotificationSettings{IsDeviceMuted: ptr(false)})
	accounttest.OK(t, err)
	if changed.IsDeviceMuted || !changed.IsBasestationAlertEnabled {
		t.Errorf("%v", changed)
	}
}

func TestChangePhone(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	const fresh = "+821055556666"
	k.SignUp(t, "second@lux.example", "+821011112222")
	change := func(phone, code string) error {
		_, err := k.Accounts.Profiles.ChangePhone(t.Context(), v, account.ChangePhoneParams{Phone: phone, Code: code})
		return err
	}
	accounttest.WantKind(t, change("01055556666", "123456"), apperr.BadRequest)
	accounttest.WantKind(t, change(fresh, "123456"), apperr.CodeInvalid)
	accounttest.WantKind(t, change(fresh, ""), apperr.CodeInvalid)
	accounttest.WantKind(t, change(fresh, k.SMSCode(t, phone)), apperr.CodeInvalid) // the code must go to the new number
	accounttest.WantKind(t, change("+821011112222", k.SMSCode(t, "+821011112222")), apperr.PhoneTaken)
	late := k.SMSCode(t, fresh)
	k.Clock.Add(3 * time.Minute)
	accounttest.WantKind(t, change(fresh, late), apperr.CodeExpired)
	good := k.SMSCode(t, fresh)
	changed, err := k.Accounts.Profiles.ChangePhone(t.Context(), v, account.ChangePhoneParams{Phone: fresh, Code: good})
	accounttest.OK(t, err)
	if *changed.Phone != fresh {
		t.Errorf("%v", changed)
	}
	accounttest.WantKind(t, change(fresh, good), apperr.CodeInvalid)
	accounttest.OK(t, change(fresh, k.SMSCode(t, fresh)))
	k.SignUp(t, "third@lux.example", phone) // the old number is free
}

func TestDerivedFacts(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	u := k.Parent(t).User
	temp, err := k.Accounts.SignUps.Temporary(t.Context(), auth.LongLivedToken)
	accounttest.OK(t, err)
	if account.NeedsPersonalInfoUpdate(u) || !account.NeedsPersonalInfoUpdate(temp.User) {
		t.Error("personal info: a full account needs none, an empty one does")
	}
	if !account.IsPhoneNumberChecked(u) || account.IsPhoneNumberChecked(temp.User) {
		t.Error("phone: one that is there was checked")
	}
	k.Clock.Add(92 * 24 * time.Hour) // 4 March to 4 June
	if k.Accounts.Profiles.NeedsPasswordChange(u) {
		t.Error("a password of three months is not older than that")
	}
	k.Clock.Add(time.Millisecond)
	if !k.Accounts.Profiles.NeedsPasswordChange(u) || k.Accounts.Profiles.NeedsPasswordChange(temp.User) {
		t.Error("past three months a password is old; none never is")
	}
}
