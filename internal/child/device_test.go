package child_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"luxbff/ent"
	"luxbff/ent/device"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/store"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/viewer"
)

// childWithoutDevice makes a child and unregisters the device it came with.
func (f *family) childWithoutDevice(t *testing.T, v viewer.Viewer) *ent.ChildUser {
	t.Helper()
	made := f.Child(t, v)
	f.unregister(t, v, made)
	return f.get(t, v, made.ID)
}

func (f *family) unregister(t *testing.T, v viewer.Viewer, c *ent.ChildUser) *ent.Device {
	t.Helper()
	freed, err := f.Children.UnregisterDevice(t.Context(), v, c.ID, *c.Edges.Device.UniqueID)
	if err != nil {
		t.Fatalf("unregister: %v", err)
	}
	return freed
}

func (f *family) register(t *testing.T, v viewer.Viewer, c *ent.ChildUser, p child.DeviceParams) *ent.Device {
	t.Helper()
	d, err := f.Children.RegisterDevice(t.Context(), v, c.ID, p)
	if err != nil {
		t.Fatalf("register: %v", err)
	}
	return d
}

// storedDevice reads a device as it is stored.
func (f *family) storedDevice(t *testing.T, id int) *ent.Device {
	t.Helper()
	d, err := f.Store.Read().Device.Get(t.Context(), id)
	if err != nil {
		t.Fatalf("read the device %d: %v", id, err)
	}
	return d
}

// storedDeviceBySerialCode reads the device with the serial code as it is stored.
func (f *family) storedDeviceBySerialCode(t *testing.T, serial string) *ent.Device {
	t.Helper()
	found, err := f.Store.Read().Device.Query().Where(device.SerialCode(serial)).Only(t.Context())
	if err != nil {
		t.Fatalf("find %s: %v", serial, err)
	}
	return found
}

// paramsOf names a device as an app does.
func paramsOf(d *ent.Device) child.DeviceParams {
	return child.DeviceParams{SerialCode: d.SerialCode, MacID: d.MACID, UniqueID: d.UniqueID}
}

func TestRegisterFindsTheDeviceByItsMac(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	for i, c := range []struct {
		name, mac, sent string
		fits            bool
	}{
		{"the full MAC", "00:80:E1:27:4C:84", "00:80:E1:27:4C:84", true},
		{"the full MAC in small letters", "00:80:E1:27:4C:85", "00:80:e1:27:4c:85", true},
		{"the last four", "00:80:E1:27:4C:86", "4C86", true},
		{"the last four, digits alone", "00:80:E1:27:12:34", "1234", true},
		{"the last four in small letters", "00:80:E1:27:4C:87", "4c87", false},
		{"the last four in mixed letters", "00:80:E1:27:AC:DC", "Acdc", false},
		{"the last five", "00:80:E1:27:4C:88", "74C88", false},
		{"the last three", "00:80:E1:27:4C:89", "C89", false},
		{"the last two groups", "00:80:E1:27:4C:90", "4C:90", false},
		{"without colons", "00:80:E1:27:4C:91", "0080E1274C91", false},
		{"the first four", "00:80:E1:27:4C:92", "0080", false},
		{"nothing", "00:80:E1:27:4C:93", "", false},
		{"a null character", "00:80:E1:27:4C:94", "4C94\x00", false},
		{"a factory's own id", "test1234", "test1234", true},
		{"the end of a factory's own id", "test5678", "5678", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			to := f.childWithoutDevice(t, f.parent)
			serial := "MAC" + string(rune('A'+i))
			f.Write(t, func(ctx context.Context, tx *store.Tx) error {
				return tx.Device.Create().SetSerialCode(serial).SetMACID(c.mac).SetProjectID(1).SetHardwareID(1).
					SetNowFirmwareID(1).SetFirmwareVersion("1").SetCreatedAt(f.Clock.Now()).Exec(ctx)
			})
			d, err := f.Children.RegisterDevice(t.Context(), f.parent, to.ID, child.DeviceParams{SerialCode: serial, MacID: c.sent})
			if !c.fits {
				domaintest.WantError(t, err, apperr.NotFoundDevice, "input.serialCode")
				return
			}
			if err != nil || d.MACID != c.mac {
				t.Errorf("got %v, %v", d, err)
			}
		})
	}
}

