package catalogue_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/catalogue"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// series is a file of n devices, the i-th with the MAC of mac(i).
func series(n int, mac func(i int) int) string {
	var file strings.Builder
	file.WriteString(header6)
	for i := range n {
		fmt.Fprintf(&file, "SL%06d,00:80:E1:00:%02X:%02X,1,2,3,1.0.0\n", i, mac(i)>>8, mac(i)&255)
	}
	return file.String()
}

func same(i int) int { return i }

// TestMACsMoveBetweenDevicesOfAFile: two devices exchange theirs, each of many takes that
// of the next one or of the one before, and a device gets a new one and leaves its own to
// another.
func TestMACsMoveBetweenDevicesOfAFile(t *testing.T) {
	t.Parallel()
	const n = 1200
	for name, move := range map[string]struct {
		mac     func(i int) int
		updated int
	}{
		"two exchange theirs":        {func(i int) int { return i ^ 1 }, n},
		"those at both ends do":      {func(i int) int { return n - 1 - i }, n},
		"each takes the next one's":  {func(i int) int { return i + 1 }, n},
		"each takes the last one's":  {func(i int) int { return (i + n) % (n + 1) }, n},
		"a circle longer than steps": {func(i int) int { return shift(i, 900) }, 900},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.wantImport(t, series(n, same), catalogue.Imported{Added: n})
			f.wantImport(t, series(n, move.mac), catalogue.Imported{Updated: move.updated, Unchanged: n - move.updated})
			f.wantImport(t, series(n, move.mac), catalogue.Imported{Unchanged: n})
			if d := f.device(t, "SL000000"); d.MACID != fmt.Sprintf("00:80:E1:00:%02X:%02X", move.mac(0)>>8, move.mac(0)&255) {
				t.Errorf("the first device has the MAC %s", d.MACID)
			}
		})
	}
}

// shift moves the first numbers round in a circle.
func shift(i, circle int) int {
	if i < circle {
		return (i + 1) % circle
	}
	return i
}

func TestACircleOfTooManyMACsRefusesTheFile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.wantImport(t, series(1100, same), catalogue.Imported{Added: 1100})
	_, err := f.Catalogue.Import(t.Context(), strings.NewReader(series(1100, func(i int) int { return shift(i, 1001) })))
	var bad *catalogue.LineError
	if !errors.As(err, &bad) || bad.Line != 2 || !strings.Contains(bad.Reason, "1000 other devices") {
		t.Errorf("got %v", err)
	}
	f.wantImport(t, series(1100, same), catalogue.Imported{Unchanged: 1100})
}

// TestImportStopsWhereAnotherTookAMAC: the first line is stored, the other names its
// line, and once more the whole file is refused.
func TestImportStopsWhereAnotherTookAMAC(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	file := header6 + lux + "\n" + addnox + "\n"
	importer := f.importerWithSteps(func() {
		f.wantImport(t, header6+strings.Replace(addnox, "AD20401000", "OTHER1", 1)+"\n", catalogue.Imported{Added: 1})
	})
	done, err := importer.Import(t.Context(), strings.NewReader(file))
	var stopped *catalogue.StoppedError
	var bad *catalogue.LineError
	if !errors.As(err, &stopped) || stopped.Written != 1 || stopped.Of != 2 || !errors.As(err, &bad) || bad.Line != 3 ||
		!strings.Contains(err.Error(), "import the file again: line 3: the mac is that of device OTHER1") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(catalogue.Imported{Added: 1}, done); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	var refused *catalogue.FileError
	if _, err := importer.Import(t.Context(), strings.NewReader(file)); !errors.As(err, &refused) {
		t.Errorf("again: %v", err)
	}
	if d := f.device(t, "SL20401000"); d.MACID != "00:80:E1:27:4C:84" {
		t.Errorf("the first line is stored as %v", d)
	}
}

// TestPhoneRegistersDuringAnImport under the unique id of a line that comes later, a
// device whose own line comes later: it keeps its unique id, and the line is reported.
func TestPhoneRegistersDuringAnImport(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.wantImport(t, header7+lux+",u-1\n", catalogue.Imported{Added: 1})
	parent := f.Parent(t)
	childID := f.childWithoutDevice(t, parent)
	importer := f.importerWithSteps(func() {
		if _, err := f.register(t.Context(), parent, childID); err != nil {
			t.Error(err)
		}
	})
	done, err := importer.Import(t.Context(), strings.NewReader(
		header7+"FIRST1,00:80:E1:27:4C:01,1,2,3,1.0.0,\n"+addnox+",the app's\n"+strings.Replace(lux, "1.0.0", "1.0.1", 1)+",u-2\n"))
	if err != nil || done.Added != 2 || done.Updated != 1 || len(done.Conflicts) != 1 || done.Conflicts[0].Line != 3 {
		t.Errorf("got %+v, %v", done, err)
	}
	f.wantUniqueIDs(t, map[string]*string{"SL20401000": ptr("the app's"), "AD20401000": nil})
}

