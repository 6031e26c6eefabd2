package account_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent/pushdevice"
	"luxbff/ent/user"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/viewer"
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

// holders are the accounts that are notified on a phone, by either name of it.
func holders(t *testing.T, k *accounttest.Kit, phone string) []int {
	t.Helper()
	byToken := k.Store.Read().User.Query().Where(user.PushToken(phone)).IDsX(t.Context())
	byDevice := k.Store.Read().PushDevice.Query().Where(pushdevice.RegistrationID(phone)).QueryRootUser().IDsX(t.Context())
	all := slices.Concat(byToken, byDevice)
	slices.Sort(all)
	return slices.Compact(all)
}

// parents are accounts that consent to push messages.
func parents(t *testing.T, k *accounttest.Kit, n int) []viewer.Viewer {
	t.Helper()
	all := make([]viewer.Viewer, n)
	for i := range all {
		signedIn := k.SignUp(t, fmt.Sprintf("parent%d@lux.example", i), fmt.Sprintf("+8210111122%02d", i))
		all[i] = k.Viewer(t, signedIn.Tokens)
		_, err := k.Accounts.Consents.Update(t.Context(), all[i], account.UpdatePolicyParams{IsPushAgree: ptr(true)})
		accounttest.OK(t, err)
	}
	return all
}

// waysToStore are all ways in which an account names a phone as its own.
func waysToStore(t *testing.T, k *accounttest.Kit) map[string]func(viewer.Viewer, string) error {
	t.Helper()
	return map[string]func(viewer.Viewer, string) error{
		"set-token": func(v viewer.Viewer, phone string) error {
			return k.Accounts.Push.SetToken(t.Context(), v, account.SetPushTokenParams{Token: phone})
		},
		"policy": func(v viewer.Viewer, phone string) error {
			_, err := k.Accounts.Consents.Update(t.Context(), v, account.UpdatePolicyParams{PushToken: &phone})
			return err
		},
		"push device": func(v viewer.Viewer, phone string) error {
			_, err := k.Accounts.Push.AddDevice(t.Context(), v, account.PushDeviceParams{RegistrationID: phone})
			return err
		},
	}
}

// TestPhoneMovesToTheAccountThatNamedItLast takes a phone over in each way, whichever
// way the account before had named it.
func TestPhoneMovesToTheAccountThatNamedItLast(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	two := parents(t, k, 2)
	for first, before := range waysToStore(t, k) {
		for second, after := range waysToStore(t, k) {
			phone := strings.Repeat("t", 32) + strings.ReplaceAll(first+second, " ", "")
			accounttest.OK(t, before(two[0], phone))
			accounttest.OK(t, after(two[1], phone))
			if diff := cmp.Diff([]int{two[1].RootUserID()}, holders(t, k, phone)); diff != "" {
				t.Errorf("%s, then %s (-want +got):\n%s", first, second, diff)
			}
			accounttest.OK(t, before(two[0], phone))
			if diff := cmp.Diff([]int{two[0].RootUserID()}, holders(t, k, phone)); diff != "" {
				t.Errorf("%s, then %s, and back (-want +got):\n%s", first, second, diff)
			}
		}
	}
}

// TestRaceForAPhone has many accounts name one phone at the same time, in every way and
// several times each: none fails, and one of them has it afterwards.
func TestRaceForAPhone(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	all := parents(t, k, 8)
	ways := waysToStore(t, k)
	for _, names := range [][]string{{"push device"}, {"set-token"}, {"policy"}, {"set-token", "policy", "push device"}} {
		phone := strings.Repeat("t", 32) + strings.ReplaceAll(strings.Join(names, ""), " ", "")
		errs := testutil.Concurrently(4*len(all), func(i int) error {
			return ways[names[i%len(names)]](all[i%len(all)], phone)
		})
		if diff := cmp.Diff(map[string]int{"": len(errs)}, accounttest.CountByDetail(errs)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", names, diff)
		}
		if got := holders(t, k, phone); len(got) != 1 {
			t.Errorf("%v: the phone is of the accounts %v", names, got)
		}
	}
}

// TestRaceToSwapPhones has two accounts take each other's phone at the same time.
func TestRaceToSwapPhones(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	two := parents(t, k, 2)
	phones := []string{strings.Repeat("a", 40), strings.Repeat("b", 40)}
	set := waysToStore(t, k)["set-token"]
	for round := range 10 {
		errs := testutil.Concurrently(2, func(i int) error { return set(two[i], phones[(i+round)%2]) })
		if diff := cmp.Diff(map[string]int{"": 2}, accounttest.CountByDetail(errs)); diff != "" {
			t.Error(diff)
		}
		for i, phone := range phones {
			if diff := cmp.Diff([]int{two[(i+round)%2].RootUserID()}, holders(t, k, phone)); diff != "" {
				t.Errorf("round %d (-want +got):\n%s", round, diff)
			}
		}
	}
}