func TestRegisterChecksItsInput(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	to := f.childWithoutDevice(t, f.parent)
	for _, serial := range []string{"", "abc", strings.Repeat("a", 33), "SL-2040", "SL 2040", "SL2040\n", "ＳＬ２０４０", "SL2040\x00"} {
		p := f.Device(t)
		p.SerialCode = serial
		_, err := f.Children.RegisterDevice(t.Context(), f.parent, to.ID, p)
		domaintest.WantError(t, err, apperr.SerialCodeNotValid, "input.serialCode")
	}
	for _, serial := range []string{"abcd", strings.Repeat("Z", 32), "1234"} {
		p := f.Device(t)
		p.SerialCode = serial
		_, err := f.Children.RegisterDevice(t.Context(), f.parent, to.ID, p)
		domaintest.WantError(t, err, apperr.NotFoundDevice, "input.serialCode")
	}
	for _, uniqueID := range []string{"", "a\x00", "a\nb", "\xff", "\ufffd", strings.Repeat("u", 256)} {
		p := f.Device(t)
		p.UniqueID = &uniqueID
		_, err := f.Children.RegisterDevice(t.Context(), f.parent, to.ID, p)
		domaintest.WantError(t, err, apperr.BadRequest, "input.uniqueId")
	}
	if got := f.get(t, f.parent, to.ID); got.Edges.Device != nil {
		t.Errorf("a refused call registered %v", got.Edges.Device)
	}
}

// TestRegisterSerialCodesDifferByCase: the spelling of the catalogue counts.
func TestRegisterSerialCodesDifferByCase(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	to, p := f.childWithoutDevice(t, f.parent), f.Device(t)
	p.SerialCode = strings.ToLower(p.SerialCode)
	_, err := f.Children.RegisterDevice(t.Context(), f.parent, to.ID, p)
	domaintest.WantError(t, err, apperr.NotFoundDevice, "input.serialCode")
}

func TestRegisterRefusesAnothersChild(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	to, p := f.childWithoutDevice(t, f.parent), f.Device(t)
	_, err := f.Children.RegisterDevice(t.Context(), f.stranger, to.ID, p)
	domaintest.WantError(t, err, apperr.NotAuthorizedUser, "input.childUserId")
	_, err = f.Children.UnregisterDevice(t.Context(), f.stranger, to.ID, *p.UniqueID)
	domaintest.WantError(t, err, apperr.NotAuthorizedUser, "input.childUserId")
	for _, id := range unknownIDs(to.ID) {
		_, err := f.Children.RegisterDevice(t.Context(), f.parent, id, p)
		domaintest.WantError(t, err, apperr.NotFoundUser, "input.childUserId")
		_, err = f.Children.UnregisterDevice(t.Context(), f.parent, id, *p.UniqueID)
		domaintest.WantError(t, err, apperr.NotFoundUser, "input.childUserId")
	}
}

func TestRegisterAgainChangesTheUniqueIDAlone(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	c := f.Child(t, f.parent)
	f.uploadLog(t, f.parent, c, 9)
	if _, err := f.Children.UpdateDeviceAlias(t.Context(), f.parent, c.ID, c.Edges.Device.ID, "mine"); err != nil {
		t.Fatal(err)
	}
	want := f.storedDevice(t, c.Edges.Device.ID)
	f.Clock.Add(time.Hour)
	for _, uniqueID := range []*string{want.UniqueID, nil, ptr("another"), nil} {
		p := paramsOf(want)
		if p.UniqueID = uniqueID; uniqueID != nil {
			want.UniqueID = uniqueID
		}
		got := f.register(t, f.parent, c, p)
		if diff := diffRows(want, got); diff != "" {
			t.Errorf("answered (-want +got):\n%s", diff)
		}
		if diff := diffRows(want, f.storedDevice(t, want.ID)); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		if got.Edges.ChildUser == nil || got.Edges.ChildUser.ID != c.ID {
			t.Errorf("the device's child is %v", got.Edges.ChildUser)
		}
	}
}

