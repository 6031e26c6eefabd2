package child_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/viewer"
)

// at is how many requests meet in the races below.
const at = 16

var oneWinner = map[string]int{"<nil>": 1, apperr.AlreadyConnectedDevice.New().Error(): at - 1}

func TestAccountsRaceForADevice(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	children := make([]*ent.ChildUser, at)
	for i := range children {
		children[i] = f.bare(t, f.parent)
		if i%2 == 1 {
			children[i] = f.bare(t, f.stranger)
		}
	}
	p := f.Device(t)
	errs := testutil.Concurrently(at, func(i int) error {
		v := f.parent
		if i%2 == 1 {
			v = f.stranger
		}
		_, err := f.Children.RegisterDevice(t.Context(), v, children[i].ID, p)
		return err
	})
	if diff := cmp.Diff(oneWinner, answers(errs)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	d := f.bySerial(t, p.SerialCode)
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
	errs := testutil.Concurrently(at, func(i int) error {
		v := f.parent
		if i%2 == 1 {
			v = f.stranger
		}
		_, err := f.Children.Create(t.Context(), v, p)
		return err
	})
	if diff := cmp.Diff(oneWinner, answers(errs)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(domaintest.Counts{Children: 1, Registered: 1}, f.Count(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestDevicesRaceForAChild(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	to := f.bare(t, f.parent)
	devices := make([]child.DeviceParams, at)
	for i := range devices {
		devices[i] = f.Device(t)
	}
	errs := testutil.Concurrently(at, func(i int) error {
		_, err := f.Children.RegisterDevice(t.Context(), f.parent, to.ID, devices[i])
		return err
	})
	if diff := cmp.Diff(oneWinner, answers(errs)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(domaintest.Counts{Children: 1, Registered: 1}, f.Count(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for i, p := range devices {
		if d := f.bySerial(t, p.SerialCode); (d.UniqueID != nil) != (errs[i] == nil) {
			t.Errorf("a device that answered %v is left as %v", errs[i], d)
		}
	}
}

// TestRegistrationsRaceForAUniqueID brings one unique id from many children, once
// while nobody bears it and once while a free device does.
func TestRegistrationsRaceForAUniqueID(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	bearer := f.Child(t, f.stranger)
	f.unregister(t, f.stranger, bearer)
	for _, claimed := range []string{"nobody's", *bearer.Edges.Device.UniqueID} {
		parents, children, devices := make([]viewer.Viewer, at), make([]*ent.ChildUser, at), make([]child.DeviceParams, at)
		for i := range children {
			parents[i] = f.Parent(t)
			children[i] = f.bare(t, parents[i])
			devices[i] = withUniqueID(f.Device(t), &claimed)
		}
		errs := testutil.Concurrently(at, func(i int) error {
			_, err := f.Children.RegisterDevice(t.Context(), parents[i], children[i].ID, devices[i])
			return err
		})
		if diff := cmp.Diff(oneWinner, answers(errs)); diff != "" {
			t.Errorf("%s: answers (-want +got):\n%s", claimed, diff)
		}
		for i, p := range devices {
			if d := f.bySerial(t, p.SerialCode); (d.UniqueID != nil) != (errs[i] == nil) || (d.ChildUserID != nil) != (errs[i] == nil) {
				t.Errorf("%s: a device that answered %v is left as %v", claimed, errs[i], d)
			}
		}
	}
	if old := f.row(t, bearer.Edges.Device.ID); old.UniqueID != nil {
		t.Errorf("the free device keeps %q", *old.UniqueID)
	}
}

// TestLeavingRacesWithComing lets one child give its device back while another
// asks for it: it is never with both, and never half with one.
func TestLeavingRacesWithComing(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	from, to := f.Child(t, f.parent), f.bare(t, f.stranger)
	p := paramsOf(from.Edges.Device)
	errs := testutil.Concurrently(at, func(i int) error {
		if i%2 == 0 {
			_, err := f.Children.UnregisterDevice(t.Context(), f.parent, from.ID, *p.UniqueID)
			return err
		}
		_, err := f.Children.RegisterDevice(t.Context(), f.stranger, to.ID, p)
		return err
	})
	left, came := 0, 0
	for i, err := range errs {
		switch {
		case err == nil && i%2 == 0:
			left++
		case err == nil:
			came++
		case i%2 == 0:
			domaintest.WantError(t, err, apperr.NotFoundDevice, "")
		default:
			domaintest.WantError(t, err, apperr.AlreadyConnectedDevice, "")
		}
	}
	d := f.row(t, from.Edges.Device.ID)
	if left != 1 || (came > 0) != (d.ChildUserID != nil) || (d.ChildUserID == nil) != (d.RootUserID == nil) {
		t.Errorf("left %d times, came %d times, the device is %v", left, came, d)
	}
	if came > 0 && (*d.ChildUserID != to.ID || *d.RootUserID != to.RootUserID || d.Registration != 2) {
		t.Errorf("the device came as %v", d)
	}
}
