package child_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"luxbff/ent"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/store"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
	"luxbff/internal/viewer"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// family is a parent, and another parent whose children are none of its business.
type family struct {
	*domaintest.Kit
	parent, stranger viewer.Viewer
}

func newFamily(t *testing.T) *family {
	t.Helper()
	kit := domaintest.New(storetest.Open(t))
	return &family{Kit: kit, parent: kit.Parent(t), stranger: kit.Parent(t)}
}

// get reads a child again.
func (f *family) get(t *testing.T, v viewer.Viewer, id int) *ent.ChildUser {
	t.Helper()
	found, err := f.Children.Get(t.Context(), v, id)
	if err != nil {
		t.Fatalf("get the child %d: %v", id, err)
	}
	return found
}

// uploadLog stores a complete devlog of a child with its device.
func (f *family) uploadLog(t *testing.T, v viewer.Viewer, c *ent.ChildUser, logFileID int) {
	t.Helper()
	flag := vocab.NormalShutdown
	_, err := f.Devlogs.Upload(t.Context(), v, []devlog.Record{{
		ChildUserID: c.ID, DeviceID: c.Edges.Device.ID, UniqueID: *c.Edges.Device.UniqueID,
		TreatmentDate: "2025-02-14T15:48:49", FinishFlag: &flag, LogFileID: &logFileID,
	}})
	if err != nil {
		t.Fatalf("store a log: %v", err)
	}
}

func TestCreateStoresEveryParameter(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	p := f.Params(t)
	p.FirstName, p.LastName, p.Birthdate, p.Gender = "지우", "O’Neill 🙂", "2015-02-28", vocab.PreferNotToSay
	made, err := f.Children.Create(t.Context(), f.parent, p)
	if err != nil {
		t.Fatal(err)
	}
	now, root := f.Clock.Now(), f.parent.RootUserID()
	want := &ent.ChildUser{
		ID: made.ID, RootUserID: root, FirstName: "지우", LastName: "O’Neill 🙂",
		Birthdate: "2015-02-28", Gender: vocab.PreferNotToSay, CreatedAt: now,
	}
	device := &ent.Device{
		ID: made.Edges.Device.ID, SerialCode: p.SerialCode, MACID: p.MacID,
		ProjectID: 1, HardwareID: 2, NowFirmwareID: 3, FirmwareVersion: "1.0.0", UniqueID: p.UniqueID,
		RootUserID: &root, ChildUserID: &made.ID, LastChildUserID: &made.ID,
		Registration: 1, RegisteredAt: &now, CreatedAt: now,
	}
	wantChild(t, want, device, made)
	wantChild(t, want, device, f.get(t, f.parent, made.ID))
}

// wantChild compares a child and its device, both with their edges to each other.
func wantChild(t *testing.T, want *ent.ChildUser, device *ent.Device, got *ent.ChildUser) {
	t.Helper()
	if diff := diffRows(want, got); diff != "" {
		t.Errorf("child (-want +got):\n%s", diff)
	}
	if diff := diffRows(device, got.Edges.Device); diff != "" {
		t.Errorf("device (-want +got):\n%s", diff)
	}
	if d := got.Edges.Device; d != nil && d.Edges.ChildUser != got {
		t.Errorf("the device's child is %v, not the child it was given with", d.Edges.ChildUser)
	}
}

// diffRows compares two rows without their edges.
func diffRows[T any](want, got *T) string {
	return cmp.Diff(want, got,
		cmpopts.IgnoreUnexported(ent.ChildUser{}, ent.Device{}),
		cmpopts.IgnoreFields(ent.ChildUser{}, "Edges"), cmpopts.IgnoreFields(ent.Device{}, "Edges"))
}

