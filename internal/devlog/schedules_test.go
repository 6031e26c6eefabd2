package devlog_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

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

// TestSchedules drives random upload schedules against a plain model of rule 9
// of the contract: temporary logs, updates, completions, late temporary logs,
// replays of records and of whole calls, several children and devices, devices
// that leave and come back. Rows, last_log_file_id and events must agree after
// every step. Four lanes run side by side, each of -rapid.checks schedules with about
// -rapid.steps steps.
func TestSchedules(t *testing.T) {
	t.Parallel()
	kit := domaintest.New(storetest.Open(t))
	for lane := range 4 {
		t.Run(fmt.Sprint("lane ", lane), func(t *testing.T) {
			t.Parallel()
			checkSchedules(t, kit)
		})
	}
}

func checkSchedules(t *testing.T, kit *domaintest.Kit) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newSchedule(t, rt, kit)
		rt.Repeat(map[string]func(*rapid.T){
			"upload": s.upload,
			"again":  s.uploadAgain,
			"move":   s.move,
			"":       s.compare,
		})
	})
}

// schedule is what happens to one account, done by the domain and by the model.
type schedule struct {
	t        *testing.T
	kit      *domaintest.Kit
	viewer   viewer.Viewer
	children []*ent.ChildUser
	devices  []child.DeviceParams
	ids      []int // of devices
	model    model
	sent     [][]devlog.Record
}

func newSchedule(t *testing.T, rt *rapid.T, kit *domaintest.Kit) *schedule {
	s := &schedule{t: t, kit: kit, viewer: kit.Parent(t), model: model{has: map[int]int{}, era: map[int]int{}, before: map[int]int{}, last: map[int]int{}}}
	for range 2 {
		p := kit.Params(t)
		made, err := kit.Children.Create(context.Background(), s.viewer, p)
		if err != nil {
			rt.Fatalf("make a child: %v", err)
		}
		s.children, s.devices, s.ids = append(s.children, made), append(s.devices, p.DeviceParams), append(s.ids, made.Edges.Device.ID)
		s.model.register(made.Edges.Device.ID, made.ID)
	}
	return s
}

func (s *schedule) upload(rt *rapid.T) {
	n := rapid.IntRange(1, 4).Draw(rt, "records")
	records := make([]devlog.Record, 0, n)
	for range n {
		if r, ok := s.record(rt); ok {
			records = append(records, r)
		}
	}
	if len(records) > 0 {
		s.send(rt, records)
	}
}

// uploadAgain sends a call once more, as a phone does that lost the answer.
func (s *schedule) uploadAgain(rt *rapid.T) {
	if len(s.sent) == 0 {
		return // nothing was sent yet
	}
	records := rapid.SampledFrom(s.sent).Draw(rt, "call")
	for _, r := range records {
		if s.model.has[r.DeviceID] != r.ChildUserID {
			return // the device has moved on
		}
	}
	s.send(rt, records)
}

// record draws from few dates and files, so that replays, late records and collisions are
// common.
func (s *schedule) record(rt *rapid.T) (devlog.Record, bool) {
	i := rapid.IntRange(0, len(s.ids)-1).Draw(rt, "device")
	owner := s.model.has[s.ids[i]]
	r := devlog.Record{
		ChildUserID: owner, DeviceID: s.ids[i], UniqueID: *s.devices[i].UniqueID,
		TreatmentDate: vocab.LocalDateTime(fmt.Sprintf("2025-02-14T15:%02d:%02d",
			rapid.IntRange(0, 8).Draw(rt, "minute"), rapid.SampledFrom([]int{0, 29, 30, 31}).Draw(rt, "second"))),
		LastIntensity: rapid.IntRange(0, 50).Draw(rt, "intensity"),
		TreatmentTime: rapid.IntRange(0, 500000).Draw(rt, "seconds"),
	}
	if rapid.Bool().Draw(rt, "complete") {
		flag := vocab.FinishFlag(rapid.IntRange(1, 6).Draw(rt, "flag"))
		r.FinishFlag = &flag
	}
	if rapid.IntRange(0, 3).Draw(rt, "has file") > 0 {
		file := rapid.IntRange(0, 6).Draw(rt, "file")
		r.LogFileID = &file
	}
	if rapid.Bool().Draw(rt, "has zone") {
		offset := rapid.SampledFrom([]string{"+00:00", "+09:00", "-12:00"}).Draw(rt, "zone")
		r.TreatmentOffset = &offset
	}
	return r, owner != 0
}

func (s *schedule) send(rt *rapid.T, records []devlog.Record) {
	stored, err := s.kit.Devlogs.Upload(context.Background(), s.viewer, records)
	if err != nil {
		rt.Fatalf("upload %+v: %v", records, err)
	}
	if len(stored.Devlogs()) != len(records) {
		rt.Fatalf("%d records gave %d devlogs", len(records), len(stored.Devlogs()))
	}
	for _, r := range records {
		s.model.put(r)
	}
	s.sent = append(s.sent, records)
}

// move takes a device from its child, or gives it to one that has none.
func (s *schedule) move(rt *rapid.T) {
	i := rapid.IntRange(0, len(s.ids)-1).Draw(rt, "device")
	ctx, id := context.Background(), s.ids[i]
	if owner := s.model.has[id]; owner != 0 {
		if _, err := s.kit.Children.UnregisterDevice(ctx, s.viewer, owner, *s.devices[i].UniqueID); err != nil {
			rt.Fatalf("unregister: %v", err)
		}
		s.model.has[id] = 0
		return
	}
	to := rapid.SampledFrom(s.children).Draw(rt, "child")
	for _, owner := range s.model.has {
		if owner == to.ID {
			return // the child has a device
		}
	}
	if _, err := s.kit.Children.RegisterDevice(ctx, s.viewer, to.ID, s.devices[i]); err != nil {
		rt.Fatalf("register: %v", err)
	}
	s.model.register(id, to.ID)
}

