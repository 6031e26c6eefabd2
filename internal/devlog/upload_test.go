package devlog_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"luxbff/ent"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/store"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/viewer"
)

// TestExamplesOfThePage sends the four request examples of the LUX device page
// in their order and compares all that is stored.
func TestExamplesOfThePage(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	start := h.Clock.Now()
	temporary := h.Record("2025-02-21T15:48:49")
	temporary.LastIntensity, temporary.TreatmentTime = 2, 255555
	first := h.Complete("2025-02-14T15:48:49", 1)
	first.LastIntensity, first.TreatmentTime = 25, 500000
	second := h.Complete("2025-02-15T15:48:49", 2)
	second.LastIntensity, second.TreatmentTime = 25, 500000

	want := &ent.Devlog{
		RootUserID: h.Parent.RootUserID(), ChildUserID: h.Child.ID, DeviceID: h.Device.ID, Registration: 1,
		Status: vocab.Temporary, TreatmentDate: "2025-02-21T15:48:19", LastIntensity: 2, TreatmentTime: 255555,
		CreatedAt: start, UpdatedAt: start,
	}
	uploadExample(t, h, []devlog.Record{temporary}, true, want)
	want.UpdatedAt = h.Clock.Now()
	uploadExample(t, h, []devlog.Record{temporary}, true, want)
	want.Status, want.FinishFlag, want.LogFileID = vocab.Complete, new(vocab.ButtonShutdown), new(1)
	want.TreatmentDate, want.LastIntensity, want.TreatmentTime = "2025-02-14T15:48:49", 25, 500000
	want.UpdatedAt = h.Clock.Now()
	uploadExample(t, h, []devlog.Record{first}, false, want)
	next := *want
	next.TreatmentDate, next.LogFileID, next.CreatedAt, next.UpdatedAt = "2025-02-15T15:48:49", new(2), h.Clock.Now(), h.Clock.Now()
	uploadExample(t, h, []devlog.Record{first, second}, false, want, &next)

	if diff := cmp.Diff([]vocab.DevlogChange{vocab.Created, vocab.Updated, vocab.Completed, vocab.Completed}, h.Changes(t)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if last := h.LastLogFileID(t); last != 2 {
		t.Errorf("last_log_file_id is %d, want 2", last)
	}
}

// uploadExample uploads, compares answer and rows with the logs wanted, and lets a minute
// pass.
func uploadExample(t *testing.T, h *domaintest.Home, records []devlog.Record, allTemporary bool, want ...*ent.Devlog) {
	t.Helper()
	stored := h.Upload(t, records...)
	if stored.AllTemporary != allTemporary {
		t.Errorf("all temporary is %v", stored.AllTemporary)
	}
	rows, err := h.Store.Read().Devlog.Query().Order(ent.Asc("id")).All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same := cmp.Options{cmpopts.IgnoreUnexported(ent.Devlog{}), cmpopts.IgnoreFields(ent.Devlog{}, "ID", "ChangeSeq", "Edges")}
	if diff := cmp.Diff(want, rows, same); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, stored.Devlogs(), same); diff != "" {
		t.Errorf("answered (-want +got):\n%s", diff)
	}
	for i, l := range stored.Devlogs() {
		if l.ID != rows[i].ID || l.Edges.ChildUser.ID != h.Child.ID || l.Edges.Device.ID != h.Device.ID ||
			l.Edges.Device.LastLogFileID != h.LastLogFileID(t) {
			t.Errorf("answer %d is %v of %v with %v", i, l, l.Edges.ChildUser, l.Edges.Device)
		}
	}
	h.Clock.Add(time.Minute)
}

// TestArrayOverTemporaryLog sends the page's fourth example while there is a temporary
// log: the first record completes it.
func TestArrayOverTemporaryLog(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	temporary := h.Upload(t, h.Temporary("2025-02-21T15:48:49")).Devlogs()[0]
	stored := h.Upload(t, h.Complete("15:48:49", 1), h.Complete("2025-02-15T15:48:49", 2))
	if stored.Devlogs()[0].ID != temporary.ID || stored.Devlogs()[1].ID == temporary.ID {
		t.Errorf("the temporary log %d became %v", temporary.ID, stored.Devlogs())
	}
}

func TestEveryFinishFlag(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	for flag := vocab.NormalShutdown; flag <= vocab.FactoryShutdown; flag++ {
		r := h.Complete("15:00:00", int(flag))
		r.FinishFlag = &flag
		if l := h.Upload(t, r).Devlogs()[0]; *l.FinishFlag != flag || l.Status != vocab.Complete {
			t.Errorf("stored %v", l)
		}
	}
}

