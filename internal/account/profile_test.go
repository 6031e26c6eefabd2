package account_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/ent/user"
	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/viewer"
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
		"in two days":      {account.UpdateUserParams{Birthdate: ptr(vocab.Date("2026-03-06"))}, apperr.BadRequest},
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

// TestBirthdateOfTodaySomewhere: a person is born today as long as it is that day anywhere
// on Earth, in an account as in a child.
func TestBirthdateOfTodaySomewhere(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t) // noon of 4 March in UTC, when the day after has begun in Kiribati
	v := k.Parent(t)
	born := func(day vocab.Date) error {
		_, err := k.Accounts.Profiles.Update(t.Context(), v, account.UpdateUserParams{Birthdate: &day})
		return err
	}
	accounttest.OK(t, born("2026-03-05"))
	accounttest.WantKind(t, born("2026-03-06"), apperr.BadRequest)
	k.Clock.Add(-2*time.Hour - time.Millisecond)
	accounttest.WantKind(t, born("2026-03-05"), apperr.BadRequest)
}

// TestPasswordsAgeThreeMonths holds the moment to the end of a shorter month.
func TestPasswordsAgeThreeMonths(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	for changed, old := range map[string]string{
		"2025-11-30T12:00:00Z": "2026-02-28T12:00:00Z", "2025-11-28T12:00:00Z": "2026-02-28T12:00:00Z", "2027-11-30T00:00:00Z": "2028-02-29T00:00:00Z",
		"2025-11-29T23:59:59Z": "2026-02-28T23:59:59Z", "2025-01-31T01:02:03Z": "2025-04-30T01:02:03Z", "2025-03-31T00:00:00Z": "2025-06-30T00:00:00Z",
		"2025-08-31T06:00:00Z": "2025-11-30T06:00:00Z", "2025-12-31T06:00:00Z": "2026-03-31T06:00:00Z", "2025-10-15T06:00:00Z": "2026-01-15T06:00:00Z",
	} {
		at, err := time.Parse(time.RFC3339, changed)
		accounttest.OK(t, err)
		until, err := time.Parse(time.RFC3339, old)
		accounttest.OK(t, err)
		u := &ent.User{PasswordChangedAt: &at}
		k.Clock.Add(until.Sub(k.Clock.Now()))
		if k.Accounts.Profiles.NeedsPasswordChange(u) {
			t.Errorf("changed at %s, it is old at %s", changed, old)
		}
		k.Clock.Add(time.Millisecond)
		if !k.Accounts.Profiles.NeedsPasswordChange(u) {
			t.Errorf("changed at %s, it is not old after %s", changed, old)
		}
	}
}

