package account_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	"luxbff/ent/pushdevice"
	"luxbff/internal/account"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/viewer"
)

func addPhone(t *testing.T, k *accounttest.Kit, v viewer.Viewer, id string) {
	t.Helper()
	_, err := k.Accounts.Push.AddDevice(t.Context(), v, account.PushDeviceParams{RegistrationID: id})
	accounttest.OK(t, err)
}

func phones(t *testing.T, k *accounttest.Kit, v viewer.Viewer) []string {
	t.Helper()
	return k.Store.Read().PushDevice.Query().Where(pushdevice.RootUserID(v.RootUserID())).
		Order(ent.Asc(pushdevice.FieldID)).Select(pushdevice.FieldRegistrationID).StringsX(t.Context())
}

func phoneNames(from, to int) (names []string) {
	for i := from; i < to; i++ {
		names = append(names, fmt.Sprintf("phone-%d", i))
	}
	return names
}

// TestOldestPhoneMakesRoom adds more phones than an account may have: those go that were
// not added for the longest time, and one that the app adds at each start stays.
func TestOldestPhoneMakesRoom(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	stranger := k.Viewer(t, k.SignUp(t, "second@lux.example", "+821011112222").Tokens)
	addPhone(t, k, stranger, "of-another")
	for _, name := range phoneNames(0, account.MaxPushDevices) {
		addPhone(t, k, v, name)
		k.Clock.Add(time.Minute)
	}
	k.Clock.Add(24 * time.Hour)
	addPhone(t, k, v, "phone-0")
	for _, name := range phoneNames(account.MaxPushDevices, account.MaxPushDevices+2) {
		addPhone(t, k, v, name)
	}
	want := append([]string{"phone-0"}, phoneNames(3, account.MaxPushDevices+2)...)
	if diff := cmp.Diff(want, phones(t, k, v)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"of-another"}, phones(t, k, stranger)); diff != "" {
		t.Error(diff)
	}
}

// TestPhonesOfAnOldAccountAreTrimmed, which may have had any number before there was a
// bound, and whose rows say nothing of when they were added last.
func TestPhonesOfAnOldAccountAreTrimmed(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	accounttest.OK(t, k.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, name := range phoneNames(0, 100) {
			tx.PushDevice.Create().SetRootUserID(v.RootUserID()).SetRegistrationID(name).
				SetCreatedAt(k.Clock.Now()).SaveX(ctx)
		}
		return nil
	}))
	addPhone(t, k, v, "new")
	want := append(phoneNames(100-account.MaxPushDevices+1, 100), "new")
	if diff := cmp.Diff(want, phones(t, k, v)); diff != "" {
		t.Error(diff)
	}
}

// TestRaceForTheLastPlace has many phones added at the same time.
func TestRaceForTheLastPlace(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	errs := testutil.Concurrently(2*account.MaxPushDevices, func(i int) error {
		_, err := k.Accounts.Push.AddDevice(t.Context(), v, account.PushDeviceParams{RegistrationID: fmt.Sprint("phone-", i)})
		return err
	})
	if diff := cmp.Diff(map[string]int{"": len(errs)}, accounttest.CountByDetail(errs)); diff != "" {
		t.Error(diff)
	}
	if got := len(phones(t, k, v)); got != account.MaxPushDevices {
		t.Errorf("the account has %d phones", got)
	}
}
