package domaintest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	entdevlog "luxbff/ent/devlog"
	"luxbff/ent/devlogevent"
	"luxbff/ent/vocab"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/testutil/storetest"
	"luxbff/internal/viewer"
)

// Home is an account with one child and its device, and the phone that uploads
// the device's logs.
type Home struct {
	*Kit
	Parent viewer.Viewer
	Child  *ent.ChildUser
	Device *ent.Device
}

// NewHome makes a home in a database of its own.
func NewHome(t testing.TB) *Home {
	t.Helper()
	return New(storetest.Open(t)).Home(t)
}

// Home makes a home in the kit's database, which others may share.
func (k *Kit) Home(t testing.TB) *Home {
	t.Helper()
	parent := k.Parent(t)
	c := k.Child(t, parent)
	return &Home{Kit: k, Parent: parent, Child: c, Device: c.Edges.Device}
}

// Sister makes another child of the same account, with a device of its own.
func (h *Home) Sister(t testing.TB) *Home {
	t.Helper()
	c := h.Kit.Child(t, h.Parent)
	return &Home{Kit: h.Kit, Parent: h.Parent, Child: c, Device: c.Edges.Device}
}

// With pairs the child of h with the device of another home.
func (h *Home) With(other *Home) *Home {
	return &Home{Kit: h.Kit, Parent: h.Parent, Child: h.Child, Device: other.Device}
}

// Record starts a record, which is temporary until its FinishFlag is set. At is
// the time of one fixed day, "15:04:05", or a whole wall clock time.
func (h *Home) Record(at string) devlog.Record {
	if len(at) == len("15:04:05") {
		at = "2025-02-14T" + at
	}
	return devlog.Record{
		ChildUserID: h.Child.ID, DeviceID: h.Device.ID, UniqueID: *h.Device.UniqueID,
		TreatmentDate: vocab.LocalDateTime(at),
	}
}

// Temporary is the record of a treatment that still runs.
func (h *Home) Temporary(at string, file ...int) devlog.Record {
	return withFile(h.Record(at), file)
}

// Complete is the record of a treatment that has ended.
func (h *Home) Complete(at string, file ...int) devlog.Record {
	r := h.Record(at)
	flag := vocab.ButtonShutdown
	r.FinishFlag = &flag
	return withFile(r, file)
}

func withFile(r devlog.Record, file []int) devlog.Record {
	if len(file) > 0 {
		r.LogFileID = &file[0]
	}
	return r
}

// CompleteSeries is n complete records of the files first, first+1, …
func (h *Home) CompleteSeries(first, n int) []devlog.Record {
	records := make([]devlog.Record, n)
	day := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range records {
		at := day.Add(time.Duration(first+i) * time.Minute)
		records[i] = h.Complete(at.Format("2006-01-02T15:04:05"), first+i)
	}
	return records
}

// Upload uploads the records as the parent.
func (h *Home) Upload(t testing.TB, records ...devlog.Record) devlog.Stored {
	t.Helper()
	stored, err := h.Devlogs.Upload(t.Context(), h.Parent, records)
	if err != nil {
		t.Fatalf("upload %d records: %v", len(records), err)
	}
	return stored
}

// UploadAsync is Upload for goroutines other than the test's, which must not
// call t.Fatal.
func (h *Home) UploadAsync(t testing.TB, records ...devlog.Record) {
	if _, err := h.Devlogs.Upload(context.Background(), h.Parent, records); err != nil {
		t.Errorf("upload %d records: %v", len(records), err)
	}
}

// MoveDevice registers the device of h, which a child of the account has, to
// another child, whose own device is unregistered.
func (h *Home) MoveDevice(t testing.TB, to *Home) {
	t.Helper()
	d, err := h.Store.Read().Device.Get(t.Context(), h.Device.ID)
	if err != nil {
		t.Fatal(err)
	}
	h.UnregisterDevice(t, h.Parent, *d.ChildUserID)
	h.UnregisterDevice(t, to.Parent, to.Child.ID)
	p := child.DeviceParams{SerialCode: h.Device.SerialCode, MacID: h.Device.MACID, UniqueID: h.Device.UniqueID}
	if _, err := h.Children.RegisterDevice(t.Context(), to.Parent, to.Child.ID, p); err != nil {
		t.Fatal(err)
	}
}

// UnregisterDevice takes the device from a child, if it has one.
func (h *Home) UnregisterDevice(t testing.TB, v viewer.Viewer, childID int) {
	t.Helper()
	c, err := h.Children.Get(t.Context(), v, childID)
	if err != nil {
		t.Fatal(err)
	}
	if d := c.Edges.Device; d != nil {
		if _, err := h.Children.UnregisterDevice(t.Context(), v, childID, *d.UniqueID); err != nil {
			t.Fatal(err)
		}
	}
}

// Rows are the account's stored logs, each as DescribeLog writes it, oldest first.
func (h *Home) Rows(t testing.TB) []string {
	t.Helper()
	logs, err := h.Store.Read().Devlog.Query().
		Where(entdevlog.RootUserID(h.Parent.RootUserID())).Order(entdevlog.ByID()).All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]string, len(logs))
	for i, l := range logs {
		lines[i] = DescribeLog(l)
	}
	return lines
}

// DescribeLog writes in one line what the rules of uploads speak of: status, date with its
// offset, file and, from the second on, the registration.
func DescribeLog(l *ent.Devlog) string {
	text := strings.ToLower(string(l.Status)) + " " + strings.TrimPrefix(string(l.TreatmentDate), "2025-02-14T")
	if l.TreatmentOffset != nil {
		text += *l.TreatmentOffset
	}
	if l.LogFileID != nil {
		text += fmt.Sprint(" file ", *l.LogFileID)
	}
	if l.Registration > 1 { // the log of an event has none
		text += fmt.Sprint(" registration ", l.Registration)
	}
	return text
}

// Changes are the account's events in their order, which must be numbered without
// a gap.
func (h *Home) Changes(t testing.TB) []vocab.DevlogChange {
	t.Helper()
	found, err := h.Store.Read().DevlogEvent.Query().
		Where(devlogevent.RootUserID(h.Parent.RootUserID())).Order(devlogevent.BySeq()).All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	changes := make([]vocab.DevlogChange, len(found))
	for i, e := range found {
		if changes[i] = e.Change; e.Seq != int64(i+1) {
			t.Errorf("event %d has the number %d", i+1, e.Seq)
		}
	}
	return changes
}

// LastLogFileID is that of the device, as it is stored.
func (h *Home) LastLogFileID(t testing.TB) int {
	t.Helper()
	d, err := h.Store.Read().Device.Get(t.Context(), h.Device.ID)
	if err != nil {
		t.Fatal(err)
	}
	return d.LastLogFileID
}

// WantCatalogueOnly fails if a device shows more than the catalogue says of it,
// but for its unique id.
func WantCatalogueOnly(t testing.TB, d *ent.Device, uniqueID *string) {
	t.Helper()
	if d.ChildUserID != nil || d.RootUserID != nil || d.LastChildUserID != nil || d.RegisteredAt != nil ||
		d.DeviceAlias != "" || d.Edges.ChildUser != nil {
		t.Errorf("a device that moved on shows its owner: %v", d)
	}
	if diff := cmp.Diff(uniqueID, d.UniqueID); diff != "" {
		t.Errorf("its unique id (-want +got):\n%s", diff)
	}
}
