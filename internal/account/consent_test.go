package account_test

import (
	"strings"
	"testing"
	"time"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/testutil/accounttest"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	pushToken := strings.Repeat("t", 32)
	update := func(p account.UpdatePolicyParams) error {
		_, err := k.Accounts.Consents.Update(t.Context(), v, p)
		return err
	}
	accounttest.WantKind(t, k.Accounts.Push.SetToken(t.Context(), v, account.SetPushTokenParams{Token: pushToken}), apperr.PushPermissionDenied)
	accounttest.WantKind(t, update(account.UpdatePolicyParams{IsPushAgree: ptr(true), NeedsPushToken: true}), apperr.UserPolicyUpdateFailed)
	accounttest.WantKind(t, update(account.UpdatePolicyParams{IsPushAgree: ptr(true), PushToken: ptr("short")}), apperr.UserPolicyUpdateFailed)
	accounttest.OK(t, update(account.UpdatePolicyParams{NeedsPushToken: true}))
	// A token alone asks for nothing but to be stored, which it may not be; beside a
	// refusal of consent it is left out.
	accounttest.WantKind(t, update(account.UpdatePolicyParams{PushToken: &pushToken, IsMarketingAgree: ptr(false)}), apperr.UserPolicyUpdateFailed)
	accounttest.OK(t, update(account.UpdatePolicyParams{PushToken: &pushToken, IsPushAgree: ptr(false)}))
	if u := k.User(t, v.RootUserID()); u.PushToken != nil {
		t.Error("a push token was stored without consent")
	}

	got, err := k.Accounts.Consents.Update(t.Context(), v, account.UpdatePolicyParams{
		IsPushAgree: ptr(true), PushToken: &pushToken, NeedsPushToken: true,
	})
	accounttest.OK(t, err)
	agreed := k.Clock.Now()
	if !got.IsPushAgree || !got.PushAgreeDate.Equal(agreed) || !got.IsMarketingAgree {
		t.Errorf("%v", got)
	}
	k.Clock.Add(time.Hour)
	got, err = k.Accounts.Consents.Update(t.Context(), v, account.UpdatePolicyParams{IsPushAgree: ptr(true), IsMarketingAgree: ptr(false)})
	accounttest.OK(t, err)
	if !got.PushAgreeDate.Equal(agreed) || got.IsMarketingAgree || got.MarketingAgreeDate == nil {
		t.Errorf("consent given again, and withdrawn: %v", got)
	}
	accounttest.OK(t, update(account.UpdatePolicyParams{IsPushAgree: ptr(false)}))
	if u := k.User(t, v.RootUserID()); u.PushToken == nil || *u.PushToken != pushToken {
		t.Error("withdrawing consent lost the push token")
	}
	got, err = k.Accounts.Consents.Update(t.Context(), v, account.UpdatePolicyParams{IsPushAgree: ptr(true), NeedsPushToken: true})
	accounttest.OK(t, err)
	if !got.PushAgreeDate.Equal(k.Clock.Now()) {
		t.Errorf("consent given anew has the date %v", got.PushAgreeDate)
	}
}

func TestAddnoxConsentsWithoutPushToken(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	got, err := k.Accounts.Consents.Update(t.Context(), v, account.UpdatePolicyParams{IsPushAgree: ptr(true)})
	accounttest.OK(t, err)
	if !got.IsPushAgree {
		t.Errorf("%v", got)
	}
	longest := strings.Repeat("~", 4096)
	accounttest.OK(t, k.Accounts.Push.SetToken(t.Context(), v, account.SetPushTokenParams{Token: longest}))
	for _, malformed := range []string{"", strings.Repeat("t", 31), longest + "~", strings.Repeat("t", 32) + " ", strings.Repeat("é", 32)} {
		accounttest.WantKind(t, k.Accounts.Push.SetToken(t.Context(), v, account.SetPushTokenParams{Token: malformed}), apperr.PushTokenUpdateFailed)
	}
}

func TestSnuttAccountsHaveNoPolicy(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	temp, err := k.Accounts.SignUps.Temporary(t.Context(), auth.LongLivedToken)
	accounttest.OK(t, err)
	v := k.Viewer(t, temp.Tokens)
	_, err = k.Accounts.Consents.Update(t.Context(), v, account.UpdatePolicyParams{IsPushAgree: ptr(false)})
	accounttest.WantKind(t, err, apperr.UserPolicyNotFound)
	accounttest.WantKind(t, k.Accounts.Push.SetToken(t.Context(), v, account.SetPushTokenParams{Token: strings.Repeat("t", 32)}), apperr.PushPermissionDenied)
	policy, err := k.Accounts.Consents.Get(t.Context(), v.User)
	accounttest.OK(t, err)
	if policy != nil {
		t.Errorf("%v", policy)
	}
}
