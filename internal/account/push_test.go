package account_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/testutil/accounttest"
)

func TestPushDevices(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	second := k.Viewer(t, k.SignUp(t, "second@lux.example", "+821011112222").Tokens)
	add := func() error {
		_, err := k.Accounts.Push.AddDevice(t.Context(), v, account.PushDeviceParams{RegistrationID: "phone-1"})
		return err
	}
	accounttest.OK(t, add())
	accounttest.OK(t, add())
	ids := func(of int) []string {
		var ids []string
		for _, d := range k.Store.Read().User.GetX(t.Context(), of).QueryPushDevices().AllX(t.Context()) {
			ids = append(ids, d.RegistrationID)
		}
		return ids
	}
	if diff := cmp.Diff([]string{"phone-1"}, ids(v.RootUserID())); diff != "" {
		t.Error(diff)
	}
	_, err := k.Accounts.Push.AddDevice(t.Context(), second, account.PushDeviceParams{RegistrationID: "phone-1"})
	accounttest.OK(t, err)
	if len(ids(v.RootUserID())) != 0 || len(ids(second.RootUserID())) != 1 {
		t.Error("the phone did not move to the account that added it last")
	}
	accounttest.OK(t, k.Accounts.Push.RemoveDevice(t.Context(), v.RootUserID(), account.PushDeviceParams{RegistrationID: "phone-1"}))
	if len(ids(second.RootUserID())) != 1 {
		t.Error("another account removed it")
	}
	accounttest.OK(t, k.Accounts.Push.RemoveDevice(t.Context(), second.RootUserID(), account.PushDeviceParams{RegistrationID: "phone-1"}))
	accounttest.OK(t, k.Accounts.Push.RemoveDevice(t.Context(), second.RootUserID(), account.PushDeviceParams{RegistrationID: "phone-1"}))
	if len(ids(second.RootUserID())) != 0 {
		t.Error("it is still there")
	}
	for _, malformed := range []string{"", "a b", "a\x00b", "\xff", strings.Repeat("r", 4097)} {
		_, err := k.Accounts.Push.AddDevice(t.Context(), v, account.PushDeviceParams{RegistrationID: malformed})
		accounttest.WantKind(t, err, apperr.BadRequest)
		accounttest.OK(t, k.Accounts.Push.RemoveDevice(t.Context(), v.RootUserID(), account.PushDeviceParams{RegistrationID: malformed}))
	}
}
