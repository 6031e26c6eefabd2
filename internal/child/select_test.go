package child_test

import (
	"testing"

	"luxbff/ent/childuser"
	"luxbff/ent/device"
	"luxbff/ent/migrate"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// TestListReadsEveryColumn holds that the statement written by hand reads what
// ent reads, also of a column that the schema gets one day.
func TestListReadsEveryColumn(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	f.Child(t, f.stranger) // The ids of the account, the child and the device differ.
	parent := f.Parent(t)
	f.Device(t)
	id := f.Child(t, parent).ID
	read := f.Store.Read()
	deviceID := read.Device.Query().Where(device.ChildUserID(id)).OnlyIDX(t.Context())
	domaintest.FillColumns(t, f.Store, migrate.ChildUsersTable, id)
	domaintest.FillColumns(t, f.Store, migrate.DevicesTable, deviceID, device.FieldLastChildUserID)

	want := read.ChildUser.Query().Where(childuser.ID(id)).WithDevice().OnlyX(t.Context())
	listed, err := f.Children.List(t.Context(), parent)
	if err != nil || len(listed) != 1 {
		t.Fatalf("listed %v, %v", listed, err)
	}
	for _, got := range append(listed, f.get(t, parent, id)) {
		domaintest.WantEveryColumn(t, want, got)
		domaintest.WantEveryColumn(t, want.Edges.Device, got.Edges.Device)
	}
}

// BenchmarkList is the home screen's read: two children with a device each.
func BenchmarkList(b *testing.B) {
	kit := domaintest.New(storetest.Open(b))
	parent := kit.Parent(b)
	for range 200 { // Ids of three digits, as in a database that is in use.
		kit.Device(b)
	}
	for range 2 {
		kit.Child(b, parent)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := kit.Children.List(b.Context(), parent); err != nil {
			b.Fatal(err)
		}
	}
}