func TestRegisterRefusesWhatIsConnected(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	mine, sister, foreign, bare := f.Child(t, f.parent), f.Child(t, f.parent), f.Child(t, f.stranger), f.childWithoutDevice(t, f.parent)
	for name, c := range map[string]struct {
		to    *ent.ChildUser
		p     child.DeviceParams
		field string
	}{
		"a sister's device":                      {bare, paramsOf(sister.Edges.Device), "input.serialCode"},
		"another account's device":               {bare, paramsOf(foreign.Edges.Device), "input.serialCode"},
		"a second device":                        {mine, f.Device(t), "input.childUserId"},
		"a sister's device for one that has one": {mine, paramsOf(sister.Edges.Device), "input.serialCode"},
		"the unique id of a registered device":   {bare, withUniqueID(f.Device(t), foreign.Edges.Device.UniqueID), "input.uniqueId"},
		"again, with a sister's unique id":       {mine, withUniqueID(paramsOf(mine.Edges.Device), sister.Edges.Device.UniqueID), "input.uniqueId"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := f.Children.RegisterDevice(t.Context(), f.parent, c.to.ID, c.p)
			domaintest.WantError(t, err, apperr.AlreadyConnectedDevice, c.field)
		})
	}
	t.Cleanup(func() {
		for _, c := range []*ent.ChildUser{mine, sister, foreign} {
			d, err := f.Store.Read().Device.Get(context.Background(), c.Edges.Device.ID)
			if err != nil {
				t.Error(err)
			} else if diff := diffRows(c.Edges.Device, d); diff != "" {
				t.Errorf("a refused call changed a device (-want +got):\n%s", diff)
			}
		}
	})
}

func withUniqueID(p child.DeviceParams, uniqueID *string) child.DeviceParams {
	p.UniqueID = uniqueID
	return p
}

func TestUniqueIDMovesFromAnUnregisteredDevice(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	before := f.Child(t, f.stranger)
	claimed := *before.Edges.Device.UniqueID
	f.unregister(t, f.stranger, before)
	to := f.childWithoutDevice(t, f.parent)
	got := f.register(t, f.parent, to, withUniqueID(f.Device(t), &claimed))
	if got.ID == before.Edges.Device.ID || *got.UniqueID != claimed {
		t.Fatalf("registered %v", got)
	}
	if old := f.storedDevice(t, before.Edges.Device.ID); old.UniqueID != nil {
		t.Errorf("the free device keeps %q", *old.UniqueID)
	}
	status, d, err := f.Children.CheckDevice(t.Context(), f.parent, claimed)
	if err != nil || status != child.ConnectionConfirmed || d.ID != got.ID {
		t.Errorf("check gives %s, %v, %v", status, d, err)
	}
	// The old device gets a new unique id when it is registered without one.
	back := f.register(t, f.stranger, before, withUniqueID(paramsOf(before.Edges.Device), nil))
	if back.UniqueID == nil || *back.UniqueID == claimed {
		t.Fatalf("the old device came back as %v", back)
	}
	if _, err := uuid.Parse(*back.UniqueID); err != nil {
		t.Errorf("the new unique id %q is no UUID", *back.UniqueID)
	}
}

