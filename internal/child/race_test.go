package child_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/viewer"
)

// requests is how many are made at once in each test below.
const requests = 16

var oneWinner = map[string]int{"<nil>": 1, apperr.AlreadyConnectedDevice.New().Error(): requests - 1}

func TestAccountsRaceForADevice(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	children := make([]*ent.ChildUser, requests)
	for i := range children {
		children[i] = f.childWithoutDevice(t, f.parent)
		if i%2 == 1 {
			children[i] = f.childWithoutDevice(t, f.stranger)
		}
	}
	p := f.Device(t)
	errs := testutil.Concurrently(requests, func(i int) error {
		v := f.parent
		if i%2 == 1 {
			v = f.stranger
		}
		_, err := f.Children.RegisterDevice(t.Context(), v, children[i].ID, p)
		return err
	})
	if diff := cmp.Diff(oneWinner, countAnswers(errs)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	d := f.storedDeviceBySerialCode(t, p.SerialCode)
	for i, err := range errs {
		if err == nil && (*d.ChildUserID != children[i].ID || *d.RootUserID != children[i].RootUserID || d.Registration != 1) {
			t.Errorf("the winner is %v, the device %v", children[i], d)
		}
	}
}

func TestCreationsRaceForADevice(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	p := f.Params(t)
	errs := testutil.Concurrently(requests, func(i int) error {
		v := f.parent
		if i%2 == 1 {
			v = f.stranger
		}
		_, err := f.Children.Create(t.Context(), v, p)
		return err
	})
	if diff := cmp.Diff(oneWinner, countAnswers(errs)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(domaintest.Counts{Children: 1, Registered: 1}, f.Count(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestDevicesRaceForAChild(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	to := f.childWithoutDevice(t, f.parent)
	devices := make([]child.DeviceParams, requests)
	for i := range devices {
		devices[i] = f.Device(t)
	}
	errs := testutil.Concurrently(requests, func(i int) error {
		_, err := f.Children.RegisterDevice(t.Context(), f.parent, to.ID, devices[i])
		return err
	})
	if diff := cmp.Diff(oneWinner, countAnswers(errs)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(domaintest.Counts{Children: 1, Registered: 1}, f.Count(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for i, p := range devices {
		if d := f.storedDeviceBySerialCode(t, p.SerialCode); (d.UniqueID != nil) != (errs[i] == nil) {
			t.Errorf("a device that answered %v is left as %v", errs[i], d)
		}
	}
}

// TestRegistrationsRaceForAUniqueID brings one unique id from many children, once
// while no device has it and once while an unregistered device does.
func TestRegistrationsRaceForAUniqueID(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	holder := f.Child(t, f.stranger)
	f.unregister(t, f.stranger, holder)
	for _, claimed := range []string{"nobody's", *holder.Edges.Device.UniqueID} {
		parents, children, devices := make([]viewer.Viewer, requests), make([]*ent.ChildUser, requests), make([]child.DeviceParams, requests)
		for i := range children {
			parents[i] = f.Parent(t)
			children[i] = f.childWithoutDevice(t, parents[i])
			devices[i] = withUniqueID(f.Device(t), &claimed)
		}
		errs := testutil.Concurrently(requests, func(i int) error {
			_, err := f.Children.RegisterDevice(t.Context(), parents[i], children[i].ID, devices[i])
			return err
		})
		if diff := cmp.Diff(oneWinner, countAnswers(errs)); diff != "" {
			t.Errorf("%s: answers (-want +got):\n%s", claimed, diff)
		}
		for i, p := range devices {
			if d := f.storedDeviceBySerialCode(t, p.SerialCode); (d.UniqueID != nil) != (errs[i] == nil) || (d.ChildUserID != nil) != (errs[i] == nil) {
				t.Errorf("%s: a device that answered %v is left as %v", claimed, errs[i], d)
			}
		}
	}
	if old := f.storedDevice(t, holder.Edges.Device.ID); old.UniqueID != nil {
		t.Errorf("the unregistered device keeps %q", *old.UniqueID)
	}
}

// TestUnregisterRacesWithRegister unregisters the device of one child while another
// child registers it: it is never connected to both, and never to one in part.
func TestUnregisterRacesWithRegister(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	from, to := f.Child(t, f.parent), f.childWithoutDevice(t, f.stranger)
	p := paramsOf(from.Edges.Device)
	errs := testutil.Concurrently(requests, func(i int) error {
		if i%2 == 0 {
			_, err := f.Children.UnregisterDevice(t.Context(), f.parent, from.ID, *p.UniqueID)
			return err
		}
		_, err := f.Children.RegisterDevice(t.Context(), f.stranger, to.ID, p)
		return err
	})
	unregistered, registered := 0, 0
	for i, err := range errs {
		switch {
		case err == nil && i%2 == 0:
			unregistered++
		case err == nil:
			registered++
		case i%2 == 0:
			domaintest.WantError(t, err, apperr.NotFoundDevice, "input.uniqueId")
		default:
			domaintest.WantError(t, err, apperr.AlreadyConnectedDevice, "input.serialCode")
		}
	}
	d := f.storedDevice(t, from.Edges.Device.ID)
	if unregistered != 1 || (registered > 0) != (d.ChildUserID != nil) || (d.ChildUserID == nil) != (d.RootUserID == nil) {
		t.Errorf("unregistered %d times, registered %d times, the device is %v", unregistered, registered, d)
	}
	if registered > 0 && (*d.ChildUserID != to.ID || *d.RootUserID != to.RootUserID || d.Registration != 2) {
		t.Errorf("the device was registered as %v", d)
	}
}

// TestEachUpdateReturnsWhatItWrote: updates that run at once each return their own name,
// and one that comes after the deletion of the child says that there is none.
func TestEachUpdateReturnsWhatItWrote(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	made := f.Child(t, f.parent)
	errs := testutil.Concurrently(requests, func(i int) error {
		if i == requests/2 {
			return f.Children.Delete(t.Context(), f.parent, made.ID, *made.Edges.Device.UniqueID)
		}
		name := fmt.Sprint("name ", i)
		updated, err := f.Children.Update(t.Context(), f.parent, made.ID, child.UpdateParams{FirstName: &name})
		if apperr.Is(err, apperr.RealUserNotFound) {
			return nil
		}
		if err == nil && (updated.FirstName != name || updated.Edges.Device == nil || updated.Edges.Device.Edges.ChildUser != updated) {
			t.Errorf("update %d returns %v with %v", i, updated, updated.Edges.Device)
		}
		return err
	})
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}

// TestRaceForTheLastChild has several children made at once by an account that has room
// for one: the others are refused, and their devices stay free.
func TestRaceForTheLastChild(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	for range child.MaxChildren - 1 {
		f.Child(t, f.parent)
	}
	params := make([]child.CreateParams, requests)
	for i := range params {
		params[i] = f.Params(t)
	}
	errs := testutil.Concurrently(requests, func(i int) error {
		_, err := f.Children.Create(t.Context(), f.parent, params[i])
		return err
	})
	full := apperr.RealUserCreateFailed.New().Error()
	if diff := cmp.Diff(map[string]int{"<nil>": 1, full: requests - 1}, countAnswers(errs)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	for i, err := range errs {
		d := f.storedDeviceBySerialCode(t, params[i].SerialCode)
		if (err == nil) != (d.ChildUserID != nil) {
			t.Errorf("the request answered %v left the device %v", err, d)
		}
	}
	// The bound is each account's own, and a child that is deleted makes room.
	f.Child(t, f.stranger)
	family, err := f.Children.List(t.Context(), f.parent)
	if err != nil || len(family) != child.MaxChildren {
		t.Fatalf("%d children, %v", len(family), err)
	}
	if err := f.Children.Delete(t.Context(), f.parent, family[0].ID, *family[0].Edges.Device.UniqueID); err != nil {
		t.Fatal(err)
	}
	f.Child(t, f.parent)
}