// importerWithSteps writes a line at a time and calls between after the first.
func (f *fixture) importerWithSteps(between func()) *catalogue.Importer {
	return catalogue.New(catalogue.Config{Store: f.Store, Clock: f.Clock.Now, StepLines: 1, Progress: func(p catalogue.Progress) {
		if p.Phase == catalogue.Writing && p.Lines == 1 {
			between()
		}
	}})
}

// TestImportsRace has several imports write one file, some of them from its end, in small
// steps: all succeed, and it is stored once.
func TestImportsRace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	lines := strings.SplitAfter(series(60, same), "\n")
	lines = lines[1 : len(lines)-1]
	forward := header6 + strings.Join(lines, "")
	slices.Reverse(lines)
	backward := header6 + strings.Join(lines, "")
	added := make([]int, 6)
	for _, err := range testutil.Concurrently(len(added), func(i int) error {
		file := forward
		if i%2 == 1 {
			file = backward
		}
		done, err := f.importUntil(t, 2, 0, file)
		added[i] = done.Added
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	total := 0
	for _, n := range added {
		total += n
	}
	if total != 60 {
		t.Errorf("%d devices were added, want 60", total)
	}
	f.wantImport(t, forward, catalogue.Imported{Unchanged: 60})
}

// TestImportReadsByIndex holds how many statements an import takes, and that each finds
// its rows by an index.
func TestImportReadsByIndex(t *testing.T) {
	t.Parallel()
	db, statements := storetest.OpenRecording(t, "list(value)")
	f := &fixture{domaintest.New(db)}
	withIDs := func(version string, by int) string {
		file := header7
		for i := range 1200 {
			file += fmt.Sprintf("SL%06d,00:80:E1:00:%02X:%02X,1,2,3,%s,u-%d\n", i, (i^by)>>8, (i^by)&255, version, (i+by)%1200)
		}
		return file
	}
	f.wantImport(t, withIDs("1.0.0", 0), catalogue.Imported{Added: 1200})
	for _, c := range []struct {
		name, file string
		most       int
	}{
		{"the same again", withIDs("1.0.0", 0), 2},
		{"all changed", withIDs("1.0.1", 0), 2 + 3*5},
	} {
		ctx, counter := store.CountStatements(t.Context())
		if _, err := f.Catalogue.Import(ctx, strings.NewReader(c.file)); err != nil {
			t.Fatal(err)
		}
		if counter.N() > c.most {
			t.Errorf("%s: %d statements, want at most %d", c.name, counter.N(), c.most)
		}
	}
	// MACs and unique ids move as well.
	f.wantImport(t, withIDs("1.0.1", 1), catalogue.Imported{Updated: 1200})
	primaryKey := "INTEGER PRIMARY KEY"
	if strings.HasPrefix(os.Getenv("LUXBFF_TEST_DATABASE_URL"), "postgres") {
		primaryKey = "devices_pkey"
	}
	slices.Sort(*statements)
	seen := slices.Compact(*statements)
	if len(seen) != 7 {
		t.Errorf("an import has %d statements with a list", len(seen))
	}
	for _, statement := range seen {
		wanted := []string{primaryKey}
		for column, index := range map[string]string{
			"serial_code = value": "device_serial_code", "mac_id = value->>1 UNION": "device_mac_id", "unique_id = value->>2": "device_unique_id",
		} {
			if strings.Contains(statement, column) {
				wanted = append(wanted, index)
			}
		}
		if len(wanted) > 1 {
			wanted = wanted[1:]
		}
		plan := storetest.Explain(t, db, statement, `[["SL000001", "00:80:E1:00:00:01", "u-1"]]`)
		for _, index := range wanted {
			if !strings.Contains(plan, index) || strings.Contains(plan, "SCAN devices") {
				t.Errorf("%s\nhas this plan, without %s:\n%s", statement, index, plan)
			}
		}
	}
}

// TestImportSaysWhatAFileIsInstead of CSV in UTF-8.
func TestImportSaysWhatAFileIsInstead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	wide := func(order func([]byte, uint16) []byte, mark string) (file string) {
		var encoded []byte
		for _, unit := range utf16.Encode([]rune(mark + header6 + lux + "\n")) {
			encoded = order(encoded, unit)
		}
		return string(encoded)
	}
	little := func(b []byte, u uint16) []byte { return append(b, byte(u), byte(u>>8)) }
	big := func(b []byte, u uint16) []byte { return append(b, byte(u>>8), byte(u)) }
	for name, c := range map[string][2]string{
		"UTF-16, little endian": {wide(little, "\ufeff"), "UTF-16"},
		"UTF-16, big endian":    {wide(big, "\ufeff"), "UTF-16"},
		"UTF-16 without a mark": {wide(big, ""), "UTF-16"},
		"gzip":                  {"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "gzip"},
		"a workbook":            {"PK\x03\x04\x14\x00\x06\x00", "workbook"},
	} {
		_, err := f.Catalogue.Import(t.Context(), strings.NewReader(c[0]))
		var bad *catalogue.LineError
		if !errors.As(err, &bad) || bad.Line != 1 || !strings.Contains(bad.Reason, c[1]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestImportNamesTheFirstWrongLinesAndCountsTheOthers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.wantImport(t, header6+lux+"\n", catalogue.Imported{Added: 1})
	_, err := f.Catalogue.Import(t.Context(), strings.NewReader(header6+strings.Repeat("bad\n"+addnox+"\n", 20)))
	var refused *catalogue.FileError
	if !errors.As(err, &refused) || len(refused.Lines) != 10 || refused.More != 29 {
		t.Fatalf("got %v", err)
	}
	text := err.Error()
	for _, want := range []string{"line 2: 1 fields", "line 5: serial_code AD20401000 stands in line 3 already", "29 more wrong lines", "nothing of the file is stored"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
	// So are those that only the database shows.
	_, err = f.Catalogue.Import(t.Context(), strings.NewReader(header6+"OTHER1,00:80:E1:27:4C:84,1,2,3,1.0.0\n"+addnox+"\n"))
	if !errors.As(err, &refused) || len(refused.Lines) != 1 || !strings.Contains(err.Error(), "line 2: the mac is that of device SL20401000") {
		t.Errorf("got %v", err)
	}
	f.wantImport(t, header6+lux+"\n", catalogue.Imported{Unchanged: 1})
}

// endless repeats a text for ever, and counts what is read of it.
type endless struct {
	text string
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.text)
	e.read += n
	return n, nil
}

// TestALineWithoutEndIsRefused after a bounded part of it was read.
func TestALineWithoutEndIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, begin := range []string{"", `"`, lux + "\n" + `"`} {
		rest := &endless{text: "0123456789\n,"}
		if begin == "" {
			rest.text = "0123456789"
		}
		_, err := f.Catalogue.Import(t.Context(), io.MultiReader(strings.NewReader(header6+begin), rest))
		var bad *catalogue.LineError
		if want := 2 + bytes.Count([]byte(begin), []byte("\n")); !errors.As(err, &bad) || bad.Line != want || !strings.Contains(bad.Reason, "longer than 1 MiB") {
			t.Errorf("after %q: %v", begin, err)
		}
		if rest.read > 2<<20 {
			t.Errorf("after %q: %d bytes were read", begin, rest.read)
		}
	}
}

// TestImportWaitsForALockedFile: another program holds the write lock for longer than
// SQLite waits for it, until the import logs that it tries again.
func TestImportWaitsForALockedFile(t *testing.T) {
	t.Parallel()
	url := storetest.SQLiteURL(t)
	other, err := sql.Open("sqlite", strings.TrimPrefix(url, "file:"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	other.SetMaxOpenConns(1)
	if _, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	retries := 0
	release := func() {
		if retries++; retries == 1 {
			if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
				t.Error(err)
			}
		}
	}
	importer := catalogue.New(catalogue.Config{
		Store: storetest.OpenAt(t, url), Clock: testutil.NewClock(time.Unix(0, 0)).Now, Log: slog.New(onRecord{slog.DiscardHandler, release}),
	})
	done, err := importer.Import(t.Context(), strings.NewReader(header6+lux+"\n"))
	if err != nil || done.Added != 1 || retries != 1 {
		t.Errorf("got %+v after %d retries, %v", done, retries, err)
	}
}

// onRecord calls a function for each record.
type onRecord struct {
	slog.Handler
	call func()
}

func (h onRecord) Enabled(context.Context, slog.Level) bool { return true }

func (h onRecord) Handle(context.Context, slog.Record) error {
	h.call()
	return nil
}