func TestRegisterWithoutUniqueIDTakesTheCatalogues(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	const file = "serial_code,mac,project_id,hardware_id,firmware_id,firmware_version,unique_id\n" +
		"SL20401000,00:80:E1:27:4C:84,1,2,3,1.0.0,from-the-factory\n"
	if _, err := f.Catalogue.Import(t.Context(), strings.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	got := f.register(t, f.parent, f.childWithoutDevice(t, f.parent), child.DeviceParams{SerialCode: "SL20401000", MacID: "4C84"})
	if *got.UniqueID != "from-the-factory" {
		t.Errorf("got %q", *got.UniqueID)
	}
}

func TestUnregisterReturnsTheCatalogueFacts(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	c := f.Child(t, f.parent)
	f.uploadLog(t, f.parent, c, 12)
	if _, err := f.Children.UpdateDeviceAlias(t.Context(), f.parent, c.ID, c.Edges.Device.ID, "mine"); err != nil {
		t.Fatal(err)
	}
	uniqueID := *c.Edges.Device.UniqueID
	freed := f.unregister(t, f.parent, c)
	if freed.ChildUserID != nil || freed.DeviceAlias != "" || freed.LastLogFileID != 0 || *freed.UniqueID != uniqueID {
		t.Errorf("answered %v", freed)
	}
	f.wantRegisterable(t, f.parent, uniqueID)
	f.wantRegisterable(t, f.stranger, uniqueID)
	if stored := f.storedDevice(t, freed.ID); stored.DeviceAlias != "" || *stored.UniqueID != uniqueID || stored.RegisteredAt != nil {
		t.Errorf("stored %v", stored)
	}
	if got := f.get(t, f.parent, c.ID); got.Edges.Device != nil {
		t.Errorf("the child still has %v", got.Edges.Device)
	}
	if got := f.Count(t); got.Devlogs != 1 {
		t.Errorf("%d devlogs left, want 1", got.Devlogs)
	}
}

func TestUnregisterRefusesWhatIsNotTheChilds(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	c, sister, foreign := f.Child(t, f.parent), f.Child(t, f.parent), f.Child(t, f.stranger)
	for _, uniqueID := range []string{"", "unknown", *sister.Edges.Device.UniqueID, *foreign.Edges.Device.UniqueID, "\x00"} {
		d, err := f.Children.UnregisterDevice(t.Context(), f.parent, c.ID, uniqueID)
		domaintest.WantError(t, err, apperr.NotFoundDevice, "input.uniqueId")
		if d != nil {
			t.Errorf("gave %v with the error", d)
		}
	}
	f.unregister(t, f.parent, c)
	_, err := f.Children.UnregisterDevice(t.Context(), f.parent, c.ID, *c.Edges.Device.UniqueID)
	domaintest.WantError(t, err, apperr.NotFoundDevice, "input.uniqueId")
	if diff := cmp.Diff(domaintest.Counts{Children: 3, Registered: 2}, f.Count(t)); diff != "" {
		t.Error(diff)
	}
}

func TestLastLogFileIDBelongsToTheChild(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	first := f.Child(t, f.parent)
	p := paramsOf(first.Edges.Device)
	f.uploadLog(t, f.parent, first, 41)
	f.unregister(t, f.parent, first)
	if d := f.register(t, f.parent, first, p); d.LastLogFileID != 41 || d.Registration != 1 {
		t.Errorf("back at the same child the device stands at %d in registration %d, want 41 in 1", d.LastLogFileID, d.Registration)
	}
	f.unregister(t, f.parent, first)
	sister := f.childWithoutDevice(t, f.parent)
	if d := f.register(t, f.parent, sister, p); d.LastLogFileID != 0 || d.Registration != 2 || *d.LastChildUserID != sister.ID {
		t.Errorf("at another child it starts as %v", d)
	}
	f.unregister(t, f.parent, f.get(t, f.parent, sister.ID))
	if d := f.register(t, f.parent, first, p); d.LastLogFileID != 0 || d.Registration != 3 {
		t.Errorf("coming back over another child it starts as %v", d)
	}
}

func TestCheckHasFourAnswers(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	c := f.Child(t, f.parent)
	uniqueID := *c.Edges.Device.UniqueID
	status, d, err := f.Children.CheckDevice(t.Context(), f.parent, uniqueID)
	if err != nil || status != child.ConnectionConfirmed {
		t.Fatalf("mine: %s, %v", status, err)
	}
	if diff := diffRows(c.Edges.Device, d); diff != "" {
		t.Error(diff)
	}
	if d.ChildUserID == nil || *d.ChildUserID != c.ID {
		t.Errorf("the device's child is %v", d.ChildUserID)
	}
	_, d, err = f.Children.CheckDevice(t.Context(), f.stranger, uniqueID)
	domaintest.WantError(t, err, apperr.AlreadyConnectedDevice, "")
	if d != nil {
		t.Errorf("another account's device leaks: %v", d)
	}
	f.unregister(t, f.parent, c)
	f.wantRegisterable(t, f.stranger, uniqueID)
	for _, unknown := range []string{"", "unknown", "\x00", "a\x00b", "\xff", strings.ToUpper(uniqueID), strings.Repeat("x", 5000)} {
		_, _, err := f.Children.CheckDevice(t.Context(), f.parent, unknown)
		domaintest.WantError(t, err, apperr.NotFoundDevice, "")
	}
}

func TestUpdateDeviceAlias(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	c := f.Child(t, f.parent)
	for _, alias := range []string{"mine", "침실 🛏", strings.Repeat("é", 100), ""} {
		d, err := f.Children.UpdateDeviceAlias(t.Context(), f.parent, c.ID, c.Edges.Device.ID, alias)
		if err != nil {
			t.Fatalf("%q: %v", alias, err)
		}
		if stored := f.storedDevice(t, c.Edges.Device.ID); d.DeviceAlias != alias || stored.DeviceAlias != alias {
			t.Errorf("answered %q, stored %q, want %q", d.DeviceAlias, stored.DeviceAlias, alias)
		}
		if d.Edges.ChildUser == nil || d.Edges.ChildUser.ID != c.ID {
			t.Errorf("the device's child is %v", d.Edges.ChildUser)
		}
	}
}

func TestUpdateDeviceAliasRefuses(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	c, sister, foreign, bare := f.Child(t, f.parent), f.Child(t, f.parent), f.Child(t, f.stranger), f.childWithoutDevice(t, f.parent)
	free := f.Child(t, f.stranger)
	f.unregister(t, f.stranger, free)
	mine := c.Edges.Device.ID
	for name, want := range map[string]struct {
		childID, deviceID int
		alias             string
		kind              apperr.Kind
		field             string
	}{
		"an alias of 101":          {c.ID, mine, strings.Repeat("a", 101), apperr.BadRequest, "input.deviceAlias"},
		"an alias of two lines":    {c.ID, mine, "a\nb", apperr.BadRequest, "input.deviceAlias"},
		"broken UTF-8":             {c.ID, mine, "\xff", apperr.BadRequest, "input.deviceAlias"},
		"white space alone":        {c.ID, mine, " ", apperr.BadRequest, "input.deviceAlias"},
		"a Hangul filler":          {c.ID, mine, "\u3164", apperr.BadRequest, "input.deviceAlias"},
		"an unknown child":         {0, mine, "a", apperr.NotFoundUser, "input.childUserId"},
		"another account's child":  {foreign.ID, foreign.Edges.Device.ID, "a", apperr.NotAuthorizedUser, "input.childUserId"},
		"an unknown device":        {c.ID, free.Edges.Device.ID + 1000, "a", apperr.NotFoundDevice, "input.deviceId"},
		"a device of id -1":        {c.ID, -1, "a", apperr.NotFoundDevice, "input.deviceId"},
		"a sister's device":        {c.ID, sister.Edges.Device.ID, "a", apperr.NotConnectedDevice, "input.deviceId"},
		"another account's device": {c.ID, foreign.Edges.Device.ID, "a", apperr.NotConnectedDevice, "input.deviceId"},
		"a free device":            {c.ID, free.Edges.Device.ID, "a", apperr.NotConnectedDevice, "input.deviceId"},
		"a child without a device": {bare.ID, mine, "a", apperr.NotConnectedDevice, "input.deviceId"},
		"no device at all":         {bare.ID, 0, "a", apperr.NotFoundDevice, "input.deviceId"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := f.Children.UpdateDeviceAlias(t.Context(), f.parent, want.childID, want.deviceID, want.alias)
			domaintest.WantError(t, err, want.kind, want.field)
			if d != nil {
				t.Errorf("gave %v with the error", d)
			}
		})
	}
}