func TestCreateAcceptsLimits(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	for name, change := range map[string]func(*child.CreateParams){
		"no last name": func(p *child.CreateParams) { p.LastName = "" },
		"100 letters of two bytes": func(p *child.CreateParams) {
			p.FirstName, p.LastName = strings.Repeat("é", 100), strings.Repeat("한", 100)
		},
		"born today, east of here":   func(p *child.CreateParams) { p.Birthdate = "2025-02-21" },
		"born in the year 1":         func(p *child.CreateParams) { p.Birthdate = "0001-01-01" },
		"male":                       func(p *child.CreateParams) { p.Gender = vocab.Male },
		"female":                     func(p *child.CreateParams) { p.Gender = vocab.Female },
		"non-binary":                 func(p *child.CreateParams) { p.Gender = vocab.NonBinary },
		"a unique id of 255 letters": func(p *child.CreateParams) { p.UniqueID = ptr(strings.Repeat("é", 255)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := f.Params(t)
			change(&p)
			made, err := f.Children.Create(t.Context(), f.parent, p)
			if err != nil {
				t.Fatal(err)
			}
			got := f.get(t, f.parent, made.ID)
			if got.FirstName != p.FirstName || got.LastName != p.LastName ||
				got.Birthdate != p.Birthdate || got.Gender != p.Gender || *got.Edges.Device.UniqueID != *p.UniqueID {
				t.Errorf("stored %v, want %+v", got, p)
			}
		})
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	taken := f.Params(t)
	if _, err := f.Children.Create(t.Context(), f.stranger, taken); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*child.CreateParams)
		kind   apperr.Kind
		field  string
	}{
		"no first name":             {func(p *child.CreateParams) { p.FirstName = "" }, apperr.BadRequest, "input.firstName"},
		"a blank first name":        {func(p *child.CreateParams) { p.FirstName = " \u3000" }, apperr.BadRequest, "input.firstName"},
		"a first name of 101":       {func(p *child.CreateParams) { p.FirstName = strings.Repeat("a", 101) }, apperr.BadRequest, "input.firstName"},
		"a null character":          {func(p *child.CreateParams) { p.FirstName = "a\x00b" }, apperr.BadRequest, "input.firstName"},
		"broken UTF-8":              {func(p *child.CreateParams) { p.FirstName = "a\xff" }, apperr.BadRequest, "input.firstName"},
		"a blank last name":         {func(p *child.CreateParams) { p.LastName = " " }, apperr.BadRequest, "input.lastName"},
		"a last name of two lines":  {func(p *child.CreateParams) { p.LastName = "a\nb" }, apperr.BadRequest, "input.lastName"},
		"no birthdate":              {func(p *child.CreateParams) { p.Birthdate = "" }, apperr.BadRequest, "input.birthdate"},
		"born tomorrow":             {func(p *child.CreateParams) { p.Birthdate = "2025-02-22" }, apperr.BadRequest, "input.birthdate"},
		"no gender":                 {func(p *child.CreateParams) { p.Gender = "" }, apperr.BadRequest, "input.gender"},
		"an unknown gender":         {func(p *child.CreateParams) { p.Gender = "X" }, apperr.BadRequest, "input.gender"},
		"an empty unique id":        {func(p *child.CreateParams) { p.UniqueID = ptr("") }, apperr.BadRequest, "input.uniqueId"},
		"a unique id of 256":        {func(p *child.CreateParams) { p.UniqueID = ptr(strings.Repeat("u", 256)) }, apperr.BadRequest, "input.uniqueId"},
		"a serial code of 3":        {func(p *child.CreateParams) { p.SerialCode = "SL2" }, apperr.SerialCodeNotValid, "input.serialCode"},
		"a device of another child": {func(p *child.CreateParams) { p.DeviceParams = taken.DeviceParams }, apperr.AlreadyConnectedDevice, "input.serialCode"},
		"a unique id in use":        {func(p *child.CreateParams) { p.UniqueID = taken.UniqueID }, apperr.AlreadyConnectedDevice, "input.uniqueId"},
		"another device's MAC":      {func(p *child.CreateParams) { p.MacID = taken.MacID }, apperr.NotFoundDevice, "input.serialCode"},
		"a serial code of nobody":   {func(p *child.CreateParams) { p.SerialCode = "NOBODY" }, apperr.NotFoundDevice, "input.serialCode"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := f.Params(t)
			c.change(&p)
			made, err := f.Children.Create(t.Context(), f.parent, p)
			domaintest.WantError(t, err, c.kind, c.field)
			if made != nil {
				t.Errorf("a refused call made %v", made)
			}
		})
	}
	t.Cleanup(func() {
		if diff := cmp.Diff(domaintest.Counts{Children: 1, Registered: 1}, f.Count(t)); diff != "" {
			t.Errorf("refused calls left rows (-want +got):\n%s", diff)
		}
	})
}

