// Package catalogue holds the devices that exist, as the factory lists them: it
// imports the factory's CSV files. Who has a device is the business of
// internal/child. It imports neither gqlgen nor net/http.
package catalogue

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"luxbff/ent"
	"luxbff/ent/device"
	"luxbff/internal/store"
)

// batchSize is how many lines are compared with the database and written at a
// time: a statement of SQLite takes at most 32,766 values, and a new device brings
// eleven.
const batchSize = 500

// Importer writes the devices of a file into the database.
type Importer struct {
	store *store.Store
	clock func() time.Time
}

// New makes an importer. The clock says when a device came into the catalogue.
func New(db *store.Store, clock func() time.Time) *Importer {
	return &Importer{store: db, clock: clock}
}

// Imported counts what a file changed. Conflicts are the lines that are stored without
// their unique id, because another device that somebody has bears it.
type Imported struct {
	Added, Updated, Unchanged int
	Conflicts                 []LineError
}

// Import stores the devices of a file, all of them or none. A device whose serial
// code is stored already is updated. Who has it doesn't change, and while
// somebody has it, its unique id doesn't either: the app may have set that one
// when it registered the device.
//
// An app may also have registered a device under a unique id that the factory has given
// to another. If nobody has that device now, it gives the unique id back. If somebody has
// it, it keeps it: his app knows the device by it. Errors: *LineError.
func (i *Importer) Import(ctx context.Context, file io.Reader) (Imported, error) {
	entries, err := readFile(file)
	if err != nil {
		return Imported{}, err
	}
	var done Imported
	err = i.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		done = Imported{} // PostgreSQL may run this again after a conflict.
		for batch := range slices.Chunk(slices.Clone(entries), batchSize) {
			if err := i.storeBatch(ctx, tx, batch, &done); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Imported{}, err
	}
	return done, nil
}

func (i *Importer) storeBatch(ctx context.Context, tx *store.Tx, batch []entry, done *Imported) error {
	stored, err := lockStoredDevices(ctx, tx, batch)
	if err != nil {
		return err
	}
	if err := stored.settleUniqueIDs(ctx, tx, batch, done); err != nil {
		return err
	}
	var added []*ent.DeviceCreate
	for _, e := range batch {
		// The database would refuse it as well, but without naming the line.
		if other := stored.byMAC[e.mac]; other != nil && other.SerialCode != e.serialCode {
			return &LineError{e.line, "the mac is that of device " + other.SerialCode}
		}
		d := stored.bySerialCode[e.serialCode]
		switch {
		case d == nil:
			added = append(added, e.create(tx, i.clock()))
		case e.changesNothing(d):
			done.Unchanged++
		default:
			if err := e.update(tx, d).Exec(ctx); err != nil {
				return fmt.Errorf("update device: %w", err)
			}
			done.Updated++
		}
	}
	if err := tx.Device.CreateBulk(added...).Exec(ctx); err != nil {
		return fmt.Errorf("add devices: %w", err)
	}
	done.Added += len(added)
	return nil
}

func (e entry) create(tx *store.Tx, now time.Time) *ent.DeviceCreate {
	return tx.Device.Create().
		SetSerialCode(e.serialCode).SetMACID(e.mac).
		SetProjectID(e.projectID).SetHardwareID(e.hardwareID).
		SetNowFirmwareID(e.firmwareID).SetFirmwareVersion(e.firmwareVersion).
		SetNillableUniqueID(e.uniqueID).SetCreatedAt(now)
}

func (e entry) update(tx *store.Tx, d *ent.Device) *ent.DeviceUpdate {
	change := tx.Device.Update().Where(device.ID(d.ID)).
		SetMACID(e.mac).SetProjectID(e.projectID).SetHardwareID(e.hardwareID).
		SetNowFirmwareID(e.firmwareID).SetFirmwareVersion(e.firmwareVersion)
	if d.ChildUserID == nil {
		change.SetNillableUniqueID(e.uniqueID)
	}
	return change
}

