package devlog_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"luxbff/ent"
	entdevlog "luxbff/ent/devlog"
	"luxbff/ent/devlogevent"
	"luxbff/ent/vocab"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
	"luxbff/internal/viewer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds how long a test waits for what must come.
const patience = 30 * time.Second

// home is an account with one child and its device.
type home struct {
	*domaintest.Kit
	parent viewer.Viewer
	child  *ent.ChildUser
	device *ent.Device
}

func newHome(t testing.TB) *home {
	t.Helper()
	return homeIn(t, domaintest.New(storetest.Open(t)))
}

// homeIn makes a home in a database that others share.
func homeIn(t testing.TB, kit *domaintest.Kit) *home {
	t.Helper()
	parent := kit.Parent(t)
	c := kit.Child(t, parent)
	return &home{Kit: kit, parent: parent, child: c, device: c.Edges.Device}
}

// sister makes another child of the account, with its device.
func (h *home) sister(t testing.TB) *home {
	t.Helper()
	c := h.Child(t, h.parent)
	return &home{Kit: h.Kit, parent: h.parent, child: c, device: c.Edges.Device}
}

// record is a record in the making: at is an hour, minute and second of one day,
// or a whole wall clock time.
func (h *home) record(at string) devlog.Record {
	if len(at) == len("15:04:05") {
		at = "2025-02-14T" + at
	}
	return devlog.Record{
		ChildUserID: h.child.ID, DeviceID: h.device.ID, UniqueID: *h.device.UniqueID,
		TreatmentDate: vocab.LocalDateTime(at),
	}
}

// running is a record of a use that still runs.
func (h *home) running(at string, file ...int) devlog.Record {
	return withFile(h.record(at), file)
}

// ended is a record of a use that has ended.
func (h *home) ended(at string, file ...int) devlog.Record {
	r := h.record(at)
	r.FinishFlag = ptr(vocab.ButtonShutdown)
	return withFile(r, file)
}

func withFile(r devlog.Record, file []int) devlog.Record {
	if len(file) > 0 {
		r.LogFileID = &file[0]
	}
	return r
}

func (h *home) upload(t testing.TB, records ...devlog.Record) devlog.Stored {
	t.Helper()
	stored, err := h.Devlogs.Upload(t.Context(), h.parent, records)
	if err != nil {
		t.Fatalf("upload %+v: %v", records, err)
	}
	return stored
}

// send is upload for other goroutines than the test's.
func (h *home) send(t testing.TB, records ...devlog.Record) {
	if _, err := h.Devlogs.Upload(context.Background(), h.parent, records); err != nil {
		t.Errorf("upload %+v: %v", records, err)
	}
}

// uses are n records of uses that have ended, of files first, first+1, …
func (h *home) uses(first, n int) []devlog.Record {
	records := make([]devlog.Record, n)
	day := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range records {
		at := day.Add(time.Duration(first+i) * time.Minute)
		records[i] = h.ended(at.Format("2006-01-02T15:04:05"), first+i)
	}
	return records
}

// move gives the device of h, which a child of the account has, to another child,
// whose own device is freed.
func (h *home) move(t testing.TB, to *home) {
	t.Helper()
	d, err := h.Store.Read().Device.Get(t.Context(), h.device.ID)
	if err != nil {
		t.Fatal(err)
	}
	h.free(t, h.parent, *d.ChildUserID)
	h.free(t, to.parent, to.child.ID)
	p := child.DeviceParams{SerialCode: h.device.SerialCode, MacID: h.device.MACID, UniqueID: h.device.UniqueID}
	if _, err := h.Children.Register(t.Context(), to.parent, to.child.ID, p); err != nil {
		t.Fatal(err)
	}
}

// free takes the device from a child, if it has one.
func (h *home) free(t testing.TB, v viewer.Viewer, childID int) {
	t.Helper()
	c, err := h.Children.Get(t.Context(), v, childID)
	if err != nil {
		t.Fatal(err)
	}
	if d := c.Edges.Device; d != nil {
		if _, err := h.Children.Unregister(t.Context(), v, childID, *d.UniqueID); err != nil {
			t.Fatal(err)
		}
	}
}

// with is the child of h with the device of another home.
func (h *home) with(other *home) *home {
	return &home{Kit: h.Kit, parent: h.parent, child: h.child, device: other.device}
}

// rows are the account's stored logs, a line each, oldest first.
func (h *home) rows(t testing.TB) []string {
	t.Helper()
	logs, err := h.Store.Read().Devlog.Query().
		Where(entdevlog.RootUserID(h.parent.RootUserID())).Order(entdevlog.ByID()).All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]string, len(logs))
	for i, l := range logs {
		lines[i] = line(l)
	}
	return lines
}

// line tells of a log what the rules speak of.
func line(l *ent.Devlog) string {
	text := strings.ToLower(string(l.Status)) + " " + strings.TrimPrefix(string(l.TreatmentDate), "2025-02-14T")
	if l.LogFileID != nil {
		text += fmt.Sprint(" file ", *l.LogFileID)
	}
	if l.Registration > 1 { // an event has none
		text += fmt.Sprint(" registration ", l.Registration)
	}
	return text
}

// changes are the account's events in their order.
func (h *home) changes(t testing.TB) []vocab.DevlogChange {
	t.Helper()
	found, err := h.Store.Read().DevlogEvent.Query().
		Where(devlogevent.RootUserID(h.parent.RootUserID())).Order(devlogevent.BySeq()).All(t.Context())
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

func (h *home) lastLogFileID(t testing.TB) int {
	t.Helper()
	d, err := h.Store.Read().Device.Get(t.Context(), h.device.ID)
	if err != nil {
		t.Fatal(err)
	}
	return d.LastLogFileID
}

func ptr[T any](value T) *T { return &value }