// TestCreateForDeletedAccount: an account may be deleted between the check of its
// token and the write.
func TestCreateForDeletedAccount(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	f.Write(t, func(ctx context.Context, tx *store.Tx) error {
		return tx.User.UpdateOneID(f.parent.RootUserID()).SetDeletedAt(f.Clock.Now()).Exec(ctx)
	})
	nobody := viewer.Viewer{User: &ent.User{ID: f.stranger.RootUserID() + 1}}
	for _, gone := range []viewer.Viewer{f.parent, nobody} {
		_, err := f.Children.Create(t.Context(), gone, f.Params(t))
		domaintest.WantError(t, err, apperr.UserIsDeleted, "")
	}
	if diff := cmp.Diff(domaintest.Counts{}, f.Count(t)); diff != "" {
		t.Error(diff)
	}
}

func TestUpdateChangesWhatIsSent(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	made := f.Child(t, f.parent)
	before := f.get(t, f.parent, made.ID)
	for _, step := range []struct {
		name   string
		params child.UpdateParams
		change func(*ent.ChildUser)
	}{
		{"nothing", child.UpdateParams{}, func(*ent.ChildUser) {}},
		{"first name", child.UpdateParams{FirstName: ptr("Ji")}, func(c *ent.ChildUser) { c.FirstName = "Ji" }},
		{"last name", child.UpdateParams{LastName: ptr("Kim")}, func(c *ent.ChildUser) { c.LastName = "Kim" }},
		{"last name away", child.UpdateParams{LastName: ptr("")}, func(c *ent.ChildUser) { c.LastName = "" }},
		{"birthdate", child.UpdateParams{Birthdate: ptr(vocab.Date("2010-10-10"))}, func(c *ent.ChildUser) { c.Birthdate = "2010-10-10" }},
		{"gender", child.UpdateParams{Gender: ptr(vocab.NonBinary)}, func(c *ent.ChildUser) { c.Gender = vocab.NonBinary }},
		{
			"all",
			child.UpdateParams{FirstName: ptr("A"), LastName: ptr("B"), Birthdate: ptr(vocab.Date("2001-02-03")), Gender: ptr(vocab.Male)},
			func(c *ent.ChildUser) {
				c.FirstName, c.LastName, c.Birthdate, c.Gender = "A", "B", "2001-02-03", vocab.Male
			},
		},
	} {
		step.change(before)
		got, err := f.Children.Update(t.Context(), f.parent, made.ID, step.params)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		wantChild(t, before, before.Edges.Device, got)
		wantChild(t, before, before.Edges.Device, f.get(t, f.parent, made.ID))
	}
}

