package catalogue_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"luxbff/ent"
	"luxbff/ent/device"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/catalogue"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
	"luxbff/internal/viewer"
)

const (
	header6 = "serial_code,mac,project_id,hardware_id,firmware_id,firmware_version\n"
	header7 = "serial_code,mac,project_id,hardware_id,firmware_id,firmware_version,unique_id\n"
	lux     = "SL20401000,00:80:E1:27:4C:84,1,2,3,1.0.0"
	addnox  = "AD20401000,00:80:E1:27:4C:85,4,5,6,2.1.0"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// fixture is an empty catalogue.
type fixture struct{ *domaintest.Kit }

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return &fixture{domaintest.New(storetest.Open(t))}
}

// wantImport imports a file and compares what it changed.
func (f *fixture) wantImport(t *testing.T, file string, want catalogue.Imported) {
	t.Helper()
	got, err := f.Catalogue.Import(t.Context(), strings.NewReader(file))
	if err != nil {
		t.Fatalf("import %q: %v", file, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("import %q (-want +got):\n%s", file, diff)
	}
}

// device reads the device with the serial code as it is stored.
func (f *fixture) device(t *testing.T, serial string) *ent.Device {
	t.Helper()
	found, err := f.Store.Read().Device.Query().Where(device.SerialCode(serial)).Only(t.Context())
	if err != nil {
		t.Fatalf("find %s: %v", serial, err)
	}
	return found
}

func TestImportStoresEveryColumn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	quotedHeader := `"` + strings.ReplaceAll(strings.TrimSpace(header7), ",", `","`) + "\"\n"
	for name, c := range map[string]struct {
		file     string
		uniqueID *string
	}{
		"six columns":            {header6 + lux + "\n", nil},
		"seven columns":          {header7 + lux + ",u-1\n", ptr("u-1")},
		"an empty unique id":     {header7 + lux + ",\n", nil},
		"a byte order mark":      {"\ufeff" + header6 + lux + "\n", nil},
		"a quoted header":        {quotedHeader + lux + ",u-1\n", ptr("u-1")},
		"a mark and a quote":     {"\ufeff" + quotedHeader + lux + ",u-1\n", ptr("u-1")},
		"spaces in the header":   {strings.ReplaceAll(strings.TrimSpace(header7), ",", " , ") + " \n" + lux + ",u-1\n", ptr("u-1")},
		"lines of Windows":       {strings.ReplaceAll(header7+lux+",u-1\n", "\n", "\r\n"), ptr("u-1")},
		"no line end at the end": {header6 + lux, nil},
		"blank lines":            {header6 + "\n\n" + lux + "\n\n", nil},
		"spaces around":          {header7 + " SL20401000 , 00:80:E1:27:4C:84 , 1 ,2 ,3 , 1.0.0 , u-1 \n", ptr("u-1")},
		"a MAC in small letters": {header6 + strings.Replace(lux, "4C:84", "4c:84", 1) + "\n", nil},
		"quoted fields":          {header7 + `"SL20401000","00:80:E1:27:4C:84","1",2,3,"1.0.0","u,""1"` + "\n", ptr(`u,"1`)},
	} {
		f.wantImport(t, c.file, catalogue.Imported{Added: 1})
		got := f.device(t, "SL20401000")
		want := &ent.Device{
			ID: got.ID, SerialCode: "SL20401000", MACID: "00:80:E1:27:4C:84", ProjectID: 1, HardwareID: 2,
			NowFirmwareID: 3, FirmwareVersion: "1.0.0", UniqueID: c.uniqueID, CreatedAt: f.Clock.Now(),
		}
		if diff := diffDevices(want, got); diff != "" {
			t.Errorf("%s: stored (-want +got):\n%s", name, diff)
		}
		f.Write(t, func(ctx context.Context, tx *store.Tx) error { return tx.Device.DeleteOne(got).Exec(ctx) })
	}
}