// changesNothing reports whether an update would leave the device as it is.
func (e entry) changesNothing(d *ent.Device) bool {
	return e.mac == d.MACID && e.projectID == d.ProjectID && e.hardwareID == d.HardwareID &&
		e.firmwareID == d.NowFirmwareID && e.firmwareVersion == d.FirmwareVersion &&
		(e.uniqueID == nil || d.ChildUserID != nil || d.UniqueID != nil && *d.UniqueID == *e.uniqueID)
}

// storedDevices are the devices in the database that share a serial code, a MAC
// id or a unique id with a line of the batch.
type storedDevices struct{ bySerialCode, byMAC, byUniqueID map[string]*ent.Device }

// lockStoredDevices reads the devices after it has locked them: whether somebody
// has a device decides what is written to it, and must not change in between.
func lockStoredDevices(ctx context.Context, tx *store.Tx, batch []entry) (storedDevices, error) {
	var serialCodes, macs, uniqueIDs []string
	for _, e := range batch {
		serialCodes, macs = append(serialCodes, e.serialCode), append(macs, e.mac)
		if e.uniqueID != nil {
			uniqueIDs = append(uniqueIDs, *e.uniqueID)
		}
	}
	ids, err := tx.Device.Query().Where(device.Or(
		device.SerialCodeIn(serialCodes...), device.MACIDIn(macs...), device.UniqueIDIn(uniqueIDs...),
	)).IDs(ctx)
	if err != nil {
		return storedDevices{}, fmt.Errorf("find devices: %w", err)
	}
	if err := tx.Lock(ctx, device.Table, ids...); err != nil {
		return storedDevices{}, err
	}
	found, err := tx.Device.Query().Where(device.IDIn(ids...)).All(ctx)
	if err != nil {
		return storedDevices{}, fmt.Errorf("read devices: %w", err)
	}
	stored := storedDevices{map[string]*ent.Device{}, map[string]*ent.Device{}, map[string]*ent.Device{}}
	for _, d := range found {
		stored.bySerialCode[d.SerialCode], stored.byMAC[d.MACID] = d, d
		if d.UniqueID != nil {
			stored.byUniqueID[*d.UniqueID] = d
		}
	}
	return stored, nil
}

// settleUniqueIDs settles where another device has the unique id of a line. One that
// nobody has gives it back, all of them in one statement before any line is written: two
// devices may exchange theirs. Where somebody has the other device, the line loses its
// unique id and is reported.
func (s storedDevices) settleUniqueIDs(ctx context.Context, tx *store.Tx, batch []entry, done *Imported) error {
	var givingBack []int
	for i, e := range batch {
		bearer := s.bearer(e)
		switch {
		case bearer == nil:
		case bearer.ChildUserID == nil:
			givingBack = append(givingBack, bearer.ID)
			bearer.UniqueID = nil
		default:
			batch[i].uniqueID = nil
			done.Conflicts = append(done.Conflicts, LineError{e.line, fmt.Sprintf(
				"stored without the unique_id %s, which device %s has, and somebody has that device", *e.uniqueID, bearer.SerialCode)})
		}
	}
	if len(givingBack) == 0 {
		return nil
	}
	if err := tx.Device.Update().Where(device.IDIn(givingBack...)).ClearUniqueID().Exec(ctx); err != nil {
		return fmt.Errorf("give unique ids back: %w", err)
	}
	return nil
}

// bearer returns another device that has the unique id which the entry would write; nil
// if there is none, or if the entry writes none because somebody has its device.
func (s storedDevices) bearer(e entry) *ent.Device {
	d := s.bySerialCode[e.serialCode]
	if e.uniqueID == nil || d != nil && d.ChildUserID != nil {
		return nil
	}
	bearer := s.byUniqueID[*e.uniqueID]
	if bearer == nil || bearer.SerialCode == e.serialCode {
		return nil
	}
	return bearer
}