func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	made := f.Child(t, f.parent)
	for name, c := range map[string]struct {
		v      viewer.Viewer
		id     int
		params child.UpdateParams
		kind   apperr.Kind
		field  string
	}{
		"an empty first name": {f.parent, made.ID, child.UpdateParams{FirstName: ptr("")}, apperr.BadRequest, "input.firstName"},
		"a bad last name":     {f.parent, made.ID, child.UpdateParams{LastName: ptr("\t")}, apperr.BadRequest, "input.lastName"},
		"a future birthdate":  {f.parent, made.ID, child.UpdateParams{Birthdate: ptr(vocab.Date("2031-01-01"))}, apperr.BadRequest, "input.birthdate"},
		"no gender":           {f.parent, made.ID, child.UpdateParams{Gender: ptr(vocab.Gender(""))}, apperr.BadRequest, "input.gender"},
		"another's child":     {f.stranger, made.ID, child.UpdateParams{FirstName: ptr("Ji")}, apperr.NotAuthorizedUser, "input.childUserId"},
		"an unknown child":    {f.parent, made.ID + 1, child.UpdateParams{FirstName: ptr("Ji")}, apperr.RealUserNotFound, "input.childUserId"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := f.Children.Update(t.Context(), c.v, c.id, c.params)
			domaintest.WantError(t, err, c.kind, c.field)
			if got != nil {
				t.Errorf("gave %v with the error", got)
			}
			if diff := diffRows(made, f.get(t, f.parent, made.ID)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// unknownIDs are ids that no row has.
func unknownIDs(known int) []int {
	return []int{0, -1, math.MinInt64, math.MaxInt64, known + 1000}
}

func TestReadsDistinguishUnknownFromForeign(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	mine := f.Child(t, f.parent)
	bare := f.Child(t, f.parent)
	if _, err := f.Children.UnregisterDevice(t.Context(), f.parent, bare.ID, *bare.Edges.Device.UniqueID); err != nil {
		t.Fatal(err)
	}
	got, err := f.Children.Device(t.Context(), f.parent, mine.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffRows(mine.Edges.Device, got); diff != "" {
		t.Error(diff)
	}
	wantNone := func(found any, err error, none bool, kind apperr.Kind) {
		t.Helper()
		domaintest.WantError(t, err, kind, "")
		if !none {
			t.Errorf("gave %v with the error", found)
		}
	}
	for _, id := range unknownIDs(bare.ID) {
		c, err := f.Children.Get(t.Context(), f.parent, id)
		wantNone(c, err, c == nil, apperr.RealUserNotFound)
		d, err := f.Children.Device(t.Context(), f.parent, id)
		wantNone(d, err, d == nil, apperr.DeviceNotFound)
	}
	d, err := f.Children.Device(t.Context(), f.parent, bare.ID)
	wantNone(d, err, d == nil, apperr.DeviceNotFound)
	for _, id := range []int{mine.ID, bare.ID} { // whether it has a device doesn't leak
		c, err := f.Children.Get(t.Context(), f.stranger, id)
		wantNone(c, err, c == nil, apperr.NotAuthorizedUser)
		d, err := f.Children.Device(t.Context(), f.stranger, id)
		wantNone(d, err, d == nil, apperr.NotAuthorizedUser)
	}
}

// TestListIsOneStatement lists families of several sizes that are stored side by
// side. Every third child has no device.
func TestListIsOneStatement(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	other := f.Child(t, f.stranger)
	for _, size := range []int{0, 1, 10, child.MaxChildren} {
		parent := f.Parent(t)
		want := make([]*ent.ChildUser, size)
		for i := range want {
			want[i] = f.Child(t, parent)
			if i%3 == 2 {
				if _, err := f.Children.UnregisterDevice(t.Context(), parent, want[i].ID, *want[i].Edges.Device.UniqueID); err != nil {
					t.Fatal(err)
				}
				want[i].Edges.Device = nil
			}
		}
		ctx, counter := store.CountStatements(t.Context())
		got, err := f.Children.List(ctx, parent)
		if err != nil {
			t.Fatal(err)
		}
		if counter.N() != 1 {
			t.Errorf("%d children cost %d statements", size, counter.N())
		}
		if got == nil || len(got) != size {
			t.Fatalf("%d children listed, want %d", len(got), size)
		}
		for i := range want {
			wantChild(t, want[i], want[i].Edges.Device, got[i])
			wantChild(t, want[i], want[i].Edges.Device, f.get(t, parent, want[i].ID))
		}
	}
	got, err := f.Children.List(t.Context(), f.stranger)
	if err != nil || len(got) != 1 || got[0].ID != other.ID {
		t.Errorf("the other family is %v, %v", got, err)
	}
}

func TestDeleteUnregistersTheDeviceAndRemovesTheChildsRows(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	gone, stays := f.Child(t, f.parent), f.Child(t, f.parent)
	d := gone.Edges.Device
	if _, err := f.Children.UpdateDeviceAlias(t.Context(), f.parent, gone.ID, d.ID, "mine"); err != nil {
		t.Fatal(err)
	}
	f.uploadLog(t, f.parent, gone, 7)
	f.uploadLog(t, f.parent, stays, 8)
	if err := f.Children.Delete(t.Context(), f.parent, gone.ID, *d.UniqueID); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(domaintest.Counts{Children: 1, Registered: 1, Devlogs: 1, Events: 1}, f.Count(t)); diff != "" {
		t.Errorf("rows left (-want +got):\n%s", diff)
	}
	_, err := f.Children.Get(t.Context(), f.parent, gone.ID)
	domaintest.WantError(t, err, apperr.RealUserNotFound, "")
	err = f.Children.Delete(t.Context(), f.parent, gone.ID, *d.UniqueID)
	domaintest.WantError(t, err, apperr.RealUserNotFound, "input.childUserId")
	f.wantRegisterable(t, f.stranger, *d.UniqueID)
	if last := f.get(t, f.parent, stays.ID).Edges.Device.LastLogFileID; last != 8 {
		t.Errorf("the sister's device stands at %d, want 8", last)
	}
	// The next child may get the device, and starts at 0 with it.
	next := f.Child(t, f.stranger)
	if _, err := f.Children.UnregisterDevice(t.Context(), f.stranger, next.ID, *next.Edges.Device.UniqueID); err != nil {
		t.Fatal(err)
	}
	got, err := f.Children.RegisterDevice(t.Context(), f.stranger, next.ID, child.DeviceParams{SerialCode: d.SerialCode, MacID: d.MACID})
	if err != nil {
		t.Fatal(err)
	}
	if got.DeviceAlias != "" || got.LastLogFileID != 0 {
		t.Errorf("the new owner sees the alias %q and the number %d", got.DeviceAlias, got.LastLogFileID)
	}
}

// wantRegisterable checks a device that nobody has, as an app does before it registers one.
func (f *family) wantRegisterable(t *testing.T, v viewer.Viewer, uniqueID string) {
	t.Helper()
	status, d, err := f.Children.CheckDevice(t.Context(), v, uniqueID)
	if err != nil || status != child.Registerable {
		t.Fatalf("check %s: %s, %v", uniqueID, status, err)
	}
	if d.ChildUserID != nil || d.RootUserID != nil || d.LastChildUserID != nil || d.RegisteredAt != nil ||
		d.DeviceAlias != "" || d.LastLogFileID != 0 || d.Edges.ChildUser != nil {
		t.Errorf("a free device tells of its owner: %v", d)
	}
}

func TestDeleteRequiresTheUniqueID(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	with, without := f.Child(t, f.parent), f.Child(t, f.parent)
	for _, wrong := range []string{"", "another", *without.Edges.Device.UniqueID, strings.ToUpper(*with.Edges.Device.UniqueID)} {
		domaintest.WantError(t, f.Children.Delete(t.Context(), f.parent, with.ID, wrong), apperr.RealUserDeleteFailed, "input.uniqueId")
	}
	right := *with.Edges.Device.UniqueID
	domaintest.WantError(t, f.Children.Delete(t.Context(), f.stranger, with.ID, right), apperr.NotAuthorizedUser, "input.childUserId")
	for _, id := range unknownIDs(without.ID) {
		domaintest.WantError(t, f.Children.Delete(t.Context(), f.parent, id, right), apperr.RealUserNotFound, "input.childUserId")
	}
	if diff := cmp.Diff(domaintest.Counts{Children: 2, Registered: 2}, f.Count(t)); diff != "" {
		t.Errorf("a refused call changed rows:\n%s", diff)
	}
	if _, err := f.Children.UnregisterDevice(t.Context(), f.parent, without.ID, *without.Edges.Device.UniqueID); err != nil {
		t.Fatal(err)
	}
	if err := f.Children.Delete(t.Context(), f.parent, without.ID, "whatever"); err != nil {
		t.Errorf("a child without a device stays: %v", err)
	}
}

func TestDeleteAllOfAccountLeavesOtherAccounts(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	var devices []*ent.Device
	for i := range 3 {
		c := f.Child(t, f.parent)
		f.uploadLog(t, f.parent, c, i)
		devices = append(devices, c.Edges.Device)
	}
	other := f.Child(t, f.stranger)
	f.uploadLog(t, f.stranger, other, 5)
	for range 2 { // an account without children is no error
		f.Write(t, func(ctx context.Context, tx *store.Tx) error {
			return child.DeleteAllOfAccount(ctx, tx, f.parent.RootUserID())
		})
		if diff := cmp.Diff(domaintest.Counts{Children: 1, Registered: 1, Devlogs: 1, Events: 1}, f.Count(t)); diff != "" {
			t.Errorf("rows left (-want +got):\n%s", diff)
		}
	}
	for _, d := range devices {
		f.wantRegisterable(t, f.stranger, *d.UniqueID)
	}
	if got := f.get(t, f.stranger, other.ID); got.Edges.Device == nil || got.Edges.Device.LastLogFileID != 5 {
		t.Errorf("the other family's device is %v", got.Edges.Device)
	}
}

func ptr[T any](value T) *T { return &value }

// countAnswers counts how often each answer was given.
func countAnswers(errs []error) map[string]int {
	counted := map[string]int{}
	for _, err := range errs {
		counted[fmt.Sprint(err)]++
	}
	return counted
}