func TestAnswerOfReplayIsTheStoredLog(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	first := h.Upload(t, h.Complete("15:00:00", 1)).Devlogs()[0]
	h.Clock.Add(time.Hour)
	again := h.Upload(t, h.Complete("17:00:00", 1), h.Complete("18:00:00", 2), h.Complete("18:00:00", 2)).Devlogs()
	if again[0].ID != first.ID || again[0].TreatmentDate != first.TreatmentDate || !again[0].UpdatedAt.Equal(first.UpdatedAt) {
		t.Errorf("the replay of %v answers %v", first, again[0])
	}
	if again[1] != again[2] {
		t.Errorf("one log is answered as %v and %v", again[1], again[2])
	}
}

func TestReplayIsWithinOneRegistration(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	h.Upload(t, h.Complete("15:00:00", 5))
	// Unregistered and registered again to the same child, the numbers continue.
	h.MoveDevice(t, h)
	h.Upload(t, h.Complete("15:00:00", 5), h.Complete("15:00:00"))
	if last := h.LastLogFileID(t); last != 5 {
		t.Errorf("last_log_file_id is %d, want 5", last)
	}
	h.MoveDevice(t, sister)
	sister.With(h).Upload(t, sister.With(h).Complete("15:00:00", 5), sister.With(h).Complete("16:00:00", 4))
	h.MoveDevice(t, h)
	if last := h.LastLogFileID(t); last != 0 {
		t.Errorf("back over a sister, last_log_file_id is %d, want 0", last)
	}
	h.Upload(t, h.Complete("15:00:00", 5), h.Complete("15:00:00"))
	want := []string{
		"complete 15:00:00 file 5",
		"complete 15:00:00 file 5 registration 2", "complete 16:00:00 file 4 registration 2",
		"complete 15:00:00 file 5 registration 3",
	}
	if diff := cmp.Diff(want, h.Rows(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestTemporaryLogSurvivesANewRegistration: it belongs to the child and the device, also
// when another child had the device between.
func TestTemporaryLogSurvivesANewRegistration(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	h.Upload(t, h.Temporary("15:00:30", 5))
	h.MoveDevice(t, sister)
	sister.With(h).Upload(t, sister.With(h).Temporary("15:10:30", 5))
	h.MoveDevice(t, h)
	h.Upload(t, h.Complete("15:20:00", 5))
	want := []string{"complete 15:20:00 file 5 registration 3", "temporary 15:10:00 file 5 registration 2"}
	if diff := cmp.Diff(want, h.Rows(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if last := h.LastLogFileID(t); last != 5 {
		t.Errorf("last_log_file_id is %d, want 5", last)
	}
}

func TestUploadOfSeveralChildren(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	h.Upload(t, h.Temporary("15:00:30"), sister.Temporary("15:00:30"))
	stored := h.Upload(t, h.Complete("15:00:00", 1), sister.Complete("15:00:00", 7), h.Complete("16:00:00", 2), sister.Temporary("16:00:30"))
	if stored.AllTemporary {
		t.Error("three complete logs are called temporary")
	}
	want := []string{"complete 15:00:00 file 1", "complete 15:00:00 file 7", "complete 16:00:00 file 2", "temporary 16:00:00"}
	if diff := cmp.Diff(want, h.Rows(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if h.LastLogFileID(t) != 2 || sister.LastLogFileID(t) != 7 {
		t.Errorf("last_log_file_id of the devices is %d and %d", h.LastLogFileID(t), sister.LastLogFileID(t))
	}
	for i, of := range []*domaintest.Home{h, sister, h, sister} {
		if l := stored.Devlogs()[i]; l.Edges.ChildUser.ID != of.Child.ID || l.Edges.Device.ID != of.Device.ID {
			t.Errorf("answer %d is of %v with %v", i, l.Edges.ChildUser, l.Edges.Device)
		}
	}
}

// TestOneBadRecordRefusesTheUpload: a record that can't be stored, whether first, in the
// middle or last, keeps the others from being stored.
func TestOneBadRecordRefusesTheUpload(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister, foreign := h.Sister(t), h.Kit.Home(t)
	free, bare := h.Sister(t), h.Sister(t)
	h.UnregisterDevice(t, h.Parent, free.Child.ID)
	h.UnregisterDevice(t, h.Parent, bare.Child.ID)
	nameless := createNamelessDevice(t, h)
	h.Upload(t, h.Temporary("14:00:30", 3))
	before, counts := describeState(t, h), h.Count(t)
	const none = math.MaxInt64
	for name, c := range map[string]struct {
		change func(r *devlog.Record)
		kind   apperr.Kind
		field  string
	}{
		"an unknown child":          {func(r *devlog.Record) { r.ChildUserID = none }, apperr.NotFoundUser, "childUserId"},
		"a child of id 0":           {func(r *devlog.Record) { r.ChildUserID = 0 }, apperr.NotFoundUser, "childUserId"},
		"all unknown":               {func(r *devlog.Record) { r.ChildUserID, r.DeviceID, r.UniqueID = -1, -1, "" }, apperr.NotFoundUser, "childUserId"},
		"another account's child":   {func(r *devlog.Record) { *r = foreign.Complete("15:00:00", 1) }, apperr.NotAuthorizedUser, "childUserId"},
		"an unknown device":         {func(r *devlog.Record) { r.DeviceID = none }, apperr.NotFoundDevice, "deviceId"},
		"a device of id -1":         {func(r *devlog.Record) { r.DeviceID = -1 }, apperr.NotFoundDevice, "deviceId"},
		"another unique id":         {func(r *devlog.Record) { r.UniqueID = *sister.Device.UniqueID }, apperr.NotFoundDevice, "uniqueId"},
		"no unique id":              {func(r *devlog.Record) { r.UniqueID = "" }, apperr.NotFoundDevice, "uniqueId"},
		"a unique id with a null":   {func(r *devlog.Record) { r.UniqueID += "\x00" }, apperr.NotFoundDevice, "uniqueId"},
		"a device without one":      {func(r *devlog.Record) { r.DeviceID, r.UniqueID = nameless, "" }, apperr.NotFoundDevice, "uniqueId"},
		"a sister's device":         {func(r *devlog.Record) { *r = h.With(sister).Complete("15:00:00", 1) }, apperr.NotConnectedDevice, "deviceId"},
		"another account's device":  {func(r *devlog.Record) { *r = h.With(foreign).Complete("15:00:00", 1) }, apperr.NotConnectedDevice, "deviceId"},
		"a free device":             {func(r *devlog.Record) { *r = h.With(free).Complete("15:00:00", 1) }, apperr.NotConnectedDevice, "deviceId"},
		"a child that gave it back": {func(r *devlog.Record) { *r = bare.Complete("15:00:00", 1) }, apperr.NotConnectedDevice, "deviceId"},
		"no date":                   {func(r *devlog.Record) { r.TreatmentDate = "" }, apperr.BadRequest, "treatmentDate"},
		"a start before the year 1": {func(r *devlog.Record) { r.TreatmentDate, r.FinishFlag = "0001-01-01T00:00:29", nil }, apperr.BadRequest, "treatmentDate"},
		"finish flag 0":             {func(r *devlog.Record) { r.FinishFlag = new(vocab.FinishFlag(0)) }, apperr.BadRequest, "finishFlag"},
		"finish flag 7":             {func(r *devlog.Record) { r.FinishFlag = new(vocab.FinishFlag(7)) }, apperr.BadRequest, "finishFlag"},
		"an intensity below 0":      {func(r *devlog.Record) { r.LastIntensity = -1 }, apperr.BadRequest, "lastIntensity"},
		"an intensity too great":    {func(r *devlog.Record) { r.LastIntensity = math.MaxInt32 + 1 }, apperr.BadRequest, "lastIntensity"},
		"a time below 0":            {func(r *devlog.Record) { r.TreatmentTime = -1 }, apperr.BadRequest, "treatmentTime"},
		"a time too great":          {func(r *devlog.Record) { r.TreatmentTime = math.MaxInt64 }, apperr.BadRequest, "treatmentTime"},
		"a file below 0":            {func(r *devlog.Record) { r.LogFileID = new(-1) }, apperr.BadRequest, "logFileId"},
		"a file too great":          {func(r *devlog.Record) { r.LogFileID = new(math.MaxInt32 + 1) }, apperr.BadRequest, "logFileId"},
	} {
		for at := range 3 {
			t.Run(fmt.Sprintf("%s at %d", name, at), func(t *testing.T) {
				t.Parallel()
				records := []devlog.Record{h.Complete("15:10:00", 10), h.Temporary("15:20:30"), sister.Complete("15:30:00", 11)}
				r := h.Complete("15:40:00", 12)
				c.change(&r)
				records = slices.Insert(records, at*3/2, r)
				stored, err := h.Devlogs.Upload(t.Context(), h.Parent, records)
				domaintest.WantError(t, err, c.kind, "input.logs["+strconv.Itoa(at*3/2)+"]."+c.field)
				if stored.Results != nil {
					t.Errorf("gave %v with the error", stored.Devlogs())
				}
			})
		}
	}
	t.Cleanup(func() {
		if diff := cmp.Diff(counts, h.Count(t)); diff != "" {
			t.Errorf("refused calls changed rows (-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(before, describeState(t, h)); diff != "" {
			t.Errorf("refused calls changed the temporary log or the account (-before +after):\n%s", diff)
		}
	})
}

// describeState describes all that an upload may change beside adding rows.
func describeState(t *testing.T, h *domaintest.Home) string {
	t.Helper()
	ctx := context.Background()
	logs := h.Store.Read().Devlog.Query().AllX(ctx)
	devices := h.Store.Read().Device.Query().Order(ent.Asc("id")).AllX(ctx)
	account := h.Store.Read().User.GetX(ctx, h.Parent.RootUserID())
	return fmt.Sprint(logs, devices, account.EventSeq)
}

// createNamelessDevice puts a device without unique id into the catalogue.
func createNamelessDevice(t *testing.T, h *domaintest.Home) int {
	t.Helper()
	p := h.Kit.Device(t)
	found, err := h.Store.Read().Device.Query().Order(ent.Desc("id")).First(t.Context())
	if err != nil || found.SerialCode != p.SerialCode || found.UniqueID != nil {
		t.Fatalf("the newest device is %v, %v", found, err)
	}
	return found.ID
}

// TestFirstBadRecordDecides: records are checked in their order, each by child,
// account, device and registration.
func TestFirstBadRecordDecides(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister, foreign := h.Sister(t), h.Kit.Home(t)
	unconnected, strange := h.With(sister).Complete("15:00:00"), foreign.Complete("15:00:00")
	unknownDevice, unknownChild := h.Complete("15:00:00"), h.Complete("15:00:00")
	unknownDevice.DeviceID, unknownChild.ChildUserID = -1, -1
	all := []devlog.Record{unconnected, strange, unknownDevice, unknownChild}
	kinds := []apperr.Kind{apperr.NotConnectedDevice, apperr.NotAuthorizedUser, apperr.NotFoundDevice, apperr.NotFoundUser}
	fields := []string{"deviceId", "childUserId", "deviceId", "childUserId"}
	for first := range all {
		order := append(slices.Clone(all[first:]), all[:first]...)
		_, err := h.Devlogs.Upload(t.Context(), h.Parent, order)
		domaintest.WantError(t, err, kinds[first], "input.logs[0]."+fields[first])
	}
}

func TestUploadTakesAThousandRecords(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	_, err := h.Devlogs.Upload(t.Context(), h.Parent, h.CompleteSeries(1, devlog.MaxRecords+1))
	domaintest.WantError(t, err, apperr.BadRequest, "input.logs")
	_, err = h.Devlogs.Upload(t.Context(), h.Parent, nil)
	domaintest.WantError(t, err, apperr.BadRequest, "input.logs")
	stored := h.Upload(t, h.CompleteSeries(1, devlog.MaxRecords)...)
	for i, l := range stored.Devlogs() {
		if *l.LogFileID != i+1 || i > 0 && l.ID <= stored.Devlogs()[i-1].ID {
			t.Fatalf("answer %d is %v", i, l)
		}
	}
	counts := domaintest.Counts{Children: 1, Registered: 1, Devlogs: devlog.MaxRecords, Events: devlog.MaxRecords}
	if diff := cmp.Diff(counts, h.Count(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if last := h.LastLogFileID(t); last != devlog.MaxRecords {
		t.Errorf("last_log_file_id is %d", last)
	}
}

// TestUploadCostsTheSameForAnyNumber counts statements: of new logs, of an array
// that also completes a temporary log, and of replays.
func TestUploadCostsTheSameForAnyNumber(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	cost := func(records []devlog.Record) int {
		t.Helper()
		ctx, counter := store.CountStatements(t.Context())
		if _, err := h.Devlogs.Upload(ctx, h.Parent, records); err != nil {
			t.Fatal(err)
		}
		return counter.N()
	}
	first := 0
	costs := map[string][]int{}
	for _, n := range []int{1, 2, 10, 500, devlog.MaxRecords} {
		costs["new"] = append(costs["new"], cost(h.CompleteSeries(first, n)))
		costs["replayed"] = append(costs["replayed"], cost(h.CompleteSeries(first, n)))
		first += n
	}
	for _, n := range []int{1, 2, 10, 500, devlog.MaxRecords} {
		temporary := make([]devlog.Record, n)
		for i := range temporary {
			temporary[i] = h.Temporary("22:00:30")
		}
		h.Upload(t, h.Temporary("22:00:00"))
		costs["temporary"] = append(costs["temporary"], cost(temporary))
	}
	for _, n := range []int{2, 10, 500, devlog.MaxRecords} {
		h.Upload(t, h.Temporary("23:00:00"))
		costs["over a temporary log"] = append(costs["over a temporary log"], cost(h.CompleteSeries(first, n)))
		first += n
	}
	for what, counted := range costs {
		if slices.Min(counted) != slices.Max(counted) {
			t.Errorf("%s: uploads cost %v statements", what, counted)
		}
	}
}

func TestOnlyAChangeNotifies(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	h.Upload(t, h.Complete("15:00:00", 1))
	notified := 0
	defer h.Hub.Subscribe(h.Parent.RootUserID(), func() { notified++ })()
	h.Upload(t, h.Complete("15:00:00", 1))
	if notified != 0 {
		t.Error("a replay notifies")
	}
	if _, err := h.Devlogs.Upload(t.Context(), h.Parent, []devlog.Record{h.Complete("16:00:00", 2), {}}); err == nil || notified != 0 {
		t.Errorf("a refused call gives %v and notifies %d times", err, notified)
	}
	h.Upload(t, h.Complete("16:00:00", 2), h.Complete("17:00:00", 3))
	if notified != 1 {
		t.Errorf("an upload of two records notifies %d times", notified)
	}
}

func TestUploadForDeletedAccount(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	h.Write(t, func(ctx context.Context, tx *store.Tx) error {
		return child.DeleteAllOfAccount(ctx, tx, h.Parent.RootUserID())
	})
	_, err := h.Devlogs.Upload(t.Context(), h.Parent, []devlog.Record{h.Complete("15:00:00", 1)})
	domaintest.WantError(t, err, apperr.NotFoundUser, "input.logs[0].childUserId")
	nobody := viewer.Viewer{User: &ent.User{ID: -1}}
	_, err = h.Devlogs.Upload(t.Context(), nobody, []devlog.Record{h.Complete("15:00:00", 1)})
	domaintest.WantError(t, err, apperr.NotFoundUser, "input.logs[0].childUserId")
}

// TestErrorsOfTheDatabase gives the table a rule that the program doesn't know: the
// errors are those of the page, and nothing is stored.
func TestErrorsOfTheDatabase(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	h.Write(t, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, "CREATE UNIQUE INDEX one_of_each_intensity ON devlogs (last_intensity)")
		return err
	})
	running, other, ended := h.Temporary("15:00:30"), h.Temporary("15:01:00"), h.Complete("14:00:00", 1)
	other.LastIntensity, ended.LastIntensity = 7, 7
	h.Upload(t, running)
	sister := h.Sister(t)
	twin := sister.Complete("16:00:00", 2)
	twin.LastIntensity = 7
	sister.Upload(t, twin)
	before := describeState(t, h)
	_, err := h.Devlogs.Upload(t.Context(), h.Parent, []devlog.Record{other})
	domaintest.WantError(t, err, apperr.UpdateDeviceLogFailed, "")
	_, err = h.Devlogs.Upload(t.Context(), h.Parent, []devlog.Record{sister.Temporary("17:00:30", 5), ended})
	domaintest.WantError(t, err, apperr.UpdateDeviceLogFailed, "")
	_, err = h.Devlogs.Upload(t.Context(), h.Parent, []devlog.Record{h.Temporary("17:00:30"), sister.Temporary("17:00:30")})
	domaintest.WantError(t, err, apperr.CreateDeviceLogFailed, "")
	if cause := errors.Unwrap(err); cause == nil {
		t.Error("the error has no cause")
	}
	if diff := cmp.Diff(before, describeState(t, h)); diff != "" {
		t.Errorf("refused calls changed rows (-before +after):\n%s", diff)
	}
}