func TestImportCountsWhatChanged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.wantImport(t, header6, catalogue.Imported{})
	f.wantImport(t, header6+lux+"\n", catalogue.Imported{Added: 1})
	f.wantImport(t, header6+lux+"\n", catalogue.Imported{Unchanged: 1})
	f.wantImport(t, header6+lux+"\n"+addnox+"\n", catalogue.Imported{Added: 1, Unchanged: 1})
	for _, change := range [][2]string{{"4C:84", "4C:99"}, {",1,", ",7,"}, {",2,", ",8,"}, {",3,", ",9,"}, {"1.0.0", "1.0.1"}} {
		changed := header6 + strings.Replace(lux, change[0], change[1], 1) + "\n"
		f.wantImport(t, changed, catalogue.Imported{Updated: 1})
		f.wantImport(t, changed, catalogue.Imported{Unchanged: 1})
		f.wantImport(t, header6+lux+"\n", catalogue.Imported{Updated: 1})
	}
	f.wantImport(t, header7+lux+",u-1\n"+addnox+",\n", catalogue.Imported{Updated: 1, Unchanged: 1})
	// A file without a unique id leaves the one that is stored.
	f.wantImport(t, header6+lux+"\n", catalogue.Imported{Unchanged: 1})
	if got := f.device(t, "SL20401000"); *got.UniqueID != "u-1" {
		t.Errorf("the unique id became %q", *got.UniqueID)
	}
}