// TestEmailChangedAwayAndBack stays verified, because the account has verified the address
// and no other has taken it since.
func TestEmailChangedAwayAndBack(t *testing.T) {
	t.Parallel()
	const mine, pending = "John@snu.example", "pending@snu.example"
	changeTo := func(t *testing.T, k *accounttest.Kit, v viewer.Viewer, address string) *ent.User {
		t.Helper()
		changed, err := k.Accounts.Profiles.Update(t.Context(), v, account.UpdateUserParams{Email: &address})
		accounttest.OK(t, err)
		return changed
	}
	signIn := func(t *testing.T, k *accounttest.Kit, address, password string) error {
		t.Helper()
		_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: address, Password: password})
		return err
	}
	t.Run("account of LUX", func(t *testing.T) {
		t.Parallel()
		k := accounttest.New(t)
		v := k.Parent(t)
		if changeTo(t, k, v, pending); changeTo(t, k, v, email).IsEmailVerified {
			t.Error("an address that was never verified is verified")
		}
		accounttest.OK(t, verifyEmail(t, k, v, email))
		changeTo(t, k, v, pending)
		changeTo(t, k, v, "another@snu.example")
		if back := changeTo(t, k, v, strings.ToUpper(email)); !back.IsEmailVerified || *back.Email != strings.ToUpper(email) {
			t.Errorf("%v", back)
		}
		accounttest.OK(t, signIn(t, k, email, password))
		changeTo(t, k, v, pending)
		accounttest.OK(t, verifyEmail(t, k, v, pending))
		if changeTo(t, k, v, email).IsEmailVerified {
			t.Error("an address that the account gave up for another verified one is verified")
		}
		accounttest.OK(t, signIn(t, k, pending, password))
	})
	t.Run("social account of Addnox", func(t *testing.T) {
		t.Parallel()
		k := accounttest.New(t)
		v := k.Viewer(t, k.SocialSignUp(t, email, phone, "1017").Tokens)
		changeTo(t, k, v, pending)
		_, err := k.Accounts.SignUps.ByEmail(t.Context(), accounttest.SignUpParams(k.ValidToken(t, "+821011112222"), email, "+821011112222"))
		accounttest.WantKind(t, err, apperr.SameEmailIsRegistered)
		if changeTo(t, k, v, email).IsEmailVerified {
			t.Error("an address that was never verified is verified")
		}
		accounttest.OK(t, verifyEmail(t, k, v, email))
		changeTo(t, k, v, pending)
		if !changeTo(t, k, v, email).IsEmailVerified {
			t.Error("the address lost its verification")
		}
	})
	t.Run("account of SNUTT", func(t *testing.T) {
		t.Parallel()
		k := accounttest.New(t)
		v := k.Viewer(t, k.RegisterLocal(t, "first1").Tokens)
		accounttest.OK(t, verifyEmail(t, k, v, mine))
		changeTo(t, k, v, pending)
		if !changeTo(t, k, v, mine).IsEmailVerified {
			t.Error("the address lost its verification")
		}
		accounttest.WantKind(t, signIn(t, k, mine, localPassword), apperr.SmsVerificationRequired) // the password is right

		changeTo(t, k, v, pending)
		other := k.Viewer(t, k.RegisterLocal(t, "second1").Tokens)
		accounttest.OK(t, verifyEmail(t, k, other, mine))
		if changeTo(t, k, v, mine).IsEmailVerified {
			t.Error("an address of another account is verified")
		}
		changeTo(t, k, other, "other@snu.example") // which gives it up
		changeTo(t, k, v, pending)
		if changeTo(t, k, v, mine).IsEmailVerified {
			t.Error("an address that another account verified since is verified")
		}
		if !changeTo(t, k, other, mine).IsEmailVerified {
			t.Error("the account that verified the address last lost it")
		}
	})
}

// TestRaceForAVerifiedEmail has an account take back the address that it had verified
// while others verify it: nobody fails for another reason than that it is taken, and one
// account has it verified and signs in by it.
func TestRaceForAVerifiedEmail(t *testing.T) {
	t.Parallel()
	const shared = "shared@snu.example"
	k := accounttest.New(t)
	for range 5 {
		former := k.Viewer(t, k.RegisterLocal(t, "former1").Tokens)
		accounttest.OK(t, verifyEmail(t, k, former, shared))
		_, err := k.Accounts.Profiles.Update(t.Context(), former, account.UpdateUserParams{Email: ptr("pending@snu.example")})
		accounttest.OK(t, err)
		codes, rivals := make([]string, 3), make([]viewer.Viewer, 3)
		for i := range rivals {
			rivals[i] = k.Viewer(t, k.RegisterLocal(t, fmt.Sprint("rival", i)).Tokens)
			accounttest.OK(t, sendEmail(t, k, rivals[i], ptr(shared)))
			codes[i] = k.LastCode(t, shared)
		}
		errs := testutil.Concurrently(1+len(rivals), func(i int) error {
			if i == 0 {
				_, err := k.Accounts.Profiles.Update(t.Context(), former, account.UpdateUserParams{Email: ptr(shared)})
				return err
			}
			_, err := k.Accounts.Emails.Verify(t.Context(), rivals[i-1], account.VerifyEmailParams{Code: codes[i-1]})
			return err
		})
		for _, err := range errs {
			if err != nil && !apperr.Is(err, apperr.EmailVerifiedElsewhere) {
				t.Error(accounttest.Cause(err))
			}
		}
		verified := k.Store.Read().User.Query().Where(user.Email(shared), user.IsEmailVerified(true)).IDsX(t.Context())
		holder := k.Store.Read().Identity.Query().Where(identity.Subject(shared), identity.DeletedAtIsNil()).QueryRootUser().IDsX(t.Context())
		if diff := cmp.Diff(holder, verified); diff != "" || len(verified) != 1 {
			t.Errorf("the accounts that have it verified (+) and that sign in by it (-):\n%s", diff)
		}
		for _, v := range append(rivals, former) {
			accounttest.OK(t, k.Accounts.Delete(t.Context(), v, account.DeleteAccountParams{}))
		}
	}
}