func (s *schedule) compare(rt *rapid.T) {
	ctx, read, root := context.Background(), s.kit.Store.Read(), s.viewer.RootUserID()
	logs, err := read.Devlog.Query().Where(entdevlog.RootUserID(root)).Order(entdevlog.ByID()).All(ctx)
	if err != nil {
		rt.Fatalf("read devlogs: %v", err)
	}
	rows := make([]row, len(logs))
	place := map[int]int{}
	for i, l := range logs {
		place[l.ID] = i
		rows[i] = row{l.ChildUserID, l.DeviceID, l.Registration, l.FinishFlag, l.TreatmentDate, l.TreatmentOffset, l.LastIntensity, l.TreatmentTime, l.LogFileID}
		if (l.Status == vocab.Temporary) != (l.FinishFlag == nil) {
			rt.Fatalf("devlog %d is %s with finish flag %v", l.ID, l.Status, l.FinishFlag)
		}
	}
	if diff := cmp.Diff(s.model.rows, rows, cmpopts.EquateEmpty()); diff != "" {
		rt.Fatalf("rows (-model +stored):\n%s", diff)
	}
	for _, id := range s.ids {
		if d := read.Device.GetX(ctx, id); d.LastLogFileID != s.model.last[id] {
			rt.Fatalf("last_log_file_id of %d is %d, by the model %d", id, d.LastLogFileID, s.model.last[id])
		}
	}
	stored, err := read.DevlogEvent.Query().Where(devlogevent.RootUserID(root)).Order(devlogevent.BySeq()).All(ctx)
	if err != nil {
		rt.Fatalf("read events: %v", err)
	}
	events := make([]event, len(stored))
	for i, e := range stored {
		if e.Seq != int64(i+1) {
			rt.Fatalf("event %d has the number %d", i+1, e.Seq)
		}
		events[i] = event{place[e.DevlogID], e.Change, e.FinishFlag, e.TreatmentDate, e.TreatmentOffset, e.LastIntensity, e.LogFileID, e.LastLogFileID}
	}
	if diff := cmp.Diff(s.model.events, events, cmpopts.EquateEmpty()); diff != "" {
		rt.Fatalf("events (-model +stored):\n%s", diff)
	}
}

// model applies rule 9 in the simplest way, to one list of rows.
type model struct {
	rows   []row
	events []event
	has    map[int]int // device to child, 0 for none
	before map[int]int // device to the child that had it last
	era    map[int]int // device to its registration
	last   map[int]int // device to last_log_file_id
}

type row struct {
	Child, Device, Registration int
	Flag                        *vocab.FinishFlag
	Date                        vocab.LocalDateTime
	Zone                        *string
	Intensity, Seconds          int
	File                        *int
}

type event struct {
	Row           int
	Change        vocab.DevlogChange
	Flag          *vocab.FinishFlag
	Date          vocab.LocalDateTime
	Zone          *string
	Intensity     int
	File          *int
	LastLogFileID int
}

func (m *model) register(device, child int) {
	m.has[device] = child
	if m.before[device] != child {
		m.before[device], m.last[device] = child, 0
		m.era[device]++
	}
}

func (m *model) put(r devlog.Record) {
	date := r.TreatmentDate
	if r.FinishFlag == nil {
		date = date.Add(-30e9)
	}
	if m.replay(r, date) || m.late(r, date) {
		return
	}
	at, change := m.temporary(r), vocab.Updated
	if at < 0 {
		m.rows = append(m.rows, row{})
		at, change = len(m.rows)-1, vocab.Created
	}
	if r.FinishFlag != nil {
		change = vocab.Completed
	}
	m.rows[at] = row{r.ChildUserID, r.DeviceID, m.era[r.DeviceID], r.FinishFlag, date, r.TreatmentOffset, r.LastIntensity, r.TreatmentTime, r.LogFileID}
	if r.LogFileID != nil {
		m.last[r.DeviceID] = max(m.last[r.DeviceID], *r.LogFileID)
	}
	m.events = append(m.events, event{at, change, r.FinishFlag, date, r.TreatmentOffset, r.LastIntensity, r.LogFileID, m.last[r.DeviceID]})
}

func (m *model) replay(r devlog.Record, date vocab.LocalDateTime) bool {
	for _, stored := range m.rows {
		switch {
		case stored.Device != r.DeviceID || stored.Registration != m.era[r.DeviceID] || stored.Flag == nil:
		case r.LogFileID == nil && stored.Date == date:
			return true
		case r.LogFileID != nil && stored.File != nil && *stored.File == *r.LogFileID:
			return true
		}
	}
	return false
}

// late looks for a complete log that began within 60 seconds of a temporary record.
func (m *model) late(r devlog.Record, date vocab.LocalDateTime) bool {
	if r.FinishFlag != nil {
		return false
	}
	for _, stored := range m.rows {
		if stored.Device == r.DeviceID && stored.Child == r.ChildUserID && stored.Registration == m.era[r.DeviceID] &&
			stored.Flag != nil && stored.Date >= date.Add(-60e9) && stored.Date <= date.Add(60e9) {
			return true
		}
	}
	return false
}

func (m *model) temporary(r devlog.Record) int {
	for i, stored := range m.rows {
		if stored.Flag == nil && stored.Child == r.ChildUserID && stored.Device == r.DeviceID {
			return i
		}
	}
	return -1
}
