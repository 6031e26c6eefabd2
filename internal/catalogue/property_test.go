package catalogue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luxbff/internal/catalogue"
	"luxbff/internal/store"
)

// line is what a device of the property has: by its file, or in the database.
type line struct {
	MAC, Version string
	UniqueID     string // empty for none
	ChildID      int    // 0 where nobody has the device; a file says nothing of it
}

// TestInterruptedImportEndsTheSame holds for any catalogue with registrations and any
// file: an import that is stopped after any step leaves each device as it was or as the
// file has it, and run again ends as a simple model says.
func TestInterruptedImportEndsTheSame(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	parent := f.Parent(t)
	var children []int
	for range 3 {
		children = append(children, f.childWithoutDevice(t, parent))
	}
	rapid.Check(t, func(rt *rapid.T) {
		before, file := drawDevices(rt, "stored"), drawDevices(rt, "file")
		for i, serial := range sortedKeys(before) {
			if i < len(children) && rapid.Bool().Draw(rt, "taken "+serial) {
				d := before[serial]
				d.ChildID = children[i]
				before[serial] = d
			}
		}
		f.replaceDevices(t, before)
		serials := rapid.Permutation(sortedKeys(file)).Draw(rt, "order")
		want, conflicts, isRefused := model(before, file, serials)

		steps := rapid.IntRange(1, 3).Draw(rt, "lines of a step")
		_, err := f.importUntil(t, steps, rapid.IntRange(1, 4).Draw(rt, "stopped after"), text(file, serials))
		between := f.devices(t)
		if isRefused {
			var refused *catalogue.FileError
			if !errors.As(err, &refused) || !cmp.Equal(before, between) {
				rt.Fatalf("got %v and %v, want a refusal", err, between)
			}
			return
		}
		var stopped *catalogue.StoppedError
		if err != nil && (!errors.As(err, &stopped) || !errors.Is(err, context.Canceled)) {
			rt.Fatal(err)
		}
		checkBetween(rt, before, between, file)
		done, err := f.importUntil(t, steps, 0, text(file, serials))
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, f.devices(t)); diff != "" {
			rt.Fatalf("stored (-want +got):\n%s", diff)
		}
		var reported []int
		for _, c := range done.Conflicts {
			reported = append(reported, c.Line)
		}
		if !slices.Equal(reported, conflicts) {
			rt.Fatalf("reported the lines %v, want %v", reported, conflicts)
		}
	})
}

// drawDevices draws up to five devices, with names of their own out of few.
func drawDevices(rt *rapid.T, label string) map[string]line {
	devices := map[string]line{}
	serials := rapid.Permutation([]string{"SL01", "SL02", "SL03", "SL04", "SL05"}).Draw(rt, label+" serials")
	macs := rapid.Permutation([]string{"MAC1", "MAC2", "MAC3", "MAC4", "MAC5", "MAC6"}).Draw(rt, label+" macs")
	uniqueIDs := rapid.Permutation([]string{"u1", "u2", "u3", "u4", "", ""}).Draw(rt, label+" unique ids")
	for i := range rapid.IntRange(0, len(serials)).Draw(rt, label) {
		version := rapid.SampledFrom([]string{"1.0", "1.1"}).Draw(rt, label+" version")
		devices[serials[i]] = line{MAC: macs[i], Version: version, UniqueID: uniqueIDs[i]}
	}
	return devices
}

// model says what an import leaves, which lines it reports, and whether it refuses the
// file.
func model(before, file map[string]line, serials []string) (after map[string]line, conflicts []int, isRefused bool) {
	after = map[string]line{}
	macs, takenIDs := map[string]string{}, map[string]string{}
	for serial, d := range before {
		after[serial] = d
		macs[d.MAC] = serial
		if d.ChildID != 0 && d.UniqueID != "" {
			takenIDs[d.UniqueID] = serial
		}
	}
	for i, serial := range serials {
		wanted, d := file[serial], after[serial]
		if holder, found := macs[wanted.MAC]; found {
			if _, isListed := file[holder]; !isListed {
				return before, nil, true
			}
		}
		d.MAC, d.Version = wanted.MAC, wanted.Version
		if bearer, isTaken := takenIDs[wanted.UniqueID]; d.ChildID == 0 && isTaken && bearer != serial {
			conflicts = append(conflicts, i+2)
		} else if d.ChildID == 0 && wanted.UniqueID != "" {
			for other, its := range after {
				if its.UniqueID == wanted.UniqueID {
					its.UniqueID = ""
					after[other] = its
				}
			}
			d.UniqueID = wanted.UniqueID
		}
		after[serial] = d
	}
	return after, conflicts, false
}

// checkBetween holds that each line is written whole or not at all, and that a device
// that somebody has keeps its unique id.
func checkBetween(rt *rapid.T, before, between, file map[string]line) {
	for serial, d := range between {
		old, wasThere := before[serial]
		isOld := wasThere && d.MAC == old.MAC && d.Version == old.Version
		isNew := d.MAC == file[serial].MAC && d.Version == file[serial].Version
		if !isOld && !isNew || d.ChildID != old.ChildID || d.ChildID != 0 && d.UniqueID != old.UniqueID {
			rt.Fatalf("between two steps %s is %+v", serial, d)
		}
	}
	if len(between) < len(before) {
		rt.Fatalf("between two steps there are %v", between)
	}
}

// importUntil imports a file and is interrupted after so many steps, 0 for never.
func (f *fixture) importUntil(t *testing.T, stepLines, steps int, file string) (catalogue.Imported, error) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	importer := catalogue.New(catalogue.Config{
		Store: f.Store, Clock: f.Clock.Now, StepLines: stepLines,
		Progress: func(p catalogue.Progress) {
			if p.Phase == catalogue.Writing && p.Lines > 0 {
				if steps--; steps == 0 {
					cancel()
				}
			}
		},
	})
	return importer.Import(ctx, strings.NewReader(file))
}

func text(file map[string]line, serials []string) string {
	lines := header7
	for _, serial := range serials {
		lines += fmt.Sprintf("%s,%s,1,2,3,%s,%s\n", serial, file[serial].MAC, file[serial].Version, file[serial].UniqueID)
	}
	return lines
}

func sortedKeys(devices map[string]line) []string {
	keys := []string{}
	for serial := range devices {
		keys = append(keys, serial)
	}
	slices.Sort(keys)
	return keys
}

// replaceDevices makes these devices the whole catalogue.
func (f *fixture) replaceDevices(t *testing.T, devices map[string]line) {
	t.Helper()
	f.Write(t, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Device.Delete().Exec(ctx); err != nil {
			return err
		}
		for serial, d := range devices {
			create := tx.Device.Create().SetSerialCode(serial).SetMACID(d.MAC).SetProjectID(1).SetHardwareID(2).
				SetNowFirmwareID(3).SetFirmwareVersion(d.Version).SetCreatedAt(f.Clock.Now())
			if d.UniqueID != "" {
				create.SetUniqueID(d.UniqueID)
			}
			if d.ChildID != 0 {
				create.SetChildUserID(d.ChildID)
			}
			if err := create.Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// devices reads the whole catalogue.
func (f *fixture) devices(t *testing.T) map[string]line {
	t.Helper()
	found, err := f.Store.Read().Device.Query().All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	devices := map[string]line{}
	for _, d := range found {
		l := line{MAC: d.MACID, Version: d.FirmwareVersion}
		if d.UniqueID != nil {
			l.UniqueID = *d.UniqueID
		}
		if d.ChildUserID != nil {
			l.ChildID = *d.ChildUserID
		}
		devices[d.SerialCode] = l
	}
	return devices
}