// childWithoutDevice makes a child and unregisters the device it came with.
func (f *fixture) childWithoutDevice(t *testing.T, v viewer.Viewer) int {
	t.Helper()
	made := f.Child(t, v)
	if _, err := f.Children.UnregisterDevice(t.Context(), v, made.ID, *made.Edges.Device.UniqueID); err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// register registers the device of the line lux for a child, with a unique id that
// the app has chosen.
func (f *fixture) register(ctx context.Context, v viewer.Viewer, childID int) (*ent.Device, error) {
	return f.Children.RegisterDevice(ctx, v, childID, child.DeviceParams{
		SerialCode: "SL20401000", MacID: "4C84", UniqueID: ptr("the app's"),
	})
}

func TestImportLeavesARegistrationAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.wantImport(t, header7+lux+",u-1\n", catalogue.Imported{Added: 1})
	parent := f.Parent(t)
	childID := f.childWithoutDevice(t, parent)
	registered, err := f.register(t.Context(), parent, childID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Devlogs.Upload(t.Context(), parent, []devlog.Record{{
		ChildUserID: childID, DeviceID: registered.ID, UniqueID: "the app's",
		TreatmentDate: "2025-02-14T15:48:49", FinishFlag: ptr(vocab.NormalShutdown), LogFileID: ptr(3),
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := f.device(t, "SL20401000")
	f.wantImport(t, header7+lux+",u-1\n", catalogue.Imported{Unchanged: 1})
	want.FirmwareVersion = "1.0.1"
	f.wantImport(t, header7+strings.Replace(lux, "1.0.0", "1.0.1", 1)+",u-2\n", catalogue.Imported{Updated: 1})
	if diff := diffDevices(want, f.device(t, "SL20401000")); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	if _, err := f.Children.UnregisterDevice(t.Context(), parent, childID, "the app's"); err != nil {
		t.Fatal(err)
	}
	f.wantImport(t, header7+strings.Replace(lux, "1.0.0", "1.0.1", 1)+",u-2\n", catalogue.Imported{Updated: 1})
	if got := f.device(t, "SL20401000"); *got.UniqueID != "u-2" {
		t.Errorf("a free device keeps the unique id %q", *got.UniqueID)
	}
}

// TestFreeDeviceGivesItsUniqueIDBack: one that a phone has set, or an older file, while the
// lines that are right are loaded.
func TestFreeDeviceGivesItsUniqueIDBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.wantImport(t, header6+lux+"\n", catalogue.Imported{Added: 1})
	parent := f.Parent(t)
	childID := f.childWithoutDevice(t, parent)
	if _, err := f.register(t.Context(), parent, childID); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Children.UnregisterDevice(t.Context(), parent, childID, "the app's"); err != nil {
		t.Fatal(err)
	}
	f.wantImport(t, header7+addnox+",the app's\n", catalogue.Imported{Added: 1})
	f.wantUniqueIDs(t, map[string]*string{"SL20401000": nil, "AD20401000": ptr("the app's")})

	// The file names the bearer too, before or after the line that gets its id.
	f.wantImport(t, header7+lux+",u-1\n"+addnox+",u-2\n", catalogue.Imported{Updated: 2})
	f.wantImport(t, header7+lux+",u-2\n"+addnox+",u-3\n", catalogue.Imported{Updated: 2})
	f.wantImport(t, header7+lux+",u-4\n"+addnox+",u-2\n", catalogue.Imported{Updated: 2})
	f.wantUniqueIDs(t, map[string]*string{"SL20401000": ptr("u-4"), "AD20401000": ptr("u-2")})
	// Two devices exchange theirs.
	f.wantImport(t, header7+lux+",u-2\n"+addnox+",u-4\n", catalogue.Imported{Updated: 2})
	f.wantUniqueIDs(t, map[string]*string{"SL20401000": ptr("u-2"), "AD20401000": ptr("u-4")})
	f.wantImport(t, header7+lux+",u-2\n"+addnox+",u-4\n", catalogue.Imported{Unchanged: 2})
}

// TestRegisteredDeviceKeepsItsUniqueID: the line that names it is reported and stored
// without it, whether its device is new, free or somebody's, and the rest of the file is
// loaded.
func TestRegisteredDeviceKeepsItsUniqueID(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.wantImport(t, header7+lux+",u-1\n", catalogue.Imported{Added: 1})
	parent := f.Parent(t)
	childID := f.childWithoutDevice(t, parent)
	if _, err := f.register(t.Context(), parent, childID); err != nil {
		t.Fatal(err)
	}
	const other = "AD20401001,00:80:E1:27:4C:86,4,5,6,2.1.0"
	file := header7 + addnox + ",the app's\n" + other + ",u-9\n"
	conflict := []catalogue.LineError{{Line: 2, Reason: "stored without the unique_id the app's, which device SL20401000 has, and somebody has that device"}}
	f.wantImport(t, file, catalogue.Imported{Added: 2, Conflicts: conflict})
	f.wantImport(t, file, catalogue.Imported{Unchanged: 2, Conflicts: conflict})
	f.wantUniqueIDs(t, map[string]*string{"SL20401000": ptr("the app's"), "AD20401000": nil, "AD20401001": ptr("u-9")})
	f.wantImport(t, header7+addnox+",u-2\n", catalogue.Imported{Updated: 1})
	f.wantImport(t, strings.ReplaceAll(file, "2.1.0", "2.1.1"), catalogue.Imported{Updated: 2, Conflicts: conflict})
	f.wantUniqueIDs(t, map[string]*string{"SL20401000": ptr("the app's"), "AD20401000": ptr("u-2"), "AD20401001": ptr("u-9")})
	if d := f.device(t, "AD20401000"); d.FirmwareVersion != "2.1.1" {
		t.Errorf("the rest of the line isn't stored: %v", d)
	}
	if d := f.device(t, "SL20401000"); d.ChildUserID == nil || *d.ChildUserID != childID {
		t.Errorf("the registration became %v", d)
	}

	// A device that somebody has keeps its own unique id: nothing is to be reported.
	sister := f.childWithoutDevice(t, parent)
	if _, err := f.Children.RegisterDevice(t.Context(), parent, sister, child.DeviceParams{SerialCode: "AD20401000", MacID: "4C85"}); err != nil {
		t.Fatal(err)
	}
	f.wantImport(t, strings.ReplaceAll(file, "2.1.0", "2.1.1"), catalogue.Imported{Unchanged: 2})
	if _, err := f.Children.UnregisterDevice(t.Context(), parent, sister, "u-2"); err != nil {
		t.Fatal(err)
	}

	// Unregistered, it gives the unique id back.
	if _, err := f.Children.UnregisterDevice(t.Context(), parent, childID, "the app's"); err != nil {
		t.Fatal(err)
	}
	f.wantImport(t, strings.ReplaceAll(file, "2.1.0", "2.1.1"), catalogue.Imported{Updated: 1, Unchanged: 1})
	f.wantUniqueIDs(t, map[string]*string{"SL20401000": nil, "AD20401000": ptr("the app's"), "AD20401001": ptr("u-9")})
}

func (f *fixture) wantUniqueIDs(t *testing.T, want map[string]*string) {
	t.Helper()
	got := map[string]*string{}
	for serial := range want {
		got[serial] = f.device(t, serial).UniqueID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unique ids (-want +got):\n%s", diff)
	}
}

// TestUniqueIDsMoveAcrossBatches shifts the unique ids of a long file by one device.
func TestUniqueIDsMoveAcrossBatches(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	shifted := func(by int) string {
		var file strings.Builder
		file.WriteString(header7)
		for i := range 1200 {
			fmt.Fprintf(&file, "SL%06d,00:80:E1:00:%02X:%02X,1,2,3,1.0.0,u-%d\n", i, i>>8, i&255, (i+by)%1200)
		}
		return file.String()
	}
	f.wantImport(t, shifted(0), catalogue.Imported{Added: 1200})
	for _, by := range []int{1, 1199, 600} {
		f.wantImport(t, shifted(by), catalogue.Imported{Updated: 1200})
		f.wantImport(t, shifted(by), catalogue.Imported{Unchanged: 1200})
	}
}

// TestImportRacesForAUniqueID: a file gives a unique id to one device while phones
// register another under it and unregister it. Both succeed, and one device bears it.
func TestImportRacesForAUniqueID(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.wantImport(t, header7+lux+",\n"+addnox+",u-0\n", catalogue.Imported{Added: 2})
	parent := f.Parent(t)
	childID := f.childWithoutDevice(t, parent)
	const requests = 16
	for _, err := range testutil.Concurrently(requests, func(i int) error {
		if i%2 == 0 {
			_, err := f.Catalogue.Import(t.Context(), strings.NewReader(header7+addnox+",the app's\n"))
			return err
		}
		if _, err := f.register(t.Context(), parent, childID); err != nil && !apperr.Is(err, apperr.AlreadyConnectedDevice) {
			return err
		}
		_, err := f.Children.UnregisterDevice(t.Context(), parent, childID, "the app's")
		if apperr.Is(err, apperr.NotFoundDevice) { // another request was faster
			return nil
		}
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	bearers, err := f.Store.Read().Device.Query().Where(device.UniqueID("the app's")).Count(t.Context())
	if err != nil || bearers != 1 {
		t.Errorf("%d devices have the unique id, %v", bearers, err)
	}
}

// TestImportRacesWithRegistration: the files name unique ids of their own, and the
// one of the registration stays, whichever is written first.
func TestImportRacesWithRegistration(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.wantImport(t, header7+lux+",u-0\n", catalogue.Imported{Added: 1})
	parent := f.Parent(t)
	childID := f.childWithoutDevice(t, parent)
	const requests = 16
	for _, err := range testutil.Concurrently(requests, func(i int) error {
		if i == requests/2 {
			_, err := f.register(t.Context(), parent, childID)
			return err
		}
		_, err := f.Catalogue.Import(t.Context(), strings.NewReader(fmt.Sprintf("%s%s,u-%d\n", header7, lux, i)))
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	if d := f.device(t, "SL20401000"); d.ChildUserID == nil || *d.ChildUserID != childID || *d.UniqueID != "the app's" {
		t.Errorf("the device is left as %v", d)
	}
}

func TestImportNamesTheBadLine(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.wantImport(t, header7+"STORED01,00:80:E1:27:4C:FF,1,2,3,1.0.0,stored\n", catalogue.Imported{Added: 1})
	good := header7 + addnox + ",u-0\n"
	for name, c := range map[string]struct {
		file   string
		line   int
		reason string
	}{
		"an empty file":             {"", 1, "empty"},
		"no header":                 {lux + "\n", 1, "header"},
		"a header in another order": {"mac,serial_code,project_id,hardware_id,firmware_id,firmware_version\n", 1, "header"},
		"a header of five":          {"serial_code,mac,project_id,hardware_id,firmware_id\n", 1, "header"},
		"a header of eight":         {strings.TrimSpace(header7) + ",more\n", 1, "header"},
		"a quote in the header":     {`serial_code,"mac` + "\n", 1, `"`},
		"a field too few":           {good + lux + "\n", 3, "6 fields instead of 7"},
		"a field too many":          {good + lux + ",u-1,\n", 3, "8 fields instead of 7"},
		"after a blank line":        {good + "\n" + lux + "\n", 4, "fields"},
		"a short serial code":       {good + "SL2,00:80:E1:27:4C:84,1,2,3,1.0.0,\n", 3, "serial_code"},
		"a serial code with a dash": {good + "SL-20401000,00:80:E1:27:4C:84,1,2,3,1.0.0,\n", 3, "serial_code"},
		"a broken MAC":              {good + "SL20401000,00:80:E1:27:4C:8G,1,2,3,1.0.0,\n", 3, "mac"},
		"a MAC of five":             {good + "SL20401000,00:80:E1:27:4C,1,2,3,1.0.0,\n", 3, "mac"},
		"no MAC":                    {good + "SL20401000,,1,2,3,1.0.0,\n", 3, "mac"},
		"a project in words":        {good + "SL20401000,00:80:E1:27:4C:84,one,2,3,1.0.0,\n", 3, "project_id"},
		"a hardware below 0":        {good + "SL20401000,00:80:E1:27:4C:84,1,-2,3,1.0.0,\n", 3, "hardware_id"},
		"a firmware too great":      {good + "SL20401000,00:80:E1:27:4C:84,1,2,2147483648,1.0.0,\n", 3, "firmware_id"},
		"no firmware version":       {good + "SL20401000,00:80:E1:27:4C:84,1,2,3,,\n", 3, "firmware_version"},
		"a long firmware version":   {good + "SL20401000,00:80:E1:27:4C:84,1,2,3," + strings.Repeat("1", 33) + ",\n", 3, "firmware_version"},
		"a long unique id":          {good + lux + "," + strings.Repeat("u", 256) + "\n", 3, "unique_id"},
		"a null character":          {good + lux + ",a\x00b\n", 3, "without control characters"},
		"a broken character":        {good + lux + ",\xff\n", 3, "UTF-8"},
		"a quote at the start":      {good + `S"L20401000,00:80:E1:27:4C:84,1,2,3,1.0.0,` + "\n", 3, `"`},
		"a quote in the middle":     {good + `SL20401000,00:80"E1:27:4C:84,1,2,3,1.0.0,` + "\n", 3, `"`},
		"a quote without an end":    {good + `"SL20401000`, 3, `"`},
		"the serial code again":     {good + "AD20401000,00:80:E1:27:4C:84,1,2,3,1.0.0,\n", 3, "serial_code AD20401000 stands in line 2"},
		"the MAC again":             {good + "SL20401000,00:80:e1:27:4c:85,1,2,3,1.0.0,\n", 3, "mac 00:80:E1:27:4C:85 stands in line 2"},
		"the unique id again":       {good + lux + ",u-0\n", 3, "unique_id u-0 stands in line 2"},
		"another device's MAC":      {good + "SL20401000,00:80:E1:27:4C:FF,1,2,3,1.0.0,\n", 3, "device STORED01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := f.Catalogue.Import(t.Context(), strings.NewReader(c.file))
			var bad *catalogue.LineError
			if !errors.As(err, &bad) || bad.Line != c.line || !strings.Contains(bad.Reason, c.reason) {
				t.Errorf("got %v, want line %d: …%s…", err, c.line, c.reason)
			}
			if n := f.Store.Read().Device.Query().CountX(t.Context()); n != 1 {
				t.Errorf("a refused file leaves %d devices, want 1", n)
			}
		})
	}
}

// TestImportTakesManyLines has more lines than a batch, and a wrong one at the end.
func TestImportTakesManyLines(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var file strings.Builder
	file.WriteString(header7)
	for i := range 1200 {
		fmt.Fprintf(&file, "SL%06d,00:80:E1:00:%02X:%02X,1,2,3,1.0.0,u-%d\n", i, i>>8, i&255, i)
	}
	_, err := f.Catalogue.Import(t.Context(), strings.NewReader(file.String()+"bad\n"))
	var bad *catalogue.LineError
	if !errors.As(err, &bad) || bad.Line != 1202 {
		t.Errorf("got %v, want line 1202", err)
	}
	f.wantImport(t, file.String(), catalogue.Imported{Added: 1200})
	f.wantImport(t, file.String(), catalogue.Imported{Unchanged: 1200})
	// The last line conflicts with a stored device: nothing of the earlier batches stays.
	_, err = f.Catalogue.Import(t.Context(), strings.NewReader(
		strings.ReplaceAll(file.String(), "1.0.0", "2.0.0")+"SLNEW1,00:80:E1:01:00:00,1,2,3,1.0.0,u-1201\n"+"SL000000,00:80:E1:00:00:01,1,2,3,1.0.0,\n"))
	if !errors.As(err, &bad) {
		t.Errorf("got %v, want a line", err)
	}
	f.wantImport(t, file.String(), catalogue.Imported{Unchanged: 1200})
}

func TestImportGivesTheReadersError(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	broken := errors.New("the disk is gone")
	for _, before := range []string{"", header6, header6 + lux + "\n", header6 + `"SL`} {
		file := io.MultiReader(strings.NewReader(before), iotest.ErrReader(broken))
		if _, err := f.Catalogue.Import(t.Context(), file); !errors.Is(err, broken) {
			t.Errorf("after %q: %v", before, err)
		}
	}
	if diff := cmp.Diff(domaintest.Counts{}, f.Count(t)); diff != "" {
		t.Error(diff)
	}
}

func diffDevices(want, got *ent.Device) string {
	return cmp.Diff(want, got, cmpopts.IgnoreUnexported(ent.Device{}), cmpopts.IgnoreFields(ent.Device{}, "Edges"))
}

func ptr[T any](value T) *T { return &value }

// FuzzImport holds that any file is either imported whole, and the second time
// without a change, or refused with the number of a line that it has.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{
		"", header6, header7, "\ufeff" + header6 + lux, "\ufeff\"" + header6, header7 + lux + ",u-1\n" + addnox + ",\n",
		header6 + `S"L`, header6 + "\"SL\n\n", header6 + "\r", header7 + lux + ",\xff\n", header6 + lux + "\n\x00",
	} {
		f.Add(seed)
	}
	kit := domaintest.New(storetest.Open(f))
	f.Fuzz(func(t *testing.T, file string) {
		first, err := kit.Catalogue.Import(t.Context(), strings.NewReader(file))
		var bad *catalogue.LineError
		if errors.As(err, &bad) {
			if lines := strings.Count(file, "\n") + 2; bad.Line < 1 || bad.Line > lines {
				t.Errorf("%v, of %d lines", err, lines)
			}
			return
		}
		if err != nil {
			t.Fatalf("import %q: %v", file, err)
		}
		again, err := kit.Catalogue.Import(t.Context(), strings.NewReader(file))
		if want := (catalogue.Imported{Unchanged: first.Added + first.Updated + first.Unchanged}); err != nil || !cmp.Equal(want, again) {
			t.Errorf("again %+v, %v, want %+v", again, err, want)
		}
	})
}
